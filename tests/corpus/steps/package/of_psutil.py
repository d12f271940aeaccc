"""Ordinary steps over a package: psutil."""

import itertools

import psutil

N = itertools.count(1).__next__

STEPS = """
psutil_self: psutil.Process().memory_info().rss
psutil_children: psutil.Process().children()
psutil_cpu: psutil.cpu_times().user
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

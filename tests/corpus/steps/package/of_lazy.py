"""Ordinary steps over a package: lazy."""

import itertools

import lazy_object_proxy

N = itertools.count(1).__next__

STEPS = """
lazy_proxy: len(lazy_object_proxy.Proxy(lambda: [N()]))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: executing."""

import itertools

import executing

N = itertools.count(1).__next__

SOURCE = "def f(a, b=1):\n    return [a + b for _ in range(3)]\n"

STEPS = """
executing_source: executing.Source("<s>", SOURCE.splitlines(True)).tree
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: decorator."""

import itertools

import decorator

N = itertools.count(1).__next__

STEPS = """
decorator_call: decorator.decorate(len, lambda f, *a: f(*a))("abc")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: frozendict."""

import itertools

import frozendict

N = itertools.count(1).__next__

STEPS = """
frozendict_set: frozendict.frozendict(a=1).set("n", N())
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: funcy."""

import itertools

import funcy

N = itertools.count(1).__next__

STEPS = """
funcy_group: funcy.group_by(lambda v: v % 3, range(N() % 50))
funcy_merge: funcy.merge({"a": 1}, {f"k{N()}": 2})
funcy_retry: funcy.retry(3)(lambda: N())()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

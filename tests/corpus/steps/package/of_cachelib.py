"""Ordinary steps over a package: cachelib."""

import itertools

import cachelib

N = itertools.count(1).__next__

simple = cachelib.SimpleCache(threshold=300)

STEPS = """
cachelib_set: simple.set(f"k{N()}", [1])
cachelib_get: simple.get(f"k{N() % 100}")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

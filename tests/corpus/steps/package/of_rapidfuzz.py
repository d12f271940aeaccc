"""Ordinary steps over a package: rapidfuzz."""

import itertools

import rapidfuzz

N = itertools.count(1).__next__

STEPS = """
rapidfuzz_ratio: rapidfuzz.process.extractOne(f"word{N()}", ["ward", "sword", "lord"])
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

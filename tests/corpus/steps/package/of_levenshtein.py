"""Ordinary steps over a package: levenshtein."""

import itertools

import Levenshtein

N = itertools.count(1).__next__

STEPS = """
levenshtein: Levenshtein.distance("word", f"ward{N()}")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: deepdiff."""

import itertools

import deepdiff

N = itertools.count(1).__next__

STEPS = """
deepdiff_values: deepdiff.DeepDiff({"a": [1, 2]}, {"a": [1, N()]})
deepdiff_hash: deepdiff.DeepHash({"a": N()})
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

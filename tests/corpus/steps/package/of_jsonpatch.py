"""Ordinary steps over a package: jsonpatch."""

import itertools

import jsonpatch

N = itertools.count(1).__next__

STEPS = """
jsonpatch_apply: jsonpatch.make_patch({"a": 1}, {"a": N()}).apply({"a": 1})
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

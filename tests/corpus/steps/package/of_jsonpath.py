"""Ordinary steps over a package: jsonpath."""

import itertools

import jsonpath_ng

N = itertools.count(1).__next__

jsonpath = jsonpath_ng.parse("$.a[*].n")

STEPS = """
jsonpath_find: jsonpath.find({"a": [{"n": N()}, {"n": 2}]})
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: jsonpointer."""

import itertools

import jsonpointer

N = itertools.count(1).__next__

STEPS = """
jsonpointer_get: jsonpointer.resolve_pointer({"a": {"b": N()}}, "/a/b")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

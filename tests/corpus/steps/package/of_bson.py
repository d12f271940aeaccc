"""Ordinary steps over a package: bson."""

import itertools

import bson

N = itertools.count(1).__next__

STEPS = """
bson_encode: bson.decode(bson.encode({"n": N(), "a": [1, {"b": "c"}]}))
bson_object_id: bson.ObjectId().generation_time
bson_regex: bson.decode(bson.encode({"r": bson.Regex(f"a{N()}")}))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

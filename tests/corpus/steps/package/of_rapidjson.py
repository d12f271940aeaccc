"""Ordinary steps over a package: rapidjson."""

import itertools

import rapidjson

N = itertools.count(1).__next__

STEPS = """
rapidjson_dump: rapidjson.loads(rapidjson.dumps({"n": N()}))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

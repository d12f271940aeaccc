"""Ordinary steps over a package: uuid."""

import itertools
import uuid

import orjson

N = itertools.count(1).__next__

STEPS = """
uuid_in_json: orjson.dumps({"u": uuid.uuid4()})
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

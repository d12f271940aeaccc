"""Ordinary steps over a package: ujson."""

import itertools

import ujson

N = itertools.count(1).__next__

STEPS = """
ujson_dump: ujson.loads(ujson.dumps({"n": N(), "l": [1.5, None]}))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

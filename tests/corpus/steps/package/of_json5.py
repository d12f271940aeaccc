"""Ordinary steps over a package: json5."""

import itertools

import json5

N = itertools.count(1).__next__

STEPS = """
json5_load: json5.loads("{a: %d, /* c */ b: [1,]}" % N())
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

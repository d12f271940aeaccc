"""Ordinary steps over a package: construct."""

import itertools

import construct

N = itertools.count(1).__next__

packet = construct.Struct(
    "n" / construct.Int32ub, "s" / construct.PascalString(construct.Byte, "ascii")
)

STEPS = """
construct_build: packet.parse(packet.build({"n": N(), "s": "a"}))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

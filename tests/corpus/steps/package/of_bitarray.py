"""Ordinary steps over a package: bitarray."""

import itertools

import bitarray

N = itertools.count(1).__next__

STEPS = """
bitarray_ops: bitarray.bitarray(200).count() + bitarray.bitarray("1010").find(1)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

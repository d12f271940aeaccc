"""Ordinary steps over a package: lz4."""

import itertools

import lz4.frame

N = itertools.count(1).__next__

STEPS = """
lz4_frame: lz4.frame.decompress(lz4.frame.compress(b"x" * (N() % 999)))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

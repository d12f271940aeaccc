"""Ordinary steps over a package: snappy."""

import itertools

import snappy

N = itertools.count(1).__next__

STEPS = """
snappy_round: snappy.uncompress(snappy.compress(b"x" * (N() % 999)))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

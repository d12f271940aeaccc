"""Ordinary steps over a package: bidict."""

import itertools

import bidict

N = itertools.count(1).__next__

pairs = bidict.bidict()

STEPS = """
bidict_turnover: pairs.forceput(N() % 50, N())
bidict_inverse: bidict.bidict({N(): "a"}).inverse["a"]
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: asn1."""

import itertools

import asn1crypto.core

N = itertools.count(1).__next__


class Sequence(asn1crypto.core.Sequence):
    _fields = [("n", asn1crypto.core.Integer), ("s", asn1crypto.core.UTF8String)]


STEPS = """
asn1_dump: Sequence.load(Sequence({"n": N(), "s": "a"}).dump()).native
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

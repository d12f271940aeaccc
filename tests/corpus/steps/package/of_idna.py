"""Ordinary steps over a package: idna."""

import itertools

import idna

N = itertools.count(1).__next__

STEPS = """
idna_encode: idna.encode(f"b\\u00fccher{N()}.example")
idna_decode: idna.decode(f"xn--bcher-kva.n{N()}.example")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

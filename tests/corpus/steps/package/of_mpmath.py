"""Ordinary steps over a package: mpmath."""

import itertools

import mpmath

N = itertools.count(1).__next__

STEPS = """
mpmath_sqrt: mpmath.sqrt(N())
mpmath_quad: mpmath.quad(lambda t: t * N(), [0, 1])
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

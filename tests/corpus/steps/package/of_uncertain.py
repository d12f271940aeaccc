"""Ordinary steps over a package: uncertain."""

import itertools

import uncertainties

N = itertools.count(1).__next__

STEPS = """
uncertain_sum: uncertainties.ufloat(N(), 0.1) * 2
uncertain_linked: sum(uncertainties.ufloat(i, 0.1) for i in range(5)) + N()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

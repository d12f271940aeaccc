"""Ordinary steps over a package: sympy."""

import itertools

import sympy

N = itertools.count(1).__next__

x, y = sympy.symbols("x y")

STEPS = """
sympy_expand: sympy.expand((x + N()) ** 2)
sympy_solve: sympy.solve(x**2 - N() % 30, x)
sympy_diff: sympy.diff(sympy.sin(x) * x**(N() % 20), x)
sympy_simplify: sympy.simplify((x**2 - 1) / (x - 1))
sympy_symbol: sympy.Symbol(f"s{N()}") + 1
sympy_matrix: sympy.Matrix([[1, N()], [3, 4]]).det()
sympy_text: sympy.sympify(f"x**2 + {N()}")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

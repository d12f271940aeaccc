"""Ordinary steps over a package: ast."""

import ast
import itertools

N = itertools.count(1).__next__

STEPS = """
ast_unparse: ast.unparse(ast.parse(f"x = {N()}"))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

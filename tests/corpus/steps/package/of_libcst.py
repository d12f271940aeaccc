"""Ordinary steps over a package: libcst."""

import itertools

import libcst

N = itertools.count(1).__next__

SOURCE = "def f(a, b=1):\n    return [a + b for _ in range(3)]\n"

STEPS = """
libcst_parse: libcst.parse_module(f"x = {N()}\\n").code
libcst_visit: libcst.parse_module(SOURCE).visit(libcst.CSTTransformer())
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: jedi."""

import itertools

import jedi

N = itertools.count(1).__next__

SOURCE = "def f(a, b=1):\n    return [a + b for _ in range(3)]\n"

STEPS = """
jedi_references: jedi.Script(SOURCE).get_context(1)
jedi_names: jedi.Script(SOURCE).get_names()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

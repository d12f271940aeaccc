"""Ordinary steps over a package: astroid."""

import itertools

import astroid

N = itertools.count(1).__next__

SOURCE = "def f(a, b=1):\n    return [a + b for _ in range(3)]\n"

STEPS = """
astroid_parse: astroid.parse(SOURCE)
astroid_text: astroid.extract_node(f"1 + {N()}").as_string()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: parso."""

import itertools

import parso

N = itertools.count(1).__next__

STEPS = """
parso_parse: parso.parse(f"x = {N()}\\n").children
parso_errors: list(parso.load_grammar().iter_errors(parso.parse(f"x = = {N()}\\n")))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

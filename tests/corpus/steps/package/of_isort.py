"""Ordinary steps over a package: isort."""

import itertools

import isort

N = itertools.count(1).__next__

STEPS = """
isort_code: isort.code(f"import b\\nimport a{N()}\\n")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: chardet."""

import itertools

import chardet

N = itertools.count(1).__next__

STEPS = """
chardet_detect: chardet.detect(f"caf\\u00e9 {N()}".encode())
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: charset."""

import itertools

import charset_normalizer

N = itertools.count(1).__next__

STEPS = """
charset_best: charset_normalizer.from_bytes(f"stra\\u00dfe {N()} und mehr".encode("utf-8")).best()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

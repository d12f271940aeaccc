"""Ordinary steps over a package: unidecode."""

import itertools

from text_unidecode import unidecode

N = itertools.count(1).__next__

STEPS = """
unidecode_text: unidecode(f"stra\\u00dfe {N()}")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

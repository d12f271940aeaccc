"""Ordinary steps over a package: inflect."""

import itertools

import inflect

N = itertools.count(1).__next__

engine = inflect.engine()

STEPS = """
inflect_plural: engine.plural("box", N() % 3)
inflect_words: engine.number_to_words(N())
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

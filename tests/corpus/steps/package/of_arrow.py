"""Ordinary steps over a package: arrow."""

import itertools

import arrow

N = itertools.count(1).__next__

STEPS = """
arrow_parse: arrow.get(f"2024-01-{N() % 28 + 1:02d}").shift(days=N() % 40)
arrow_human: arrow.utcnow().shift(hours=-N() % 90).humanize()
arrow_zone: arrow.get(N()).to("Europe/Paris").isoformat()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

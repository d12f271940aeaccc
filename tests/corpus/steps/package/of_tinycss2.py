"""Ordinary steps over a package: tinycss2."""

import itertools

import tinycss2

N = itertools.count(1).__next__

STEPS = """
tinycss2_rules: tinycss2.parse_stylesheet(f"a {{ color: #{N():06x} }}")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

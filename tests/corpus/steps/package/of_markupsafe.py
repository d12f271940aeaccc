"""Ordinary steps over a package: markupsafe."""

import itertools

import markupsafe

N = itertools.count(1).__next__

STEPS = """
markupsafe_format: markupsafe.Markup("<b>{}</b>").format(f"<{N()}>")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: defusedxml."""

import itertools

import defusedxml.ElementTree

N = itertools.count(1).__next__

STEPS = """
defusedxml_parse: defusedxml.ElementTree.fromstring(f"<a>{N()}</a>")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

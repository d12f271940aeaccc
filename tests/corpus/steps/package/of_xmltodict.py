"""Ordinary steps over a package: xmltodict."""

import itertools

import xmltodict

N = itertools.count(1).__next__

STEPS = """
xmltodict_parse: xmltodict.parse(f"<a><b>{N()}</b><b>2</b></a>")
xmltodict_unparse: xmltodict.unparse({"a": {"b": str(N())}})
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

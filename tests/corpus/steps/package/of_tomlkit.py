"""Ordinary steps over a package: tomlkit."""

import itertools

import tomlkit

N = itertools.count(1).__next__

STEPS = """
tomlkit_parse: tomlkit.dumps(tomlkit.parse(f"[a]\\nn = {N()}\\n"))
tomlkit_edit: tomlkit.document().add("n", N())
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

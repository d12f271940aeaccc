"""Ordinary steps over a package: toml."""

import itertools

import toml

N = itertools.count(1).__next__

STEPS = """
toml_parse: toml.loads(toml.dumps({"n": N(), "t": {"a": 1}}))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

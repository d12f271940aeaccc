"""Ordinary steps over a package: fastjsonschema."""

import itertools

import fastjsonschema

N = itertools.count(1).__next__

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}}

quick_validator = fastjsonschema.compile(SCHEMA)


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
fastjsonschema_valid: quick_validator({"n": N()})
fastjsonschema_invalid: _expect(lambda: quick_validator({"n": f"a{N()}"}))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

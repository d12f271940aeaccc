"""Ordinary steps over a package: jsonschema."""

import itertools

import jsonschema

N = itertools.count(1).__next__

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}}

validator = jsonschema.Draft202012Validator(SCHEMA)


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
jsonschema_valid: validator.validate({"n": N(), "s": "a"})
jsonschema_invalid: _expect(lambda: validator.validate({"n": f"x{N()}"}))
jsonschema_new: jsonschema.validate({"n": N()}, SCHEMA)
jsonschema_errors: sorted(validator.iter_errors({"n": "x", "s": N()}), key=str)
jsonschema_other: jsonschema.Draft7Validator({"minimum": N()}).is_valid(5)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: email."""

import itertools

from email_validator import validate_email

N = itertools.count(1).__next__


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
email_valid: validate_email(f"a{N()}@example.com", check_deliverability=False)
email_wrong: _expect(lambda: validate_email(f"a{N()}@@b", check_deliverability=False))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

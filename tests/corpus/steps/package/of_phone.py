"""Ordinary steps over a package: phone."""

import itertools

import phonenumbers

N = itertools.count(1).__next__

STEPS = """
phone_parse: phonenumbers.format_number(phonenumbers.parse(f"+4930{N() % 10000 + 10000}"), 1)
phone_valid: phonenumbers.is_valid_number(phonenumbers.parse("+14155552671"))
phone_find: list(phonenumbers.PhoneNumberMatcher(f"call 030 1234{N() % 900 + 100}", "DE"))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

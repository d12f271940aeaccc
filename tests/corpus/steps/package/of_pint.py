"""Ordinary steps over a package: pint."""

import itertools

import pint

N = itertools.count(1).__next__

units = pint.UnitRegistry()


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
pint_convert: (N() * units.meter).to("kilometer")
pint_parse: units(f"{N()} km/h").to_base_units()
pint_error: _expect(lambda: (N() * units.meter).to("second"))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: pytz."""

import itertools

import babel.dates
import pytz

N = itertools.count(1).__next__

STEPS = """
pytz_localize: pytz.timezone("Europe/Berlin").localize(babel.dates.datetime.datetime(2024, 1, N() % 28 + 1))
pytz_zones: pytz.timezone(pytz.common_timezones[N() % 400])
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

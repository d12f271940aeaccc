"""Ordinary steps over a package: babel."""

import itertools

import babel.dates
import babel.lists
import babel.numbers

N = itertools.count(1).__next__

STEPS = """
babel_number: babel.numbers.format_decimal(N(), locale="de_DE")
babel_currency: babel.numbers.format_currency(N(), "EUR", locale="en_US")
babel_pattern: babel.numbers.format_decimal(N(), format="#,##0.00;(#)", locale="fr")
babel_date: babel.dates.format_date(babel.dates.datetime.date(2024, 1, N() % 28 + 1), locale="it")
babel_delta: babel.dates.format_timedelta(babel.dates.datetime.timedelta(N()), locale="es")
babel_list: babel.lists.format_list(["a", str(N())], locale="en")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

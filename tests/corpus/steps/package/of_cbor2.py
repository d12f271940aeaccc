"""Ordinary steps over a package: cbor2."""

import datetime
import decimal
import itertools

import cbor2

N = itertools.count(1).__next__

STEPS = """
cbor2_dump: cbor2.loads(cbor2.dumps({"n": N(), "t": (1, 2)}))
cbor2_shared: cbor2.loads(cbor2.dumps([datetime.date(2020, 1, 1), decimal.Decimal(N())], date_as_datetime=True, timezone=datetime.timezone.utc))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

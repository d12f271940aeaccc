"""Ordinary steps over a package: orjson."""

import datetime
import itertools

import orjson

N = itertools.count(1).__next__


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
orjson_dump: orjson.loads(orjson.dumps({"n": N(), "d": datetime.date(2020, 1, 1)}))
orjson_keys: orjson.loads(orjson.dumps({f"key{N()}": 1}))
orjson_bad: _expect(lambda: orjson.loads(f"[{N()}"))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

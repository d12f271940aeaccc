"""Ordinary steps over a package: jwt."""

import itertools

import jwt

N = itertools.count(1).__next__


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
jwt_encode: jwt.encode({"n": N()}, "k" * 40, algorithm="HS256")
jwt_decode: jwt.decode(jwt.encode({"n": N()}, "k" * 40), "k" * 40, algorithms=["HS256"])
jwt_bad: _expect(lambda: jwt.decode(f"a.b{N()}", "k" * 40, algorithms=["HS256"]))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: passlib."""

import itertools

import passlib.hash

N = itertools.count(1).__next__


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
passlib_hash: passlib.hash.pbkdf2_sha256.using(rounds=2).hash(f"p{N()}")
passlib_wrong: _expect(lambda: passlib.hash.pbkdf2_sha256.verify("a", f"no{N()}"))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

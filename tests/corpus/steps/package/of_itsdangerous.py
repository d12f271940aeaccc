"""Ordinary steps over a package: itsdangerous."""

import itertools

import itsdangerous

N = itertools.count(1).__next__

signer = itsdangerous.TimestampSigner("key")

serializer = itsdangerous.URLSafeSerializer("key")


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
itsdangerous_sign: signer.unsign(signer.sign(f"v{N()}"))
itsdangerous_dumps: serializer.loads(serializer.dumps({"n": N()}))
itsdangerous_bad: _expect(lambda: serializer.loads(f"bad{N()}"))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

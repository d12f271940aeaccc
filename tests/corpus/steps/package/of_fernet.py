"""Ordinary steps over a package: fernet."""

import itertools

from cryptography.fernet import Fernet

N = itertools.count(1).__next__

fernet = Fernet(Fernet.generate_key())

STEPS = """
fernet_round: fernet.decrypt(fernet.encrypt(b"%d" % N()))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: cryptodome."""

import itertools

from Cryptodome.Cipher import AES
from Cryptodome.Hash import SHA256

N = itertools.count(1).__next__


def _encrypted():
    cipher = AES.new(b"k" * 16, AES.MODE_GCM)
    return cipher.encrypt_and_digest(b"text %d" % N())


STEPS = """
cryptodome_aes: _encrypted()
cryptodome_hash: SHA256.new(b"%d" % N()).hexdigest()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

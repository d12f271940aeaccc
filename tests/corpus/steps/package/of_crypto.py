"""Ordinary steps over a package: crypto."""

import itertools

from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

N = itertools.count(1).__next__

fernet = Fernet(Fernet.generate_key())

key = ed25519.Ed25519PrivateKey.generate()


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


def _signed():
    return key.sign(b"%d" % N())


def _derived():
    return PBKDF2HMAC(hashes.SHA256(), 16, b"salt", 5).derive(b"%d" % N())


def _mac():
    mac = hmac.HMAC(b"key", hashes.SHA256())
    mac.update(b"%d" % N())
    return mac.finalize()


STEPS = """
crypto_sign: _signed()
crypto_derive: _derived()
crypto_mac: _mac()
crypto_name: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"n{N()}")]).public_bytes()
crypto_keypair: ed25519.Ed25519PrivateKey.generate().public_key()
crypto_bad: _expect(lambda: fernet.decrypt(b"nonsense %d" % N()))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: hash."""

import hashlib
import itertools

N = itertools.count(1).__next__

STEPS = """
hash_of_text: hashlib.blake2b(b"%d" % N()).hexdigest()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: dogpile."""

import itertools

from dogpile.cache import make_region

N = itertools.count(1).__next__

region = make_region().configure("dogpile.cache.memory", expiration_time=600)

STEPS = """
dogpile_get: region.get_or_create(f"k{N() % 300}", lambda: [1])
dogpile_function: region.get_or_create("one", lambda: N())
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

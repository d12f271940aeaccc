"""Ordinary steps over a package: diskcache."""

import itertools
import tempfile

import diskcache

N = itertools.count(1).__next__

disk = diskcache.Cache(tempfile.mkdtemp(), size_limit=10**6)

STEPS = """
diskcache_set: disk.set(f"k{N() % 200}", "v" * 20)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: pyrsistent."""

import itertools

import pyrsistent

N = itertools.count(1).__next__

STEPS = """
pyrsistent_map: pyrsistent.pmap({"a": 1}).set(f"k{N()}", 2)
pyrsistent_vector: pyrsistent.pvector(range(40)).append(N())
pyrsistent_evolve: pyrsistent.freeze({"a": [1, {"b": N()}]}).transform(["a", 1, "b"], 3)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

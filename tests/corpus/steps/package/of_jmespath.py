"""Ordinary steps over a package: jmespath."""

import itertools

import jmespath

N = itertools.count(1).__next__

search = jmespath.compile("a[?n > `1`].n")

STEPS = """
jmespath_search: search.search({"a": [{"n": N()}, {"n": 1}]})
jmespath_cached: jmespath.search(f"a[{N()}]", {"a": [1]})
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: wrapt."""

import itertools

import wrapt

N = itertools.count(1).__next__

STEPS = """
wrapt_proxy: wrapt.ObjectProxy([N()]).append(1)
wrapt_decorator: wrapt.decorator(lambda w, i, a, k: w(*a, **k))(N)()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: cytoolz."""

import itertools

import cytoolz

N = itertools.count(1).__next__

STEPS = """
cytoolz_pipe: cytoolz.pipe(range(20), list, len)
cytoolz_groupby: cytoolz.groupby(len, ["a", "bb", "c" * (N() % 9)])
cytoolz_memo_free: cytoolz.merge_with(sum, {"a": 1}, {"a": N()})
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: intervaltree."""

import itertools

import intervaltree

N = itertools.count(1).__next__

tree = intervaltree.IntervalTree.from_tuples([(1, 5, "a"), (3, 9, "b")])

STEPS = """
intervaltree_at: tree.at(N() % 10)
intervaltree_turnover: (tree.addi(N(), N() + 1000), tree.remove_overlap(10, 10**9))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

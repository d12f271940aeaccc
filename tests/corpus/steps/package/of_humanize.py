"""Ordinary steps over a package: humanize."""

import itertools

import humanize

N = itertools.count(1).__next__

STEPS = """
humanize_size: humanize.naturalsize(N() * 1000)
humanize_words: humanize.intword(N() * 10**6)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: slug."""

import itertools

import slugify

N = itertools.count(1).__next__

STEPS = """
slug: slugify.slugify(f"\\u00c4 title {N()}")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: regex."""

import itertools

import regex

N = itertools.count(1).__next__

STEPS = """
regex_varying: regex.compile(rf"a{N()}\\d+").match("a")
regex_fuzzy: regex.search(r"(?:hello){e<=1}", f"helo {N()}")
regex_split: regex.split(r"\\W+", f"a b {N()}")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

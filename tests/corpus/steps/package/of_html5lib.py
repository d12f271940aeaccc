"""Ordinary steps over a package: html5lib."""

import itertools

from html5lib import HTMLParser
from html5lib import parse as html5

N = itertools.count(1).__next__

STEPS = """
html5lib_parse: html5(f"<p>one<b>{N()}</p>")
html5lib_fragment: HTMLParser().parseFragment(f"<li>{N()}<li>b")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

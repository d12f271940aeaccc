"""Ordinary steps over a package: docutils."""

import itertools

import docutils.core

N = itertools.count(1).__next__

STEPS = """
docutils_html: docutils.core.publish_string(f"T\\n=\\n\\nn *{N()}*\\n", writer="html")
docutils_tree: docutils.core.publish_doctree(f"* a\\n* {N()}\\n")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

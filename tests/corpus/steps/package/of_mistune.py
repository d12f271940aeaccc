"""Ordinary steps over a package: mistune."""

import itertools

import mistune

N = itertools.count(1).__next__

quick_md = mistune.create_markdown()

STEPS = """
mistune_html: quick_md(f"# T {N()}\\n\\n[a](b) *c*\\n")
mistune_plain: mistune.html(f"para {N()}\\n\\n```py\\nx\\n```\\n")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""Ordinary steps over a package: markdown."""

import itertools

import markdown
from markdown_it import MarkdownIt

N = itertools.count(1).__next__

md = markdown.Markdown(extensions=["tables", "fenced_code"])

rich_md = MarkdownIt()

STEPS = """
markdown_convert: md.reset().convert(f"# T {N()}\\n\\n|a|b|\\n|-|-|\\n|1|2|\\n")
markdown_once: markdown.markdown(f"* item {N()}\\n* **b**\\n")
markdown_it_render: rich_md.render(f"# T {N()}\\n\\n- a\\n- b `c`\\n")
markdown_it_parse: rich_md.parse(f"> q {N()}")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

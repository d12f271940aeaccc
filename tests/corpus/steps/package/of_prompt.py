"""Ordinary steps over a package: prompt."""

import itertools

import prompt_toolkit.document
import prompt_toolkit.formatted_text

N = itertools.count(1).__next__

STEPS = """
prompt_html: prompt_toolkit.formatted_text.to_formatted_text(prompt_toolkit.formatted_text.HTML(f"<b>{N()}</b>"))
prompt_document: prompt_toolkit.document.Document(f"word {N()}").get_word_before_cursor()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

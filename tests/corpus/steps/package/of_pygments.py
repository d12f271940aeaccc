"""Ordinary steps over a package: pygments."""

import itertools

import pygments.lexers

N = itertools.count(1).__next__


def _tokens():
    lexer = pygments.lexers.get_lexer_by_name("python")
    return list(lexer.get_tokens(f"x = {N()}\n"))


STEPS = """
pygments_tokens: _tokens()
pygments_guess: pygments.lexers.get_lexer_for_filename("a.json").name
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

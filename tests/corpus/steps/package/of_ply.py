"""Ordinary steps over a package: ply."""

import itertools

import ply.lex

N = itertools.count(1).__next__


class Rules:
    tokens = ("NUMBER",)
    t_NUMBER = r"\d+"

    def t_error(self, token):
        token.lexer.skip(1)


rules = ply.lex.lex(module=Rules(), errorlog=ply.lex.NullLogger())


def _lexer():
    lexer = rules.clone()
    lexer.input(str(N()))
    return lexer.token()


STEPS = """
ply_lexer: _lexer()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

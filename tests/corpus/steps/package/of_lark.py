"""Ordinary steps over a package: lark."""

import itertools

import lark

N = itertools.count(1).__next__

grammar = lark.Lark('start: NUMBER ("+" NUMBER)*\nNUMBER: /[0-9]+/\n%ignore " "', parser="lalr")

earley = lark.Lark('start: (A | B)+\nA: "a"\nB: "b"')


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
lark_lalr: grammar.parse(f"1 + {N()}")
lark_earley: earley.parse("ab" * (N() % 5 + 1))
lark_error: _expect(lambda: grammar.parse(f"1 + x{N()}"))
lark_tree: lark.Tree("a", [lark.Tree("b", [N()])]).pretty()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

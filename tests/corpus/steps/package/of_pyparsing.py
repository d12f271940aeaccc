"""Ordinary steps over a package: pyparsing."""

import itertools

import pyparsing

N = itertools.count(1).__next__

number = pyparsing.Word(pyparsing.nums)

expression = pyparsing.infix_notation(
    number, [("*", 2, pyparsing.opAssoc.LEFT), ("+", 2, pyparsing.opAssoc.LEFT)]
)


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
pyparsing_expression: expression.parse_string(f"1+2*{N()}")
pyparsing_fresh: (pyparsing.Word(pyparsing.alphas) + number).parse_string(f"a {N()}")
pyparsing_error: _expect(lambda: expression.parse_string(f"x{N()}", parse_all=True))
pyparsing_scan: list(number.scan_string(f"a1 b{N()} c3"))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

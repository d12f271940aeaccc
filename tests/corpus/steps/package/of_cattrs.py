"""Ordinary steps over a package: cattrs."""

import itertools

import cattrs
from attrs import define

N = itertools.count(1).__next__


@define
class Pair:
    a: int
    b: list[int]


converter = cattrs.Converter()


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
cattrs_structure: converter.structure({"a": N(), "b": [1]}, Pair)
cattrs_unstructure: converter.unstructure(Pair(N(), [2]))
cattrs_error: _expect(lambda: converter.structure({"a": f"x{N()}"}, Pair))
cattrs_union: converter.structure(str(N()), str | None)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

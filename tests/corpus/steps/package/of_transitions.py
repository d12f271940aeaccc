"""Ordinary steps over a package: transitions."""

import itertools

import transitions

N = itertools.count(1).__next__


class Matter:
    pass


states = transitions.Machine(
    Matter(), states=["a", "b"], transitions=[["go", "a", "b"], ["back", "b", "a"]], initial="a"
)


def _machine():
    return states.model.go(), states.model.back()


STEPS = """
transitions_go: _machine()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))

"""What mortmain.weak does with no memory, and on a short stack."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import harness

PROGRAMS = Path(__file__).parent / "programs"


@pytest.mark.skipif(importlib.util.find_spec("_testcapi") is None, reason="no _testcapi here")
def test_each_request_for_memory_is_refused_in_turn() -> None:
    """What fails says MemoryError, has changed nothing by halves, and works the next time."""
    done = harness.run_quiet(PROGRAMS / "weak_memory.py").split("\n")
    assert int(done[0]) > 50
    assert done[1:] == [""]


CHAINS = {
    "bounded": "one = weak.Bounded(default=one)",
    "limit": "one = weak.Bounded(one)",
    "cached": "one = weak.cached_method(one or print); vars(one).clear()",
    "method": "one = weak.WeakMethod(thing.method, one)",
    "keyed": "one = weak.KeyedRef(thing, None, one)",
    "callback": "one = weak.KeyedRef(thing, print, one)",
    "signal": "was, one = one, weak.Signal(); one.connect(was or print)",
    "policy": "one = weak.WeakLink((lambda it: lambda child: it)(one))",
    "children": "was, one = one, Node(); was and one.children.append(was)",
    "lru": "was, one = one, weak.WeakLRU(1); one[1] = was or thing",
}

BUILD = """
from mortmain import weak

class Thing:
    def method(self): pass

class Node:
    parent = weak.WeakLink()
    children = weak.WeakChildren("parent")

thing = Thing()
one = None
for _ in range(COUNT):
    STEP
was = None
del one
print("end")
"""


@pytest.mark.parametrize("kind", CHAINS)
def test_the_end_of_a_long_chain(kind: str) -> None:
    """It takes no stack for each link."""
    # Those that need least of it for each.
    count = 1_000_000 if kind in ("keyed", "callback", "method") else 200_000
    code = BUILD.replace("STEP", CHAINS[kind]).replace("COUNT", str(count))
    assert harness.run_quiet("-c", code) == "end\n"

"""The patterns of mortmain.weak together: drop-in, threads, interpreters, the end, and no leak."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import harness
from mortmain import weak

PROGRAMS = Path(__file__).parent / "programs"
NAMES = ("Bounded", "WeakChildren", "WeakLRU", "WeakLink", "cached_method")


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_its_documentation(name: str) -> None:
    """It runs as it stands there."""
    text = str(getattr(weak, name).__doc__)
    if ">>>" not in text:
        text = str(vars(weak)[name].__doc__)
    test = doctest.DocTestParser().get_doctest(text, vars(weak).copy(), name, None, None)
    result = doctest.DocTestRunner().run(test)
    assert result.failed == 0 and result.attempted > 3


def test_the_same_program_written_with_the_patterns(tmp_path: Path) -> None:
    """Prints the same bytes as with weakref."""
    text = (PROGRAMS / "weak_drop_in.py").read_text()
    program = tmp_path / "drop_in.py"
    program.write_text(text.replace("import IMPORT as weakref", "import weakref"))
    theirs = harness.run_quiet(program)
    ours = harness.run_quiet(PROGRAMS / "weak_patterns_drop_in.py")
    # What each shows of the objects themselves.
    assert (
        ours.replace("__main__.", "").splitlines() == theirs.replace("__main__.", "").splitlines()
    )
    assert ours.count("\n") > 30


@pytest.mark.parametrize("seed", range(6))
def test_objects_that_meddle(seed: int) -> None:
    """When they are compared, called, copied or die, a collection at every allocation."""
    program = PROGRAMS / "weak_patterns_hostile.py"
    memory = "debug" if seed % 3 == 0 else "default"
    assert harness.run_quiet(program, str(seed), "5000", PYTHONMALLOC=memory) == "done 0\n"


def test_threads() -> None:
    """Nothing raises, and nobody gets what is another's."""
    program = PROGRAMS / "weak_patterns_threads.py"
    assert harness.run_quiet(program, "5000", PYTHONMALLOC="debug") == "[]\n"


def test_exit_with_live_instances() -> None:
    """Again and again: it ends, in silence."""
    for _ in range(5):
        assert harness.run_quiet(PROGRAMS / "weak_patterns_exit.py") == "end\n"


IN_EACH = """
import gc
from mortmain.weak import Bounded, WeakChildren, WeakLink, WeakLRU, cached_method
class Node:
    parent = WeakLink()
    children = WeakChildren("parent")
    age = Bounded(0, 100, seen=True)
    def __init__(self):
        self.age = 3
    @cached_method
    def me(self, number):
        return [self, number]
cache = WeakLRU(3)
for turn in range(300):
    root = Node()
    for at in range(20):
        node = Node()
        root.children.append(node)
        cache[at] = node
        node.me(at)
    assert len(Node.age.seen) >= 21 and cache.kept() == [17, 18, 19]
    assert root.children[3].parent is root
    del root, node
    if turn % 50 == 0:
        gc.collect()
left = Node()
left.me(3)
"""


@pytest.mark.skipif(
    sys.version_info < (3, 12), reason="each interpreter has its own GIL since 3.12"
)
def test_subinterpreters_with_their_own_lock(tmp_path: Path) -> None:
    """Two at a time: each has types of its own."""
    assert harness.run_in_interpreters(tmp_path, IN_EACH) == "6\n"


class Node:
    """All patterns at once."""

    parent = weak.WeakLink["Node"]()
    children = weak.WeakChildren["Node"]("parent")
    age = weak.Bounded(0, 100, seen=True)

    def __init__(self) -> None:
        """Of an age."""
        self.age = 3

    @weak.cached_method
    def half(self, number: int) -> float:
        """Cached."""
        return number / 2


def make_and_drop() -> None:
    """Uses all patterns once."""
    root = Node()
    root.children = [Node() for _ in range(20)]
    cache: weak.WeakLRU[int, Node] = weak.WeakLRU(5)
    for at, node in enumerate(root.children):
        cache[at] = node
        node.half(at), node.half(at)
        node.half.cache_info()
    root.children[3:7] = [Node(), Node()]
    root.children.sort(key=id)
    one = root.children.pop()
    one.parent = root
    del one.parent
    cache.copy(), cache.kept(), cache.pop(3, None)
    wrongs: list[Any] = [3, None]
    for wrong in wrongs:
        changes: list[Any] = [
            lambda it=wrong: root.children.append(it),
            lambda it=wrong: setattr(root, "children", [Node(), it]),
            lambda it=wrong: cache.__setitem__(1, it),
            lambda: setattr(root, "age", 101),
            lambda: root.half([]),  # type: ignore[arg-type]
            lambda: root.children.append(root),
            lambda: weak.WeakLink(3),  # type: ignore[arg-type]
            lambda: weak.Bounded(1, min=2),
        ]
        for change in changes:
            with pytest.raises((TypeError, ValueError)):
                change()


def test_nothing_is_left_behind() -> None:
    """Instances, caches and classes that come and go leave no block of memory."""
    assert harness.blocks_left(make_and_drop) < 0.5
    make_and_drop()
    assert len(Node.age.seen) == 0


STEP = """
import functools
from mortmain import weak

class Node:
    parent = weak.WeakLink()
    children = weak.WeakChildren("parent")
    age = weak.Bounded(0, 100, seen=True)

    def __init__(self):
        self.age = 3
        self.room = bytearray(1000)

    @weak.cached_method
    def half(self, number):
        return [number / 2]

    @functools.lru_cache(maxsize=None)
    def leak(self, number):
        return [number / 2]

cache = weak.WeakLRU(5)

def step():
    root = Node()
    root.children = [Node() for _ in range(10)]
    for at, node in enumerate(root.children):
        cache[at] = node
        node.half(at)
    root.children.pop()

def leak():
    node = Node()
    node.leak(3)
"""


@pytest.mark.slow
def test_our_own_tool_finds_nothing(tmp_path: Path) -> None:
    """`mortmain loop` over the patterns; and it does find what lru_cache keeps."""
    program = tmp_path / "steps.py"
    program.write_text(STEP)
    loop = [sys.executable, "-m", "mortmain", "loop"]
    for step, status in (("step", 0), ("leak", 1)):
        command = [*loop, f"{program}:{step}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == status, done.stdout + done.stderr

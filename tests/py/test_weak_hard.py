"""The containers of mortmain.weak among hostile objects, threads, interpreters and at the end."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import harness
from mortmain import weak

PROGRAMS = Path(__file__).parent / "programs"


@pytest.mark.parametrize("seed", range(6))
def test_objects_that_change_the_table_when_asked(seed: int) -> None:
    """In __eq__, __hash__, __del__ and callbacks, a collection at every allocation."""
    memory = "debug" if seed % 2 else "default"
    done = harness.run_quiet(PROGRAMS / "weak_hostile.py", str(seed), "4000", PYTHONMALLOC=memory)
    assert done == "done eq hash del callback raised\n"


def test_drop_in(tmp_path: Path) -> None:
    """A program prints the same bytes when only the import is changed."""
    text = (PROGRAMS / "weak_drop_in.py").read_text()
    answers = []
    for module in ("weakref", "mortmain.weak"):
        program = tmp_path / "drop_in.py"
        program.write_text(text.replace("import IMPORT as weakref", f"import {module} as weakref"))
        answers.append(harness.run_quiet(program))
    assert answers[0] == answers[1]
    assert answers[0].count("\n") > 30


def test_threads() -> None:
    """Nothing raises, nothing is dead, and setdefault() gives all threads the same object."""
    memory = {"PYTHONMALLOC": "debug"}
    assert harness.run_quiet(PROGRAMS / "weak_threads.py", "3000", **memory) == "[] True\n"


def test_exit_with_live_tables() -> None:
    """Again and again: it ends, in silence."""
    for _ in range(5):
        assert harness.run_quiet(PROGRAMS / "weak_exit.py") == "end\n"


IN_EACH = """
import gc
from mortmain import weak
class Key:
    pass
table, members, values = weak.WeakKeyDictionary(), weak.WeakSet(), weak.WeakValueDictionary()
hung = weak.EphemeronDict()
for turn in range(300):
    keys = [Key() for _ in range(50)]
    for at, key in enumerate(keys):
        table[key] = members
        members.add(key)
        values[at] = key
        hung[key] = [key, keys]
    keys[0].me = keys[1].me = keys
    assert len(table) == len(members) == len(list(values)) == 50
    del keys, key
    gc.collect()
assert not table and not members and not values and not hung, hung.ephemeron
left = iter(table)
"""


@pytest.mark.skipif(
    sys.version_info < (3, 12), reason="each interpreter has its own GIL since 3.12"
)
@pytest.mark.filterwarnings("default")
def test_subinterpreters_with_their_own_lock(tmp_path: Path) -> None:
    """Two at a time: each has types of its own."""
    assert harness.run_in_interpreters(tmp_path, IN_EACH) == "6\n"


def test_one_eq_that_writes_is_not_asked_again_and_again() -> None:
    """A search begins anew when the table was rebuilt, not after each change."""
    asked = 0
    keep: list[object] = []

    class Writes:
        def __eq__(self, other: object) -> bool:
            nonlocal asked
            asked += 1
            one = Plain()
            keep.append(one)
            table[one] = None
            return False

        def __hash__(self) -> int:
            return 1

    class Plain:
        pass

    table: weak.WeakKeyDictionary[object, None] = weak.WeakKeyDictionary()
    some = [Writes() for _ in range(10)]
    for one in some:
        table[one] = None
    asked = 0
    assert table.get(Writes()) is None
    assert asked <= 40
    assert len(table) == 10 + len(keep)


def test_a_key_that_dies_while_it_is_compared() -> None:
    """The comparison held the last reference: there is no entry any more, so there is no value."""

    class Dies:
        def __hash__(self) -> int:
            return 1

        def __eq__(self, other: object) -> bool:
            stored.clear()
            return True

    stored = [Dies()]
    table = weak.WeakKeyDictionary({stored[0]: "value"})
    assert table.get(Dies()) is None
    stored.append(Dies())
    values = weak.WeakValueDictionary({Dies(): stored[0]})
    assert values.get(Dies()) is None
    stored.append(Dies())
    members = weak.WeakSet(stored)
    members.discard(Dies())
    assert (len(table), len(values), len(members)) == (0, 0, 0)


def test_a_long_chain_of_values_that_are_keys() -> None:
    """The death of the first lets go of all, one after the other, on a short stack."""
    code = """
    import itertools
    from types import ModuleType
    from mortmain import weak
    class Key:
        pass
    class Slotted:
        __slots__ = ("__weakref__",)
    def function():
        return lambda: None
    def module():
        return ModuleType("module")
    kinds = weak.WeakKeyDictionary, weak.EphemeronDict
    for made, kind in itertools.product((Key, Slotted, function, module), kinds):
        table = kind()
        first = key = made()
        for _ in range(200_000):
            following = made()
            table[key] = following
            key = following
        del key, following, first
        print(len(table))
    inner = weak.WeakKeyDictionary()
    keys = [Key() for _ in range(200_000)]
    for key in keys:
        outer = weak.WeakKeyDictionary()
        outer[key] = inner
        inner = outer
    del inner, outer
    print("done")
    """
    assert harness.run_quiet("-c", textwrap.dedent(code)) == "0\n" * 8 + "done\n"


def test_a_value_that_is_replaced_while_its_key_is_compared() -> None:
    """The entry is found all the same: no second one gets the same key."""
    armed = False

    class Key:
        def __hash__(self) -> int:
            return 1

        def __eq__(self, other: object) -> bool:
            nonlocal armed
            if armed:
                armed = False
                table[first] = second
            return True

    class Value:
        pass

    first, second, third = Key(), Value(), Value()
    table: weak.WeakValueDictionary[Key, Value] = weak.WeakValueDictionary()
    start = table[first] = Value()
    armed = True
    assert table.get(Key()) is second
    table[first] = start
    armed = True
    table[Key()] = third
    assert (len(table), list(table.items())) == (1, [(first, third)])
    table[first] = start
    armed = True
    assert table.pop(Key()) is second
    assert len(table) == 0


def test_children_that_replace_the_list_that_is_asked() -> None:
    """The list that is looked into stays until it was."""
    code = """
    from mortmain import weak
    class Node:
        parent = weak.WeakLink()
        children = weak.WeakChildren("parent")
        def __eq__(self, other):
            if armed:
                armed.clear()
                root.children = [keep]
            return self is keep
    class Clears(Node):
        def __del__(self):
            root.children.clear()
    class Replaces:
        def __index__(self):
            root.children = []
            return 3
    armed, root, keep = [], Node(), Node()
    for index in (Replaces(), slice(Replaces(), 40)):
        root.children = some = [Node() for _ in range(50)]
        print(root.children[index] in (some[3], some[3:40]), len(root.children))
        root.children = [Node() for _ in range(50)]
        root.children[index]
    root.children = [keep, Clears()]
    armed.append(True)
    try:
        root.children.remove(object())
    except ValueError as error:
        print(error)
    """
    done = harness.run_quiet("-c", textwrap.dedent(code), PYTHONMALLOC="debug")
    assert done == "True 0\nTrue 0\nremove(x): x is no child\n"


class Key:
    pass


def make_and_drop() -> None:
    """Uses all containers once."""
    keys = [Key() for _ in range(100)]
    table = weak.WeakKeyDictionary({key: Key() for key in keys})
    values = weak.WeakValueDictionary(enumerate(keys))
    members = weak.WeakSet(keys)
    there = iter(table)
    next(there)
    table.data, members.data, values.data, values.valuerefs()
    members &= keys[:50]
    members ^= keys
    del keys[20:]
    assert members != table.copy() and members.issubset(keys + keys)
    assert (len(table), len(values)) == (20, 20)
    wrongs: list[Any] = [3, None]
    for wrong in wrongs:
        with pytest.raises(TypeError):
            table[wrong] = Key()
        with pytest.raises(TypeError):
            values[1] = wrong


def test_nothing_is_left_behind() -> None:
    """Tables, iterators and references that come and go leave no block of memory."""
    assert harness.blocks_left(make_and_drop) < 0.5


STEP = """
from mortmain import weak

class Key:
    pass

keyed, by_id = weak.WeakKeyDictionary(), weak.WeakIdKeyDictionary()
members, values = weak.WeakSet(), weak.WeakValueDictionary()

def step():
    keys = [Key() for _ in range(20)]
    for number, key in enumerate(keys):
        keyed[key] = by_id[key] = [number]
        members.add(key)
        values[number] = key
    suspended = iter(keyed)
    next(suspended)
    members & keys, members ^ keys, keyed.copy(), list(values.items())
    keyed[keys[0]] = [keys[0]]
    del keys, key, suspended
    assert weak.sweep(keyed) == 1
    assert not keyed and not members and not values and not by_id

def leak():
    key = Key()
    keyed[key] = [key]
"""


def test_our_own_tool_finds_nothing(tmp_path: Path) -> None:
    """`mortmain loop` over the containers; and it does find what only sweep() frees."""
    program = tmp_path / "steps.py"
    program.write_text(STEP)
    loop = [sys.executable, "-m", "mortmain", "loop"]
    for step, status in (("step", 0), ("leak", 1)):
        command = [*loop, f"{program}:{step}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == status, done.stdout + done.stderr

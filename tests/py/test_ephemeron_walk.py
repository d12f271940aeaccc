"""Snapshots know what the containers of mortmain.weak hold, and what a value leads back to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import harness
import readheap
from mortmain import weak

pytestmark = pytest.mark.names

HEAP = """
from mortmain import weak

class Key:
    pass

class Value:
    pass

class Table(weak.WeakKeyDictionary):
    pass

keys = [Key() for _ in range(3)]
keyed, by_id, sub = weak.WeakKeyDictionary(), weak.WeakIdKeyDictionary(), Table()
members, values, plain = weak.WeakSet(keys), weak.WeakValueDictionary(), weak.EphemeronDict()
for key in keys:
    keyed[key], by_id[key], sub[key] = Value(), weakref.ref(key), Value()
    plain[key] = Value()
    values["a name"] = key
print(plain.ephemeron)
take()
"""


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, readheap.Heap, str]]:
    """A snapshot with one of each."""
    folder = tmp_path_factory.mktemp("weak")
    said = harness.run(folder, HEAP).strip()
    yield folder, harness.read(folder / harness.TAKEN), said


def entries(heap: readheap.Heap, type_name: str) -> list[tuple[int, str]]:
    """Naming and type of what the only object of a type refers to, of entries alone."""
    names = [each.name for each in heap.types]
    [edges] = (
        edges
        for each, edges in zip(heap.objects, heap.edges, strict=True)
        if names[each.type] == type_name and edges
    )
    named = (readheap.KEY, readheap.VALUE, readheap.MEMBER)
    return [
        (naming, names[heap.objects[target].type])
        for target, naming, _, _ in edges
        if naming in named
    ]


@pytest.mark.parametrize(
    ("type_name", "key", "value"),
    [
        ("mortmain.weak.WeakKeyDictionary", "weakref.ReferenceType", "Value"),
        ("mortmain.weak.WeakIdKeyDictionary", "weakref.ReferenceType", "weakref.ReferenceType"),
        ("Table", "weakref.ReferenceType", "Value"),
    ],
)
def test_entries(
    taken: tuple[Path, readheap.Heap, str], type_name: str, key: str, value: str
) -> None:
    """A weak reference and a value for each; a value that is a weak reference is a value."""
    pairs = [(readheap.KEY, key), (readheap.VALUE, value)]
    assert entries(taken[1], type_name) == pairs * 3


def test_members_and_weak_values(taken: tuple[Path, readheap.Heap, str]) -> None:
    """A set has members; of weak values the key is held and the reference is the value."""
    member = (readheap.MEMBER, "weakref.ReferenceType")
    assert entries(taken[1], "mortmain.weak.WeakSet") == [member] * 3
    pair = [(readheap.KEY, "str"), (readheap.VALUE, "mortmain._weak.KeyedRef")]
    assert entries(taken[1], "mortmain.weak.WeakValueDictionary") == pair


def test_a_value_that_hangs_on_its_key(taken: tuple[Path, readheap.Heap, str]) -> None:
    """The dictionary holds the weak reference alone, where the collector sees to the value."""
    _, heap, by = taken
    key = (readheap.KEY, "weakref.ReferenceType")
    value = [] if by == "collector" else [(readheap.VALUE, "Value")]
    assert entries(heap, "mortmain.weak.EphemeronDict") == [key, *value] * 3


def test_they_are_the_program_s(taken: tuple[Path, readheap.Heap, str]) -> None:
    """No type of mortmain.weak is left out of answers, as mortmain's own are."""
    own = 128
    flags = {each.name: each.flags & own for each in taken[1].types}
    assert flags["mortmain.weak.WeakKeyDictionary"] == flags["mortmain._weak.KeyedRef"] == 0
    assert any("module __main__" in str(chain) for chain in harness.ask(taken[0], "Value"))


STEP = """
import weakref
from mortmain import weak

class Key:
    pass

TABLE

def step():
    key = Key()
    table[key] = [key]
"""


@pytest.mark.parametrize("module", ["weak", "weakref"])
def test_loop_says_what_leads_back(tmp_path: Path, module: str) -> None:
    """Of our dictionaries as of the stdlib's; where values hang on their keys nothing leaks."""
    program = tmp_path / "steps.py"
    leaks = 0 if weak.EphemeronDict[Any, Any]().ephemeron == "collector" else 1
    for table, status in (
        (f"table = {module}.WeakKeyDictionary()", 1),
        ("table = weak.EphemeronDict()", leaks),
    ):
        program.write_text(STEP.replace("TABLE", table))
        command = [sys.executable, "-m", "mortmain", "loop", f"{program}:step"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == status, done.stdout + done.stderr
        assert ("leads back to the key" in " ".join(done.stdout.split())) == (status == 1)

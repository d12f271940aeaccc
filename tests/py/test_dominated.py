"""What the instances of a class dominate: the engine's answer against guppy3's, on one live heap.

guppy3 finds it in the process itself, by asking each type what it traverses. Both look at the same
objects at the same moment (programs/dominated.py), so the sets must be equal, but for what one of
the two cannot know:

* guppy3 misses the keys of dicts whose keys are all str: `dict_traverse` does not visit them, since
  a str cannot be part of a cycle.
* guppy3 does not read reference counts: what C code holds as well, and what is immortal, goes with
  the instances in its eyes. In truth it stays, and with it what hangs on it.

Neither counts objects of its own among the dominated, and what a running frame holds is held for
both.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from harness import PROGRAMS, TAKEN, read, reader, run

pytestmark = pytest.mark.names

pytest.importorskip("guppy", reason="guppy3 is not installed: it has no wheel for this Python")

EXAMS = 20


@dataclass(frozen=True, slots=True)
class Answers:
    """Both answers about the instances of one class, as addresses."""

    ours: frozenset[int]
    theirs: frozenset[int]
    immortal: frozenset[int]
    by_c: frozenset[int]


@dataclass(frozen=True, slots=True)
class Scene:
    """A snapshot, and the answers about it."""

    file: Path
    answers: dict[str, Answers]


def ask(program: Path, file: Path, name: str, theirs: list[int]) -> Answers:
    """What the engine says of one class."""
    done = subprocess.run(
        [program, file, "dominated", name], capture_output=True, text=True, timeout=120, check=True
    )
    marked: dict[str, set[int]] = {letter: set() for letter in "dic"}
    for line in done.stdout.splitlines():
        address, _, rest = line.partition(" ")
        for letter in rest.rpartition(" ")[2]:
            if letter in marked:
                marked[letter].add(int(address, 16))
    return Answers(
        ours=frozenset(marked["d"]),
        theirs=frozenset(theirs),
        immortal=frozenset(marked["i"]),
        by_c=frozenset(marked["c"]),
    )


@pytest.fixture(scope="module")
def scene(dump_analysis: Path, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Runs the program once."""
    folder = tmp_path_factory.mktemp("scene")
    theirs = json.loads(run(folder, PROGRAMS / "dominated.py", TAKEN))
    file = folder / TAKEN
    return Scene(file, {name: ask(dump_analysis, file, name, ids) for name, ids in theirs.items()})


@pytest.mark.parametrize("name", ["Plain", "Leaf", "Kept"])
def test_equal(scene: Scene, name: str) -> None:
    found = scene.answers[f"__main__.{name}"]
    assert len(found.ours) > 5
    assert found.ours == found.theirs


def test_differences(scene: Scene) -> None:
    """Of a bit of everything: each object that one of the two does not have is of a known kind."""
    found = scene.answers["__main__.Exam"]
    assert len(found.ours & found.theirs) > 50 * EXAMS
    heap = read(scene.file)
    key, weak = reader().KEY, 1
    at = {each.address: number for number, each in enumerate(heap.objects)}
    referrers: dict[int, list[tuple[int, int]]] = {number: [] for number in at.values()}
    for source, edges in enumerate(heap.edges):
        for target, naming, flags, _argument in edges:
            if not flags & weak:
                referrers[target].append((source, naming))

    def type_name(number: int) -> str:
        return str(heap.types[heap.objects[number].type].name)

    hidden = found.ours - found.theirs
    for address in hidden:
        number = at[address]
        assert type_name(number) == "str"
        assert {(type_name(source), naming) for source, naming in referrers[number]} == {
            ("dict", key)
        }
    assert len(hidden) == 2 * EXAMS  # of `marks` and of the dict behind `proxy`

    stays = found.theirs - found.ours
    by_c = stays & found.by_c
    immortal = stays & found.immortal
    assert len(by_c) == EXAMS
    assert {type_name(at[address]) for address in by_c} == {"list"}
    # Interned strs live as long as the process in 3.12 alone.
    assert len(immortal) == (EXAMS if sys.version_info[:2] == (3, 12) else 0)
    below = stays - by_c - immortal
    holders = {at[address] for address in by_c}
    for address in below:
        assert {source for source, _naming in referrers[at[address]]} <= holders
    assert len(below) == EXAMS

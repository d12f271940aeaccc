"""An extension author's first minute: what C forgets is found, and no holder is invented."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import harness

SOURCE = harness.PROGRAMS / "forgetful.c"
SETUP = """
import forgetful, sys
class Thing:
    pass
thing = Thing()
names = iter(range(10**9))
def ring():
    one = Thing()
    one.token = forgetful.make_token()
    one.token.hold(one)
"""
# Statement, type of the finding. What is loose leads, not what is in it.
FORGOTTEN = [
    ("forgetful.string()", "str"),
    ("forgetful.wide()", "str"),
    ("forgetful.large()", "bytes"),
    ("forgetful.tuple()", "tuple"),
    ("forgetful.dict()", "dict"),
    ("forgetful.list()", "list"),
    ("forgetful.token()", "forgetful.Token"),
    ("forgetful.argument(Thing())", "__main__.Thing"),
    ("forgetful.argument(object())", "object"),
]
NATIVE = ["forgetful.malloc()", "forgetful.raw()"]
# Nothing is forgotten: what is interned for good, what is kept by a type's cache, what waits.
CLEAN = [
    "forgetful.clean(thing)",
    "forgetful.clean(3.5)",
    "sys.intern('a name of its own')",
    # 3.12 lets no interned string go: there it is a leak.
    *(["sys.intern(f'name {next(names)}')"] if sys.version_info[:2] != (3, 12) else []),
    "getattr(thing, f'name_{next(names) % 100}', None)",
    "Thing().attribute = next(names)",
    "forgetful.make_token()",
    "forgetful.remember(Thing())",
    "'%s and %r' % (thing, [next(names)])",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the extension module is, built for this Python."""
    folder = tmp_path_factory.mktemp("forgetful")
    harness.build_extension(folder, SOURCE)
    return folder


def loop(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs the verb where the extension module can be imported."""
    return subprocess.run(
        [sys.executable, "-m", "mortmain", "loop", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def document(folder: Path, statement: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON of the verb."""
    done = loop(folder, "--json", "-c", statement, "-s", SETUP)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_first_minute(folder: Path) -> None:
    """From the shell: no Python object holds what grows."""
    done = loop(folder, "--width", "200", "-c", "forgetful.string()", "-s", "import forgetful")
    assert done.returncode == 1, done.stderr
    first = done.stdout.splitlines()[0]
    assert first.startswith("HELD BY C  ")
    assert "more str are kept by unaccounted references" in first
    assert "one more every step: no Python object holds them" in first
    assert "──>" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("statement", "type"), FORGOTTEN)
def test_forgotten(folder: Path, statement: str, type: str) -> None:
    """An object that is never released: its type, and no holder."""
    status, told = document(folder, statement)
    assert (status, told["verdict"]) == (1, "held by C"), told["findings"]
    first = told["findings"][0]
    assert (first["severity"], first["kind"], first["type"]) == ("leak", "held by C", type)
    assert "unaccounted" in first["sentence"]
    assert "one more every step" in first["sentence"]
    assert (first["path"], first["also_held_by"], first["fix"]["patch"]) == ([], [], None)
    # A chunk or two of an allocator may have been written over meanwhile.
    assert abs(first["grown_objects"] - first["steps"]) <= first["steps"] // 50
    assert [other["kind"] for other in told["findings"] if other["severity"] == "leak"] == [
        "held by C"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("argument", ["Thing()", "[Thing(), 'a text']"])
def test_table_in_c(folder: Path, argument: str) -> None:
    """A registry in a variable of C: its entries are told, and that no Python object holds it."""
    status, told = document(folder, f"forgetful.register({argument})")
    assert (status, told["verdict"]) == (1, "held by C"), told["findings"]
    first = told["findings"][0]
    assert (first["kind"], first["type"], first["path"]) == ("held by C", "__main__.Thing", [])
    assert first["sentence"].startswith("One dict that only C code refers to keeps ")
    assert "more Thing alive, one more every step" in first["sentence"]
    assert first["grown_objects"] == first["steps"]


@pytest.mark.slow
def test_one_object_gains(folder: Path) -> None:
    """The same object gets a reference more at every step: there are no more objects."""
    status, told = document(folder, "forgetful.argument(thing)")
    assert (status, told["verdict"]) == (1, "held by C"), told["findings"]
    first = told["findings"][0]
    assert (first["type"], first["path"], first["grown_objects"]) == ("__main__.Thing", [], 0)
    assert first["sentence"].startswith("Thing gained unaccounted references")


@pytest.mark.slow
def test_invisible_ring(folder: Path) -> None:
    """A ring through an object that hides its reference: it does not wait, and C is named."""
    status, told = document(folder, "ring()")
    assert (status, told["verdict"]) == (1, "gc-invisible"), told["findings"]
    first = told["findings"][0]
    assert (first["kind"], first["type"], first["path"]) == ("gc-invisible", "__main__.Thing", [])
    assert "the collector cannot see" in first["sentence"]
    assert "waiting for gc" not in [verdict["verdict"] for verdict in told["verdicts"]]


@pytest.mark.slow
@pytest.mark.parametrize("statement", NATIVE)
def test_native(folder: Path, statement: str) -> None:
    """Memory that is no object."""
    status, told = document(folder, statement)
    assert (status, told["verdict"]) == (1, "native"), told["findings"]
    first = told["findings"][0]
    assert (first["kind"], first["type"], first["path"]) == ("native", None, [])
    assert 190 <= first["retained_bytes"] / first["steps"] <= 300, first["sentence"]


@pytest.mark.slow
@pytest.mark.parametrize("statement", CLEAN)
def test_nothing_forgotten(folder: Path, statement: str) -> None:
    """What goes, what is interned and what is cached is no leak."""
    status, told = document(folder, statement)
    assert status == 0, told["findings"]
    assert told["verdict"] in ("clean", "waiting for gc")


CENSUS = """
import ctypes
strings = [f"string {number} of many" * 3 for number in range(5000)]
forget = ctypes.pythonapi.Py_IncRef
forget.argtypes = [ctypes.py_object]
forget.restype = None
def lose(count):
    for number in range(count):
        forget(f"lost {number}" * 4)
lose(10)
for number, count in enumerate((0, 700, 300)):
    lose(count)
    gc.collect()
    _door.snapshot(f"{number}.mort", census=True, in_process=number == 2)
_door.snapshot("without.mort")
"""


def test_census(tmp_path: Path) -> None:
    """By both doors: exactly what was lost, and the blocks that are there for it."""
    harness.run(tmp_path, CENSUS)
    counts = []
    for number in range(3):
        heap = harness.read(tmp_path / f"{number}.mort")
        names = [kind.name for kind in heap.types]
        blocks = {names[kind]: (count, loose) for kind, count, _, loose in heap.census_types}
        counts.append(blocks["str"])
        used = sum(count for _, count, _ in heap.census_sizes)
        raw = sum(count for _, count in heap.census_raws)
        assert used > 5000
        assert raw < used
    (first, first_loose), (second, second_loose), (third, third_loose) = counts
    assert (second - first, third - second) == (700, 300)
    assert (second_loose - first_loose, third_loose - second_loose) == (700, 300)
    # Nearly every block is explained: what is not are strings that C code keeps for good.
    assert first < 500
    heap = harness.read(tmp_path / "without.mort")
    assert (heap.census_types, heap.census_sizes, heap.census_raws) == ([], [], [])

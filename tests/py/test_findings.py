"""What one snapshot of a small program may call a finding: the true holder or cycle, or nothing.

The programs stand in programs/findings.txt: for each kind of leak one that leaks and the same one
mended, with one object and with ten thousand, and ordinary programs in which nothing is wrong.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from harness import PROGRAMS, TAKEN, run

pytestmark = pytest.mark.names

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("base/free", "base/os", "format", "graph", "analyze", "explain")
HEADING = re.compile(r"^=== (\w+) (leaks|mended|clean)(?: \| (.+) \| (.+))?\n", re.MULTILINE)
WRAP = """
import mortmain
N = {count}
def SNAP():
    mortmain.snapshot({taken!r}, force=True)
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A program and what must be found in it."""

    name: str
    kind: str
    holder: str
    type: str
    text: str


def programs() -> list[Program]:
    """The programs of the file."""
    parts = HEADING.split((PROGRAMS / "findings.txt").read_text())[1:]
    return [Program(*(part or "" for part in parts[i : i + 5])) for i in range(0, len(parts), 5)]


ALL = programs()
COUNTED = [
    pytest.param(program, count, id=f"{program.name}-{program.kind}-{count}")
    for program in ALL
    for count in ((1,) if program.kind == "clean" else (1, 10_000))
]


def room_sources(room: Path) -> list[Path]:
    """The sources of a room: those that its list names, or all, where it has no list."""
    listed = room / "meson.build"
    if not listed.exists():
        return sorted(room.glob("*.c"))
    return [room / name for name in re.findall(r"'(\w+\.c)'", listed.read_text())]


@pytest.fixture(scope="session")
def dump_findings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("no C compiler")
    output = tmp_path_factory.mktemp("findings") / "dump_findings"
    flags = ["-std=c11", "-D_GNU_SOURCE=", "-O1", "-g", "-w", f"-I{ROOT / 'engine'}"]
    sources = [path for room in ROOMS for path in room_sources(ROOT / "engine" / room)]
    sources.append(ROOT / "tests/unit/dump_findings.c")
    subprocess.run([compiler, *flags, "-o", output, *sources], check=True)
    return output


def findings(dump_findings: Path, folder: Path, text: str, count: int = 1) -> str:
    """What is found after a program has run."""
    program = folder / "program.py"
    end = "" if "SNAP()" in text else "SNAP()\n"
    program.write_text(WRAP.format(count=count, taken=TAKEN) + text + end)
    run(folder, program)
    done = subprocess.run(
        [dump_findings, folder / TAKEN], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def first(text: str) -> str:
    """The first finding that is not hidden."""
    found = re.search(r"^finding.*?(?=^finding|^hidden|^own|^note|\Z)", text, re.M | re.S)
    assert found, text
    return found.group()


@pytest.mark.parametrize(("program", "count"), COUNTED)
def test_programs(dump_findings: Path, tmp_path: Path, program: Program, count: int) -> None:
    found = findings(dump_findings, tmp_path, program.text, count)
    if program.kind == "leaks":
        assert re.search(program.holder, first(found)), found
        assert re.search(program.type, first(found)), found
        assert "\nverdict leak" not in found
    else:
        assert "\nverdict clean" in found, found
        assert "\nfinding" not in found


def test_every_leak_has_its_mended_twin() -> None:
    leaks = [program.name for program in ALL if program.kind == "leaks"]
    assert leaks == [program.name for program in ALL if program.kind == "mended"]
    assert len(leaks) >= 30


def test_workloads_count_with_their_rings(dump_findings: Path, tmp_path: Path) -> None:
    text = """
import gc
gc.disable()
class Piece:
    def __init__(self, parent=None):
        self.parent, self.children, self.load = parent, [], bytearray(1 << 20)
        if parent is not None:
            parent.children.append(self)
    def __del__(self): pass
def make():
    for _ in range(10): Piece(Piece())
make()
"""
    found = findings(dump_findings, tmp_path, text)
    assert "sentence 10 rings `Piece.children` <-> `Piece.parent` wait: 20.0 MiB" in found
    assert "verdict waiting for gc" in found
    assert "ring Piece .children | list [*] | Piece !^.parent" in found
    assert "cure weak-parent" in found


def test_an_exception_is_one_finding_with_its_chain(dump_findings: Path, tmp_path: Path) -> None:
    text = """
class Job:
    def __init__(self): self.load = bytearray(100_000)
def attempt():
    job = Job()
    raise OSError(1)
last = []
try:
    attempt()
except OSError as error:
    last.append(error)
"""
    found = findings(dump_findings, tmp_path, text)
    path = "path module __main__ .last | list ![0] | OSError traceback | traceback frame | "
    assert path + "frame of attempt" in found, found
    assert "local job | Job" in found
    assert found.count("\nfinding") == 1


def test_exc_info_is_one_finding(dump_findings: Path, tmp_path: Path) -> None:
    text = next(p.text for p in ALL if (p.name, p.kind) == ("exc_info", "leaks"))
    found = findings(dump_findings, tmp_path, text, 10)
    assert found.count("\nfinding") == 1, found
    assert "sentence kept keeps 10 OSError and with each of them a frame of run" in found
    assert "local job | Job" in found


def test_the_heaviest_variable_is_told(dump_findings: Path, tmp_path: Path) -> None:
    text = """
class Small: pass
class Shop:
    def __init__(self): self.log, self.last = bytearray(1 << 20), None
    def order(self):
        small, text, shop = Small(), bytearray(100_000), self
        raise OSError(1)
shop = Shop()
try:
    shop.order()
except OSError as error:
    shop.last = error
"""
    found = findings(dump_findings, tmp_path, text)
    assert "local text | bytearray" in found, found
    assert "retained=10" in found


def test_a_cache_of_data_is_told_by_its_name(dump_findings: Path, tmp_path: Path) -> None:
    text = """
NAME = {}
class Loader:
    CLASS = {}
    def __init__(self): self.INSTANCE = []
loader = Loader()
def fill(n):
    for i in range(n):
        NAME[i] = bytes(1000)
        Loader.CLASS[i] = [i] * 100
        loader.INSTANCE.append("x" * 500 + str(i))
fill(N)
"""
    names = {"NAME": "page_cache", "CLASS": "rowCache", "INSTANCE": "memo"}
    named = text
    for old, new in names.items():
        named = named.replace(old, new)
    found = findings(dump_findings, tmp_path, named, 2000)
    for holder, kept in (("page_cache", "bytes"), ("Loader.rowCache", "list"), ("memo", "str")):
        assert re.search(rf"sentence \S*{holder} keeps 2,000 {kept} alive", found), found
    assert "verdict clean" in findings(dump_findings, tmp_path, named, 900)
    assert "verdict clean" in findings(dump_findings, tmp_path, text, 2000)


def test_a_filled_gc_garbage_is_told(dump_findings: Path, tmp_path: Path) -> None:
    text = """
import gc
class Loop:
    def __init__(self): self.me = self
gc.set_debug(gc.DEBUG_SAVEALL)
Loop()
gc.collect()
gc.set_debug(0)
"""
    found = findings(dump_findings, tmp_path, text)
    assert re.search(r"^note gc\.garbage keeps [\d,]+ objects? .*gc\.DEBUG_SAVEALL", found, re.M)


def test_fingerprints_are_the_same_from_run_to_run(dump_findings: Path, tmp_path: Path) -> None:
    text = next(p.text for p in ALL if p.kind == "leaks")
    prints = [
        re.findall("fingerprint (.*)", findings(dump_findings, tmp_path, text, count))
        for count in (1, 1, 50)
    ]
    assert prints[0] == prints[1] == prints[2] != []

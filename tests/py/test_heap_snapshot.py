"""Snapshots of C programs' heaps: what the command says of what programs/heap_snapshot.c wrote."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import readheap

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests/py/programs/heap_snapshot.c"
GOLDEN = ROOT / "tests/golden/libmortmain.mort"
HEAP = sorted((ROOT / "heap").glob("*.c"))
# What libmortmain_snapshot is made of: heap/snapshot/meson.build.
SNAPSHOT = [
    *sorted((ROOT / "heap/snapshot").glob("*.c")),
    ROOT / "engine/format/write.c",
    *(ROOT / f"engine/base/free/{name}.c" for name in ("bytes", "sort")),
    *(ROOT / f"engine/base/os/{name}.c" for name in ("file", "sink")),
]
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-D_GNU_SOURCE="]
SANITIZE = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
INCLUDE = [f"-I{ROOT / folder}" for folder in ("heap", "heap/snapshot", "engine")]
SECONDS_MAX = 300
HELD, WEAK = 10, 16

Program = Callable[..., str]


def call(*command: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Runs a command; its exit status is the caller's affair."""
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        env={**os.environ, **extra},
        check=False,
    )


def compiled(folder: Path, *extra: str) -> Path:
    """The program, with everything it needs compiled beside it."""
    target = folder / "heap_snapshot"
    flags = [*STRICT, *INCLUDE, '-DMORT_VERSION="0.1.0"', *extra]
    done = call(os.environ.get("CC", "cc"), *flags, PROGRAM, *HEAP, *SNAPSHOT, "-o", target)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Runs one of the program's commands, under the sanitizers, and answers what it printed."""
    target = compiled(tmp_path_factory.mktemp("heap"), *SANITIZE)

    def run(name: str, path: Path) -> str:
        # "every" ends with its heap as it is, so that nothing is left to chance.
        leaks = "0" if name == "every" else "1"
        done = call(target, name, path, ASAN_OPTIONS=f"detect_leaks={leaks}")
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    return run


def mortmain(*arguments: str | Path) -> str:
    """What the command prints."""
    done = call(sys.executable, "-m", "mortmain", *arguments)
    assert done.returncode in (0, 1), done.stderr
    assert done.stderr == ""
    return done.stdout


def document(*arguments: str | Path) -> Any:
    """The same for programs."""
    found = json.loads(mortmain(*arguments, "--json"))
    assert found["runtime"] == {"name": "libmortmain", "version": "0.1.0"}
    return found


def read(path: Path) -> readheap.Heap:
    """By the second reader."""
    return readheap.Heap(path.read_bytes())


def type_name(heap: readheap.Heap, node: int) -> str:
    """Of a node."""
    return heap.types[heap.objects[node].type].name


def assert_exact(heap: readheap.Heap) -> None:
    """Every count equals the references of the file: those of objects, of entries, of roots."""
    found = Counter(
        target for edges in heap.edges for target, _, flags, _ in edges if not flags & WEAK
    )
    found.update(value for _, _, value in heap.ephemerons)
    for kind, flags, owner, _, _, target in heap.roots:
        assert (kind, flags) == (HELD, 0)
        found[target] += owner
    for node, each in enumerate(heap.objects):
        if each.refcount != 0:
            assert each.refcount - 1 == found[node], f"{type_name(heap, node)} {node}"


def address(heap: readheap.Heap, name: str, number: int = 0) -> str:
    """Of the object with this place among those of its type."""
    places = [each.address for i, each in enumerate(heap.objects) if type_name(heap, i) == name]
    return hex(places[number])


def names_of(path: Path, what: str) -> dict[str, int]:
    """What refers to an object, or to the objects of a type."""
    answer = document("why", path, what)
    return {each["name"]: each["count"] for each in answer["references"]}


# ---- what is in a file ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def every(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with one of everything."""
    path = tmp_path_factory.mktemp("every") / "every.mort"
    assert program("every", path) == "17 objects\n"
    return path


def test_counts_are_exact(every: Path) -> None:
    heap = read(every)
    assert_exact(heap)
    assert [each for each in heap.objects if each.refcount == 0], "one is saturated"


def test_verify_names_the_runtime(every: Path) -> None:
    found = document("verify", every)
    assert (found["ok"], found["objects"], found["door"]) == (True, 17, "heap")
    told = r"ok: 17 objects, \d+ references, [\d.]+ (Ki)?B, libmortmain 0\.1\.0, snapshot by heap\n"
    assert re.fullmatch(told, mortmain("verify", every))


def test_references_have_their_fields_names(every: Path) -> None:
    heap = read(every)
    ann, bob, cid, dan = (address(heap, "Person", i) for i in range(4))
    assert names_of(every, ann) == {"Person.boss": 2}
    assert names_of(every, bob) == {"held by C": 1, "Person.boss": 1, "Person.friends[0]": 1}
    assert names_of(every, cid) == {"Person.friends[1]": 1}
    assert names_of(every, dan) == {"Person.enemies[0]": 1}
    assert names_of(every, address(heap, "School")) == {"held by C": 1, "Person.secret": 1}


def test_arrays_are_told_in_general_for_many(every: Path) -> None:
    names = names_of(every, "Person")
    assert names["Person.friends[*]"] == 2
    assert names["Person.enemies[*]"] == 1
    assert names["C code: garbage list"] == 2


def test_map_entries(every: Path) -> None:
    """An owning map holds its value, and an ephemeron does while its key lives; others do not."""
    heap = read(every)
    twin, heir = address(heap, "Person", 4), address(heap, "Person", 5)
    for value in (twin, heir):
        [reference] = document("why", every, value)["references"]
        assert reference["name"].endswith("[*]")
        assert (reference["kind"], reference["from_root"]) == ("container entry", True)
    [entry] = heap.ephemerons
    assert [hex(heap.objects[node].address) for node in entry[1:]] == [
        address(heap, "Person"),
        twin,
    ]
    namings = Counter((naming, flags) for edges in heap.edges for _, naming, flags, _ in edges)
    assert namings[readheap.KEY, WEAK] == 2
    assert namings[readheap.VALUE, 0] == 1
    assert namings[readheap.VALUE, WEAK] == 1
    assert namings[readheap.MEMBER, WEAK] == 2


def test_why_speaks_of_c(every: Path) -> None:
    text = mortmain("why", every, address(read(every), "Person", 3))
    assert "held" in text
    assert "C code" in text
    assert ".enemies[0]" in text
    assert "Python" not in text
    held = mortmain("why", every, "Registry")
    assert "until that calls mort_release()" in held
    assert "Python" not in held


def test_weak_references_keep_nothing(every: Path) -> None:
    assert document("why", every, "School")["weak"] >= 4


def test_report(every: Path) -> None:
    text = mortmain("report", "-v", every)
    assert "1 ring `Person.boss` <-> `Person.boss` waits" in text
    assert "Registry" in text
    assert "weakref" not in text
    assert "Python" not in text


def test_golden_file(every: Path) -> None:
    """Addresses are the program's own, so that the whole file is the same but for its pid."""
    dumps = []
    for path in (every, GOLDEN):
        done = call(sys.executable, readheap.__file__, "--dump", path)
        assert done.returncode == 0, done.stderr
        dumps.append(re.sub(r'meta "pid" "\d+"|file bytes=\d+', "", done.stdout))
    assert dumps[0] == dumps[1], f"made anew? copy the file of `heap_snapshot every` to {GOLDEN}"


# ---- other heaps ---------------------------------------------------------------------------------


def test_back_references_wait(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "family.mort"
    program("family", path)
    assert_exact(read(path))
    found = document("report", path)
    assert found["verdict"] == "waiting for gc"
    [finding] = found["findings"]
    assert finding["kind"] == "cycle"
    assert finding["count"] == 10
    assert finding["retained_bytes"] > 10 * 200000
    text = mortmain("report", path)
    assert "Parent.children[*]" in text
    assert "make `Child.parent` a mort_weak: the owner outlives what it owns" in text
    assert "weakref" not in text


def test_large_heaps(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "large.mort"
    program("large", path)
    heap = read(path)
    assert len(heap.objects) == 200_001
    assert_exact(heap)
    assert names_of(path, "Person") == {
        "Person.friends[*]": 200_000,
        "Person.boss": 199_999,
        "held by C": 2,
    }


# ---- what goes wrong -----------------------------------------------------------------------------


def test_bad_paths(program: Program, tmp_path: Path) -> None:
    program("errors", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "old.mort"
    path.write_bytes(b"as it was")
    program("limit", path)
    assert path.read_bytes() == b"as it was"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_whole_and_is_private(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "family.mort"
    path.write_bytes(b"as it was")
    path.chmod(0o644)
    program("family", path)
    assert read(path).frame.incomplete == 0
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_allocation_may_fail(tmp_path: Path) -> None:
    """Each fails once: MORT_ENOMEM, and nothing is left behind."""
    wraps = [f"-Wl,--wrap={name}" for name in ("malloc", "calloc", "realloc")]
    target = compiled(tmp_path, "-DWRAP_MALLOC", "-g", *wraps)
    folder = tmp_path / "files"
    folder.mkdir()
    done = call(target, "memory", folder / "x.mort")
    assert done.returncode == 0, done.stderr
    failed = re.fullmatch(r"(\d+) allocations failed\n", done.stdout)
    assert failed is not None
    assert int(failed[1]) >= 8
    assert [path.name for path in folder.iterdir()] == ["x.mort"]
    assert_exact(read(folder / "x.mort"))


def test_damaged_files_are_refused(every: Path, tmp_path: Path) -> None:
    whole = every.read_bytes()
    path = tmp_path / "damaged.mort"
    for damaged in (whole[:-8], whole[:100] + b"?" + whole[101:], b""):
        path.write_bytes(damaged)
        done = call(sys.executable, "-m", "mortmain", "why", path, "Person")
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert str(path) in done.stderr

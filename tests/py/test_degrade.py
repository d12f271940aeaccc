"""A kind of objects, or a whole version, that locate does not know: less is named, nothing is lost.

The engine is built into a shared library that hides tables from the walker, as test_locate.py does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import harness
import test_references

ENGINE = Path(__file__).resolve().parents[2] / "engine"
SOURCES = [
    *sorted((ENGINE / "locate").glob("*.c")),
    *(path for path in sorted((ENGINE / "capture").glob("*.c")) if path.stem != "blob"),
    *sorted((ENGINE / "base/free").glob("*.c")),
    *(ENGINE / "base/os" / name for name in ("elf.c", "maps.c", "pages.c", "sink.c")),
    ENGINE / "format/write.c",
    Path(__file__).with_name("degrade_probe.c"),
]
DICT, TUPLE, TYPE, CODE, ORDERED_DICT = 3, 5, 11, 12, 26
# What the quick tests hide; the slow ones hide each kind in turn.
QUICK = ("nothing", str(DICT), str(TUPLE), str(TYPE), str(CODE))
WHOLE = ("all kinds", "version", "traverse", "version and traverse")
REST = tuple(str(kind) for kind in range(1, 29) if str(kind) not in QUICK)
NOT_YET = {
    str(ORDERED_DICT): "the second reference to each key is left out",
}


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("no C compiler")
    output = tmp_path_factory.mktemp("degrade") / "libdegrade.so"
    flags = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-g", "-fPIC", "-shared", "-w", f"-I{ENGINE}"]
    subprocess.run([compiler, *flags, "-o", output, *SOURCES], check=True)
    return output


def hide(library: Path, folder: Path, *names: str) -> dict[str, dict[str, Any]]:
    """Runs the program in which these are hidden one after the other."""
    program = harness.PROGRAMS / "degrade.py"
    said = harness.run(folder, program, library, harness.READHEAP, *names, timeout=300)
    return json.loads(said)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def quick(library: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return hide(library, tmp_path_factory.mktemp("quick"), *QUICK, *WHOLE)


@pytest.fixture(scope="module")
def rest(library: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return hide(library, tmp_path_factory.mktemp("rest"), *REST)


def check_edges(said: dict[str, Any]) -> None:
    """All references of all objects are still those that tp_traverse reports."""
    differences = {tuple(key.split("\t")): count for key, count in said["differences"].items()}
    assert {k: n for k, n in differences.items() if k not in test_references.KNOWN} == {}
    assert said["compared"] > 5000
    assert said["references"] > 20_000


def check_answer(said: dict[str, Any], hidden: int | None = None) -> None:
    """The snapshot is whole, and the chain ends where it should."""
    assert (said["status"], said["unreadable"], said["warning"]) == (0, 0, "")
    if hidden is not None:
        assert said["kinds_failed"] >> hidden & 1
        assert hidden not in said["kinds"]
    # Its holder, and the list in which the program has all objects.
    assert (said["references_to_thing"], said["unaccounted"]) == (2, 0)
    assert said["chain"][-1][0] == "Thing"


def marked(names: tuple[str, ...]) -> list[Any]:
    """What is known to be wrong is expected to fail."""
    return [
        pytest.param(name, marks=pytest.mark.xfail(strict=True, reason=NOT_YET[name]))
        if name in NOT_YET
        else name
        for name in names
    ]


@pytest.mark.parametrize("name", marked((*QUICK, "all kinds", "version")))
def test_edges(quick: dict[str, dict[str, Any]], name: str) -> None:
    check_edges(quick[name])


@pytest.mark.parametrize("name", [name for name in QUICK if name.isdigit()])
def test_hidden_kind(quick: dict[str, dict[str, Any]], name: str) -> None:
    check_answer(quick[name], int(name))


def test_hidden_names(quick: dict[str, dict[str, Any]]) -> None:
    assert quick["nothing"]["kinds_failed"] == 0
    check_answer(quick["nothing"])
    whole = [["module __main__", ".Holder"], ["class Holder", ".seen"], ["dict", "['k']"]]
    assert quick["nothing"]["chain"][:-1] == whole
    # Without dicts there are no keys, but the way is the same.
    check_answer(quick["all kinds"])
    assert {"dict", "Thing"} <= {name for name, _ in quick["all kinds"]["chain"]}
    assert quick["all kinds"]["kinds"] == [0]


def test_unknown_version(quick: dict[str, dict[str, Any]]) -> None:
    for name in ("version", "version and traverse"):
        said = quick[name]
        assert said["warning"].startswith(f"unknown CPython {test_references.VERSION}")
        assert "\n" not in said["warning"]
        assert (said["status"], said["unreadable"]) == (0, 0)
        assert said["kinds"] == [0]
    assert quick["version"]["references_to_thing"] == 2
    assert quick["version"]["unaccounted"] == 0


def test_no_call_of_foreign_code(quick: dict[str, dict[str, Any]]) -> None:
    """Where tp_traverse must not be called, known kinds are still whole, and others are guessed."""
    check_answer(quick["traverse"])
    missing = {key.split("\t")[1] for key in quick["traverse"]["differences"]}
    assert missing & {"dict", "list", "tuple", "function", "cell", "type", "Plain"} == set()
    # A guess counts at most as often as the object's count has room for.
    assert quick["version and traverse"]["references_to_thing"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", marked(REST))
def test_edges_of_the_rest(rest: dict[str, dict[str, Any]], name: str) -> None:
    check_edges(rest[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", REST)
def test_hidden_kind_of_the_rest(rest: dict[str, dict[str, Any]], name: str) -> None:
    check_answer(rest[name], int(name))

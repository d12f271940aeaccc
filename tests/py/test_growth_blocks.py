"""What objects of C have beside them in blocks of malloc is theirs, not native memory."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

import harness

SOURCE = harness.PROGRAMS / "owning_blocks.c"
SETUP = """
import owning_blocks
kept = []
class Record:
    pass
last = Record()
size = 0
def anew():
    global last, size
    size += 400
    record = Record()
    record.inner = Record()
    record.inner.array = owning_blocks.make(size)
    last = record
"""
# Statement, first sentence, bytes of each object at the least and at the most.
HELD = [
    ("kept.append(owning_blocks.make(3000))", "kept (list) keeps ", 3000, 3400),
    ("kept.append(owning_blocks.make(300_000))", "kept (list) keeps ", 300_000, 310_000),
    (
        "one = owning_blocks.make(3000); kept.append((one, owning_blocks.view(one)))",
        "kept (list) keeps ",
        3000,
        3600,
    ),
]
ARRAYS = """
import numpy
kept = []
table = [numpy.zeros(1)]
def append():
    global table
    table = [numpy.concatenate([table[0], numpy.ones(40)])]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the extension module is, built for this Python."""
    folder = tmp_path_factory.mktemp("blocks")
    harness.build_extension(folder, SOURCE)
    return folder


def document(folder: Path, statement: str, setup: str = SETUP) -> dict[str, Any]:
    """JSON of the verb, which runs where the extension module can be imported."""
    return harness.loop("-c", statement, "-s", setup, cwd=folder)[1]


@pytest.mark.slow
@pytest.mark.parametrize(("statement", "sentence", "least", "most"), HELD)
def test_held(folder: Path, statement: str, sentence: str, least: int, most: int) -> None:
    """Each is held with its block, once."""
    told = document(folder, statement)
    assert [each["verdict"] for each in told["verdicts"]] == ["leak"], told["findings"]
    first = told["findings"][0]
    assert first["sentence"].startswith(sentence), first["sentence"]
    assert least <= first["retained_bytes"] / first["count"] <= most, first["sentence"]


@pytest.mark.slow
def test_anew(folder: Path) -> None:
    """One that is made anew and larger every time is found inside of what is made with it."""
    told = document(folder, "anew()")
    assert [each["verdict"] for each in told["verdicts"]] == ["leak"], told["findings"]
    first = told["findings"][0]
    # Where it begins depends on addresses: a Record may get that of one that is gone.
    assert " grows: " in first["sentence"], first["sentence"]
    assert first["type"] == "owning_blocks.Array"
    edges = [step["edge"] for step in first["path"] if step["edge"]]
    assert edges == [".last", ".inner", ".array"]


@pytest.mark.slow
def test_native(folder: Path) -> None:
    """A block that no object has stays nobody's."""
    told = document(folder, "owning_blocks.lose(300)")
    assert [each["verdict"] for each in told["verdicts"]] == ["native"], told["findings"]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="needs numpy")
def test_numpy(tmp_path: Path) -> None:
    """The data of an array."""
    told = document(tmp_path, "kept.append(numpy.ones(1000))", ARRAYS)
    first = told["findings"][0]
    assert first["type"] == "numpy.ndarray"
    assert first["retained_bytes"] / first["count"] >= 8000
    told = document(tmp_path, "append()", ARRAYS)
    first = told["findings"][0]
    assert first["kind"] == "growth", first["sentence"]
    assert first["path"][0]["edge"] == ".table"

"""`mortmain report FILE`: findings, types and the tree, as text and as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest

from mortmain import Heap

pytestmark = pytest.mark.names
DOCS = Path(__file__).parents[2] / "docs"
PROGRAM = """
class Exam:
    def __init__(self, number):
        self.number = number

class Within:
    seen = {}
    def see(self):
        pass

def leave(count):
    for number in range(count):
        Within.seen[Exam(bytes(number))] = True

leave(1000)
kept = []

"""
# Four more containers, each of which keeps objects.
MORE = "".join(f"more{i} = [Exam(b'') for _ in range({i})]\n" for i in range(1, 5))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    for name, more in (("one", ""), ("many", MORE)):
        (folder / f"{name}.py").write_text(PROGRAM + more)
        command = ["run", "-qo", f"{name}.mort", f"{name}.py"]
        subprocess.run([sys.executable, "-m", "mortmain", *command], cwd=folder, check=True)
    return folder


def answer(folder: Path, *words: str) -> str:
    left = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    done = subprocess.run(
        [sys.executable, "-m", "mortmain", "report", *words],
        cwd=folder,
        env=left,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("what", ["findings", "types", "tree"])
def test_json(folder: Path, what: str) -> None:
    flags = [] if what == "findings" else [f"--{what}"]
    document = json.loads(answer(folder, "one.mort", "--json", *flags))
    schema = json.loads((DOCS / f"{what}.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["schema"] == f"mortmain.{what}/1"


@pytest.mark.parametrize("flags", [[], ["-v"], ["--types"], ["--tree"], ["--tree", "-v"]])
def test_width(folder: Path, flags: list[str]) -> None:
    for width in (40, 61, 80, 200):
        text = answer(folder, "many.mort", f"--width={width}", *flags)
        assert all(len(line) <= width for line in text.splitlines())


def test_three_and_the_rest(folder: Path) -> None:
    short = answer(folder, "many.mort")
    assert short.count("SUSPECTS") == 3
    assert short.endswith(" notes hidden, -v shows them\n")
    long = answer(folder, "many.mort", "-v")
    assert long.count("SUSPECTS") >= 5
    assert "hidden, -v" not in long
    assert "The program's own objects:" in long
    assert long.startswith("SUSPECTS  Within.seen keeps 1,000 Exam alive")


def test_types(folder: Path) -> None:
    document = json.loads(answer(folder, "one.mort", "--types", "--json"))
    told = {row["type"]: row["count"] for row in document["types"]}
    assert told["__main__.Exam"] == 1000
    assert sum(row["bytes"] for row in document["types"]) == document["bytes"]
    assert "__main__.Exam" in answer(folder, "one.mort", "--types", "-v")


def test_tree(folder: Path) -> None:
    document = json.loads(answer(folder, "one.mort", "--tree", "--json"))
    rows = document["rows"]
    top_bytes = sum(row["retained_bytes"] for row in rows if row["depth"] == 0)
    assert abs(top_bytes - document["bytes"]) < document["bytes"] / 100
    chain: list[str] = []
    for row in rows:
        chain[row["depth"] :] = [row["object"]]
        if row["object"] == "Exam":
            break
    assert chain[-1] == "Exam"
    assert "class Within" in chain
    assert row["count"] == 1000
    for before, after in pairwise(rows):
        assert after["depth"] <= before["depth"] + 1


RING = """
import gc
gc.disable()
class Node:
    pass
for i in range(3):
    node = Node()
    node.me = node
"""


def test_cycles(folder: Path) -> None:
    assert answer(folder, "one.mort", "--cycles").startswith("CLEAN  No cycle ")
    (folder / "ring.py").write_text(RING + "kept = [Node()]\n")
    command = [sys.executable, "-m", "mortmain", "run", "-qo", "ring.mort", "ring.py"]
    subprocess.run(command, cwd=folder, check=True)
    text = answer(folder, "ring.mort", "--cycles")
    assert text.startswith("WAITING FOR GC  2 rings `Node.me` wait: ")
    assert "SUSPECTS" not in text
    document = json.loads(answer(folder, "ring.mort", "--cycles", "--json"))
    jsonschema.validate(document, json.loads((DOCS / "findings.schema.json").read_text()))
    assert [each["kind"] for each in document["findings"]] == ["cycle"]
    assert document["verdict"] == "waiting for gc"


def test_notes(folder: Path) -> None:
    (folder / "noted.py").write_text(RING + "gc.set_debug(gc.DEBUG_SAVEALL)\ngc.collect()\n")
    command = [sys.executable, "-m", "mortmain", "run", "-qo", "noted.mort", "noted.py"]
    subprocess.run(command, cwd=folder, check=True)
    document = json.loads(answer(folder, "noted.mort", "--json"))
    jsonschema.validate(document, json.loads((DOCS / "findings.schema.json").read_text()))
    (note,) = document["notes"]
    assert "gc.DEBUG_SAVEALL" in note
    assert " ".join(answer(folder, "noted.mort").split()).endswith(f"Note: {note}")
    assert json.loads(answer(folder, "one.mort", "--json"))["notes"] == []


def test_from_python(folder: Path) -> None:
    heap = Heap.open(folder / "one.mort")
    found = heap.findings()
    assert found.verdict == "suspects"
    assert str(found) == found.render()
    assert json.loads(found.json())["findings"][0]["count"] == 1000
    assert heap.render_types() == answer(folder, "one.mort", "--types", "--width=80")
    assert heap.render_tree() == answer(folder, "one.mort", "--tree", "--width=80")
    with pytest.raises(ValueError, match="width"):
        found.render(width=3)

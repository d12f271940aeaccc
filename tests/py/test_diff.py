"""`mortmain diff`: what grew between snapshots of one process, and nothing called a leak for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import harness

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "findings.schema.json").read_text())

# Snapshots 0 to 3: orders pile up, a cache fills until snapshot 2, a ring turns over.
GROWING = """
import collections

class Order:
    pass

class Entry:
    pass

class Turn:
    pass

class Book:
    pending = []

filled = {}
ring = collections.deque(maxlen=100)
for number in range(4):
    mortmain.snapshot(f"{number}.mort")
    for i in range(300):
        Book.pending.append(Order())
        ring.append(Turn())
        if number < 2:
            filled[number, i] = Entry()
"""


def diff(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs the verb in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "mortmain", "diff", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def document(folder: Path, *words: str) -> dict[str, Any]:
    """What `--json` says."""
    done = diff(folder, "--json", *words)
    assert (done.returncode, done.stderr) == (0, "")
    told: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(told, SCHEMA)
    return told


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the snapshots of one process."""
    folder = tmp_path_factory.mktemp("taken")
    harness.run(folder, GROWING)
    return folder


@pytest.mark.names
def test_two(taken: Path) -> None:
    """Whatever two snapshots show may be a cache: a third is asked for."""
    told = document(taken, "0.mort", "1.mort")
    assert told["verdict"] == "suspects"
    assert {finding["severity"] for finding in told["findings"]} == {"note"}
    kept = {finding["type"]: finding for finding in told["findings"]}
    for name, holder in (("Order", "Book.pending"), ("Entry", "program.filled")):
        finding = kept[f"__main__.{name}"]
        assert finding["sentence"].startswith(holder.removeprefix("program."))
        assert finding["grown_objects"] == 300
    assert (told["watched"]["compared"], told["watched"]["rounds"]) == ("births", 1)
    assert "take a third one" in told["notes"][0]


@pytest.mark.names
def test_more(taken: Path) -> None:
    """What was not made in every round is no finding; what was is still no leak."""
    told = document(taken, "0.mort", "1.mort", "2.mort", "3.mort")
    assert told["verdict"] == "suspects"
    first = told["findings"][0]
    assert (first["type"], first["grown_objects"]) == ("__main__.Order", 900)
    assert first["cut"]["references"] == ["Book.pending[*]"]
    assert "Entry" not in json.dumps([each["sentence"] for each in told["findings"]])
    assert "mortmain loop" in told["notes"][0]
    text = diff(taken, "0.mort", "1.mort", "2.mort", "3.mort")
    assert text.returncode == 0
    assert text.stdout.startswith("SUSPECTS  Book.pending (list) keeps 900 Order alive")
    assert "LEAK" not in text.stdout
    assert "Watched: 3 rounds, " in text.stdout


def test_file(taken: Path, tmp_path: Path) -> None:
    """A file of `--json=` is written whole, and not over another."""
    answer = tmp_path / "a.json"
    done = diff(taken, f"--json={answer}", "0.mort", "1.mort")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    jsonschema.validate(json.loads(answer.read_text()), SCHEMA)
    again = diff(taken, f"--json={answer}", "0.mort", "1.mort")
    assert again.returncode == 2
    assert "exists already" in again.stderr


@pytest.mark.names
def test_refusals(taken: Path, tmp_path: Path) -> None:
    """One line that says what to do."""
    (tmp_path / "text").write_text("no snapshot")
    for words, why in (
        (["0.mort"], "name two snapshots of one program or more"),
        ([], "name two snapshots of one program or more"),
        (["1.mort", "0.mort"], "0.mort was not taken after 1.mort: name the snapshots by time"),
        (["1.mort", "1.mort"], "1.mort was not taken after 1.mort"),
        (["0.mort", "2.mort", "1.mort"], "1.mort was not taken after 2.mort"),
        (["0.mort", str(tmp_path / "text")], "text: "),
        (["0.mort", "none.mort"], "none.mort: cannot open the file"),
    ):
        done = diff(taken, *words)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert done.stderr.startswith("mortmain: ")
        assert done.stderr.count("\n") == 1
        assert why in done.stderr


def test_forked(tmp_path: Path) -> None:
    """A child is another process, though all addresses are its parent's: no birth is told of."""
    harness.run(
        tmp_path,
        """
mortmain.snapshot("a.mort")
child = os.fork()
if child == 0:
    mortmain.snapshot("b.mort")
    os._exit(0)
os.waitpid(child, 0)
""",
    )
    told = document(tmp_path, "a.mort", "b.mort")
    assert (told["verdict"], told["watched"]["compared"]) == ("clean", "path shapes")
    assert document(tmp_path, "b.mort", "a.mort")["verdict"] == "clean"


def test_nothing_grew(tmp_path: Path) -> None:
    """What stays as it was is clean, and how long it was watched is said."""
    harness.run(
        tmp_path,
        """
kept = [Thing() for _ in range(100)]
for number in range(3):
    mortmain.snapshot(f"{number}.mort")
    for _ in range(300):
        Thing()
""",
    )
    told = document(tmp_path, "0.mort", "1.mort", "2.mort")
    assert [each for each in told["findings"] if each["type"] == "__main__.Thing"] == []
    assert told["watched"]["rounds"] == 2


@pytest.mark.names
def test_running_variables(tmp_path: Path) -> None:
    """What a running function has just made for itself is not told of two snapshots."""
    harness.run(
        tmp_path,
        """
def main():
    kept = []
    mortmain.snapshot("0.mort")
    passing = Thing()
    for _ in range(100):
        kept.append(Thing())
    mortmain.snapshot("1.mort")

main()
""",
    )
    text = diff(tmp_path, "0.mort", "1.mort").stdout
    assert "the variable `kept` of main() (list) keeps 100 Thing alive" in text, text
    assert "passing" not in text, text
    assert "passing" in diff(tmp_path, "-v", "0.mort", "1.mort").stdout

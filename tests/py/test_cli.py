"""The command: what it prints, and that every failure is one line and a status."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "verify.schema.json").read_text())
PROGRAM = """
import sys, mortmain
class Exam:
    kept = []
    def __init__(self):
        Exam.kept.append(self)
for i in range(3):
    Exam()
mortmain.snapshot(sys.argv[1])
"""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    (folder / "shop.py").write_text(PROGRAM)
    subprocess.run([sys.executable, "shop.py", "a.mort"], cwd=folder, check=True)
    return folder / "a.mort"


def mortmain(*words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    return subprocess.run(
        [sys.executable, "-m", "mortmain", *words],
        capture_output=True,
        text=True,
        env={**environment, **more},
        timeout=60,
        check=False,
    )


def answer(*words: str | Path, **more: str) -> str:
    done = mortmain(*words, **more)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def failure(*words: str | Path) -> str:
    done = mortmain(*words)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.endswith("\n")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.names
def test_why(snapshot: Path) -> None:
    text = answer("why", snapshot, "Exam")
    assert text.splitlines()[0] == "3 references to 3 Exam: 3 \u00d7 Exam.kept[*]"
    assert "\x1b" not in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert all(
        len(line) <= 50 for line in answer("why", snapshot, "Exam", COLUMNS="50").split("\n")
    )
    narrow = answer("why", snapshot, "Exam", "--width=44")
    assert all(len(line) <= 44 for line in narrow.splitlines())
    assert answer("why", snapshot, "Exam", PYTHONIOENCODING="ascii").isascii()
    assert "Exam.kept" in answer("why", "-v", snapshot, "__main__:Exam.kept[0]")


def test_json(snapshot: Path, tmp_path: Path) -> None:
    document = json.loads(answer("why", "--json", snapshot, "Exam"))
    assert document["schema"] == "mortmain.why/1"
    assert document["objects"] == 3
    assert json.loads(answer("why", snapshot, "Exam", "--json")) == document
    file = tmp_path / "a.json"
    assert answer("why", snapshot, "Exam", f"--json={file}") == ""
    assert json.loads(file.read_text()) == document
    assert "exists already" in failure("why", snapshot, "Exam", f"--json={file}")
    assert answer("why", snapshot, "Exam", f"--json={file}", "-f") == ""
    assert "No such file" in failure("why", snapshot, "Exam", f"--json={tmp_path}/no/a.json")


def test_verify(snapshot: Path, tmp_path: Path) -> None:
    assert answer("verify", snapshot).startswith("ok: ")
    document = json.loads(answer("verify", "--json", snapshot))
    jsonschema.validate(document, SCHEMA)
    assert document["ok"] is True
    bad = tmp_path / "bad.mort"
    bad.write_bytes(snapshot.read_bytes()[:-9])
    assert str(bad) in failure("verify", bad)
    done = mortmain("verify", "--json", bad)
    assert (done.returncode, done.stderr) == (2, "")
    jsonschema.validate(json.loads(done.stdout), SCHEMA)
    assert json.loads(done.stdout)["ok"] is False


def test_version_and_help() -> None:
    assert answer("--version").startswith("mortmain ")
    assert answer("-V") == answer("--version")
    text = answer("--help")
    assert "why" in text
    assert "verify" in text
    assert "FILE" in answer("why", "--help")


def test_failures(snapshot: Path, tmp_path: Path) -> None:
    assert "No such file" in failure("why", tmp_path / "none.mort", "Exam")
    assert "none.mort" in failure("verify", tmp_path / "none.mort")
    assert "NoSuchType" in failure("why", snapshot, "NoSuchType")
    assert "required" in failure("why", snapshot)
    assert "invalid choice" in failure("wy", snapshot, "Exam")
    assert "no option" in failure("why", snapshot, "Exam", "--nothing")
    assert "no width" in failure("why", snapshot, "Exam", "--width=3")
    failure()
    failure("why", "/", "Exam")


def test_reader_that_goes_away(snapshot: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "mortmain", "why", snapshot, "Exam"],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_full_disk(snapshot: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mortmain", "why", snapshot, "Exam"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("mortmain: cannot write the output: No space left on device; ")


def on_terminal(*words: str | Path, **more: str) -> str:
    """What is printed when standard output is a terminal."""
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, "-m", "mortmain", *words],
        stdout=theirs,
        env={**environment, "TERM": "xterm", **more},
    ) as process:
        os.close(theirs)
        found = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            if not piece:
                break
            found += piece
        os.close(ours)
    assert process.returncode == 0
    return found.decode()


def test_colour(snapshot: Path) -> None:
    assert "\x1b[" in on_terminal("why", snapshot, "Exam")
    assert "\x1b[" not in on_terminal("why", "--no-color", snapshot, "Exam")
    assert "\x1b[" not in on_terminal("why", snapshot, "Exam", NO_COLOR="1")
    assert "\x1b[" not in on_terminal("why", snapshot, "Exam", TERM="dumb")
    assert "\x1b[" in on_terminal("why", snapshot, "Exam", NO_COLOR="")


def test_interrupt(tmp_path: Path) -> None:
    # A pipe that nobody writes to keeps the reader waiting.
    script = (
        "import sys, os, signal, mortmain.cli\n"
        "import mortmain._heap as heap\n"
        "heap.verify = lambda *a, **k: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.exit(mortmain.cli.main(['verify', 'x']))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (130, b"")

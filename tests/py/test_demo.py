"""What `make demo` shows: somebody who gets nothing else must find the holder in it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.names
ROOT = Path(__file__).resolve().parents[2]
BEFORE = "examples/descriptor/before.py"
SOURCE = (ROOT / BEFORE).read_text().splitlines()
LINE = next(i for i, text in enumerate(SOURCE, 1) if text.lstrip().startswith("_seen"))


def demo(folder: Path) -> list[str]:
    """The command."""
    return ["sh", "tools/demo.sh", str(Path(sys.executable).parent), str(folder)]


def environment(**more: str) -> dict[str, str]:
    """The process's, without what would change colour or width."""
    plain = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    return {**plain, **more}


def check(text: str) -> None:
    """The object, who holds it, the file and the line, what to do; and that it helped."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    one_line = " ".join(plain.split())
    assert "SUSPECTS Within._seen keeps 10,000 Exam alive" in one_line
    assert "WAITING FOR GC 10 rings `Parent.children` <-> `Child.parent` wait" in one_line
    assert "SUSPECTS all_people keeps 10,000 Person alive" in one_line
    assert f"Look at {BEFORE}:{LINE}" in one_line
    assert SOURCE[LINE - 1].strip() in one_line
    assert "Cure: make it a weakref.WeakKeyDictionary" in one_line
    assert one_line.count("CLEAN Nothing looks forgotten.") == 3
    assert "10,000 references to 10,000 Exam" in one_line
    assert "Within._seen is a class attribute" in one_line
    for line in plain.splitlines():
        assert len(line.rstrip()) <= 80 or not line.startswith(" ")


def test_in_a_pipe(tmp_path: Path) -> None:
    done = subprocess.run(
        demo(tmp_path), cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    check(done.stdout)


def test_on_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    env = environment(TERM="xterm", COLUMNS="80")
    found = b""
    with subprocess.Popen(demo(tmp_path), cwd=ROOT, env=env, stdout=theirs) as process:
        os.close(theirs)
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            found += piece
        os.close(ours)
    assert process.returncode == 0
    assert b"\x1b[" in found
    check(found.decode().replace("\r\n", "\n"))

"""The examples: what each leaves behind is told as report.txt shows it, and mended it is clean."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.names
ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/before.py"))


def report(program: str) -> str:
    """What `mortmain run` says when the program has ended."""
    done = subprocess.run(
        [sys.executable, "-m", "mortmain", "run", "--width=80", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout != ""
    return done.stderr


def words(text: str) -> str:
    """Without what differs from one Python to the next: sizes, lines of classes, wrapping."""
    text = " ".join(re.sub(r"[\d.,]+ (B|KiB|MiB)\b", "SIZE", text).split())
    return re.sub(r"(near )?(?<!/)before\.py:\d+", "PLACE", text)


@pytest.mark.parametrize("name", EXAMPLES)
def test_before(name: str) -> None:
    told = report(f"examples/{name}/before.py")
    shown = (ROOT / "examples" / name / "report.txt").read_text()
    assert words(told) == words(shown)
    assert all(len(line) <= 80 for line in told.splitlines())


@pytest.mark.parametrize("name", EXAMPLES)
def test_after(name: str) -> None:
    assert report(f"examples/{name}/after.py").startswith("CLEAN  ")


def test_programs_know_nothing_of_us() -> None:
    for path in (ROOT / "examples").rglob("*.py"):
        assert "mortmain" not in path.read_text()

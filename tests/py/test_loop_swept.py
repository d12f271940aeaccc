"""What is swept at intervals as long as a round, or nearly, does not seem to grow."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness

PROGRAM = Path(__file__).parent / "programs" / "swept.py"


@pytest.mark.parametrize("function", ["once", "twice", "thrice"])
def test_swept(tmp_path: Path, function: str) -> None:
    """Each early round meets a few more entries than the one before; the late ones do not."""
    said = harness.loop(f"{PROGRAM}:{function}", cwd=tmp_path)[1]
    assert said["verdict"] == "clean"


def test_never_swept(tmp_path: Path) -> None:
    """The same list without the sweep is a leak."""
    said = harness.loop(f"{PROGRAM}:never", cwd=tmp_path)[1]
    assert said["verdict"] == "leak"
    assert "_never.notes" in said["findings"][0]["sentence"]

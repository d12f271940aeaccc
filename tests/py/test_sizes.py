"""A size that claims to be exact is what ``sys.getsizeof`` says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import harness

pytestmark = pytest.mark.names


def test_sizes(tmp_path: Path) -> None:
    program = harness.PROGRAMS / "sizes.py"
    answer = json.loads(harness.run(tmp_path, program, "a.mort", harness.READHEAP, timeout=500))
    assert answer["differences"] == {}, answer["examples"]
    assert answer["exact"] > 300_000
    # Of types that nobody described only tp_basicsize and tp_itemsize are known.
    assert answer["estimated"] < answer["exact"] / 2

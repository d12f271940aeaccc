"""Rings that wait for the collector with much memory: told with all their bytes, never a leak."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

pytestmark = pytest.mark.names

# What bytearray() clears is never touched: the memory is asked for, and not used.
FAMILY = """
class A:
    def __init__(self, parent=None):
        self.workload = bytearray(128 << 20)
        self.children = []
        self.parent = parent

    def __del__(self):
        pass

def family():
    parent = A()
    for _ in range({children}):
        parent.children.append(A(parent))

for _ in range(10):
    family()
"""
WORKLOAD_BYTES = 128 << 20


def report(folder: Path, text: str) -> tuple[str, dict[str, Any]]:
    """What `run` says of a script: text, and JSON."""
    (folder / "family.py").write_text(text)
    command = [sys.executable, "-m", "mortmain", "run", "--json=found.json", "family.py"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return done.stderr, json.loads((folder / "found.json").read_text())


@pytest.mark.parametrize(("children", "said"), [(1, "2.5 GiB"), (3, "5.0 GiB")])
def test_workloads(tmp_path: Path, children: int, said: str) -> None:
    text, found = report(tmp_path, FAMILY.format(children=children))
    assert found["verdict"] == "waiting for gc"
    assert [each["verdict"] for each in found["verdicts"]] == ["waiting for gc"]
    first = found["findings"][0]
    assert (first["kind"], first["severity"], first["count"]) == ("cycle", "note", 10)
    assert first["sentence"] == f"10 rings `A.children` <-> `A.parent` wait: {said}"
    assert "LEAK" not in text
    assert f"10 rings `A.children` <-> `A.parent` wait: {said}" in text
    # Had the reference back been weak, all of it would have gone by counting.
    workloads = 10 * (children + 1)
    cut = first["cut"]
    assert cut["references"] == ["A.parent"]
    assert cut["role"] == "back reference"
    assert WORKLOAD_BYTES * workloads < cut["freed_bytes"] <= first["retained_bytes"]
    assert cut["other_holders"] == 0
    assert cut["would_drop_at_once"] > 2 * workloads


def test_weak_would_not_do(tmp_path: Path) -> None:
    """Two ways back: one of them weak frees nothing, and that is said."""
    text = FAMILY.format(children=1).replace(
        "self.parent = parent", "self.parent = parent\n        self.top = [parent]"
    )
    _text, found = report(tmp_path, text.replace("128 << 20", "1 << 20"))
    first = found["findings"][0]
    assert (first["kind"], first["severity"]) == ("cycle", "note")
    assert (first["cut"]["freed_bytes"], first["cut"]["would_drop_at_once"]) == (0, 0)
    assert first["cut"]["other_holders"] == 10

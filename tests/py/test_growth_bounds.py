"""A cache that says how much it takes at most is not accused while it fills; what lies is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import collections

class Cache:
    def __init__(self, bound):
        self.{attribute} = bound
        self.entries = {{}}
    def put(self, key, value):
        self.entries[key] = value

class Table(dict):
    def __init__(self, bound):
        self.{attribute} = bound

n = 0
cache = Cache({bound})
table = Table({bound})

def beside():
    global n
    n += 1
    cache.put(n, [n])

def inside():
    global n
    n += 1
    table[n] = [n]
"""


def loop(folder: Path, function: str, attribute: str, bound: object) -> dict[str, Any]:
    """What `mortmain loop` answers about one of the two."""
    program = folder / "filling.py"
    program.write_text(PROGRAM.format(attribute=attribute, bound=bound))
    command = [sys.executable, "-m", "mortmain", "loop", "--json", f"{program}:{function}"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stderr == ""
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("function", ["beside", "inside"])
@pytest.mark.parametrize("attribute", ["maxsize", "_max_len", "__capacity"])
def test_filling(tmp_path: Path, function: str, attribute: str) -> None:
    said = loop(tmp_path, function, attribute, 10_000_000)
    assert said["verdict"] == "clean"
    assert "it is bounded at 10,000,000" in said["findings"][0]["sentence"]
    assert {each["severity"] for each in said["findings"]} == {"note"}


@pytest.mark.parametrize(
    ("attribute", "bound"),
    [("maxsize", 30), ("max_retries", 10_000_000), ("maxsize", None), ("maxsize", True)],
    ids=["fewer than there are", "another word", "none", "a truth value"],
)
@pytest.mark.parametrize("function", ["beside", "inside"])
def test_no_bound(tmp_path: Path, function: str, attribute: str, bound: object) -> None:
    said = loop(tmp_path, function, attribute, bound)
    assert said["verdict"] == "leak"

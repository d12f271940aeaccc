"""A cache that says how much it takes at most is not accused while it fills; what lies is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import harness

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

class Ordered(collections.OrderedDict):
    def __init__(self, bound):
        super().__init__()
        self.{attribute} = bound

class Link:
    def __init__(self, key, following):
        self.key = key
        self.following = following

class Linked:
    def __init__(self, bound):
        self.{attribute} = bound
        self.links = {{"first": None}}
        self.order = collections.deque()

n = 0
cache = Cache({bound})
table = Table({bound})
ordered = Ordered({bound})
linked = Linked({bound})

def beside():
    global n
    n += 1
    cache.put(n, [n])

def inside():
    global n
    n += 1
    table[n] = [n]

def in_order():
    global n
    n += 1
    ordered[n] = [n]

def queued():
    global n
    n += 1
    linked.order.append([n])

def chained():
    global n
    n += 1
    linked.links["first"] = Link([n], linked.links["first"])
"""

FUNCTIONS = ["beside", "inside", "in_order", "queued", "chained"]


def loop(folder: Path, function: str, attribute: str, bound: object) -> dict[str, Any]:
    """What `mortmain loop` answers about one of them."""
    program = folder / "filling.py"
    program.write_text(PROGRAM.format(attribute=attribute, bound=bound))
    return harness.loop(f"{program}:{function}", cwd=folder)[1]


@pytest.mark.parametrize(
    ("function", "attribute"),
    [*((function, "maxsize") for function in FUNCTIONS), ("beside", "__capacity")],
)
def test_filling(tmp_path: Path, function: str, attribute: str) -> None:
    said = loop(tmp_path, function, attribute, 10_000_000)
    assert said["verdict"] == "clean"
    assert "it is bounded at 10,000,000" in said["findings"][0]["sentence"]
    assert {each["severity"] for each in said["findings"]} == {"note"}


@pytest.mark.parametrize(
    ("function", "attribute", "bound"),
    [
        ("beside", "maxsize", 30),
        ("inside", "_max_len", 30),
        ("chained", "maxsize", 30),
        ("beside", "max_retries", 10_000_000),
        ("in_order", "maxsize", None),
        ("inside", "maxsize", True),
    ],
)
def test_no_bound(tmp_path: Path, function: str, attribute: str, bound: object) -> None:
    """Fewer than there are, another word, none, a truth value."""
    said = loop(tmp_path, function, attribute, bound)
    assert said["verdict"] == "leak"

"""What is over: read from memory, said in words, and where the guilty reference is looked for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import harness

OVER = harness.PROGRAMS / "over.py"
# The last word of a name says what the fact is.
WORDS = {
    "open": None,
    "unborn": None,
    "running": 1,
    "main": 1,
    "closed": 2,
    "done": 3,
    "failed": 3,
    "cancelled": 3,
    "finished": 3,
    "ended": 4,
    "unseen": 4,
}
# Function, what the sentence says, the step behind the guilty reference.
KEPT = [
    ("finished_tasks", r"over\.jobs \(list\) keeps [0-9,]+ finished Task alive: ", "finished Task"),
    (
        "results",
        r"over\.jobs \(list\) keeps [0-9,]+ Item alive through a finished Task: ",
        "finished Task",
    ),
    (
        "closed_files",
        r"over\.files \(list\) keeps [0-9,]+ closed TextIOWrapper alive: ",
        "closed TextIOWrapper",
    ),
    (
        "ended_threads",
        r"over\.threads \(list\) keeps [0-9,]+ ended Thread alive: ",
        "ended Thread",
    ),
    ("pending", r"over\.waiting \(list\) keeps [0-9,]+ Future alive: ", "Future"),
]
NARROWED = """
import asyncio
class Registry:
    task = None
async def work():
    return Thing()
loop = asyncio.new_event_loop()
Registry.task = loop.create_task(work())
loop.run_until_complete(Registry.task)
class Worker(threading.Thread):
    def __init__(self):
        super().__init__(target=gate.wait)
        self.files = [open("/dev/null")]
gate = threading.Event()
workers = [Worker()]
workers[0].start()
workers[0].files[0].close()
taken = take()
def guilty(what):
    path = json.loads(taken.why(what).json())["chains"][0]["path"]
    at = [step.get("guilty", False) for step in path].index(True)
    return [path[at]["object"], path[at]["edge"], path[at + 1]["object"]]
print(json.dumps([guilty("__main__.Thing"), guilty("__main__.workers[0].files[0]")]))
gate.set()
"""


def test_lives(tmp_path: Path) -> None:
    """Each thing that is over says so, and nothing else does."""
    program = harness.PROGRAMS / "lives.py"
    told: dict[str, int | None] = json.loads(
        harness.run(tmp_path, program, "a.mort", harness.READHEAP)
    )
    assert len(told) > 45
    assert told == {name: WORDS[name.split()[-1]] for name in told}


def test_narrowed(tmp_path: Path) -> None:
    """The guilty reference lies in front of what is over, and behind what is meant to live."""
    told: list[list[str]] = json.loads(harness.run(tmp_path, NARROWED))
    assert told == [
        ["class Registry", ".task", "finished Task"],
        ["list", "[0]", "closed TextIOWrapper"],
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("function", "sentence", "step"), KEPT)
def test_said(function: str, sentence: str, step: str) -> None:
    """The sentence says that it is over, and the path shows where."""
    status, told = harness.loop(f"{OVER}:{function}")
    assert (status, told["verdict"]) == (1, "leak"), told["findings"]
    first = told["findings"][0]
    assert re.match(sentence, first["sentence"]), first["sentence"]
    guilty = [at["guilty"] for at in first["path"]].index(True)
    assert first["path"][guilty + 1]["object"] == step

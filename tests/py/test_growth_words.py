"""What is said of growth: the reference that keeps it, the name of that, and each leak once."""

from __future__ import annotations

import re

import pytest

import harness

WORDED = harness.PROGRAMS / "worded.py"
# Function, the sentence, the guilty reference, how the cure begins where the link is named in it.
SAID = [
    (
        "both_ways",
        r"worded\.jobs\.sentinel keeps a chain of [0-9,]{5,} Job alive, each held by the next "
        r"through `before`: ",
        "worded.jobs.sentinel",
        "drop `before`, ",
    ),
    (
        "causes",
        r"worded\.last_error keeps a chain of [0-9,]{5,} Failed alive, each held by the next "
        r"through `__cause__`: ",
        "worded.last_error",
        "drop `__cause__`, ",
    ),
    (
        "branches",
        r"the context keeps [0-9,]{5,} Thing alive: ",
        "the context",
        "make each ContextVar once",
    ),
    (
        "closure",
        r"the closure variable `attempts\[\*\]` of make_limiter\.<locals>\.check\(\) \(list\) "
        r"keeps [0-9,]{5,} Thing alive: ",
        "closure variable attempts of make_limiter.<locals>.check[*][*]",
        "",
    ),
    (
        "running",
        r"the variable `history` of worker\(\) \(list\) keeps [0-9,]{5,} Thing alive: ",
        "history[*]",
        "",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("function", "sentence", "reference", "cure"), SAID)
def test_said(function: str, sentence: str, reference: str, cure: str) -> None:
    """One leak, in these words; what follows it is no leak of its own."""
    status, told = harness.loop(f"{WORDED}:{function}")
    leaks = [each for each in told["findings"] if each["severity"] == "leak"]
    assert (status, told["verdict"], len(leaks)) == (1, "leak", 1), told["findings"]
    assert re.match(sentence, leaks[0]["sentence"]), leaks[0]["sentence"]
    assert leaks[0]["cut"]["references"] == [reference]
    assert leaks[0]["also_held_by"] == []
    assert leaks[0]["fix"]["summary"].startswith(cure), leaks[0]["fix"]

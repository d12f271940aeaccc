"""What grows inside of an object of C is told by that object, once."""

from __future__ import annotations

import re

import pytest

import harness

BUFFERS = harness.PROGRAMS / "buffers.py"
# Function, what the sentence begins with.
INSIDE = [
    ("stringio", r"buffers\.text \(StringIO\) (grows|keeps [0-9,]+ str alive)"),
    ("bytesio", r"buffers\.data \(BytesIO\) grows: "),
    ("growing_array", r"buffers\.numbers \(array\) grows: "),
    ("context", r"context variable buffers\.trail keeps [0-9,]+ Item alive: "),
    ("thread", r"threading\._active \(dict\) keeps [0-9,]+ Thread alive: "),
    ("new_modules", r"sys\.modules \(dict\) keeps [0-9,]{3,} module alive: "),
    ("new_globals", r"the namespace of module buffers keeps [0-9,]{3,} Item alive: "),
    ("codec_search", r"the interpreter's codec_search_path \(list\) keeps [0-9,]+ "),
    ("elements", r"Element inside of buffers\.parser\._parser \(Element\) keeps [0-9,]+ Element "),
    ("queue", r"buffers\.pool\._work_queue \(SimpleQueue\) keeps [0-9,]+ Item alive"),
    ("variables", r"the context keeps [0-9,]+ Item alive: "),
]


@pytest.mark.slow
@pytest.mark.parametrize(("function", "sentence"), INSIDE)
def test_inside(function: str, sentence: str) -> None:
    """Neither native nor held by C: there is one leak, and it has a holder."""
    _, told = harness.loop(f"{BUFFERS}:{function}")
    assert [each["verdict"] for each in told["verdicts"]] == ["leak"], told["findings"]
    assert [each["severity"] for each in told["findings"]].count("leak") == 1
    first = told["findings"][0]
    assert re.match(sentence, first["sentence"]), first["sentence"]
    assert sum(step["guilty"] for step in first["path"]) == 1


@pytest.mark.slow
def test_bounded_cache() -> None:
    """A bounded lru_cache is called as one without a bound is, and it is no leak."""
    _, told = harness.loop(f"{BUFFERS}:price")
    assert told["verdicts"] == [], told["findings"]
    caches = [each["sentence"] for each in told["findings"] if "priced" in each["sentence"]]
    assert caches, told["findings"]
    assert caches[0].startswith("the cache of buffers.priced() keeps "), caches
    assert not any("stopped" in sentence for sentence in caches)

"""Each way to hold an object is told in the words that holders.tsv asks for."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import harness

pytestmark = pytest.mark.names
TABLE = Path(__file__).with_name("holders.tsv")
with TABLE.open() as file:
    ROWS = [(row[0], row[2]) for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
ROWS = ROWS[1:]

# What has no handler of its own yet: its chain is right, and named by struct offsets.
NOT_YET = {
    "lru_cache entry": "the entries of a cache are numbered",
    "contextvar in a Context": "the nodes of a Context's table have no handler",
    "itertools.repeat": "a field without a name",
    "mappingproxy": "a field without a name",
    "list iterator": "a field without a name",
    "dict view": "a field without a name",
    "threading.local": "the dicts of its threads have no handler",
    "WeakKeyDictionary value": "the table is an instance with a dict, and not one thing",
}
if sys.version_info >= (3, 13):
    NOT_YET["SimpleQueue"] = "its ring buffer is out of line, and has no handler"


def demanded(words: str) -> list[str]:
    """The alternatives of a row: ``mapping ['k'] or [*]`` is two whole ones."""
    plain = words.replace("\\", "")
    first, *others = plain.split(" or ")
    before = first[: first.index("[")] if others and "[" in first else ""
    return [first, *(before + other for other in others)]


def says(chain: harness.Chain, words: str) -> bool:
    """Is one of the alternatives in what the chain says from the holder on?"""
    edges = [edge.strip() for edge in chain.edges[1:]]
    told = ["".join(edges), " ".join(edges), ", ".join(edges)]
    return any(alternative in text for alternative in demanded(words) for text in told)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("holders")
    said = harness.run(folder, harness.PROGRAMS / "holders.py", folder)
    return json.loads(said)  # type: ignore[no-any-return]


def rows() -> list[Any]:
    return [
        pytest.param(
            name,
            words,
            id=name,
            marks=[pytest.mark.xfail(strict=True, reason=NOT_YET[name])] if name in NOT_YET else [],
        )
        for name, words in ROWS
    ]


def test_table(answers: dict[str, list[dict[str, Any]]]) -> None:
    assert len(ROWS) == 33
    assert {name for name, _ in ROWS} == set(answers)
    assert set(NOT_YET) <= set(answers)
    assert len(ROWS) - len(NOT_YET) >= 24


@pytest.mark.parametrize(("name", "words"), rows())
def test_words(answers: dict[str, list[dict[str, Any]]], name: str, words: str) -> None:
    for answer in answers[name]:
        chain = harness.chains(json.dumps(answer))[0]
        assert says(chain, words), f"{chain}: does not say {words}"


@pytest.mark.parametrize("name", [name for name, _ in ROWS])
def test_one_holder(answers: dict[str, list[dict[str, Any]]], name: str) -> None:
    """One reference, no more and no fewer, and one chain from the module's global to the end."""
    for answer in answers[name]:
        assert answer["reference_count"] == 1, [each["name"] for each in answer["references"]]
        assert (answer["unaccounted"], answer["weak"]) == (0, 0)
        assert answer["waiting_for_gc"] == answer["held_by_asker"] == 0
        assert len(answer["chains"]) == 1
        chain = harness.chains(json.dumps(answer))[0]
        assert chain.objects[0] == "module __main__", chain
        assert chain.edges[0].startswith(".made_by_"), chain


def test_keys_only_when_asked_for(answers: dict[str, list[dict[str, Any]]]) -> None:
    for name in ("dict value", "defaultdict", "OrderedDict"):
        without, with_keys = (harness.chains(json.dumps(each))[0] for each in answers[name])
        assert without.edges[-1] == "[*]"
        assert with_keys.edges[-1] == "['k']"

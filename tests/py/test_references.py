"""Every strong reference of a large process is the one that ``gc.get_referents`` reports.

What differs must stand in reference_exceptions.tsv with its reason.
"""

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
VERSION = ".".join(map(str, sys.version_info[:2]))
TABLE = Path(__file__).with_name("reference_exceptions.tsv")
with TABLE.open() as file:
    EXCEPTIONS = [*csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
ROWS_MAX, SHARE_MAX = 30, 0.001
KNOWN = {
    (row["direction"], row["type"], row["name"])
    for row in EXCEPTIONS
    if VERSION in row["versions"].split()
}


def compare(folder: Path, *arguments: str) -> dict[str, Any]:
    """Runs the program; fails on a difference that is not in the list."""
    program = harness.PROGRAMS / "references.py"
    said = harness.run(folder, program, "a.mort", harness.READHEAP, *arguments, timeout=500)
    answer: dict[str, Any] = json.loads(said)
    differences = {tuple(key.split("\t")): n for key, n in answer["differences"].items()}
    assert {key: n for key, n in differences.items() if key not in KNOWN} == {}
    assert sum(differences.values()) <= answer["references"] * SHARE_MAX
    assert (answer["unreadable"], answer["warning"]) == (0, "")
    assert answer["door"] == ("in process" if "in-process" in arguments else "fork")
    answer["differences"] = differences
    return answer


def test_list_is_short_and_says_why() -> None:
    assert len(EXCEPTIONS) <= ROWS_MAX
    for row in EXCEPTIONS:
        assert row["direction"] in ("missing", "extra", "object")
        assert len(row["reason"]) > 20
    keys = [(row["direction"], row["type"], row["name"]) for row in EXCEPTIONS]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("door", ["fork", "in-process"])
def test_small_process(tmp_path: Path, door: str) -> None:
    answer = compare(tmp_path, "small", door)
    assert answer["compared"] > 5_000
    assert answer["references"] > 20_000


@pytest.mark.parametrize("door", ["fork", pytest.param("in-process", marks=pytest.mark.slow)])
def test_large_process(tmp_path: Path, door: str) -> None:
    """Most of the standard library is imported, and much of it is parsed."""
    answer = compare(tmp_path, door)
    assert answer["compared"] > 250_000
    assert answer["references"] > 800_000
    # A row that is not needed any more goes from the list.
    assert set(answer["differences"]) == KNOWN

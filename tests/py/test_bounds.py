"""A number beside a table is its bound where the code measures by it, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import harness

PROGRAM = Path(__file__).parent / "programs" / "bounded.py"
BOUNDED = [
    "in_slots", "in_attribute", "in_itself", "in_class", "in_module", "in_code", "in_default",
    "in_closure", "in_class_table", "in_links", "in_an_order", "in_shards",
    "in_shards_of_a_closure", "in_links_of_lists", "in_bytes", "beside_listeners",
]  # fmt: skip
LEAKS = {
    "beside_numbers": "_registry.entries",
    "beside_its_count": "_counted.entries",
    "above_its_limit": "_small.entries",
    "beside_another": "_two.done",
    "below_a_table": "_users.visits",
    "beside_a_measured_one": "_unasked.seen",
    "beside_links": "_chained.last",
    "beside_an_index": "Order.keys",
    "in_code_that_only_asks": "_log",
    "beside_a_timeout": "_reported",
    "in_closure_without": "variable `held`",
    "in_closure_beside": "variable `held`",
    "beside_a_time": "_jar.cookies",
    "without_end": "_endless.entries",
    "in_rooms": "_rooms.rooms",
    "beside_a_size": "_cut.lines",
    "beside_recent_keys": "_recent.entries",
    "beside_empty_slots": "_beside.entries",
    "beside_a_chain": "root",
    "beside_idle_ones": "_pool.made",
    "beside_jobs": "_worker.results",
    "beside_errors": "_noted",
}


def loop(folder: Path, function: str) -> dict[str, Any]:
    """What `mortmain loop` answers about one of the steps."""
    return harness.loop(f"{PROGRAM}:{function}", cwd=folder)[1]


@pytest.mark.parametrize("function", BOUNDED)
def test_filling(tmp_path: Path, function: str) -> None:
    """Its entries are new in every round, and it says at how many that ends."""
    said = loop(tmp_path, function)
    assert said["verdict"] == "clean"
    assert "it is bounded at 10,000,000" in said["findings"][0]["sentence"]
    assert {each["severity"] for each in said["findings"]} == {"note"}


def test_filling_the_slots_of_a_list(tmp_path: Path) -> None:
    """The bound is the length of a list that was made beforehand."""
    said = loop(tmp_path, "in_slots_of_a_list")
    assert said["verdict"] == "clean"
    assert any("it is bounded at 1,000,000" in each["sentence"] for each in said["findings"])


@pytest.mark.parametrize("function", LEAKS)
def test_leak(tmp_path: Path, function: str) -> None:
    """A large number is no excuse."""
    said = loop(tmp_path, function)
    assert said["verdict"] == "leak"
    told = [each["sentence"] for each in said["findings"] if each["severity"] == "leak"]
    assert any(LEAKS[function] in sentence for sentence in told), told


def test_batches(tmp_path: Path) -> None:
    """A list that another takes the place of from time to time is none that grows."""
    said = loop(tmp_path, "in_batches")
    assert said["verdict"] == "clean"
    assert said["watched"]["steps"] > 2 * 30_000


def test_weak_references_follow(tmp_path: Path) -> None:
    """Those to what a bounded ring keeps go with it: they are no leak of their own."""
    said = loop(tmp_path, "weak_beside_a_ring")
    assert said["verdict"] == "clean"
    assert {each["severity"] for each in said["findings"]} == {"note"}
    assert [each["fix"]["cure"] for each in said["findings"]] == [None, None]
    assert any("it is bounded at 10,000,000" in each["sentence"] for each in said["findings"])

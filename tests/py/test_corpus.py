"""The corpus of real leaks: how its answers are judged, and that the product does not know it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from corpus import clean, run

ROOT = Path(__file__).parents[2]
CASES = json.loads((ROOT / "tests/corpus/manifest.json").read_text())
FRESH = json.loads((ROOT / "tests/corpus/fresh/manifest.json").read_text())
HELD = {
    "verdict": ["leak"],
    "kind": ["growth"],
    "type": "Item",
    "holder": "seen",
    "rank_at_most": 1,
}


def finding(**changes: Any) -> dict[str, Any]:
    """A finding that fits HELD, with changes."""
    path = [
        {"object": "module shop", "edge": ".seen", "guilty": False},
        {"object": "dict", "edge": "[*]", "guilty": True},
        {"object": "Item", "edge": None, "guilty": False},
    ]
    empty: dict[str, Any] = {"ring": [], "also_held_by": [], "cut": {"references": []}}
    shown = {"severity": "leak", "kind": "growth", "type": "shop.Item", "sentence": "it keeps Item"}
    return {"rank": 1, "path": path, **shown, **empty} | changes


def told(*findings: dict[str, Any], verdict: str = "leak") -> dict[str, Any]:
    """An answer."""
    return {"verdict": verdict, "findings": list(findings)}


def test_a_right_answer_is_right() -> None:
    """Verdict, kind, type, holder and rank fit."""
    assert run.judge(told(finding()), HELD) == (1, "")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (told(finding(), verdict="native"), "verdict native"),
        (told(finding(type="shop.Other")), "no finding"),
        (told(finding(path=[])), "no finding"),
        (told(finding(path=[], also_held_by=["shop.seen"])), "no finding"),
        (told(finding(kind="cycle")), "no finding"),
        (told(finding(type="x"), finding(rank=2)), "rank 2"),
        (told(), "no finding"),
    ],
)
def test_a_wrong_answer_is_wrong(answer: dict[str, Any], why: str) -> None:
    """Each part alone makes it wrong."""
    assert run.judge(answer, HELD)[1].startswith(why)


def test_a_holder_that_is_none_is_wrong() -> None:
    """Where no Python object holds it, naming one is wrong."""
    expect = {"verdict": ["held by C"], "type": "list", "no_path": True}
    by_c = finding(kind="held by C", type="list", path=[])
    assert run.judge(told(by_c, verdict="held by C"), expect) == (1, "")
    assert run.judge(told(finding(), by_c, verdict="held by C"), expect)[1] == "names a holder"


def test_a_control_takes_notes_but_no_leak() -> None:
    """A note is no alarm."""
    expect = {"severity": ["none", "note"], "verdict": ["clean"]}
    note = finding(severity="note")
    assert run.judge(told(note, verdict="clean"), expect)[1] == ""
    assert run.judge(told(finding(), verdict="clean"), expect)[1] != ""
    assert run.judge_fixed(told(note))[1] == ""
    assert run.judge_fixed(told(note, finding()))[1] != ""


def test_wilson() -> None:
    """The interval of nothing out of a thousand, and of half."""
    low, high = clean.wilson(0, 1000)
    assert (low, round(high, 5)) == (0.0, 0.00383)
    low, high = clean.wilson(50, 100)
    assert (round(low, 4), round(high, 4)) == (0.4038, 0.5962)


def test_every_case_is_there() -> None:
    """Each row has its file, and each file its row."""
    files = {path.name for path in (ROOT / "tests/corpus/cases").glob("*.py")}
    assert {Path(case["file"]).name for case in CASES} == files
    fresh = ROOT / "tests/corpus/fresh"
    files = {str(path.relative_to(fresh)) for path in fresh.glob("*/*.py")}
    assert {case["file"] for case in FRESH} == files
    assert len({case["id"] for case in FRESH}) == len(FRESH)
    assert set(run.FAST) < {case["id"] for case in CASES}


def test_the_product_knows_no_case() -> None:
    """Rules speak of kinds: no name of a case or of its package is in the product's code."""
    names = {case["name"] for case in CASES} | {Path(case["file"]).stem for case in CASES}
    for case in [*CASES, *FRESH]:
        packages = run.packages_of(case, fixed=False)
        names |= {re.split("[=<>]", package)[0] for package in packages}
    names -= {"cffi", "coverage", "requests", "textual"}  # words, a way to call C
    words = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\b", re.IGNORECASE)
    for top in ("engine", "ext", "heap", "python"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in {".c", ".h", ".py", ".pyi"}:
                assert not words.search(path.read_text(encoding="utf-8")), path

"""CPython's own tests of what stands in weakref, run with the classes of mortmain.weak instead.

They come from the test package of the interpreter that runs: an interpreter without one skips.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs/weak_suites.py"

# What fails, by the last part of its name, and why that is right.
EXPECTED = {
    "test_remove_closure": "asks for the closure of the callback, which is no Python function",
    "test_weak_keyed_cascading_deletes": "counts calls of __eq__: an object is itself unasked, as"
    " for dict",
    "test_names": "asks that the classes be of the module named weakref",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("test.test_weakref") is None,
        reason="this interpreter has no test package",
    ),
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many tests ran, and what those that failed said last."""

    ran: int
    failed: dict[str, str]


def run_suites(whose: str, suites: list[str], tests: list[str], cwd: Path) -> Outcome:
    """Run suites, or single tests of them, in a process of its own."""
    command = [sys.executable, "-W", "ignore", str(PROGRAM), whose, *suites]
    done = subprocess.run(
        [*command, *(["--", *tests] if tests else [])],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=1500,
    )
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    return Outcome(answer["ran"], answer["failed"])


def test_weakref_and_weakset(tmp_path: Path) -> None:
    """Only what is expected fails, and all of it still does."""
    outcome = run_suites("ours", ["test.test_weakref", "test.test_weakset"], [], tmp_path)
    assert outcome.ran > 170
    last = {name.rpartition(".")[2]: text for name, text in outcome.failed.items()}
    assert set(last) == set(EXPECTED), last


# Suites of what is built on these classes.
BUILT_ON = (
    "test.test_abc", "test.test_functools", "test.test_copy", "test.test_asyncio.test_tasks",
    "test.test_logging", "test.test_threading", "test.test_descr",
)  # fmt: skip


@pytest.mark.parametrize("suite", BUILT_ON)
def test_what_is_built_on_them(suite: str, tmp_path: Path) -> None:
    """What fails with ours, twice, fails with the stdlib's too."""
    outcome = run_suites("ours", [suite], [], tmp_path)
    assert outcome.ran > 10
    if outcome.failed and not any("_FailedTest" in name for name in outcome.failed):
        again = run_suites("ours", [suite], sorted(outcome.failed), tmp_path)
        theirs = run_suites("stdlib", [suite], sorted(outcome.failed), tmp_path)
        ours = {name: text for name, text in again.failed.items() if name not in theirs.failed}
        assert not ours
    else:
        assert not outcome.failed

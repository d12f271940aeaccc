"""Reference counts against the references found: nearly all of them are explained exactly.

An object whose count exceeds the references found is held by C code; one that has more references
than its count is a mistake of ours: a reference read wrongly, or called owning when it is not.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from harness import PROGRAMS, TAKEN, run

pytestmark = pytest.mark.names

# Before 3.12 nothing is immortal: what C keeps of the interpreter's own objects counts as well.
EXACT_PERCENT_LEAST = 95 if sys.version_info < (3, 12) else 97
EXCESS_PERMILLE_MOST = 5


@pytest.mark.parametrize(("how", "least"), [("bare", 5_000), ("large", 400_000)])
def test_explained(dump_analysis: Path, tmp_path: Path, how: str, least: int) -> None:
    objects = int(run(tmp_path, PROGRAMS / "accounting.py", TAKEN, how))
    assert objects > least
    done = subprocess.run(
        [dump_analysis, tmp_path / TAKEN, "account"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    sums, *rows = done.stdout.splitlines()
    mortal, exact, missing, excess = map(int, sums.split())
    worst = "\n".join(rows[:12])
    assert exact + missing + excess == mortal
    assert exact * 100 >= EXACT_PERCENT_LEAST * mortal, f"{exact} of {mortal}\n{worst}"
    assert excess * 1000 <= EXCESS_PERMILLE_MOST * mortal, f"{excess} of {mortal}\n{worst}"

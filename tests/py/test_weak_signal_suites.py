"""blinker's and Django's own tests of their signals, with Signal in their place.

The tests come from the source archives of the two, which pip fetches; without a network they are
skipped. What programs/signal_adapters.py leaves out is named here, each with its reason.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs/signal_adapters.py"
BLINKER, DJANGO = "blinker==1.9.0", "django==5.2.19"
NEEDED = ("asgiref==3.11.0", "sqlparse==0.5.3")

NO_NOTICES = "a signal tells nobody who connects to it"
NO_NAMES = "signals are named by the variables and attributes that they are in"
EXPECTED_BLINKER = {
    "test_signal_signals_any_sender": NO_NOTICES,
    "test_signal_signals_strong_sender": NO_NOTICES,
    "test_signal_signals_weak_sender": NO_NOTICES,
    "test_signal_weak_receiver_vanishes": NO_NOTICES,
    "test_empty_bucket_growth": "looks into dictionaries that there are none of here",
    "test_namespace": NO_NAMES,
    "test_named_blinker": NO_NAMES,
    "test_async_receiver": "there is no send_async()",
    "test_filtered_receiver_weakref": "expects that a receiver stays when its only sender died",
    "test_no_double_send": "for one sender and for any are two connections, as in Django",
}
EXPECTED_DJANGO = {
    "test_cannot_connect_no_kwargs": "signatures of receivers are not looked at",
    "test_cannot_connect_non_callable": "the same TypeError in other words",
    "test_send_robust_fail": "errors are given, and not logged too",
    "test_uid_registration": "there are no dispatch_uid: a receiver is known by its identity",
}

pytestmark = pytest.mark.slow


def run_pip(*arguments: str | Path) -> None:
    """Runs it, or skips."""
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode != 0:
        pytest.skip(f"pip cannot fetch it: {done.stderr.strip().splitlines()[-1:]}")


def fetch_source(name: str, folder: Path) -> Path:
    """The unpacked source archive of a package."""
    run_pip("download", "-q", "--no-deps", "--no-binary", ":all:", "-d", folder, name)
    (archive,) = folder.glob("*.tar.gz")
    subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


def run_tests(whose: str, folder: Path, *paths: Path) -> tuple[list[str], dict[str, str]]:
    """The names of the tests that passed, and what those that failed said."""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-W", "ignore", str(PROGRAM), whose, str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=900, env=environ
    )
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["passed"], answer["failed"]


def test_blinker(tmp_path: Path) -> None:
    """Only what is expected fails, and all of it still does."""
    passed, failed = run_tests("blinker", fetch_source(BLINKER, tmp_path) / "tests")
    assert set(failed) == set(EXPECTED_BLINKER), failed
    assert len(passed) >= 13


def test_django(tmp_path: Path) -> None:
    """Only what is expected fails, and all of it still does."""
    site, source = tmp_path / "site", tmp_path / "source"
    run_pip("install", "-q", "--no-deps", "--target", site, *NEEDED)
    source.mkdir()
    unpacked = fetch_source(DJANGO, source)
    passed, failed = run_tests("django", unpacked / "tests", site, unpacked)
    assert set(failed) == set(EXPECTED_DJANGO), failed
    assert len(passed) >= 15

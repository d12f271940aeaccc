"""What all Python tests share: a shell's signals, and what an unknown Python leaves out."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

import versions

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("base/free", "base/os", "format", "graph", "analyze")


@pytest.fixture(scope="session")
def dump_analysis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tests/unit/dump_analysis.c, compiled: what the engine's analyses say of a snapshot."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("no C compiler")
    output = tmp_path_factory.mktemp("analysis") / "dump_analysis"
    flags = ["-std=c11", "-D_GNU_SOURCE=", "-O1", "-g", "-w", f"-I{ROOT / 'engine'}"]
    sources = [path for room in ROOMS for path in sorted((ROOT / "engine" / room).glob("*.c"))]
    sources.append(ROOT / "tests/unit/dump_analysis.c")
    subprocess.run([compiler, *flags, "-o", output, *sources], check=True)
    return output


def pytest_configure() -> None:
    """A job in the background has these ignored, and so have its children; streams are buffered."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.environ.pop("PYTHONUNBUFFERED", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `names`, in a way that is seen.

    Without a layout a snapshot is taken all the same, but what only a layout tells is missing in
    it: attributes that are no dict's, variables, frames.
    """
    if versions.is_known():
        return
    reason = f"no layout of Python {platform.python_version()}, so no names"
    for item in items:
        if item.get_closest_marker("names"):
            item.add_marker(pytest.mark.skip(reason=reason))

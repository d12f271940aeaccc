"""What all Python tests share: a shell's signals, and what an unknown Python leaves out."""

from __future__ import annotations

import os
import platform
import signal

import pytest

import versions


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

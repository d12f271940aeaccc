"""What all Python tests share: what is left out on a Python whose layouts are not known."""

from __future__ import annotations

import platform

import pytest

import versions


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

"""Which Pythons the engine has layouts of: engine/locate/layouts_*.c."""

from __future__ import annotations

import sys

KNOWN = ((3, 11), (3, 12), (3, 13))


def is_known(version: tuple[int, ...] | None = None) -> bool:
    """Has the engine a layout of this version, or of the one that runs?"""
    return (version or sys.version_info)[:2] in KNOWN

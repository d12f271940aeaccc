"""The version of the installed package, looked up when it is asked for."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("mortmain")
except PackageNotFoundError:  # used from a folder, never installed
    __version__ = "0+unknown"

"""mortmain finds what keeps Python objects alive.

Importing it costs nothing: the parts are loaded when they are first used.
"""

from __future__ import annotations

# The module typing would be most of what an import costs. Type checkers know this name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from mortmain.api import Heap, References, Taken, Why, refs, snapshot, why
    from mortmain.errors import MortmainError

__all__ = [
    "Heap",
    "MortmainError",
    "References",
    "Taken",
    "Why",
    "refs",
    "snapshot",
    "why",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'mortmain' has no attribute {name!r}")
    from mortmain import api

    value: object = getattr(api, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

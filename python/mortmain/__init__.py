"""mortmain finds what keeps Python objects alive.

Importing it costs nothing: the parts are loaded when they are first used.
"""

from __future__ import annotations

# The module typing would be most of what an import costs. Type checkers know this name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from mortmain.api import Heap, References, Why, refs, why
    from mortmain.armed import arm
    from mortmain.errors import MortmainError
    from mortmain.leaks import no_leaks
    from mortmain.take import Taken, snapshot

    __version__: str

__all__ = [
    "Heap",
    "MortmainError",
    "References",
    "Taken",
    "Why",
    "arm",
    "no_leaks",
    "refs",
    "snapshot",
    "why",
]


# Where the names are: taking a snapshot loads nothing that asking needs.
_MODULES = {
    "MortmainError": "errors",
    "Taken": "take",
    "arm": "armed",
    "no_leaks": "leaks",
    "snapshot": "take",
    "__version__": "version",
}


def __getattr__(name: str) -> object:
    if name not in __all__ and name not in _MODULES:
        raise AttributeError(f"module 'mortmain' has no attribute {name!r}")
    # Not importlib, which is a module more to load.
    module = __import__(f"mortmain.{_MODULES.get(name, 'api')}", fromlist=[name])
    value: object = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})

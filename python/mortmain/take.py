"""Taking a snapshot: all that a program loads that only takes them."""

from __future__ import annotations

from mortmain import _door

# The module typing, and what dataclasses load, would be most of what taking a snapshot costs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    import os

    _Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class Taken:
    """What taking a snapshot did.

    Attributes:
        door: ``"fork"``, or ``"in process"``.
        fallback: Why it was in process though that was not asked for, or ``""``.
        warning: One line for the user, or ``""``.
        objects: Objects written.
        references: References written.
        unreadable: References that led outside readable memory and were left out.
        memory_bytes: The walker's own memory.
        file_bytes: Length of the file.
        pause_ns: How long the interpreter stood still.
        seconds: From the call to the whole file.
        retries: Children that crashed or hung in foreign code before it went well.
    """

    # A dataclass in all but its import.
    __slots__ = (
        "door",
        "fallback",
        "file_bytes",
        "memory_bytes",
        "objects",
        "pause_ns",
        "references",
        "retries",
        "seconds",
        "unreadable",
        "warning",
    )
    door: str
    fallback: str
    warning: str
    objects: int
    references: int
    unreadable: int
    memory_bytes: int
    file_bytes: int
    pause_ns: int
    seconds: float
    retries: int

    def __init__(self, **told: object) -> None:
        for name in self.__slots__:
            object.__setattr__(self, name, told.pop(name))
        if told:
            raise TypeError(f"unexpected: {', '.join(sorted(told))}")

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Taken):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"Taken({fields})"

    def __reduce__(self) -> tuple[object, ...]:
        return _taken, (dict(zip(self.__slots__, self._values(), strict=True)),)


def _taken(told: dict[str, object]) -> Taken:
    return Taken(**told)


def snapshot(
    path: _Path, force: bool = False, *, in_process: bool = False, keys: bool = False
) -> Taken:
    """Write a snapshot of this process's heap to a file.

    A copy of the process walks the heap and writes, while this one goes on; only making the copy
    makes it pause. Values are never written.

    Args:
        path: The file to make, ``.mort`` by custom. It appears when it is whole, readable by its
            owner only.
        force: Replace an existing file.
        in_process: Make no copy; this process stands still until the file is written.
        keys: Also write the text of keys of data dictionaries.

    Returns:
        What was done.

    Raises:
        MortmainError: It could not be done; nothing is left behind.
    """
    return Taken(**_door.snapshot(path, force=force, in_process=in_process, keys=keys))

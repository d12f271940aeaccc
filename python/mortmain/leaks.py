"""``with mortmain.no_leaks():`` in a test: what a block made is gone when it ends.

Knows: when to take a snapshot, and which of the findings a test may be failed for.
Must not know: how a finding is found or worded.

A snapshot taken inside the process that is watched sees the watcher as well. So all that is
needed is there before the first one: the descriptors have their places, and no list grows.
"""

from __future__ import annotations

import collections
import gc
import os
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from mortmain import _door
from mortmain.errors import MortmainError as MortmainError

if TYPE_CHECKING:
    from mortmain import _heap

_TOLD_MAX = 3
# A tenth of all steps is a round: one to warm up, three early ones, four without a snapshot, two
# late ones. What a cache takes in while it fills is told from a leak by the stretch in the middle.
_TENTHS = ((0, "early"), (1, "early"), (2, "early"), (3, "early"), (7, "late"), (8, "late"))
_LAST = (9, "late")
_STEPS_LEAST = 20
# Lines that are noted for each object: the one that makes it, and callers, to leave a library.
_FRAMES = 6
# What a local variable of a function is made of: the test keeps it on purpose.
_PLAIN = frozenset({"cell", "deque", "dict", "list", "set", "tuple"})


class no_leaks:
    """Fail with AssertionError if what was made inside the block is still held after it.

    The message is the finding: what is held, by which reference, and where that is made.

    From one pass through the block this is known: what was made in it, is alive after
    ``gc.collect()``, and is held by something older. Whether the next pass would add as much again
    is not known; so that caches, imports and what is made at first use fail no test, one pass tells
    only of instances of the program's own classes (not of the standard library's, nor of installed
    packages') that became entries of a container (a dict, list, set, deque). A value set as an
    attribute or a module's variable, what ``functools`` caches, a container whose name says that it
    is a cache or memo, new modules and classes, plain data, what takes the place of an entry that
    goes, and what the calling function's own variables hold is let be. Any other container of
    instances fails the test, also one that would not grow at the next pass: run the block once
    before, or use :meth:`steps`.

    Calls in a loop know more: with ``for _ in watch.steps(100)`` everything counts that grows in
    proportion to the steps, early and late, plain data included; what fills up and stops does not.

    The block is not entered without a snapshot of the process: 0.1 s for a small one. No other
    thread should work for the program meanwhile: what it makes counts as well.

    Args:
        sites: Name the lines that made what is held, too. ``tracemalloc`` notes them for the length
            of the block, which costs much: making objects takes about 10 times as long, arithmetic
            with ints above 256 about 80 times, and each block of memory some 300 bytes more. So do
            that when a test has failed. Where ``tracemalloc`` is on anyway, the lines are named
            unasked.

    Raises:
        AssertionError: Something is still held. An exception that leaves the block comes first.
        MortmainError: No snapshot could be taken.

    Example:
        >>> import mortmain
        >>> class Order:
        ...     pass
        >>> def total():
        ...     orders = [Order(), Order()]
        ...     return len(orders)
        >>> with mortmain.no_leaks():
        ...     total()
        2
    """

    __slots__ = ("_count", "_files", "_is_ours", "_sites")

    def __init__(self, *, sites: bool = False) -> None:
        self._files = [-1] * (len(_TENTHS) + 1)
        self._count = 0
        self._sites = sites
        self._is_ours = False  # the tracing

    def __enter__(self) -> no_leaks:
        self._load()
        # The snapshot's collection empties the free lists, whose objects nobody has traced.
        self._is_ours = self._sites and _door.trace(_FRAMES)
        try:
            self._take(None, 0)
        except BaseException:
            self._untrace()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                is_one_pass = self._count == 1
                if is_one_pass:
                    self._take(None, 0)
                told = self._judge(is_one_pass)
                if told:
                    raise AssertionError(told)
        finally:
            self._untrace()
            self._close()

    def steps(self, count: int) -> Iterator[int]:
        """Count steps, and take the snapshots that tell growth from what is made once.

        Args:
            count: Steps, at least 20. The more, the longer a cache may fill without being called
                a leak: a third of them and more is watched without a break.

        Returns:
            An iterator over the numbers from 0 on. Leave the loop early and nothing is judged.

        Raises:
            ValueError: Too few.

        Example:
            >>> import mortmain
            >>> with mortmain.no_leaks() as watch:
            ...     for _ in watch.steps(20):
            ...         text = "a" * 100
        """
        if count < _STEPS_LEAST:
            raise ValueError(f"steps({count}) is too few to judge by; take {_STEPS_LEAST} at least")
        return self._run(count)

    def _run(self, count: int) -> Iterator[int]:
        each = count // 10
        warm = count - 9 * each
        self._close()
        after = {warm + tenths * each: phase for tenths, phase in (*_TENTHS, _LAST)}
        for number in range(count):
            yield number
            phase = after.get(number + 1)
            if phase is not None:
                self._take(phase, number + 1)

    def _load(self) -> None:
        # What an answer needs is loaded before the block, or it would be found in it.
        from mortmain import _heap, api, sites, source

        assert all((_heap, api, sites, source))

    def _take(self, phase: str | None, steps: int) -> None:
        gc.collect()
        gc.collect()
        self._files[self._count], _ = _door.memory(phase=phase, steps=steps)
        self._count += 1

    def _untrace(self) -> None:
        if self._is_ours:
            self._is_ours = False
            _door.untrace()

    def _close(self) -> None:
        for number in range(self._count):
            os.close(self._files[number])
        self._count = 0

    def _judge(self, is_one_pass: bool) -> str:
        """What the test fails for, or an empty text."""
        from mortmain import _heap, api, sites

        if not is_one_pass and self._count < len(self._files):
            return ""  # the loop was left
        found = _heap.grow([f"/proc/self/fd/{file}" for file in self._files[: self._count]])
        rows = found.rows()
        chosen = [
            number
            for number, row in enumerate(rows)
            if (_is_left(row) if is_one_pass else row[1] and not _is_callers(row))
        ]
        if not chosen:
            return ""
        # First of all: an object that dies meanwhile may leave its address to another one.
        made = sites.here(found, f"/proc/self/fd/{self._files[self._count - 1]}", chosen)
        lines = api._sources(found.scopes(), is_live=True)
        told = [found.one_text(number, sources=lines, sites=made) for number in chosen[:_TOLD_MAX]]
        if len(chosen) > _TOLD_MAX:
            told.append(f"and {len(chosen) - _TOLD_MAX} more\n")
        return "\n".join(told).rstrip("\n")


def _is_left(row: _heap._Row) -> bool:
    """Is it an own instance that became an entry of a container? One pass can say no more."""
    kind, _, is_hidden, is_own, type_name, _, _, role, path = row
    guilty = _guilty(path)
    return (
        kind in ("growth", "weak container")
        and not is_hidden
        and is_own
        and role != "cache"
        and guilty is not None
        and (path[guilty][1] or "").startswith(("[", " member"))
        and not any(step[0].startswith(("module ", "class ")) for step in path[guilty + 1 :])
        and not _is_callers(row)
        and not (path[guilty][0] == "deque" and _is_in_bounded_deque(type_name))
    )


def _is_in_bounded_deque(type_name: str | None) -> bool:
    """Are there objects of this type in a deque that drops the oldest? A snapshot does not say."""
    for each in gc.get_objects():
        if type(each) is collections.deque and each.maxlen is not None:
            kinds = {type(held) for held in each.copy()}
            if any(f"{kind.__module__}.{kind.__qualname__}" == type_name for kind in kinds):
                return True
    return False


def _is_callers(row: _heap._Row) -> bool:
    """Do nothing but containers in a local variable hold it?"""
    path = row[-1]
    guilty = _guilty(path)
    return (
        guilty is not None
        and path[0][0].startswith("running frame ")
        and all(step[0] in _PLAIN for step in path[1 : guilty + 1])
    )


def _guilty(path: tuple[tuple[str, str | None, bool], ...]) -> int | None:
    return next((number for number, step in enumerate(path) if step[2]), None)

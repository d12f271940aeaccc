"""A heap of many kinds of holders, its snapshot, and what guppy3 finds in it at the same moment.

Usage: dominated.py FILE

Takes the snapshot into FILE and prints JSON: for each class asked about the addresses of what the
set of its instances dominates, as guppy3 sees it.
"""

from __future__ import annotations

import collections
import ctypes
import functools
import gc
import json
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import guppy

from mortmain import _door

SHARED = ["shared", 123456789]


def text(*parts: object) -> str:
    """A new str that nothing else has."""
    return "-".join(map(str, parts))


class Leaf:
    """Slots and no dict."""

    __slots__ = ("__weakref__", "first", "second")

    def __init__(self, number: int) -> None:
        self.first = text("leaf", number)
        self.second = 1_000_000_000 + number


class Exam:
    """An instance with a dict, and below it a bit of everything."""

    def __init__(self, number: int) -> None:
        self.number = 2_000_000_000 + number
        self.title = text("exam", number)
        self.answers = [text("answer", number, i) for i in range(3)]
        self.marks = {text("mark", number): float(number) + 0.5}
        self.members = {text("member", number), number + 3_000_000_000}
        self.pair = (self.title, text("pair", number))
        self.shared = SHARED
        self.leaf = Leaf(number)
        self.itself = self if number % 2 else None
        self.peer: Exam | None = None
        self.queue = collections.deque([text("queue", number)])
        self.ordered = collections.OrderedDict({text("key", number): [number]})
        self.weak = weakref.ref(self.leaf)
        self.method = self.grade
        self.closure = self.make_closure(text("closed", number))
        self.partial = functools.partial(int, text("partial", number))
        self.steps = self.make_steps(text("step", number))
        self.buffer = memoryview(bytearray(64))
        self.exception = self.make_exception(text("bad", number))
        self.namespace = types.SimpleNamespace(inside=text("inside", number))
        self.proxy = types.MappingProxyType({text("proxy", number): [number]})
        self.count = iter([text("iterated", number)])
        next(self.steps)
        self.interned = sys.intern(text("interned", number))
        self.by_c = [text("by c", number)]
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.by_c))

    def grade(self) -> str:
        """Something to bind."""
        return self.title

    def make_closure(self, closed: str) -> Callable[[], str]:
        """A function with a cell."""
        return lambda: closed

    def make_steps(self, local: str) -> Iterator[str]:
        """A suspended generator with a variable."""
        yield local
        yield local + self.title

    def make_exception(self, local: str) -> ValueError:
        """An exception with a traceback and a frame."""
        try:
            raise ValueError(local)
        except ValueError as error:
            return error


class Plain:
    """Held twice: by a list that all know, and by instances of Exam."""

    def __init__(self, number: int) -> None:
        self.value = text("plain", number)


class Kept:
    """Held by a variable of a running frame alone."""

    def __init__(self) -> None:
        self.value = [text("kept", i) for i in range(5)]


def build() -> tuple[list[Exam], list[Plain]]:
    """The heap."""
    exams = [Exam(number) for number in range(20)]
    plain = [Plain(number) for number in range(6)]
    for number, exam in enumerate(exams):
        exam.peer = exams[number - 1]
        exam.extra = plain[number % 6]  # type: ignore[attr-defined]
    local = threading.local()
    local.value = Plain(100)
    plain[0].local = local  # type: ignore[attr-defined]
    return exams, plain


def ask(heapy: Any, subjects: list[object]) -> list[int]:
    """What guppy3 says that these objects dominate, as addresses."""
    return sorted(id(node) for node in heapy.iso(*subjects).dominos.nodes)


def main() -> None:
    """Build, take, ask, print."""
    exams, plain = build()
    kept = Kept()
    subjects = {
        "__main__.Exam": [*exams],
        "__main__.Plain": [*plain, plain[0].local.value],  # type: ignore[attr-defined]
        "__main__.Leaf": [exam.leaf for exam in exams],
        "__main__.Kept": [kept],
    }
    # guppy3 asks each instance for its dict; before 3.13 that makes one.
    for group in subjects.values():
        for subject in group:
            getattr(subject, "__dict__", None)
    heapy = guppy.hpy()
    heapy.iso(kept).domisize  # noqa: B018
    gc.collect()
    _door.snapshot(sys.argv[1], force=True)
    print(json.dumps({name: ask(heapy, group) for name, group in subjects.items()}))


if __name__ == "__main__":
    main()

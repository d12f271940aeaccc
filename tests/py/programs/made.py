"""Steps that keep what they make, and say at the end what was traced. See test_sites.py."""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import sys
import tracemalloc
from dataclasses import dataclass


class Item:
    """What is kept."""


@dataclass
class Row:
    """Its __init__ stands in no file."""

    cells: list[int]


items: list[Item] = []
documents: list[object] = []
rows: list[Row] = []
head: Item | None = None
calls = 0
traced = 0
gaps = 0


def note() -> None:
    """Count calls, those that are traced, and traced ones behind which one was not."""
    global calls, traced, gaps
    calls += 1
    if tracemalloc.is_tracing():
        traced += 1
    elif traced:
        gaps += 1


@atexit.register
def tell() -> None:
    """Say it to standard error, which is no part of an answer."""
    on = tracemalloc.is_tracing()
    limit = tracemalloc.get_traceback_limit()
    print(f"calls {calls} traced {traced} gaps {gaps} on {on} limit {limit}", file=sys.stderr)


def make() -> Item:
    """Where they are made is not where they are kept."""
    return Item()


def one() -> None:
    """One line."""
    note()
    items.append(make())


def two() -> None:
    """Three by one line, one by another."""
    note()
    items.extend([make() for _ in range(3)])
    items.append(Item())


def parsed() -> None:
    """Made by C code, which a library calls."""
    documents.append(json.loads('{"name": ["value", 1.5]}'))


def filled() -> None:
    """Made by code that stands in no file."""
    rows.append(Row([1]))


def linked() -> None:
    """Each holds the one before."""
    global head
    node = Item()
    node.before = head  # type: ignore[attr-defined]
    head = node


def ring() -> None:
    """Waits for the collector."""
    one, other = Item(), make()
    one.other = other  # type: ignore[attr-defined]
    other.one = one  # type: ignore[attr-defined]


def ring_and_one() -> None:
    """Both."""
    ring()
    one()


def nothing() -> None:
    """Keeps nothing."""
    note()
    make()


def fails() -> None:
    """Goes well until it is traced."""
    items.append(make())
    if tracemalloc.is_tracing():
        raise ValueError("traced")


def stops() -> None:
    """Ends the tracing."""
    items.append(make())
    tracemalloc.stop()


def listener() -> int:
    """Address of what listens to the making of objects; 0 = nothing."""
    get = ctypes.pythonapi.PyRefTracer_GetTracer
    get.restype = ctypes.c_void_p
    get.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
    return get(ctypes.byref(ctypes.c_void_p())) or 0


def heard() -> None:
    """Something of the program's listens; it must still do so at the end."""
    global calls
    if calls == 0:
        calls = 1
        ignore = ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p)
        ctypes.pythonapi.PyRefTracer_SetTracer(ignore, None)
        atexit.register(lambda: os.write(2, b"listens %d\n" % (listener() == ignore.value)))
    items.append(make())

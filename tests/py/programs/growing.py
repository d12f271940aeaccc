"""Functions that make something grow with every call, one way each. See test_loop.py."""

from __future__ import annotations

import functools
import itertools
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path


class Item:
    """What is kept."""


class Registry:
    """Who keeps it."""

    by_name: dict[str, Item] = {}  # noqa: RUF012
    items: list[Item] = []  # noqa: RUF012
    members: set[Item] = set()  # noqa: RUF012
    log: tuple[Item, ...] = ()


class Node:
    """One of a chain."""

    def __init__(self, before: Node | None) -> None:
        """Comes after another one."""
        self.before = before


class Bus:
    """Calls back who subscribed."""

    def __init__(self) -> None:
        """Nobody did."""
        self.listeners: list[Callable[[], None]] = []


class View:
    """Subscribes, and never unsubscribes."""

    def __init__(self) -> None:
        """Does so."""
        bus.listeners.append(self.update)

    def update(self) -> None:
        """Is called back."""


class Value:
    """Leads back to its key."""

    key: Item


numbers = itertools.count()
hooks: list[Callable[[], Item]] = []
head: Node | None = None
buffer = bytearray()
counts: list[int] = []
bus = Bus()
errors: list[Exception] = []
weak: weakref.WeakKeyDictionary[Item, Value] = weakref.WeakKeyDictionary()
suspended: list[Iterator[Item]] = []
files: list[object] = []


def class_dict() -> None:
    """Registry.by_name."""
    Registry.by_name[f"item {next(numbers)}"] = Item()


def class_list() -> None:
    """Registry.items."""
    Registry.items.append(Item())


def class_set() -> None:
    """Registry.members."""
    Registry.members.add(Item())


@functools.lru_cache(None)
def remembered(item: Item) -> list[Item]:
    """Is called with something else each time."""
    return [item]


def cached() -> None:
    """The cache of remembered()."""
    remembered(Item())


def closure() -> None:
    """A function in a list, by its closure."""
    item = Item()

    def hook() -> Item:
        return item

    hooks.append(hook)


def chain() -> None:
    """Each keeps the one before."""
    global head
    head = Node(head)


def big_buffer() -> None:
    """One object that grows."""
    buffer.extend(b"0123456789" * 10)


def small_numbers() -> None:
    """Nothing is born, and a list grows."""
    counts.append(1)


def replaced() -> None:
    """A tuple that is made anew."""
    Registry.log = (*Registry.log, Item())


def thread() -> None:
    """A thread that waits for ever."""
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def subscribed() -> None:
    """A bound method in a list."""
    View()


def stored_error() -> None:
    """An exception with its frame."""
    payload = Item()
    try:
        raise ValueError(str(type(payload)))
    except ValueError as error:
        errors.append(error)


def weak_that_leads_back() -> None:
    """A value that keeps its own weak key."""
    key = Item()
    weak[key] = Value()
    weak[key].key = key


def generator(item: Item) -> Iterator[Item]:
    """Is never run to its end."""
    yield item


def generators() -> None:
    """Suspended generators."""
    made = generator(Item())
    next(made)
    suspended.append(made)


def open_files() -> None:
    """One descriptor a call: a process has few of them."""
    files.append(Path("/dev/null").open())  # noqa: SIM115


async def coroutine() -> None:
    """A coroutine is run to its end."""
    Registry.items.append(Item())

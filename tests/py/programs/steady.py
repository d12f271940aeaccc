"""Functions after any number of calls of which nothing is left that grows. See test_loop.py."""

from __future__ import annotations

import asyncio
import collections
import functools
import itertools
import json
import re


class Item:
    """What comes and goes."""


class Part:
    """One of a pair that name each other."""

    parent: Part
    child: Part


numbers = itertools.count()
ring: collections.deque[Item] = collections.deque(maxlen=500)
filling: collections.deque[Item] = collections.deque(maxlen=10_000_000)
turning: dict[int, Item] = {}
sawtooth: list[Item] = []


def nothing() -> None:
    """Does nothing."""


def garbage() -> None:
    """Objects that die by counting."""
    print(len([Item() for _ in range(5)]), end="")


@functools.lru_cache(maxsize=1500)
def squared(number: int) -> str:
    """Remembers some results."""
    return str(number * number) * 3


def bounded_cache() -> None:
    """A cache that fills up and is full."""
    squared(next(numbers))


def ring_buffer() -> None:
    """A deque with a bound."""
    ring.append(Item())


def turnover() -> None:
    """A dict that forgets as much as it learns."""
    number = next(numbers)
    turning[number] = Item()
    turning.pop(number - 300, None)


def teeth() -> None:
    """A list that is emptied now and then."""
    sawtooth.append(Item())
    if len(sawtooth) >= 700:
        sawtooth.clear()


def library() -> None:
    """Caches of the library fill up."""
    json.loads(json.dumps({"a": [1, 2, 3]}))
    re.compile(f"a+b{next(numbers) % 50}")


async def coroutine() -> None:
    """One event loop for all calls."""
    await asyncio.sleep(0)


def pair() -> None:
    """A ring that waits for the collector."""
    one = Part()
    one.child = Part()
    one.child.parent = one


def local_class() -> None:
    """A class is a ring by itself."""

    class Local:
        pass

    print(Local.__name__, end="")


def large_ring() -> None:
    """A deque that is not full when the watching ends, but that has a bound."""
    filling.append(Item())

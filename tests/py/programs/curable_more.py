"""More steps that leak, each by what another cure is for. See test_cure.py and curable.py."""

from __future__ import annotations

import asyncio
import atexit
import collections
import ctypes
import dataclasses
import functools
import itertools
import linecache
import logging
import sys
import warnings
import weakref
from collections.abc import Callable
from typing import Any
from unittest import mock

numbers = itertools.count()


def compute(key: int) -> list[int]:
    """Takes long."""
    return [key] * 3


class Service:
    """Has its memo in an attribute, and works with it by another name."""

    def __init__(self) -> None:
        """Knows nothing yet."""
        self._known: dict[int, list[int]] = {}

    def get(self, key: int) -> list[int]:
        """Compute what is not there yet."""
        known = self._known
        if key not in known:
            known[key] = compute(key)
        return known[key]


service = Service()


def alias() -> int:
    """A bound."""
    return len(service.get(next(numbers)))


by_key: dict[int, list[int]] = {}


def set_by_default(key: int) -> list[int]:
    """One line."""
    return by_key.setdefault(key, compute(key))


def setdefault() -> int:
    """A bound."""
    return len(set_by_default(next(numbers)))


class Squares(dict[int, list[int]]):
    """Computes what is not there yet."""

    def __missing__(self, key: int) -> list[int]:
        """Once."""
        result = compute(key)
        self[key] = result
        return result


squares = Squares()


def missing() -> int:
    """A bound."""
    return len(squares[next(numbers)])


def memoize(function: Callable[[int], list[int]]) -> Callable[[int], list[int]]:
    """Remembers."""
    results: dict[int, list[int]] = {}

    @functools.wraps(function)
    def wrapper(key: int) -> list[int]:
        if key in results:
            return results[key]
        result = function(key)
        results[key] = result
        return result

    return wrapper


slow = memoize(compute)


def closure() -> int:
    """A bound."""
    return len(slow(next(numbers)))


parsed = functools.lru_cache(maxsize=None)(compute)


def wrapped() -> int:
    """A bound."""
    return len(parsed(next(numbers)))


class Recorder:
    """Adds by a bound method, and reads the end."""

    def __init__(self) -> None:
        """Nothing happened."""
        self.events: list[str] = []

    def note(self, text: str) -> None:
        """Something did."""
        add = self.events.append
        add(text)

    def last(self) -> list[str]:
        """What did."""
        return self.events[-1:]


recorder = Recorder()


def bound_method() -> str:
    """The end of the list."""
    recorder.note(f"event {next(numbers)}")
    return recorder.last()[0][:5]


visits: collections.defaultdict[int, list[str]] = collections.defaultdict(list)


def visited(page: int) -> list[str]:
    """Who was there."""
    return sorted(visits[page])


def looked_up() -> int:
    """Asked without putting in."""
    return len(visited(next(numbers)))


class Reader:
    """Is read."""


class Registered:
    """Takes each reader once."""

    _all: set[Reader] = set()  # noqa: RUF012

    def __init__(self, reader: Reader) -> None:
        """Refuse it the second time."""
        if reader in self._all:
            raise ValueError("it is registered already")
        self._all.add(reader)


def membership() -> str:
    """A weak set."""
    return type(Registered(Reader())).__name__


timers: dict[str, asyncio.TimerHandle] = {}


async def timed() -> int:
    """Taken out when it is due."""
    key = f"job {next(numbers)}"
    loop = asyncio.get_running_loop()
    if key in timers:
        timers[key].cancel()
    timers[key] = loop.call_later(0.0001, int)
    await asyncio.sleep(0.001)
    return 1


class Session:
    """Has something beside it."""


beside: weakref.WeakKeyDictionary[Session, dict[str, Session]] = weakref.WeakKeyDictionary()


def on_key() -> bool:
    """Kept in the key."""
    session = Session()
    beside[session] = {"self": session}
    return beside[session]["self"] is session


class File:
    """Wants to be closed."""

    def __init__(self) -> None:
        """The finalizer keeps it."""
        self.data = bytes(100)
        weakref.finalize(self, self.close)

    def close(self) -> None:
        """Close it."""


def finalizer() -> int:
    """A finalizer that keeps nothing."""
    return len(File().data)


class Pool:
    """Wants to be closed at the exit."""

    def __init__(self) -> None:
        """The list of what is to be done at the exit keeps it."""
        self.data = bytes(100)
        atexit.register(self.close)

    def close(self) -> None:
        """Close it."""


def at_exit() -> int:
    """A finalizer."""
    return len(Pool().data)


def handler() -> str:
    """One for all calls."""
    logger = logging.getLogger("curable")
    null = logging.NullHandler()
    logger.addHandler(null)
    return logger.name


def search_path() -> int:
    """Once."""
    sys.path.append("/nowhere")
    return 1


def made(number: int) -> Callable[[], int]:
    """Code of a text."""
    name = f"<made {number}>"
    text = f"def answer():\n    return {number} - {number}\n"
    names: dict[str, Any] = {}
    exec(compile(text, name, "exec"), names)
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    answer: Callable[[], int] = names["answer"]
    return answer


def source_lines() -> int:
    """Its lines go with it."""
    return made(next(numbers))()


warnings.showwarning = lambda *_, **__: None
warnings.simplefilter("default")


def warning() -> None:
    """The registry is cleared."""
    warnings.warn(f"slow query {next(numbers)}")  # noqa: B028


sender = mock.Mock()


def mocked() -> None:
    """It is reset."""
    sender.send(bytes(10))


def class_per_call() -> int:
    """Made once."""

    class Packet(ctypes.Structure):
        _fields_ = [("x", ctypes.c_int)]

    return ctypes.sizeof(ctypes.POINTER(Packet))


class Hub:
    """Lists of callbacks by topic."""

    def __init__(self) -> None:
        """Nobody listens."""
        self._listeners: dict[str, list[Callable[[], None]]] = {}

    def on(self, topic: str, listener: Callable[[], None]) -> None:
        """Somebody does."""
        self._listeners.setdefault(topic, []).append(listener)

    def emit(self, topic: str) -> None:
        """Call them."""
        for listener in self._listeners.get(topic, ()):
            listener()


hub = Hub()


class View:
    """Listens."""

    def __init__(self) -> None:
        """Subscribe."""
        self.count = 0
        hub.on("tick", self.update)

    def update(self) -> None:
        """Is called back."""
        self.count += 1


def by_topic() -> int:
    """Weak methods."""
    view = View()
    hub.emit("tick")
    return view.count


class Item:
    """Was taken out, and stays in a variable."""

    def __init__(self, error: BaseException) -> None:
        """Has an error."""
        self.error = error
        self.data = bytes(100)


last: dict[int, Item] = {}


def replace_last(number: int) -> None:
    """The frame keeps the one before, the error keeps the frame."""
    if len(last) > 0:
        before = last.pop(number - 1)
        assert before.data
    try:
        raise ValueError(number)
    except ValueError as error:
        last[number] = Item(error)


def taken_out() -> int:
    """The variable is dropped."""
    replace_last(next(numbers))
    return len(last)


class Slotted:
    """Has slots, and knows its owner."""

    __slots__ = ("name", "owner")

    def __init__(self, owner: Owner) -> None:
        """Has one."""
        self.owner = owner
        self.name = "x"


class Owner:
    """Has something with slots."""

    __slots__ = ("slotted",)

    def __init__(self) -> None:
        """Has one."""
        self.slotted = Slotted(self)


def slotted_owner() -> bool:
    """A weak reference in the slot."""
    owner = Owner()
    return owner.slotted.owner is owner


@dataclasses.dataclass
class Leaf:
    """Knows its tree."""

    parent: Tree
    count: int = 0


@dataclasses.dataclass
class Tree:
    """Has leaves."""

    leaves: list[Leaf] = dataclasses.field(default_factory=list)

    def grow(self) -> Leaf:
        """One more."""
        self.leaves.append(Leaf(self))
        return self.leaves[-1]


def dataclass_parent() -> bool:
    """A property of the class."""
    tree = Tree()
    return tree.grow().parent is tree


class Job:
    """Remembers what went wrong."""

    error: Exception | None = None

    def run(self) -> None:
        """Go wrong."""
        try:
            raise ValueError("x")
        except ValueError as error:
            self.error = error


def error_of_itself() -> str:
    """Without its traceback, which keeps the frame, and that the job."""
    job = Job()
    job.run()
    return str(job.error)

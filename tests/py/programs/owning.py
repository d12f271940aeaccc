"""Queues and registries that own what they hold: a weak one would lose it. See test_cure.py."""

from __future__ import annotations

import collections
import itertools
import queue
from collections.abc import Callable

numbers = itertools.count()


class Order:
    """What somebody waits for."""

    def __init__(self, number: int) -> None:
        """Has a number."""
        self.number = number

    def work(self) -> int:
        """Do it."""
        return self.number


pending: list[Order] = []


def work_list() -> None:
    """Orders that are worked on later."""
    pending.append(Order(next(numbers)))


def drain() -> int:
    """Work on all."""
    done = 0
    while pending:
        done += pending.pop().work()
    return done


waiting: collections.deque[Order] = collections.deque()


def in_turn() -> None:
    """A queue."""
    order = Order(next(numbers))
    waiting.append(order)


def take() -> Order:
    """The next one."""
    return waiting.popleft()


jobs: queue.SimpleQueue[Order] = queue.SimpleQueue()


def threads() -> None:
    """A queue between threads."""
    jobs.put(Order(next(numbers)))


by_number: dict[int, Order] = {}


def enter() -> None:
    """A registry by number."""
    number = next(numbers)
    by_number[number] = Order(number)


def find(number: int) -> Order:
    """One of them."""
    return by_number[number]


scores: dict[Order, int] = {}


def score(order: Order, points: int) -> None:
    """Keyed by instances, and gone through."""
    scores[order] = points


def keyed() -> None:
    """The dict alone keeps them."""
    score(Order(next(numbers)), 3)


def best() -> list[Order]:
    """All of them."""
    return [order for order, points in scores.items() if points > 2]


class Plugin:
    """Enters itself, and nobody else keeps it."""

    known: list[Plugin] = []  # noqa: RUF012

    def __init__(self, number: int) -> None:
        """Has a number."""
        self.number = number
        self.known.append(self)

    def work(self) -> int:
        """Do it."""
        return self.number


def plugins() -> None:
    """Made for the registry."""
    Plugin(next(numbers))


def run_plugins() -> int:
    """All of them."""
    return sum(plugin.work() for plugin in Plugin.known)


class Service:
    """Enters itself under a name, for who asks for it."""

    known: dict[str, Service] = {}  # noqa: RUF012

    def __init__(self, name: str) -> None:
        """Has a name."""
        self.name = name
        Service.known[name] = self


def services() -> None:
    """Made for the registry."""
    Service(f"service {next(numbers)}")


def service(name: str) -> Service:
    """One of them."""
    return Service.known[name]


class Sink:
    """Is told."""

    def write(self, text: str) -> int:
        """Take it."""
        return len(text)


class Logger:
    """Tells its handlers, which it owns."""

    def __init__(self) -> None:
        """Has none."""
        self.handlers: list[Sink] = []

    def attach(self, handler: Sink) -> None:
        """One more."""
        self.handlers.append(handler)

    def say(self, text: str) -> int:
        """Tell all."""
        return sum(handler.write(text) for handler in self.handlers)


logger = Logger()


def handlers() -> None:
    """Made for the logger."""
    logger.attach(Sink())


class Bell:
    """Calls back, and owns who is called."""

    def __init__(self) -> None:
        """Nobody is."""
        self.listeners: list[Callable[[], int]] = []

    def on(self, listener: Callable[[], int]) -> None:
        """One more."""
        self.listeners.append(listener)

    def ring(self) -> int:
        """Call all."""
        return sum(listener() for listener in self.listeners)


bell = Bell()


class Ringer:
    """Made to be called."""

    def __init__(self) -> None:
        """Asks for it."""
        bell.on(self.answer)

    def answer(self) -> int:
        """Is called."""
        return 1


def ringers() -> None:
    """Nobody else keeps it."""
    Ringer()


members: set[Order] = set()


def join() -> None:
    """A set of those who take part."""
    members.add(Order(next(numbers)))


def everybody() -> int:
    """All of them."""
    return sum(member.work() for member in members)

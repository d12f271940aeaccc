"""Steps that leak, each by what another cure is for. See test_cure.py."""

from __future__ import annotations

import asyncio
import functools
import itertools
import weakref
from collections.abc import Callable


class Exam:
    """What is kept."""


numbers = itertools.count()


class Within:
    """A side table: something about instances that others own."""

    _seen: dict[object, float] = {}  # noqa: RUF012

    def __get__(self, instance: object, owner: type) -> float:
        """Look up."""
        return self._seen[instance]

    def __set__(self, instance: object, value: float) -> None:
        """Note."""
        self._seen[instance] = value


class Graded:
    """Has a grade."""

    grade = Within()


def side_table() -> float:
    """Weak keys."""
    exam = Graded()
    exam.grade = 3.0
    return exam.grade


class Slotted:
    """Has no room for weak references."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        """Has a name."""
        self.name = name


notes = {}  # type: ignore[var-annotated]


def annotate(thing: Slotted, text: str) -> None:
    """Note."""
    notes[thing] = text


def slots() -> str:
    """Weak keys, and a slot for them."""
    thing = Slotted("x")
    annotate(thing, "y")
    return thing.name


class Growing:
    """Remembers what it computed, for ever."""

    def __init__(self, size: int) -> None:
        """Has a size."""
        self.size = size

    @functools.cache  # noqa: B019
    def area(self, factor: int) -> int:
        """Compute."""
        return self.size * factor


def cached_method() -> int:
    """A cache in the instance."""
    return Growing(3).area(4)


@functools.lru_cache(maxsize=None)  # noqa: UP033
def square(number: int) -> list[int]:
    """Compute."""
    return [number * number]


def cached_function() -> int:
    """A bound."""
    return len(square(next(numbers)))


def collect(item: Exam, seen: list[Exam] = []) -> Exam:  # noqa: B006
    """One list for all calls."""
    seen.append(item)
    return item


def default() -> int:
    """A new list for each call."""
    collect(Exam())
    return 1


class Named:
    """Enters itself."""

    instances = []  # type: ignore[var-annotated] # noqa: RUF012

    def __init__(self, name: str) -> None:
        """Has a name."""
        self.name = name
        self.instances.append(self)

    @classmethod
    def count(cls) -> int:
        """How many there are."""
        return sum(1 for _ in cls.instances)


def instances() -> str:
    """A weak set."""
    named = Named("x")
    return named.name


def instances_counted() -> int:
    """A weak set, which would change what this answers."""
    named = Named("x")
    return Named.count() * len(named.name)


class Keyed:
    """Enters itself under a name."""

    by_name: dict[str, Keyed] = {}  # noqa: RUF012

    def __init__(self, name: str) -> None:
        """Has a name."""
        self.name = name
        Keyed.by_name[name] = self


def instances_by_name() -> bool:
    """Weak values."""
    keyed = Keyed(f"name {next(numbers)}")
    return Keyed.by_name.get(keyed.name) is keyed


class Basket:
    """All baskets have the same items."""

    items = []  # type: ignore[var-annotated] # noqa: RUF012

    def put(self, item: Exam) -> None:
        """Put in."""
        self.items.append(item)


def shared() -> str:
    """A list for each instance."""
    basket = Basket()
    basket.put(Exam())
    return type(basket).__name__


class Bus:
    """Calls back."""

    def __init__(self) -> None:
        """Nobody listens."""
        self.listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Somebody does."""
        self.listeners.append(listener)

    def publish(self) -> int:
        """Call all."""
        for listener in self.listeners:
            listener()
        return 1


bus = Bus()


class View:
    """Listens."""

    def __init__(self) -> None:
        """Subscribe."""
        self.count = 0
        bus.subscribe(self.update)

    def update(self) -> None:
        """Is called back."""
        self.count += 1


def callbacks() -> int:
    """Weak methods."""
    view = View()
    bus.publish()
    return view.count


class Shop:
    """Remembers what went wrong."""

    def __init__(self) -> None:
        """Nothing did."""
        self.errors = []  # type: ignore[var-annotated]

    def handle(self) -> None:
        """Go wrong."""
        payload = Exam()
        try:
            raise ValueError(str(type(payload)))
        except ValueError as error:
            self.errors.append(error)


shop = Shop()


def exceptions() -> None:
    """Without their tracebacks, and bounded."""
    shop.handle()


def exception_stored() -> str:
    """A ring of the exception and this frame."""
    kept = None
    try:
        raise ValueError("x")
    except ValueError as error:
        kept = error
    return str(kept)


def exception_raised_again() -> str:
    """A ring as well."""

    def work() -> None:
        kept = None
        try:
            raise ValueError("x")
        except ValueError as error:
            kept = error
        raise kept

    try:
        work()
    except ValueError as error:
        return str(error)
    return ""


memo = {}  # type: ignore[var-annotated]


def compute(key: int) -> list[int]:
    """Compute what is not there yet."""
    if key not in memo:
        memo[key] = [key]
    return memo[key]  # type: ignore[no-any-return]


def memoized() -> int:
    """A bound."""
    return len(compute(next(numbers)))


log = []  # type: ignore[var-annotated]


def logged() -> None:
    """A deque with a bound."""
    log.append(f"call {next(numbers)}")


class Child:
    """Knows its parent."""

    def __init__(self, parent: Parent) -> None:
        """Has one."""
        self.parent = parent


class Parent:
    """Knows its child."""

    def __init__(self) -> None:
        """Has one."""
        self.child = Child(self)

    def run(self) -> bool:
        """Ask."""
        return self.child.parent is self


def family() -> bool:
    """A weak parent."""
    return Parent().run()


class Timer:
    """Holds itself by its own method."""

    def __init__(self) -> None:
        """Ring by default."""
        self.on_due: Callable[[], int] = self.ring

    def ring(self) -> int:
        """Ring."""
        return 3


def method_of_its_own() -> int:
    """A weak method."""
    return Timer().on_due()


tasks = []  # type: ignore[var-annotated]


async def pause() -> None:
    """Do nothing."""


async def spawned() -> None:
    """Taken out when it is done."""
    task = asyncio.create_task(pause())
    tasks.append(task)
    await task


opened: list[weakref.ref[Exam]] = []


def dead_references() -> None:
    """A callback that takes it out."""
    exam = Exam()
    opened.append(weakref.ref(exam))


class Box:
    """Leads back."""

    inner: object


boxes: weakref.WeakKeyDictionary[Exam, Box] = weakref.WeakKeyDictionary()


def leads_back() -> None:
    """No patch, and what to do instead."""
    exam = Exam()
    box = Box()
    box.inner = exam
    boxes[exam] = box

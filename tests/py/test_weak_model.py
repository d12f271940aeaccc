"""Random programs on the containers of mortmain.weak and on the stdlib's: they answer alike."""

from __future__ import annotations

import gc
import random
import weakref
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mortmain import weak

KEY_COUNT = 12
ALGEBRA = (
    "difference", "intersection", "symmetric_difference", "union", "issubset", "issuperset",
    "isdisjoint", "difference_update", "symmetric_difference_update",
)  # fmt: skip


class Key:
    """Equal to others with the same rest; half of them hash alike."""

    def __init__(self, number: int) -> None:
        """With its place in the list of keys."""
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.number // 2 == other.number // 2

    def __hash__(self) -> int:
        return self.number // 4


class Plain:
    """Compared by identity."""

    def __init__(self, number: int) -> None:
        """With its place in the list of keys."""
        self.number = number


def outcome(container: Any, name: str, *args: Any) -> Any:
    """What a call gives, or the type of what it raises."""
    try:
        return getattr(container, name)(*args)
    except (KeyError, TypeError) as error:
        return type(error)


numbers = st.integers(0, KEY_COUNT - 1)


class Machine(RuleBasedStateMachine):
    """Two containers of each kind, and the objects in them, which die when the machine says so."""

    @initialize(plain=st.booleans())
    def begin(self, plain: bool) -> None:
        """Empty ones."""
        self.make: type[Any] = Plain if plain else Key
        self.objects = [self.make(number) for number in range(KEY_COUNT)]
        self.keys = [weakref.WeakKeyDictionary(), weak.WeakKeyDictionary()]  # type: list[Any]
        self.values = [weakref.WeakValueDictionary(), weak.WeakValueDictionary()]  # type: list[Any]
        self.sets = [weakref.WeakSet(), weak.WeakSet()]  # type: list[Any]
        self.iterators: list[tuple[list[int], Any]] = []

    def _same(self, pair: list[Any], name: str, *args: Any) -> Any:
        theirs, ours = (outcome(container, name, *args) for container in pair)
        assert theirs == ours, (name, theirs, ours)
        return ours

    @rule(at=numbers, value=st.integers())
    def set_item(self, at: int, value: int) -> None:
        """One more entry everywhere."""
        one = self.objects[at]
        self._same(self.keys, "__setitem__", one, value)
        self._same(self.values, "__setitem__", value % 7, one)
        self._same(self.sets, "add", one)

    @rule(at=numbers)
    def look_up(self, at: int) -> None:
        """By an object that may be equal to one that is there."""
        one = self.make(at)
        for name in ("__getitem__", "get", "__contains__"):
            self._same(self.keys, name, one)
            self._same(self.keys, name, self.objects[at])
            self._same(self.values, name, at)
        self._same(self.sets, "__contains__", one)

    @rule(at=numbers, name=st.sampled_from(["pop", "__delitem__", "setdefault"]))
    def change(self, at: int, name: str) -> None:
        """Take out, or put in what is missing."""
        one = self.objects[at]
        default = (one,) if name == "setdefault" else ()
        self._same(self.keys, name, one, *default)
        self._same(self.values, name, at, *default)
        self._same(self.sets, "discard" if name == "pop" else "remove", one)

    @rule()
    def popitem(self) -> None:
        """The newest."""
        self._same(self.keys, "popitem")
        self._same(self.values, "popitem")

    @rule(at=numbers)
    def die(self, at: int) -> None:
        """An object dies, another takes its number."""
        self.objects[at] = self.make(at)
        gc.collect(0)

    @rule(at=st.lists(numbers))
    def update(self, at: list[int]) -> None:
        """Several at once."""
        some = [self.objects[number] for number in at]
        self._same(self.keys, "update", dict.fromkeys(some, 0))
        self._same(self.values, "update", dict(zip(at, some, strict=True)))
        self._same(self.sets, "update", some)

    @rule(
        at=st.lists(numbers),
        name=st.sampled_from(ALGEBRA),
    )
    def algebra(self, at: list[int], name: str) -> None:
        """On the sets."""
        some = [self.objects[number] for number in at]
        theirs, ours = (outcome(members, name, some) for members in self.sets)
        if isinstance(ours, bool) or ours is None:
            assert theirs == ours
        else:
            assert type(ours) is weak.WeakSet
            assert set(theirs) == set(ours)

    @rule()
    def iterate(self) -> None:
        """Begin with one that goes on later: it sees what it would, and raises nothing."""
        ours = self.keys[1]
        self.iterators.append(([id(ref) for ref in ours.keyrefs()], iter(ours)))

    @rule()
    def go_on(self) -> None:
        """What it gives was there when it began, or has taken the place of an equal key."""
        if self.iterators:
            _, iterator = self.iterators[-1]
            one = next(iterator, None)
            assert one is None or one in self.keys[1]
            if one is None:
                self.iterators.pop()

    @rule()
    def clear(self) -> None:
        """All of one, then the iterators are at their end."""
        for pair in (self.keys, self.values, self.sets):
            for container in pair:
                container.clear()
        assert all(next(iterator, None) is None for _, iterator in self.iterators)

    @invariant()
    def alike(self) -> None:
        """Same entries, in the same order; both sides of `==`."""
        if not hasattr(self, "keys"):
            return
        for pair in (self.keys, self.values):
            theirs, ours = pair
            assert list(map(id_pair, theirs.items())) == list(map(id_pair, ours.items()))
            assert len(theirs) == len(ours) == len(list(ours))
            assert ours == dict(theirs) and ours == theirs and bool(ours) == bool(theirs)
            assert list(ours.copy().items()) == list(ours.items())
        assert {id(one) for one in self.sets[0]} == {id(one) for one in self.sets[1]}
        assert len(self.sets[0]) == len(self.sets[1])


def id_pair(pair: tuple[Any, Any]) -> tuple[Any, ...]:
    """A pair with objects as their numbers: equal ones are told apart."""
    return tuple(side if isinstance(side, int) else id(side) for side in pair)


Machine.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestMachine = Machine.TestCase


def test_long_programs() -> None:
    """Thousands of steps on larger tables: growth, holes and shrinking."""
    source = random.Random(5)
    objects: list[Any] = [Plain(number) for number in range(3000)]
    theirs: Any = weakref.WeakKeyDictionary()
    ours: Any = weak.WeakKeyDictionary()
    there = iter(ours)
    for step in range(60_000):
        at = source.randrange(3000 if step % 20_000 < 12_000 else 40)
        what = source.randrange(8)
        if what < 3:
            theirs[objects[at]] = ours[objects[at]] = step
        elif what < 5:
            objects[at] = Plain(at)
        elif what == 5:
            assert theirs.pop(objects[at], None) == ours.pop(objects[at], None)
        elif what == 6:
            if next(there, None) is None:
                there = iter(ours)
        else:
            assert theirs.get(objects[at]) == ours.get(objects[at])
        if step % 1000 == 0:
            assert list(theirs.items()) == list(ours.items())
        if step % 20_000 == 19_999:
            objects[40:] = [Plain(number) for number in range(40, 3000)]
    assert list(theirs.items()) == list(ours.items())

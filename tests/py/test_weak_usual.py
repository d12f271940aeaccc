"""The usual keys go a shorter way through the tables of mortmain.weak: it must lead to the same."""

from __future__ import annotations

import gc
import random
import weakref
from fractions import Fraction
from typing import Any

import pytest

from mortmain import weak


class Thing:
    """Compared by identity."""


class Touchy:
    """Equal to others of its number; its comparison is counted, and may do something."""

    asked = 0
    meanwhile: Any = None

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        Touchy.asked += 1
        if Touchy.meanwhile is not None:
            Touchy.meanwhile()
        return isinstance(other, Touchy) and other.number == self.number


NUMBERS = [0, 1, -1, -2, 2**30 - 1, 2**30, -(2**30), 2**60, 2**61 - 1, 2**61, -(2**61), 2**100]


def test_numbers_as_keys() -> None:
    """Ints, found by equal ints that are other objects; -1 and -2 have the same hash."""
    things = {number: Thing() for number in NUMBERS}
    table: weak.WeakValueDictionary[Any, Thing] = weak.WeakValueDictionary(things)
    for number, thing in things.items():
        for key in (int(str(number)), Fraction(number), complex(number)):
            if key == number:
                assert table[key] is thing
                assert key in table
                assert table.get(key) is thing
    assert table[True] is things[1]
    table[int("-1")] = things[0]
    assert table[-1] is things[0] and table[-2] is things[-2]
    assert list(table) == NUMBERS
    del things, thing
    assert len(table) == 0


def test_strings_as_keys() -> None:
    """Strings that were hashed or not, and one of a subclass that hashes as it likes."""

    class Odd(str):
        __slots__ = ()

        def __hash__(self) -> int:
            return 1

    names = ["", "a", "été", "\U0001f40d", "key" * 50]
    things = {name: Thing() for name in names}
    table = weak.WeakValueDictionary(things)
    for name, thing in things.items():
        assert table["".join(list(name))] is thing
        assert str(name.encode(), "utf-8") in table
    assert Odd("a") not in table
    table[Odd("a")] = things[""]
    assert len(table) == len(names) + 1 and table["a"] is things["a"]


def test_what_cannot_be_a_key() -> None:
    """It is refused where it would be put in, whatever its hash."""
    number: Any = 1
    tables: list[Any] = [weak.WeakKeyDictionary(), weak.WeakIdKeyDictionary()]
    for table in tables:
        with pytest.raises(TypeError, match="cannot create weak reference to 'int' object"):
            table[number] = 1
        with pytest.raises(TypeError, match="cannot create weak reference to 'int' object"):
            table[number]
        assert number not in table
    with pytest.raises(TypeError, match="cannot create weak reference to 'int' object"):
        weak.WeakSet().add(number)
    with pytest.raises(TypeError, match="cannot create weak reference to 'int' object"):
        weak.WeakValueDictionary[str, Any]()["key"] = number


@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
@pytest.mark.parametrize("held", [False, True], ids=["free", "while iterating"])
def test_deaths_in_any_order(order: str, held: bool) -> None:
    """From the end, from the beginning, from anywhere, with and without a live iterator."""
    keys = [Thing() for _ in range(200)]
    members = weak.WeakSet(keys)
    table = weak.WeakKeyDictionary(zip(keys, range(200), strict=True))
    iterators: list[Any] = [iter(members), iter(table.items())] if held else []
    assert [next(iterator) is not None for iterator in iterators] == [True] * len(iterators)
    order_of_death = list(range(200))
    if order == "backward":
        order_of_death.reverse()
    elif order == "shuffled":
        random.Random(4).shuffle(order_of_death)
    kept: list[Any] = list(keys)
    del keys
    for number in order_of_death:
        kept[number] = None
        if number == 100:
            kept.append(Thing())
            members.add(kept[-1])
            table[kept[-1]] = 200
    del iterators
    assert list(table.values()) == [200]
    assert list(members) == [kept[-1]]


def test_pairs_that_share_a_value() -> None:
    """A pair is used again only where nobody has it, and keeps nothing but its two."""
    keys = [Thing() for _ in range(10)]
    shared = [Thing()]
    values: list[Any] = [shared] * 4 + [1, shared, 1, 1, [2], shared]
    table = weak.WeakKeyDictionary(zip(keys, values, strict=True))
    pairs = list(zip(keys, values, strict=True))
    assert list(table.items()) == pairs
    assert [(key, value) for key, value in table.items()] == pairs
    for _ in range(3):
        for (key, value), (own_key, own_value) in zip(table.items(), pairs, strict=True):
            assert key is own_key and value is own_value
    gc.collect()
    iterator = table.items()
    first = next(iterator)
    second = next(iterator)
    assert first == pairs[0] and second == pairs[1]
    told = weakref.ref(shared[0])
    del shared, values, pairs, table, iterator, first, second, value, own_value
    gc.collect()
    assert told() is None


@pytest.mark.parametrize("kind", [weak.WeakKeyDictionary, weak.WeakIdKeyDictionary, weak.WeakSet])
def test_a_copy_compares_nothing(kind: Any) -> None:
    """Entries are taken over as they stand, in their order, and holes are not."""
    keys = [Touchy(number % 5) for number in range(20)]
    table = kind(keys) if kind is weak.WeakSet else kind((key, 1) for key in keys)
    distinct = list(table)
    del keys[3]
    distinct[3:4] = []
    Touchy.asked = 0
    copy = table.copy()
    assert Touchy.asked == 0
    assert [id(key) for key in copy] == [id(key) for key in table]
    assert len(copy) == len(table)
    assert all(key in copy for key in distinct)


def test_a_comparison_that_fills_the_table() -> None:
    """While a new key is compared the table grows: the key is put in once."""
    keys = [Touchy(1) for _ in range(2)]
    more = [Thing() for _ in range(100)]
    members: Any = weak.WeakSet([keys[0]])

    def meanwhile() -> None:
        Touchy.meanwhile = None
        members.update(more)
        keys[0].number = 2

    Touchy.meanwhile = meanwhile
    members.add(keys[1])
    Touchy.meanwhile = None
    assert len(members) == 102
    assert sum(member is keys[1] for member in members) == 1


class Counter:
    """Remembers what it was called with, weakly."""

    def __init__(self) -> None:
        self.calls = 0

    @weak.cached_method(maxsize=2)
    def work(self, *args: Any) -> Any:
        """Its arguments' number."""
        self.calls += 1
        return len(args)

    @weak.cached_method(maxsize=None)
    def sum_to(self, number: int) -> int:
        """By way of itself."""
        return number + self.sum_to(number - 1) if number else 0


def test_a_call_keeps_no_argument() -> None:
    """What a hit was asked with is let go at once; what a miss was, with its entry."""
    counter = Counter()
    first, second = Touchy(1), Touchy(1)
    for _ in range(3):
        assert counter.work(first) == 1
    told = weakref.ref(second)
    assert counter.work(second) == 1
    assert counter.calls == 1
    del second
    assert told() is None
    told = weakref.ref(first)
    del first
    gc.collect()
    assert told() is not None  # the key
    assert [counter.work(number, number) for number in range(3)] == [2, 2, 2]
    assert told() is None


def test_calls_of_all_lengths() -> None:
    """One after the other, inside one another, and with names."""
    counter = Counter()
    for count in [1, 2, 1, 1, 3, 0, 4, 5, 2, 2, 9]:
        assert counter.work(*range(count)) == count
        assert counter.work(*range(count)) == count
    assert counter.calls == 8
    assert counter.sum_to(50) == 1275
    assert counter.sum_to.cache_info().currsize == 51
    assert counter.sum_to(number=50) == 1275  # another key, as with lru_cache
    assert counter.sum_to.cache_info().currsize == 52


def test_an_argument_that_calls_when_it_dies() -> None:
    """It dies when the call gives it up, and calls the same method."""
    counter = Counter()

    class Last(Touchy):
        def __del__(self) -> None:
            heard.append(counter.work(7))

    heard: list[int] = []
    assert counter.work(Touchy(1)) == 1
    assert counter.work(Last(1)) == 1
    assert heard == [1]
    assert counter.work(7) == 1
    assert counter.calls == 2

"""WeakLRU: weak values, of which the last ones used are kept."""

from __future__ import annotations

import copy
import gc
import pickle
import random
import weakref
from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest

from mortmain import weak


class Value:
    """Something with a name."""

    def __init__(self, name: object = None) -> None:
        """Shows which it is."""
        self.name = name


def filled(maxsize: int, names: str) -> weak.WeakLRU[str, Value]:
    """With values that nobody else has."""
    cache: weak.WeakLRU[str, Value] = weak.WeakLRU(maxsize)
    for name in names:
        cache[name] = Value(name)
    return cache


def test_the_last_ones_used_stay() -> None:
    """And the others as long as somebody has them."""
    cache = filled(2, "abc")
    assert list(cache) == cache.kept() == ["b", "c"]
    held = cache["b"]
    cache["d"] = Value("d")
    cache["e"] = Value("e")
    assert list(cache) == ["b", "d", "e"] and cache.kept() == ["d", "e"]
    assert cache.get("b") is held
    assert cache.kept() == ["e", "b"]
    del held
    assert list(cache) == ["b", "e"]


def test_what_counts_as_used() -> None:
    """Set or read by key; not asked for, and not iterated over."""
    cache = filled(3, "abc")
    assert "a" in cache and "x" not in cache
    list(cache.items()), list(cache.values()), list(cache.keys()), len(cache)
    assert cache.kept() == ["a", "b", "c"]
    cache["a"]
    assert cache.kept() == ["b", "c", "a"]
    cache.get("b")
    assert cache.kept() == ["c", "a", "b"]
    cache.setdefault("c", Value())
    assert cache.kept() == ["a", "b", "c"]
    cache["a"] = cache["a"]
    assert cache.kept() == ["b", "c", "a"]
    assert cache.get("x") is cache.get("x", None) is None
    assert cache.get(key="x", default=3) == 3
    with pytest.raises(KeyError):
        cache["x"]


def test_what_is_taken_out_goes_at_once() -> None:
    """Whether it was kept or not; so does what is replaced."""
    cache = filled(3, "abc")
    watch = {name: weakref.ref(value) for name, value in cache.items()}
    taken: Any = cache.pop("a")
    assert taken.name == "a"
    del taken
    assert watch["a"]() is None
    cache["b"] = Value("new")
    assert watch["b"]() is None and cache.kept() == ["c", "b"]
    del cache["c"]
    assert watch["c"]() is None and list(cache) == ["b"]
    key, value = cache.popitem()
    assert (key, value.name, len(cache), cache.kept()) == ("b", "new", 0, [])
    for missing in (lambda: cache.pop("x"), lambda: cache.__delitem__("x"), cache.popitem):
        with pytest.raises(KeyError):
            missing()
    assert cache.pop("x", 3) == 3
    del value
    cache = filled(3, "abc")
    watch = {name: weakref.ref(each) for name, each in cache.items()}
    cache.clear()
    assert [ref() for ref in watch.values()] == [None] * 3 and not cache


def test_the_limit_can_be_changed() -> None:
    """And 0 keeps nothing."""
    cache = filled(3, "abc")
    cache.maxsize = 1
    assert list(cache) == ["c"]
    cache.maxsize = 0
    assert not cache and cache.maxsize == 0
    held = cache["x"] = Value()
    assert cache["x"] is held and cache.kept() == []
    wrongs: list[Any] = [-1, "x", None, 1.5]
    for wrong in wrongs:
        with pytest.raises((ValueError, TypeError)):
            cache.maxsize = wrong
        with pytest.raises((ValueError, TypeError)):
            weak.WeakLRU(wrong)
    with pytest.raises(AttributeError):
        del cache.maxsize
    assert weak.WeakLRU[str, Value]().maxsize == 128


def test_errors_and_kinds() -> None:
    """A mapping; it refuses keys without a hash, and values that nothing can refer to weakly."""
    cache: Any = filled(3, "ab")
    assert issubclass(weak.WeakLRU, MutableMapping)
    for wrong in (3, None, "x", (1,)):
        with pytest.raises(TypeError, match="cannot create weak reference"):
            cache["x"] = wrong
        with pytest.raises(TypeError, match="cannot create weak reference"):
            cache.setdefault("x", wrong)
        assert cache.setdefault("a", wrong).name == "a"
    for asked in (lambda: cache[[]], lambda: cache.get([]), lambda: cache.pop([]),
                  lambda: cache.__setitem__([], Value()), lambda: [] in cache):  # fmt: skip
        with pytest.raises(TypeError, match="unhashable"):
            asked()
    with pytest.raises(TypeError):
        cache["b"] = 3
    assert cache.kept() == ["b", "a"]
    assert repr(cache).startswith("<WeakLRU of 2, 2 kept, at 0x")
    with pytest.raises(TypeError):
        cache.pop()
    with pytest.raises(ValueError, match="no pair"):
        cache.update([(1, 2, 3)])


def test_update() -> None:
    """From mappings, pairs and names."""
    values = [Value(number) for number in range(5)]
    cache: weak.WeakLRU[Any, Value] = weak.WeakLRU(2, {"a": values[0]})
    cache.update([("b", values[1])], c=values[2])
    cache.update(weak.WeakValueDictionary({"d": values[3]}))
    cache.update()
    assert list(cache.values()) == values[:4]
    assert cache.kept() == ["c", "d"]


def test_a_mapping_that_fails_is_no_list_of_pairs() -> None:
    """What its items raises comes out."""

    class Broken:
        @property
        def items(self) -> Any:
            raise ZeroDivisionError

    broken: Any = Broken()
    with pytest.raises(ZeroDivisionError):
        weak.WeakLRU(other=broken)


def test_copies() -> None:
    """The same entries, limit, and ones last used; what a pickle has is what was kept."""
    cache = filled(3, "abcd")
    held = cache["b"]
    cache.maxsize = 2
    others = [copy.copy(cache), cache.copy(), copy.deepcopy(cache)]
    for other in others:
        assert type(other) is weak.WeakLRU
        assert (other.maxsize, other.kept()) == (2, ["d", "b"])
        assert other["b"] is held
        other["new"] = Value()
        assert "new" not in cache
    loaded = pickle.loads(pickle.dumps(cache))
    assert loaded.maxsize == 2 and loaded.kept() == ["d", "b"]
    assert [value.name for value in loaded.values()] == ["d", "b"]
    watch = weakref.ref(held)
    del cache, others, other, held
    gc.collect()
    assert watch() is None


def test_against_a_model() -> None:
    """Random programs, beside an ordered dict of what must be kept."""
    source = random.Random(7)
    for _ in range(30):
        maxsize = source.randrange(5)
        cache: weak.WeakLRU[int, Value] = weak.WeakLRU(maxsize)
        kept: OrderedDict[int, Value] = OrderedDict()
        held: dict[int, Value] = {}
        for _ in range(300):
            key = source.randrange(8)
            alive = kept.keys() | held.keys()
            what = source.randrange(7)
            if what < 2:
                value = Value(key)
                cache[key] = value
                held.pop(key, None)
                kept[key] = value
                kept.move_to_end(key)
                if source.random() < 0.4:
                    held[key] = value
                del value
            elif what < 5:
                found = cache.get(key)
                assert (found is not None) == (key in alive)
                if found is not None:
                    kept[key] = found
                    kept.move_to_end(key)
                del found
            elif what == 5:
                assert (cache.pop(key, None) is not None) == (key in alive)
                kept.pop(key, None)
                held.pop(key, None)
            else:
                held.pop(key, None)
            while len(kept) > maxsize:
                kept.popitem(last=False)
            assert cache.kept() == list(kept)
            assert set(cache) == kept.keys() | held.keys()


def test_values_that_use_the_cache_when_they_die() -> None:
    """A collection at every allocation, and values that put in others."""
    depth = 0

    class Busy:
        def __init__(self, number: int) -> None:
            self.number = number
            self.ring = self

        def __hash__(self) -> int:
            return self.number % 3

        def __eq__(self, other: object) -> bool:
            nonlocal depth
            if depth < 3:
                depth += 1
                cache.pop(self.number, None)
                depth -= 1
            return self is other

        def __del__(self) -> None:
            nonlocal depth
            if depth < 3:
                depth += 1
                cache[self.number % 7] = Busy(self.number + 1)
                cache.get(self.number % 5)
                cache[self] = self
                if self.number % 11 == 0:
                    cache.clear()
                if self.number % 13 == 0:
                    cache.maxsize = self.number % 4
                depth -= 1

    cache: weak.WeakLRU[Any, Any] = weak.WeakLRU(3)
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for number in range(60):
            cache[number % 10] = Busy(number)
            cache[Busy(number)] = Busy(number)
            cache.pop(Busy(number), None)
            cache.kept(), list(cache.items()), cache.copy()
            assert len(cache.kept()) <= cache.maxsize + 3
    finally:
        gc.set_threshold(*threshold)
        depth = 3
    gc.collect()
    assert len(list(cache)) == len(cache)


class Meddler:
    """A key whose comparison may do anything."""

    meddle: Callable[[], None] | None = None

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return 7

    def __eq__(self, other: object) -> bool:
        if Meddler.meddle is not None:
            Meddler.meddle()
        return isinstance(other, Meddler) and other.number == self.number


@pytest.mark.parametrize("turn", [1, 2])
def test_a_comparison_that_sets_the_same_key(turn: int) -> None:
    """Whose value is replaced is kept no more."""
    cache: weak.WeakLRU[Meddler, Value] = weak.WeakLRU(5)
    held = cache[Meddler(1)] = Value()
    dead: list[object] = []
    calls = 0

    def meddle() -> None:
        nonlocal calls
        calls += 1
        if calls == turn:
            Meddler.meddle = None
            value = cache[Meddler(2)] = Value()
            dead.append(weakref.ref(value, dead.append))
            Meddler.meddle = meddle

    Meddler.meddle = meddle
    try:
        cache[Meddler(2)] = Value("last")
    finally:
        Meddler.meddle = None
    assert [key.number for key in cache.kept()] == [key.number for key in cache] == [1, 2]
    assert cache[Meddler(2)].name == "last" and len(dead) == 2 and held is cache[Meddler(1)]


def test_it_is_collected() -> None:
    """A value that is kept and leads back to the cache."""
    cache: weak.WeakLRU[str, Any] = weak.WeakLRU()
    value = cache["x"] = Value([cache])
    watch = weakref.ref(cache), weakref.ref(value)
    del cache, value
    gc.collect()
    assert [ref() for ref in watch] == [None, None]


def test_a_long_chain() -> None:
    """Caches that keep caches go one after the other, on a short stack."""
    first = cache = weak.WeakLRU[int, Any](1)
    for _ in range(100_000):
        inner = weak.WeakLRU[int, Any](1)
        cache[0] = inner
        cache = inner
    watch = weakref.ref(cache)
    del first, cache, inner
    assert watch() is None

"""The containers of mortmain.weak: what they do as weakref's do, and what they do better."""

from __future__ import annotations

import copy
import doctest
import gc
import pickle
import subprocess
import sys
import weakref
from collections.abc import Iterator, Mapping, MutableMapping, MutableSet
from pathlib import Path
from typing import Any

import pytest

from mortmain import weak


class Key:
    """Compared by identity."""

    def __init__(self, name: object = None) -> None:
        """A name shows which it is."""
        self.name = name


class Equal:
    """Equal when the numbers are; hashes as they do."""

    def __init__(self, number: int) -> None:
        """Of a number."""
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Equal) and other.number == self.number

    def __hash__(self) -> int:
        return hash(self.number)


class Elementwise:
    """Compares as arrays do, and cannot be hashed."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> Any:
        raise ValueError("the truth of an array is ambiguous")


DICTIONARIES = (weak.WeakKeyDictionary, weak.WeakIdKeyDictionary, weak.WeakValueDictionary)


def keep(count: int) -> list[Key]:
    """Some keys."""
    return [Key(number) for number in range(count)]


# ---- the module ----------------------------------------------------------------------------------


def test_it_has_every_name_of_weakref() -> None:
    """A drop-in."""
    assert set(weakref.__all__) <= set(weak.__all__)
    for name in weak.__all__:
        assert hasattr(weak, name)
    for name in ("ref", "proxy", "finalize", "ReferenceType"):
        assert getattr(weak, name) is getattr(weakref, name)


def test_it_loads_nothing_else_of_mortmain() -> None:
    """No engine, no command line."""
    code = "import sys, mortmain.weak; print(sorted(n for n in sys.modules if 'mortmain' in n))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['mortmain', 'mortmain._weak', 'mortmain.weak']"


def test_the_example_of_the_documentation() -> None:
    """It runs as it stands there."""
    page = Path(__file__).resolve().parents[2] / "docs/weak.md"
    failed, ran = doctest.testfile(str(page), module_relative=False)
    assert failed == 0 and ran > 5


def test_pairs_of_items_are_whole() -> None:
    """An iterator may use a pair again that nobody has: it is a new one all the same."""
    keys = [Key(str(number)) for number in range(6)]
    table = weak.WeakKeyDictionary((key, [number]) for number, key in enumerate(keys))
    values = weak.WeakValueDictionary(enumerate(keys))
    assert list(map(hash, values.items())) == list(map(hash, enumerate(keys)))
    assert list(table.items()) == [(key, table[key]) for key in keys]
    pairs = iter(table.items())
    kept = next(pairs)
    assert next(pairs) is not kept
    assert kept == (keys[0], [0])
    seen = []
    for pair in table.items():
        seen.append(pair[1])
        del pair
        gc.collect()
    assert seen == [[number] for number in range(6)]
    suspended = values.items()
    for _ in range(2):
        assert gc.is_tracked(next(suspended))
        gc.collect()


def test_they_are_mappings_and_sets() -> None:
    """For isinstance() and for `match`."""
    for made in DICTIONARIES:
        assert issubclass(made, MutableMapping)
        assert isinstance(made(), Mapping)
    assert issubclass(weak.WeakSet, MutableSet)
    match weak.WeakKeyDictionary():
        case {}:
            pass
        case _:
            pytest.fail("no mapping for match")
    alias: Any = weak.WeakSet[int]
    assert alias.__args__ == (int,)


# ---- look-ups ------------------------------------------------------------------------------------


def test_a_key_and_its_value_go_together() -> None:
    """The value of a dead key is free at once, also while an iterator is suspended."""
    keys = keep(3)
    values = keep(3)
    table = weak.WeakKeyDictionary(zip(keys, values, strict=True))
    watch = weakref.ref(values[1])
    suspended = iter(table)
    next(suspended)
    del values[1], keys[1]
    assert watch() is None
    assert len(table) == 2
    assert [key.name for key in suspended] == [2]


def test_looking_up_makes_no_weak_reference() -> None:
    """Objects that count their weak references may be looked up."""
    table: weak.WeakKeyDictionary[Key, int] = weak.WeakKeyDictionary()
    members: weak.WeakSet[Key] = weak.WeakSet()
    one = Key()
    assert one not in table
    assert one not in members
    assert table.get(one) is None
    assert weakref.getweakrefcount(one) == 0


def test_an_object_is_itself_unasked() -> None:
    """__eq__ of arrays and columns gives no truth value: it is not asked for the same object."""
    by_id: weak.WeakIdKeyDictionary[Elementwise, int] = weak.WeakIdKeyDictionary()
    one, two = Elementwise(), Elementwise()
    by_id[one] = 1
    by_id.update([(two, 2)])
    by_id |= by_id
    assert (by_id[one], by_id[two], len(by_id)) == (1, 2, 2)
    assert by_id == by_id.copy()
    assert by_id != weak.WeakIdKeyDictionary([(one, 1)])
    assert by_id != weak.WeakIdKeyDictionary([(one, 1), (two, 3)])
    items = list(by_id.items())

    class Lists(Mapping[Elementwise, int]):
        def __getitem__(self, key: Elementwise) -> int:
            raise KeyError(key)

        def __iter__(self) -> Iterator[Elementwise]:
            return (key for key, _ in items)

        def __len__(self) -> int:
            return len(items)

        def items(self) -> Any:
            """As lists, which dict() takes too."""
            return map(list, items)

    assert by_id == Lists()
    data = by_id.data
    by_id.data = data
    assert list(by_id.items()) == [(one, 1), (two, 2)]
    with pytest.raises(TypeError, match="unhashable"):
        one in weak.WeakKeyDictionary()  # noqa: B015


def test_equal_keys_are_one() -> None:
    """The first stays, as in a dict."""
    first, second = Equal(1), Equal(1)
    table = weak.WeakKeyDictionary({first: "a"})
    table[second] = "b"
    assert list(table.items()) == [(first, "b")]
    assert next(iter(table)) is first
    members = weak.WeakSet([first, second])
    assert [id(member) for member in members] == [id(first)]
    by_id: weak.WeakIdKeyDictionary[Equal, str] = weak.WeakIdKeyDictionary()
    by_id[first] = "a"
    by_id[second] = "b"
    assert len(by_id) == 2


def test_the_order_is_that_of_insertion() -> None:
    """As in a dict, across growth and deaths."""
    keys = keep(100)
    table = weak.WeakKeyDictionary((key, None) for key in keys)
    del keys[10:90:2]
    gc.collect()
    assert [key.name for key in table] == [key.name for key in keys]
    assert table.popitem()[0] is keys[-1]


def test_emptying_from_the_end_takes_a_step_for_each() -> None:
    """100,000 times popitem(): a walk over all holes each time would take minutes."""
    keys = keep(100_000)
    table: weak.WeakKeyDictionary[Key, None] = weak.WeakKeyDictionary()
    for key in keys:
        table[key] = None
    suspended = iter(table)
    del suspended
    while table:
        table.popitem()
    table[keys[0]] = None
    assert list(table) == [keys[0]]


def test_a_stack_of_one_does_not_fill_the_index() -> None:
    """Slots that are used up are made free again: a search ends."""
    table: weak.WeakKeyDictionary[Key, int] = weak.WeakKeyDictionary()
    stays = [Key() for _ in range(100)]
    for key in stays:
        table[key] = 0
    for number in range(10_000):
        key = Key()
        table[key] = number
        assert table.popitem() == (key, number)
        assert Key() not in table
    assert len(table) == 100


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["WeakKeyDictionary", "WeakValueDictionary"])
def test_errors_are_the_stdlib_s(name: str) -> None:
    """The same types for the same mistakes."""
    live = Key()
    mistakes: list[Any] = [
        lambda d: d[live],
        lambda d: d.pop(live),
        lambda d: d.__delitem__(live),
        lambda d: d.popitem(),
        lambda d: d.update(1),
        lambda d: d.update([1]),
        lambda d: d.update({live: live}, {live: live}),
        lambda d: d.get(),
        lambda d: d.get(live, 1, 2),
        lambda d: d.get(live, wrong=1),
        lambda d: d.__setitem__(1, 2),
        lambda d: d.__setitem__(None, None),
        lambda d: d.__setitem__([], []),
        lambda d: d.setdefault(3),
        lambda d: hash(d),
        lambda d: d | 3,
        lambda d: d | {1},
        lambda d: d | weak.WeakSet(),
        lambda d: d & weak.WeakSet(),
        lambda d: d - weak.WeakSet(),
        lambda d: d < d,
        lambda d: reversed(d),
        lambda d: d.__contains__([]) and [][0],
    ]
    for number, mistake in enumerate(mistakes):
        outcomes = []
        for module in (weakref, weak):
            try:
                outcomes.append(repr(type(mistake(getattr(module, name)()))))
            except Exception as error:
                outcomes.append(type(error).__name__)
        assert outcomes[0] == outcomes[1], number


def test_a_key_error_carries_the_key() -> None:
    """The stdlib's carries a weak reference, or the key."""
    for missing in (Key(), (1, 2)):
        table: Any = weak.WeakValueDictionary()
        with pytest.raises(KeyError) as caught:
            table[missing]
        assert caught.value.args == (missing,)


def test_keywords_of_get_and_setdefault() -> None:
    """By name as the stdlib takes them."""
    key = Key()
    table: weak.WeakKeyDictionary[Key, int] = weak.WeakKeyDictionary()
    assert table.get(key, default=3) == 3
    assert table.get(default=3, key=key) == 3
    assert table.setdefault(key, default=4) == 4
    assert table.setdefault(key, 5) == 4


# ---- sets ----------------------------------------------------------------------------------------


def test_what_a_set_keeps_stays_where_it_is() -> None:
    """In-place algebra drops and adds what it must: references stay, iterators go on."""
    keys = keep(6)
    changes: list[Any] = [
        lambda s: s.intersection_update(keys[1:]),
        lambda s: s.symmetric_difference_update(keys[:1]),
        lambda s: s.difference_update(keys[:1]),
        lambda s: s.update(keys),
    ]
    for change in changes:
        members = weak.WeakSet(keys)
        before = {id(ref) for ref in members.data}
        there = iter(members)
        next(there)
        change(members)
        assert {id(ref) for ref in members.data} <= before
        assert list(there) == keys[1:]
        del keys[5]
        assert len(members) == len(list(members))  # nothing dead is counted
        keys.append(Key())


def test_set_algebra_takes_whatever_can_be_iterated_over() -> None:
    """As the stdlib's does, with the same result and the same errors."""
    keys = keep(6)
    others: list[Any] = [keys[2:], set(keys[2:]), weak.WeakSet(keys[2:]), dict.fromkeys(keys[1:])]
    others += [[], [3], [[]], [None], 7, [keys[0], 3]]
    names = "union difference intersection symmetric_difference issubset issuperset isdisjoint"
    names += " __le__ __lt__ __ge__ __gt__ __or__ __and__ __sub__ __xor__ __eq__ __ne__"
    names += " update difference_update intersection_update symmetric_difference_update"
    names += " __ior__ __iand__ __isub__ __ixor__"
    for name in names.split():
        for number, other in enumerate(others):
            if number in (5, 6, 7, 9) and name.strip("_") in ("lt", "gt", "ge", "le", "eq", "ne"):
                continue  # what cannot be weakly referenced is compared here, and refused there
            if number == 2 and name in ("__eq__", "__ne__"):
                continue  # a set of ours is none of theirs
            outcomes = []
            for module in (weakref, weak):
                container: Any = module
                members = container.WeakSet(keys[:4])
                try:
                    found: Any = getattr(members, name)(other)
                    found = set(found) if hasattr(found, "__iter__") else found
                except Exception as error:
                    found = type(error).__name__
                outcomes.append((found, set(members)))
            assert outcomes[0][0] == outcomes[1][0], (name, other)
            if not isinstance(outcomes[0][0], str):
                assert outcomes[0][1] == outcomes[1][1], (name, other)


# ---- copies --------------------------------------------------------------------------------------


class Sub(weak.WeakSet[Key]):
    """With attributes."""

    __slots__ = ("slotted",)
    slotted: list[int]
    plain: list[int]


class Made(weak.WeakKeyDictionary[Key, Any]):
    """Whose __init__ wants something else."""

    def __init__(self, owner: str) -> None:
        super().__init__()
        self.owner = owner


def test_a_copied_set_is_a_set_of_its_own() -> None:
    """Members stay, attributes are shared or copied, and nothing hangs on the original."""
    keys = keep(3)
    members = Sub(keys)
    members.slotted, members.plain = [1], [2]
    for made, shared in ((copy.copy(members), True), (copy.deepcopy(members), False)):
        assert type(made) is Sub
        assert made == members
        assert made.slotted == [1] and (made.slotted is members.slotted) == shared
        assert made.plain == [2] and (made.plain is members.plain) == shared
        extra = Key()
        made.add(extra)
        assert extra not in members
    taken = copy.deepcopy(members)
    del keys[0]
    assert len(taken) == len(members) == 2


def test_pickles() -> None:
    """With what they refer to: entries come back, attributes too, whatever __init__ wants."""
    keys = keep(3)
    table = Made("me")
    table.update(dict.fromkeys(keys, 1))
    members = Sub(keys)
    members.slotted, members.plain = [1], [2]
    values = weak.WeakValueDictionary(enumerate(keys))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        text = pickle.dumps((keys, table, members, values), protocol)
        k, t, m, v = pickle.loads(text)
        assert list(t.items()) == [(key, 1) for key in k]
        assert t.owner == "me"
        assert set(m) == set(k) and m.slotted == [1] and m.plain == [2]
        assert list(v.items()) == list(enumerate(k))
        del k[0]
        assert (len(t), len(m), len(v)) == (2, 2, 2)


def test_deepcopy_of_what_contains_itself() -> None:
    """Ends."""
    key = Key()
    table: weak.WeakKeyDictionary[Key, Any] = weak.WeakKeyDictionary()
    table[key] = [table]
    made = copy.deepcopy(table)
    assert made[key][0] is made


def test_init_twice_starts_again() -> None:
    """As the stdlib's."""
    keys = keep(2)
    table = weak.WeakKeyDictionary({keys[0]: 1})
    there = iter(table)
    table.__init__({keys[1]: 2})  # type: ignore[misc]
    assert list(table.items()) == [(keys[1], 2)]
    assert list(there) == []


# ---- subclasses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [weakref, weak])
def test_a_subclass_is_asked_where_the_stdlib_asks_it(module: Any) -> None:
    """update() by __init__() and |, add() by update(); __setitem__() by neither."""
    calls: list[str] = []

    class Told(module.WeakKeyDictionary):  # type: ignore[misc]
        def update(self, *args: Any, **kwargs: Any) -> None:
            calls.append("update")
            super().update(*args, **kwargs)

        def copy(self) -> Any:
            calls.append("copy")
            return super().copy()

        def __setitem__(self, key: Any, value: Any) -> None:
            calls.append("set")
            super().__setitem__(key, value)

        def __eq__(self, other: object) -> bool:
            calls.append("eq")
            return True

        __hash__ = None  # type: ignore[assignment]

    class Added(module.WeakSet):  # type: ignore[misc]
        def add(self, item: Any) -> None:
            calls.append("add")
            super().add(item)

        def update(self, other: Any) -> None:
            calls.append("update")
            super().update(other)

    key = Key()
    table: Any = Told({key: 1})
    assert type(table | {key: 2}) is module.WeakKeyDictionary
    table |= {key: 3}
    assert (table != 3) is False
    assert type(table.copy()) is module.WeakKeyDictionary
    assert calls == ["update", "copy", "update", "eq", "copy"]
    calls.clear()
    members = Added([key])
    members |= [key]
    assert type(members | [key]) is Added
    assert calls == ["update", "add"] * 2 + ["update", "add", "add"]


def test_data_can_be_written() -> None:
    """Some code puts a dict or set of weak references in; what it reads is a snapshot."""
    keys = keep(3)
    table: weak.WeakKeyDictionary[Key, int] = weak.WeakKeyDictionary({keys[0]: 0})
    table.data = {weakref.ref(key): key.name for key in keys}  # type: ignore[misc]
    assert list(table.items()) == [(key, key.name) for key in keys]
    members: weak.WeakSet[Key] = weak.WeakSet()
    members.data = {weakref.ref(key) for key in keys}
    assert set(members) == set(keys)
    values: weak.WeakValueDictionary[int, Key] = weak.WeakValueDictionary()
    values.data = {1: weak.KeyedRef(keys[0], None, 1)}
    assert values[1] is keys[0]
    del keys[0]
    assert (len(table), len(members), len(values)) == (2, 2, 0)
    for bad in (3, {1: 2}):
        with pytest.raises(TypeError):
            table.data = bad  # type: ignore[assignment]
    assert len(table) == 2


def test_the_callback_is_harmless() -> None:
    """`_remove` takes out what is dead or given to it, and nothing else."""
    key, other = Key(), Key()
    table = weak.WeakKeyDictionary({key: 1})
    table._remove(weakref.ref(other))
    table._remove(weakref.ref(key))
    assert len(table) == 1
    remove = table._remove
    del table
    remove(weakref.ref(other))
    for wrong in ((), (3,), (weakref.ref(other), 3)):
        with pytest.raises(TypeError):
            remove(*wrong)
    values = weak.WeakValueDictionary({1: key})
    values._remove(weakref.ref(key))
    assert len(values) == 1
    (ref,) = values.valuerefs()
    assert (ref.key, ref()) == (1, key)


def test_they_are_collected() -> None:
    """A table in a cycle with its own value goes with it."""
    for made in DICTIONARIES:
        table: Any = made()
        key = Key()
        key.name = [table, key]
        table[key] = key if made is weak.WeakValueDictionary else [table]
        watch = weakref.ref(table)
        del table, key
        gc.collect()
        assert watch() is None

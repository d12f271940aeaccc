"""EphemeronDict: nothing that is alive is lost, nothing that is dead is kept, by gc.collect()."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
import random
import sys
import textwrap
import types
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

import harness
from mortmain import weak


@pytest.fixture(autouse=True)
def _few_objects() -> Iterator[None]:
    """A collection looks at what the test makes, not at all of pytest."""
    gc.collect()
    gc.freeze()
    gc.disable()  # what is collected, and when, is the test's to say
    yield
    gc.enable()
    gc.unfreeze()


def by_collector() -> bool:
    """Does the interpreter's collector do it here? It must where the build is a known one."""
    return weak.EphemeronDict[Any, Any]().ephemeron == "collector"


needs_collector = pytest.mark.skipif(
    not by_collector(), reason="on this interpreter sweep() does the collector's work"
)


class Node:
    """Refers to others."""

    def __init__(self, number: int) -> None:
        """With its place in the graph."""
        self.number = number
        self.links: list[Any] = []

    def method(self) -> None:
        """To be bound."""


class Slotted(Node):
    """With the place of the values declared, and no dict but its own attributes."""

    __slots__ = ("__ephemerons__",)


class Frozen(Node):
    """Whose attributes cannot be set."""

    def __init__(self, number: int) -> None:
        """Past its own rule."""
        object.__setattr__(self, "number", number)
        object.__setattr__(self, "links", [])

    def __setattr__(self, name: str, value: object) -> None:
        """Never."""
        raise AttributeError(name)


class Equal(Node):
    """Compared by Python code."""

    def __eq__(self, other: object) -> bool:
        """By number."""
        return isinstance(other, Equal) and other.number == self.number

    def __hash__(self) -> int:
        """Few different ones."""
        return self.number % 3


KINDS = (Node, Slotted, Frozen, Equal)


def closure(it: object) -> Callable[[], object]:
    """A function that refers to it."""
    return lambda: it


# What stands between a value and an object.
WRAPPINGS: tuple[Callable[[Any], Any], ...] = (
    lambda it: it,
    lambda it: [it],
    lambda it: ({"key": (it,)},),
    closure,
    lambda it: it.method if isinstance(it, Node) else it.values,
    lambda it: functools.partial(print, it),
    lambda it: types.SimpleNamespace(it={1: it}),
    lambda it: functools.reduce(lambda made, _: [made], range(50), it),
    lambda it: weakref.ref(it),  # which leads nowhere
    lambda it: 7,
)
LEAD = len(WRAPPINGS) - 2


@dataclass(slots=True)
class Graph:
    """Nodes first, then tables, by number: who refers to whom, and who is held."""

    source: random.Random
    nodes: list[Node] = field(default_factory=list)
    tables: list[Any] = field(default_factory=list)
    links: set[tuple[int, int]] = field(default_factory=set)
    entries: dict[tuple[int, int], int | None] = field(default_factory=dict)
    held: dict[int, object] = field(default_factory=dict)

    def thing(self, number: int) -> Any:
        """Node or table."""
        return (self.nodes + self.tables)[number]

    def alive(self) -> set[int]:
        """Numbers of what is alive."""
        found = set(self.held)
        while True:
            more = {to for start, to in self.links if start in found}
            more |= {
                value
                for (table, key), value in self.entries.items()
                if value is not None and table in found and key in found
            }
            if more <= found:
                return found
            found |= more


def graph_made(seed: int, make: Callable[[], Any]) -> Graph:
    """At random; collections in between make some objects older than others."""
    graph = Graph(random.Random(seed))
    source = graph.source
    count, tables = source.randrange(2, 25), source.randrange(1, 4)
    kind = source.choice(KINDS)
    graph.nodes = [kind(number) for number in range(count)]
    graph.tables = [make() for _ in range(tables)]
    everything = [*graph.nodes, *graph.tables]
    for _ in range(source.randrange(1, 4 * count)):
        how, target = source.randrange(len(WRAPPINGS)), source.randrange(count + tables)
        value = WRAPPINGS[how](everything[target])
        start = source.randrange(count)
        if source.random() < 0.5:
            graph.nodes[start].links.append(value)
            if how < LEAD:
                graph.links.add((start, target))
        else:
            table = count + source.randrange(tables)
            everything[table][graph.nodes[start]] = value
            graph.entries[table, start] = target if how < LEAD else None
        if source.random() < 0.05:
            gc.collect(source.randrange(2))
    likely = source.choice([0.05, 0.3])
    for number, thing in enumerate(everything):
        if source.random() < (likely if number < count else 0.6):
            graph.held[number] = thing
    return graph


def is_lost(graph: Graph, alive: set[int]) -> bool:
    """Is something gone that the model says is alive?"""
    for (table, key), value in graph.entries.items():
        if {table, key} <= alive and table in graph.held and key in graph.held:
            there = graph.held[table].get(graph.held[key], "gone")  # type: ignore[attr-defined]
            if there == "gone" or (value is not None and there == 7):
                return True
    return False


def run_graph(seed: int, make: Callable[[], Any]) -> int:
    """Drop what is not held, collect parts and then all. Gives how many objects died."""
    graph = graph_made(seed, make)
    alive = graph.alive()
    refs = [weakref.ref(thing) for thing in (*graph.nodes, *graph.tables)]
    graph.nodes.clear()
    graph.tables.clear()
    for _ in range(graph.source.randrange(3)):
        gc.collect(graph.source.randrange(2))
        assert alive <= {at for at, ref in enumerate(refs) if ref() is not None}, seed
        assert not is_lost(graph, alive), seed
    gc.collect()
    assert {at for at, ref in enumerate(refs) if ref() is not None} == alive, seed
    assert not is_lost(graph, alive), seed
    for table, here in graph.held.items():
        if isinstance(here, weak.WeakKeyDictionary | weak.WeakIdKeyDictionary):
            found = sorted(key.number for key in here)
            expected = sorted(key for at, key in graph.entries if at == table and key in alive)
            assert found == expected, seed
    return len(refs) - len(alive)


MAKERS: tuple[Callable[[], Any], ...] = (
    weak.EphemeronDict,
    functools.partial(weak.WeakIdKeyDictionary, ephemeron=True),
)


@needs_collector
@pytest.mark.parametrize("make", MAKERS, ids=["keys", "ids"])
def test_random_graphs(make: Callable[[], Any]) -> None:
    """Thousands: after one collection what is left is what the model says."""
    assert sum(run_graph(seed, make) for seed in range(4000)) > 10_000


def dies(table: Any, value: Callable[[Any], Any], make: Callable[[], Any]) -> bool:
    """Does an entry go by one collection, when nothing but its value holds its key?"""
    key = make()
    table[key] = value(key)
    ref = weakref.ref(key)
    del key
    gc.collect()
    return ref() is None and len(table) == 0


class Plain:
    """A key of the simplest kind."""


class OnlyWeak:
    """A key that cannot have a value hang on it."""

    __slots__ = ("__weakref__",)


def test_a_version_that_is_known() -> None:
    """On stock CPython with the GIL it is the collector that does it."""
    gil = getattr(sys, "_is_gil_enabled", bool)() or sys.version_info < (3, 13)
    known = gil and sys.implementation.name == "cpython" and sys.version_info < (3, 14)
    assert by_collector() or not known
    assert weak.WeakKeyDictionary[Any, Any]().ephemeron is None
    assert weak.WeakKeyDictionary[Any, Any](ephemeron=True).ephemeron in ("collector", "sweep")


@needs_collector
def test_keys_of_many_kinds() -> None:
    """Instances, functions, modules, exceptions' classes' instances, containers of ours."""

    class Fault(Exception):
        pass

    class Members(set[Any]):
        def __hash__(self) -> int:  # type: ignore[override]
            return id(self)

    kinds: tuple[Callable[[], Any], ...] = (
        Plain, lambda: Slotted(1), lambda: Frozen(1), lambda: Equal(1),
        lambda: closure(1), lambda: types.ModuleType("one"), Fault, Members,
        lambda: type("Made", (), {}), lambda: type("Made", (Slotted,), {"__slots__": ()}),
    )  # fmt: skip

    for make in kinds:
        for value in WRAPPINGS[:LEAD]:
            if value is not WRAPPINGS[4]:
                assert dies(weak.EphemeronDict(), value, make), make
    table: weak.EphemeronDict[Any, Any] = weak.EphemeronDict()
    table[Slotted] = [Slotted]
    one = Slotted(1)
    table[one] = [one]
    assert hasattr(one, "__ephemerons__")  # the slot is still there
    assert (table[Slotted], table[one]) == ([Slotted], [one])


class Taken(OnlyWeak):
    """Which has another use for the name."""

    __slots__ = ()
    __ephemerons__ = "mine"


@pytest.mark.parametrize("make", [OnlyWeak, Taken])
def test_keys_that_carry_nothing(make: Callable[[], Any]) -> None:
    """The dictionary holds their values, as any weak dictionary; sweep() frees them."""
    table: weak.EphemeronDict[Any, Any] = weak.EphemeronDict()
    assert not dies(table, closure, make)
    gc.collect()
    assert len(table) == 1
    assert weak.sweep(table) == 1
    gc.collect()
    assert len(table) == 0
    table[Taken] = [Taken]
    table[int] = [int]
    assert Taken.__ephemerons__ == "mine"
    assert len(table) == 2


def test_sweep_counts_no_reference_twice() -> None:
    """Entries of both kinds, whose values lead to each other's keys, held from outside or not."""
    table: weak.EphemeronDict[Any, Any] = weak.EphemeronDict()
    first, second = OnlyWeak(), Plain()
    table[first], table[second] = [second], [first]
    assert weak.sweep(table) == 0
    assert weak.find_ephemeron_leaks(table) == []
    del first
    gc.collect()
    assert weak.sweep(table) == 0
    assert len(table) == 2
    del second
    gc.collect()
    weak.sweep(table)
    gc.collect()
    assert len(table) == 0


def test_it_is_a_weak_key_dictionary() -> None:
    """All that is done with one: values replaced, taken, copied, pickled."""
    table: weak.EphemeronDict[Any, Any] = weak.EphemeronDict()
    keys = [Plain() for _ in range(50)]
    for number, key in enumerate(keys):
        table[key] = number
        table[key] = [number]
    assert isinstance(table, weak.WeakKeyDictionary)
    assert list(table.values()) == [[number] for number in range(50)]
    assert table == dict(zip(keys, ([number] for number in range(50)), strict=True))
    assert table.pop(keys[0]) == [0]
    assert table.popitem() == (keys[49], [49])
    assert table.setdefault(keys[1], "new") == [1]
    assert table.setdefault(keys[0], new := [keys[0]]) is new
    del table[keys[1]]
    assert keys[1] not in table
    for twin in (table.copy(), copy.copy(table), table | {}):
        assert type(twin) is weak.EphemeronDict
        assert twin == table
    deep = copy.deepcopy(weak.WeakKeyDictionary({keys[2]: [1]}, ephemeron=True))
    assert (dict(deep), deep.ephemeron) == ({keys[2]: [1]}, table.ephemeron)
    for made in (table, weak.WeakKeyDictionary(table, ephemeron=True)):
        again, those = pickle.loads(pickle.dumps((made, keys)))
        assert type(again) is type(made)
        assert again.ephemeron == table.ephemeron
        assert list(again) == [*those[2:49], those[0]]
    table.data = dict(table.data)
    assert len(table) == 48
    table.clear()
    assert not table
    assert len(twin) == 48
    del keys[10:], key
    assert len(twin) == 9


@needs_collector
def test_where_the_values_hang() -> None:
    """On the key, in one attribute; whoever takes it away gives the values back."""
    first: weak.EphemeronDict[Any, Any] = weak.EphemeronDict()
    second: weak.EphemeronDict[Any, Any] = weak.EphemeronDict()
    key = Plain()
    first[key] = 3
    assert vars(key) == {}
    first[key], second[key] = value, other = [key], [first]
    assert list(vars(key)) == ["__ephemerons__"]
    assert gc.get_referents(vars(key)["__ephemerons__"])[1:] == [other, value]
    assert value not in gc.get_referents(first)
    vars(key).clear()
    assert value in gc.get_referents(first)
    assert (first[key], second[key]) == (value, other)
    first[key] = value
    key.__dict__ = {}
    assert first[key] is value
    assert copy.deepcopy(key) is not key
    first[key] = value
    assert vars(copy.deepcopy(key)) == vars(pickle.loads(pickle.dumps(key)))
    twin = copy.copy(key)
    assert twin not in first
    first[twin] = [twin]
    assert first[key] is value
    del first, second, other
    assert gc.get_referrers(value) == []


@needs_collector
def test_a_value_that_has_the_attributes_of_its_key() -> None:
    """Taken away from the key, they are garbage together with the value: the table still has it."""
    table: weak.EphemeronDict[Any, Any] = weak.EphemeronDict()
    for _ in range(2):  # and put back
        key = Plain()
        value: Any = Plain()
        table[key] = value
        value.saved = vars(key).copy()
        vars(key).clear()
        gc.collect()
        assert list(vars(value)) == ["saved"]
        vars(key).update(value.saved)
        table[key] = value
        value.saved = vars(key).copy()
        vars(key).clear()
        ref = weakref.ref(key)
        del value
        gc.collect()
        assert list(vars(table[key])) == ["saved"]
        table[key] = [table[key], key]
        del key
        gc.collect()
        assert ref() is None
        assert not table


@needs_collector
def test_what_dies_with_what() -> None:
    """A table lets go of its values, and a key of its own; neither waits for the other."""
    tables: list[weak.EphemeronDict[Any, Any]] = [weak.EphemeronDict() for _ in range(20)]
    key, value = Plain(), Plain()
    for table in tables:
        table[key] = [value]
    ref = weakref.ref(value)
    del value
    while tables:
        assert ref() is not None
        tables.pop(len(tables) // 2)
        del table
        table = tables[0] if tables else weak.EphemeronDict()
    assert ref() is None
    table[key] = [tuple(map(weakref.ref, [key]))]
    del key
    assert not table


class Returns(Node):
    """Brings itself back."""

    back: ClassVar[list[Any]] = []

    def __del__(self) -> None:
        """And changes what it can reach."""
        self.back.append(self)
        for link in self.links:
            link[Plain()] = [self]
            link[self] = [link]


@needs_collector
def test_the_dead_that_come_back() -> None:
    """Tables and keys that a finalizer revives can be used; what was alive is as it was."""
    table: weak.EphemeronDict[Any, Any] = weak.EphemeronDict()
    for turn in range(60):
        garbage: weak.EphemeronDict[Any, Any] = weak.EphemeronDict()
        key, mine = Returns(turn), Plain()
        table[mine] = [key]
        garbage[mine], garbage[key], table[key] = [garbage, key], [garbage, key], [key, table]
        key.links = [garbage, table] if turn % 2 else [garbage]
        del garbage, key
        gc.collect(turn % 3)
        if turn % 4 == 0:
            assert [one.number for one in table[mine]] == [turn]
            del mine
        gc.collect()
        for one in Returns.back:
            for link in one.links:
                assert all(isinstance(value, list) for value in link.values())
                link[one] = [one]
                assert link[one] == [one]
    del mine
    gc.collect()
    assert len(Returns.back) == 60
    for one in Returns.back:
        one.links.clear()
    Returns.back.clear()
    del one
    gc.collect()
    assert len(table) == 0


@needs_collector
def test_while_it_is_collected() -> None:
    """Weak references of others, whose callbacks look into the tables and change them."""
    table: weak.EphemeronDict[Any, Any] = weak.EphemeronDict()
    seen = []

    def called(ref: object) -> None:
        seen.append(ref)
        key = Plain()
        table[key] = [key]
        list(table.items())
        gc.get_referents(table, *map(table.get, table))

    kept = []
    for _ in range(100):
        key, value = Plain(), Node(1)
        value.links += [key, value]
        table[key] = value
        kept += [weakref.ref(key, called), weakref.ref(value, called)]
        del key, value
    gc.collect()
    assert len(seen) == 200
    del kept[:]
    seen.clear()
    while gc.collect():
        pass
    assert len(table) == 0


def test_uncollectable_garbage_keeps_what_it_reaches() -> None:
    """Of classes with old finalizers, which no collection frees: nothing below them is cleared."""
    old = pytest.importorskip("_testcapi").with_tp_del

    @old
    class Old(types.SimpleNamespace):
        def __tp_del__(self) -> None:
            pass

    key, value = Plain(), [1]
    table: weak.EphemeronDict[Any, Any] = weak.EphemeronDict()
    table[key] = [value, value]
    one = Old()
    one.table = table
    one.me = one
    table[key].append(one)
    del table, one
    gc.collect()
    (found,) = (one for one in gc.garbage if type(one) is Old)
    assert found.table[key][:2] == [value, value]
    gc.garbage.clear()
    del found.me
    found.table.clear()


def test_the_first_use_in_the_middle_of_a_collection() -> None:
    """The test of the collector waits for the next use, and what came before is right as well."""
    code = """
    import gc, weakref
    from mortmain import weak
    class Key: pass
    said = []
    class Garbage:
        def __del__(self):
            table[key] = [key]
            said.append(table.ephemeron)
    key, table = Key(), weak.EphemeronDict()
    one = Garbage(); one.me = one; del one
    gc.collect()
    assert said == ["sweep"], said
    print(table.ephemeron)
    ref = weakref.ref(key)
    table[key] = table[key]
    del key
    gc.collect()
    print(ref() is None, len(table))
    gc.set_debug(gc.DEBUG_SAVEALL)
    """
    expected = "collector\nTrue 0\n" if by_collector() else "sweep\nFalse 1\n"
    assert harness.run_quiet("-c", textwrap.dedent(code)) == expected


def test_where_garbage_is_kept_nothing_is_learnt() -> None:
    """With gc.DEBUG_SAVEALL the test would leave its objects in gc.garbage."""
    code = """
    import gc
    from mortmain import weak
    class Key: pass
    gc.set_debug(gc.DEBUG_SAVEALL)
    table, key = weak.EphemeronDict(), Key()
    table[key] = [key]
    print(table.ephemeron, gc.garbage, gc.isenabled())
    gc.set_debug(0)
    """
    assert harness.run_quiet("-c", textwrap.dedent(code)) == "sweep [] True\n"


def test_a_collector_that_is_another() -> None:
    """Where its passes are not the known ones the dictionary holds its values: sweep() is left."""
    code = """
    import gc
    real = gc.collect
    gc.collect = lambda generation: [real(generation), real()]
    from mortmain import weak
    class Key: pass
    table, key = weak.EphemeronDict(), Key()
    table[key] = [key]
    gc.collect = real
    print(table.ephemeron, vars(key))
    del key
    gc.collect()
    print(len(table), weak.sweep(table), len(table))
    """
    assert harness.run_quiet("-c", textwrap.dedent(code)) == "sweep {}\n1 1 0\n"

"""sweep() and find_ephemeron_leaks(): nothing that is alive is lost, nothing dead is kept."""

from __future__ import annotations

import functools
import gc
import random
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mortmain import weak


@pytest.fixture(autouse=True)
def _few_objects() -> Iterator[None]:
    """A collection looks at what the test makes, not at all of pytest."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def collect() -> None:
    """All garbage: where finalizers of generators ran the first time takes some of it."""
    while gc.collect():
        pass


class Node:
    """Refers to others."""

    def __init__(self, number: int) -> None:
        """With its place in the graph."""
        self.number = number
        self.links: list[Any] = []

    def method(self) -> None:
        """To be bound."""


def closure(node: Node) -> Callable[[], Node]:
    """A function that refers to it."""
    return lambda: node


def generator(node: Node) -> Iterator[Node]:
    """Suspended, it refers to it."""
    yield node
    yield node


def begun(node: Node) -> Iterator[Node]:
    """A generator in its middle."""
    made = generator(node)
    next(made)
    return made


# What stands between a value and an object.
WRAPPINGS: tuple[Callable[[Node], Any], ...] = (
    lambda node: node,
    lambda node: [node],
    lambda node: ({"key": (node,)},),
    closure,
    lambda node: node.method,
    lambda node: functools.partial(print, node),
    begun,
    lambda node: weakref.ref(node),  # which leads nowhere
    lambda node: types.SimpleNamespace(it={1: node}),
)
LEADS_NOWHERE = 7


class Graph:
    """Objects, tables, and which of both are held from outside."""

    def __init__(self, seed: int, make: Callable[[], Any]) -> None:
        """At random."""
        source = random.Random(seed)
        count = source.randrange(2, 25)
        self.nodes = [Node(number) for number in range(count)]
        self.tables = [make() for _ in range(source.randrange(1, 4))]
        self.links: list[list[int]] = [[] for _ in range(count)]
        self.entries: dict[tuple[int, int], int | None] = {}
        for _ in range(source.randrange(2 * count)):
            first, second = source.randrange(count), source.randrange(count)
            self._link(source, first, second)
        for _ in range(source.randrange(2 * count)):
            table, key = source.randrange(len(self.tables)), source.randrange(count)
            value, how = source.randrange(count), source.randrange(len(WRAPPINGS))
            self.tables[table][self.nodes[key]] = WRAPPINGS[how](self.nodes[value])
            self.entries[table, key] = None if how == LEADS_NOWHERE else value
        self.held = [at for at in range(count) if source.random() < source.choice([0.05, 0.3])]

    def _link(self, source: random.Random, first: int, second: int) -> None:
        how = source.randrange(len(WRAPPINGS))
        self.nodes[first].links.append(WRAPPINGS[how](self.nodes[second]))
        if how != LEADS_NOWHERE:
            self.links[first].append(second)
        if source.random() < 0.1:
            self.nodes[first].links.append(source.choice(self.tables))

    def alive(self) -> set[int]:
        """Numbers of the live objects, if the tables were ephemerons. They are alive themselves."""
        found = set(self.held)
        while True:
            more = {to for at in found for to in self.links[at]}
            more |= {
                value
                for (_, key), value in self.entries.items()
                if key in found and value is not None
            }
            if more <= found:
                return found
            found |= more


@pytest.mark.parametrize("make", [weak.WeakKeyDictionary, weak.WeakIdKeyDictionary])
def test_random_graphs(make: Callable[[], Any]) -> None:
    """Thousands of them: what stays is what the model says."""
    dead_total = 0
    for seed in range(3000):
        graph = Graph(seed, make)
        alive = graph.alive()
        outside = [graph.nodes[at] for at in graph.held]
        everything = [weakref.ref(node) for node in graph.nodes]
        tables = graph.tables
        graph.nodes.clear()
        collect()  # what garbage holds counts as held
        expected = {entry for entry in graph.entries if entry[1] in alive}
        there = sum(map(len, tables))
        removed = weak.sweep(*tables)
        assert removed <= there
        collect()
        left = {(at, key.number) for at, table in enumerate(tables) for key in table}
        assert left == expected, seed
        assert {at for at, ref in enumerate(everything) if ref() is not None} == alive, seed
        assert weak.sweep(*tables) == 0
        dead_total += removed
        del outside
    assert dead_total > 3000


def test_a_budget_is_never_wrong() -> None:
    """With any budget nothing that is alive is lost."""
    for seed in range(200):
        graph = Graph(seed, weak.WeakKeyDictionary)
        alive = graph.alive()
        outside = [graph.nodes[at] for at in graph.held]
        tables = graph.tables
        graph.nodes.clear()
        for budget in (0, 1, 5, 20, 60):
            weak.sweep(*tables, budget=budget)
            gc.collect()
            left = {(at, key.number) for at, table in enumerate(tables) for key in table}
            assert left >= {entry for entry in graph.entries if entry[1] in alive}
        del outside


def test_leaks_of_the_stdlib_s_dictionaries_are_found() -> None:
    """The same entries, without a change."""
    found_total = 0
    for seed in range(500):
        graph = Graph(seed, weakref.WeakKeyDictionary)
        alive = graph.alive()
        outside = [graph.nodes[at] for at in graph.held]
        tables = graph.tables
        graph.nodes.clear()
        collect()
        before = {(at, key.number) for at, table in enumerate(tables) for key in table}
        found = {
            (next(at for at, one in enumerate(tables) if one is table), key.number)
            for table, keys in weak.find_ephemeron_leaks(*tables)
            for key in keys
        }
        assert found == {entry for entry in before if entry[1] not in alive}, seed
        assert before == {(at, key.number) for at, table in enumerate(tables) for key in table}
        found_total += len(found)
        del outside
    assert found_total > 100


def test_what_is_in_use_stays() -> None:
    """Locals of this and other frames, of generators and threads' stacks hold."""
    table: weak.WeakKeyDictionary[Node, Any] = weak.WeakKeyDictionary()

    def make(number: int) -> Node:
        node = Node(number)
        table[node] = closure(node)
        return node

    def frame(node: Node) -> int:
        return weak.sweep(table)

    assert frame(make(1)) == 0
    assert weak.sweep(table) == 1
    one, suspended = make(2), begun(make(3))
    assert weak.sweep(table) == 0
    assert len(table) == 2
    del suspended
    assert weak.sweep(table) == 1
    assert next(iter(table)) is one
    found = weak.find_ephemeron_leaks(table)
    assert found == []
    del one
    everywhere = weak.find_ephemeron_leaks()
    (keys,) = (keys for where, keys in everywhere if where is table)
    assert [key.number for key in keys] == [2]
    weak.sweep()
    assert len(table) == 1  # `keys` holds it
    # One that another thread is making, say: it has no entries yet.
    begun_only = weakref.WeakKeyDictionary.__new__(weakref.WeakKeyDictionary)
    assert all(where is not begun_only for where, _ in weak.find_ephemeron_leaks())
    with pytest.raises(TypeError):
        weak.find_ephemeron_leaks(begun_only)
    del everywhere, keys
    assert weak.sweep() >= 1
    assert not table


def test_what_a_suspended_frame_borrows_is_counted_once() -> None:
    """Its stack may have without a reference what a variable has with one."""
    table: weak.WeakKeyDictionary[Node, Any] = weak.WeakKeyDictionary()

    def suspended(node: Node) -> Iterator[None]:
        print(node, (yield))

    def begun_with(node: Node) -> Iterator[None]:
        made = suspended(node)
        next(made)
        return made

    node = Node(1)
    table[node] = [begun_with(node)]
    assert weak.sweep(table) == 0
    assert len(table) == 1
    del node
    assert weak.sweep(table) == 1


def test_finalizers_may_do_what_they_like() -> None:
    """They run when the tables are whole: they change them, and bring the dead back."""
    table: weak.WeakKeyDictionary[Any, Any] = weak.WeakKeyDictionary()
    back = []

    class Returns(Node):
        def __del__(self) -> None:
            table[Node(7)] = self
            back.append(self)
            table.clear()
            weak.sweep(table)

    for number in range(50):
        node = Returns(number)
        table[node] = [node, table]
    del node
    assert weak.sweep(table) == 50
    gc.collect()
    assert len(back) == 50
    assert {node.number for node in back} == set(range(50))


def test_bad_arguments() -> None:
    """One line each, and nothing is done."""
    wrong: Any
    for wrong in (3, {}, weak.WeakValueDictionary(), weak.WeakSet(), weakref.WeakKeyDictionary()):
        with pytest.raises(TypeError, match=r"no dictionary with weak keys of mortmain\.weak"):
            weak.sweep(wrong)
    table: weak.WeakKeyDictionary[Any, Any] = weak.WeakKeyDictionary()
    with pytest.raises(ValueError, match="not negative"):
        weak.sweep(table, budget=-1)
    calls: list[Callable[[], object]] = [
        lambda: weak.sweep(table, limit=1),  # type: ignore[call-arg]
        lambda: weak.sweep(table, budget="1"),  # type: ignore[arg-type]
        lambda: weak.find_ephemeron_leaks(3),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises(TypeError):
            call()
    assert weak.sweep(table, table, budget=None) == 0

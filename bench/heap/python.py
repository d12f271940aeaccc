"""CPython: the cases of ours.c, with objects of three slots. Loops are paid for by an empty one."""

from __future__ import annotations

import gc
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path

PAGE = 4096
AGING_ROUNDS, AGING_PART = 3, 2


class Node:
    """Two references and a number."""

    __slots__ = ("__weakref__", "left", "right")
    left: Node | None
    right: Node


class Plain:
    """Three words."""

    __slots__ = ("left", "right", "value")


def row(name: str, seconds: float, count: int) -> None:
    """One line, in nanoseconds for each object."""
    print(f"{name} {seconds * 1e9 / count:.3f}")


def resident_bytes() -> int:
    """Of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def loop(name: str, count: int, body: Callable[[range], None]) -> None:
    """Times a loop, less an empty one."""
    turns = range(count)
    start = time.process_time()
    for _ in turns:
        pass
    empty = time.process_time() - start
    start = time.process_time()
    body(turns)
    row(name, time.process_time() - start - empty, count)


def bench_loops(count: int) -> None:
    """New objects, weak references."""
    told = 0

    def new(turns: range) -> None:
        for _ in turns:
            Node()

    def weak_die(turns: range) -> None:
        for _ in turns:
            node = Node()
            _weak = weakref.ref(node)
            del node

    def watch_die(turns: range) -> None:
        nonlocal told

        def on_death(_: object) -> None:
            nonlocal told
            told += 1

        for _ in turns:
            node = Node()
            _weak = weakref.ref(node, on_death)
            del node

    one = Node()
    weak = weakref.ref(one)

    def weak_get(turns: range) -> None:
        for _ in turns:
            weak()

    loop("new", count, new)
    loop("weak get", count, weak_get)
    loop("weak die", count, weak_die)
    loop("watch die", count, watch_die)
    if told != count:
        sys.exit(3)


def bench_bytes(count: int) -> None:
    """Resident bytes of an object of three words that nothing refers weakly to."""
    everything: list[Plain | None] = [None] * count
    before = resident_bytes()
    for i in range(count):
        everything[i] = Plain()
    row("bytes", (resident_bytes() - before) / 1e9, count)


class Random:
    """The numbers of measure.h."""

    def __init__(self) -> None:
        """Begins as every program does."""
        self.state = 1

    def below(self, limit: int) -> int:
        """The next one."""
        self.state = (self.state * 1103515245 + 12345) & 0xFFFFFFFF
        return (self.state >> 8) % limit


def bench_graph(count: int) -> None:
    """A random graph that has grown old: what a full collection costs, living and dead."""
    random = Random()
    slots = [Node() for _ in range(count)]
    for node in slots:
        node.left = slots[random.below(count)]
        node.right = slots[random.below(count)]
    for _ in range(AGING_ROUNDS):
        for _ in range(count // AGING_PART):
            fresh = Node()
            fresh.left = slots[random.below(count)]
            fresh.right = slots[random.below(count)]
            slots[random.below(count)] = fresh
            slots[random.below(count)].left = fresh
        gc.collect()
    del fresh, node
    live = len(gc.get_objects())
    start = time.process_time()
    found = gc.collect()
    row("aged live", time.process_time() - start, live)
    if found:
        sys.exit(3)
    slots.clear()
    start = time.process_time()
    found = gc.collect()
    row("aged garbage", time.process_time() - start, found)


def bench_pairs(count: int) -> None:
    """Rings of two."""
    pairs = [Node() for _ in range(count // 2)]
    for node in pairs:
        node.left = Node()
        node.left.left = node
    del node
    gc.collect()
    start = time.process_time()
    gc.collect()
    row("pairs live", time.process_time() - start, count)
    pairs.clear()
    start = time.process_time()
    found = gc.collect()
    row("pairs garbage", time.process_time() - start, found)


def bench_chain(count: int) -> None:
    """A list that dies by counting."""
    head: Node | None = None
    for _ in range(count):
        node = Node()
        node.left = head
        head = node
    del node
    start = time.process_time()
    head = None
    row("chain dies", time.process_time() - start, count)


def main() -> None:
    """Every case, with the collector called by hand alone."""
    count = int(sys.argv[1])
    gc.disable()
    gc.freeze()
    bench_bytes(count)
    bench_loops(count)
    bench_graph(count)
    bench_pairs(count)
    bench_chain(count)


if __name__ == "__main__":
    main()

"""What the patterns of mortmain.weak cost, beside the ways they are mostly written.

Each number is the median processor time of many short rounds, in which the ways take turns; it has
the loop around the statement in it, which is the same for all of a row. Memory is what the
allocator gave for one instance more, with what the pattern keeps for it. Before anything is timed
each way must give the same answer.

    bench/weak/patterns.py [--rounds N] [--markdown | --write]

`--write` puts the tables into docs/weak.md.
"""

from __future__ import annotations

import argparse
import functools
import gc
import platform
import timeit
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from mortmain import weak

try:
    import methodtools
except ImportError:
    methodtools = None

PAGE = Path(__file__).resolve().parents[2] / "docs/weak.md"
LOOPS = 2000


# ---- cached methods ------------------------------------------------------------------------------


class Ours:
    """With a cache in each instance."""

    @weak.cached_method
    def work(self, number: int) -> int:
        """Nothing much."""
        return number


class OnMethod:
    """As it is mostly written: it keeps every instance."""

    @functools.lru_cache  # noqa: B019
    def work(self, number: int) -> int:
        """Nothing much."""
        return number


class OnFunction:
    """Without any instance in the cache: what there is to reach."""

    @staticmethod
    @functools.lru_cache
    def work(number: int) -> int:
        """Nothing much."""
        return number


def with_methodtools() -> Any:
    """The class that methodtools makes, if it is installed."""
    if methodtools is None:
        return None

    class Methodtools:
        @methodtools.lru_cache()  # type: ignore[untyped-decorator,unused-ignore]
        def work(self, number: int) -> int:
            return number

    return Methodtools


# ---- descriptors ---------------------------------------------------------------------------------


class InDict:
    """The textbook's: in the dict of the instance."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        return instance.__dict__[self.name]

    def __set__(self, instance: Any, value: float) -> None:
        if not 0 <= value <= 100:
            raise ValueError(value)
        instance.__dict__[self.name] = value


class InTable(InDict):
    """The textbook's other: in a dictionary with weak keys."""

    def __init__(self) -> None:
        self.values: weakref.WeakKeyDictionary[Any, float] = weakref.WeakKeyDictionary()

    def __get__(self, instance: Any, owner: type) -> Any:
        return self.values[instance]

    def __set__(self, instance: Any, value: float) -> None:
        if not 0 <= value <= 100:
            raise ValueError(value)
        self.values[instance] = value


def with_value(descriptor: Any) -> Any:
    """A class with such an attribute; None: a plain one."""

    class Exam:
        if descriptor is not None:
            grade = descriptor

        def __init__(self) -> None:
            self.grade = 50

    return Exam


# ---- links ---------------------------------------------------------------------------------------


class Linked:
    """By a descriptor."""

    parent = weak.WeakLink[Any]()


class ByProperty:
    """As it is mostly written."""

    @property
    def parent(self) -> Any:
        """The parent, or LookupError."""
        if self._parent is None:
            return None
        parent = self._parent()
        if parent is None:
            raise LookupError("the parent is gone")
        return parent

    @parent.setter
    def parent(self, value: Any) -> None:
        self._parent = None if value is None else weakref.ref(value)


class ByCall:
    """The reference itself: `child.parent()`."""

    parent: Any = None


class Strong:
    """A ring."""

    parent: Any = None


# ---- measuring -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A statement, and for each way its time in nanoseconds, or its bytes."""

    name: str
    cells: tuple[float | None, ...]

    def shown(self) -> list[str]:
        """As a table shows it."""
        return [self.name, *("" if cell is None else f"{cell:.0f}" for cell in self.cells)]


Way = tuple[str, dict[str, Any]] | None


def timed(name: str, ways: list[Way], rounds: int, loops: int = LOOPS) -> Row:
    """The median of each way; they take turns."""
    timers = [
        None if way is None else timeit.Timer(way[0], timer=process_time, globals=way[1])
        for way in ways
    ]
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for at, timer in enumerate(timers):
            if timer is not None:
                times[at].append(timer.timeit(loops) / loops * 1e9)
    return Row(name, tuple(median(each) if each else None for each in times))


def bytes_each(make: Callable[[], Any] | None) -> float | None:
    """Bytes of one instance more, and of what is kept for it."""
    if make is None:
        return None
    count = 1000
    kept = [make() for _ in range(10)]
    kept = [None] * count
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for at in range(count):
        kept[at] = make()
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return size / count


def cached(rounds: int) -> Iterator[Row]:
    """cached_method."""
    kinds = [Ours, OnFunction, OnMethod, with_methodtools()]
    owners = [None if kind is None else kind() for kind in kinds]
    assert {owner.work(3) for owner in owners if owner is not None} == {3}
    ways: list[tuple[str, str]] = [("found", "o.work(3)"), ("new", "o.work(next(numbers))")]
    for name, statement in ways:
        scopes = [
            None if owner is None else (statement, {"o": owner, "numbers": iter(range(10**9))})
            for owner in owners
        ]
        yield timed(f"a call, {name}", list(scopes), rounds)

    def called(kind: Any) -> Callable[[], Any] | None:
        def make() -> Any:
            made = kind()
            made.work(3)
            return made

        return None if kind is None else make

    yield Row("bytes, instance and first result", tuple(bytes_each(called(k)) for k in kinds))


def descriptors(rounds: int) -> Iterator[Row]:
    """Bounded."""
    kinds = [with_value(each) for each in (weak.Bounded(0, 100), InDict(), InTable(), None)]
    exams = [kind() for kind in kinds]
    for exam in exams:
        exam.grade = 60
        assert exam.grade == 60
    for name, statement in (("get", "e.grade"), ("set", "e.grade = 70")):
        yield timed(name, [(statement, {"e": exam}) for exam in exams], rounds)
    yield timed("new, and gone", [("Exam()", {"Exam": kind}) for kind in kinds], rounds)
    yield Row("bytes of an instance", tuple(bytes_each(kind) for kind in kinds))


def links(rounds: int) -> Iterator[Row]:
    """WeakLink."""
    parent = Linked()
    children: list[Any] = [Linked(), ByProperty(), ByCall(), Strong()]
    for child in children:
        child.parent = weakref.ref(parent) if isinstance(child, ByCall) else parent
    for child in children:
        found = child.parent() if isinstance(child, ByCall) else child.parent
        assert found is parent
    reads = ["c.parent", "c.parent", "c.parent()", "c.parent"]
    yield timed("get", [(r, {"c": c}) for r, c in zip(reads, children, strict=True)], rounds)
    writes = ["c.parent = p", "c.parent = p", "c.parent = ref(p)", "c.parent = p"]
    scopes = [{"c": c, "p": parent, "ref": weakref.ref} for c in children]
    yield timed("set", list(zip(writes, scopes, strict=True)), rounds)


def lookups(rounds: int) -> Iterator[Row]:
    """WeakLRU."""
    values = [Linked() for _ in range(100)]
    ours: weak.WeakLRU[int, Linked] = weak.WeakLRU(50, enumerate(values))
    plain = weak.WeakValueDictionary(enumerate(values))
    stdlib = weakref.WeakValueDictionary(enumerate(values))
    strong = functools.lru_cache(50)(values.__getitem__)
    ways: list[Way] = [("d[3]", {"d": table}) for table in (ours, plain, stdlib)]
    yield timed("d[k]", [*ways, ("d(3)", {"d": strong})], rounds)
    each: list[Way] = [
        ("for k in r: d[k]", {"d": table, "r": range(100)}) for table in (ours, plain, stdlib)
    ]
    row = timed("", [*each, ("for k in r: d(k)", {"d": strong, "r": range(100)})], rounds, 20)
    yield Row("d[k], the one used longest ago", tuple((c or 0) / 100 for c in row.cells))


TABLES = (
    ("cached_method, ns", ("ours", "lru_cache, function", "lru_cache, method", "methodtools"),
     cached),
    ("Bounded, ns", ("ours", "`__dict__[name]`", "WeakKeyDictionary", "plain attribute"),
     descriptors),
    ("WeakLink, ns", ("ours", "property", "`parent()`", "strong"), links),
    ("WeakLRU, ns", ("ours", "our WeakValueDictionary", "the stdlib's", "lru_cache"), lookups),
)  # fmt: skip


def table(title: str, heads: tuple[str, ...], rows: list[Row], markdown: bool) -> Iterator[str]:
    """Rows as lines."""
    if markdown:
        yield f"| {title} | {' | '.join(heads)} |"
        yield "|---" * (len(heads) + 1) + "|"
        for row in rows:
            yield "| " + " | ".join(row.shown()) + " |"
        yield ""
        return
    yield f"\n{title:34}" + "".join(f"{head:>25}" for head in heads)
    for row in rows:
        name, *cells = row.shown()
        yield f"  {name:32}" + "".join(f"{cell:>25}" for cell in cells)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="leak-free patterns, beside the usual ways")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--markdown", action="store_true", help="print tables for a document")
    parser.add_argument("--write", action="store_true", help="put them into docs/weak.md")
    arguments = parser.parse_args()
    gc.disable()
    lines: list[str] = []
    for title, heads, measure in TABLES:
        rows = list(measure(arguments.rounds))
        lines += table(title, heads, rows, arguments.markdown or arguments.write)
    machine = f"CPython {platform.python_version()}, {platform.machine()}"
    if arguments.write:
        begin, end = "<!-- bench patterns: begin -->", "<!-- bench patterns: end -->"
        before, _, rest = PAGE.read_text().partition(begin)
        body = "\n".join([begin, f"{machine}.", "", *lines]).rstrip()
        PAGE.write_text(f"{before}{body}\n{end}{rest.partition(end)[2]}")
    else:
        print("\n".join([machine, *lines]))


if __name__ == "__main__":
    main()

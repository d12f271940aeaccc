"""What the containers of mortmain.weak cost, beside the stdlib's and beside dict and set.

Each number is the median processor time of many short rounds, in which the three take turns; it has
the loop around the operation in it. Hot: 1000 keys, again and again, each with a value of its own.
Cold: 200,000 keys in a random order, so that most of them are in no cache. Memory is what the
allocator gave, without the keys and values themselves.

    bench/weak/containers.py [--rounds N] [--cold N] [--markdown | --write]
    bench/weak/containers.py --pythons PYTHON... [--write]    ratios and bytes, on each of them

`--write` puts the tables into docs/weak.md. The last lines say which goals were reached; if one was
not, the exit status is 1.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import random
import subprocess
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from statistics import median
from time import process_time_ns
from typing import Any

from mortmain import weak

PAGE = Path(__file__).resolve().parents[2] / "docs/weak.md"
HOT = 1000
HOT_REPEATS = 8
COLD_ROUNDS = 5


class Key:
    """Compared by identity."""


class Asked:
    """Hashed and compared by Python code."""

    __slots__ = ("__weakref__", "number")

    def __init__(self, number: int = 0) -> None:
        """Of a number."""
        self.number = number

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Asked) and other.number == self.number


@dataclass(frozen=True, slots=True)
class Peers:
    """The three that are compared: a factory each; `strong` may have no such operation."""

    ours: Callable[[], Any]
    stdlib: Callable[[], Any]
    strong: Callable[[], Any] | None


KEYS = Peers(weak.WeakKeyDictionary, weakref.WeakKeyDictionary, dict)
VALUES = Peers(weak.WeakValueDictionary, weakref.WeakValueDictionary, dict)
MEMBERS = Peers(weak.WeakSet, weakref.WeakSet, set)
CARRIED = Peers(weak.EphemeronDict, weakref.WeakKeyDictionary, dict)

Setup = Callable[[Callable[[], Any], list[Any]], Callable[[], object]]


@dataclass(frozen=True, slots=True)
class Case:
    """An operation: who does it, how it is prepared, and whether a repeat needs a new start."""

    name: str
    peers: Peers
    setup: Setup
    once: bool = False
    make: Callable[[], Any] = Key
    # At least so many times as fast as the stdlib, at most so many times the strong one's time.
    goal: tuple[float, float] | None = None


@cache
def values_for(count: int) -> list[list[int]]:
    """Values that refer to something, so that an EphemeronDict hangs them on the keys."""
    return [[at] for at in range(count)]


def filled(make: Callable[[], Any], keys: list[Any]) -> Any:
    """A dictionary or set with these keys."""
    made = make()
    if isinstance(made, (weak.WeakSet, weakref.WeakSet, set)):
        made.update(keys)
    elif isinstance(made, (weak.WeakValueDictionary, weakref.WeakValueDictionary)):
        made.update(enumerate(keys))
    else:
        for key, value in zip(keys, values_for(len(keys)), strict=True):
            made[key] = value
    return made


# ---- operations ----------------------------------------------------------------------------------


def get_hit(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`d[k]`."""
    table = filled(make, keys)

    def work() -> None:
        for key in keys:
            table[key]

    return work


def get_miss(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`d.get(k)` of a key that is not there."""
    table = filled(make, keys)
    others = [Key() for _ in keys]

    def work() -> None:
        get = table.get
        for key in others:
            get(key)

    return work


def contains(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`k in d`."""
    table = filled(make, keys)

    def work() -> None:
        for key in keys:
            key in table  # noqa: B015

    return work


def set_existing(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`d[k] = v`."""
    table = filled(make, keys)

    def work() -> None:
        for key in keys:
            table[key] = None

    return work


def set_new(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`d[k] = v` of a new key."""
    table = make()

    def work() -> None:
        for key in keys:
            table[key] = keys

    return work


def delete(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`del d[k]`."""
    table = filled(make, keys)

    def work() -> None:
        for key in keys:
            del table[key]

    return work


def iterate(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`for k in d`."""
    table = filled(make, keys)

    def work() -> None:
        for _key in table:
            pass

    return work


def items(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`for k, v in d.items()`."""
    table = filled(make, keys)

    def work() -> None:
        for _key, _value in table.items():
            pass

    return work


def copied(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`d.copy()`, for each entry."""
    return filled(make, keys).copy  # type: ignore[no-any-return]


def key_dies(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """The death of a key, freeing it included."""
    own = [type(key)() for key in keys]
    table = filled(make, own)

    def work() -> Any:
        own.clear()
        return table

    return work


def add_existing(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`s.add(k)`."""
    members = filled(make, keys)

    def work() -> None:
        add = members.add
        for key in keys:
            add(key)

    return work


def add_new(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`s.add(k)` of a new member."""
    members = make()

    def work() -> None:
        add = members.add
        for key in keys:
            add(key)

    return work


def discard(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`s.discard(k)`."""
    members = filled(make, keys)

    def work() -> None:
        drop = members.discard
        for key in keys:
            drop(key)

    return work


def value_hit(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`d[i]` of a weak value."""
    table = make()
    numbers = list(range(len(keys)))
    for number in numbers:
        table[number] = keys[number]

    def work() -> None:
        for number in numbers:
            table[number]

    return work


def value_new(make: Callable[[], Any], keys: list[Any]) -> Callable[[], object]:
    """`d[i] = o` of a weak value."""
    table = make()

    def work() -> None:
        for at, key in enumerate(keys):
            table[at] = key

    return work


HIT = (7.0, 1.2)
CASES = (
    Case("WeakKeyDictionary  d[k]", KEYS, get_hit, goal=HIT),
    Case("WeakKeyDictionary  d.get(k), not there", KEYS, get_miss),
    Case("WeakKeyDictionary  k in d", KEYS, contains, goal=HIT),
    Case("WeakKeyDictionary  d[k] = v, there", KEYS, set_existing, goal=HIT),
    Case("WeakKeyDictionary  d[k] = v, new", KEYS, set_new, once=True, goal=(2.5, 99)),
    Case("WeakKeyDictionary  del d[k]", KEYS, delete, once=True),
    Case("WeakKeyDictionary  d[k], Python __hash__", KEYS, get_hit, make=Asked),
    Case("WeakKeyDictionary  for k in d", KEYS, iterate, goal=(3.5, 99)),
    Case("WeakKeyDictionary  items()", KEYS, items, goal=(3.5, 99)),
    Case("WeakKeyDictionary  copy(), per entry", KEYS, copied),
    Case(
        "WeakKeyDictionary  a key dies",
        Peers(KEYS.ours, KEYS.stdlib, None), key_dies, once=True, goal=(1.9, 99),
    ),
    Case("EphemeronDict  d[k]", CARRIED, get_hit),
    Case("EphemeronDict  d[k] = v, new", CARRIED, set_new, once=True),
    Case("WeakSet  k in s", MEMBERS, contains, goal=(7.0, 1.3)),
    Case("WeakSet  s.add(k), there", MEMBERS, add_existing, goal=(7.0, 1.3)),
    Case("WeakSet  s.add(k), new", MEMBERS, add_new, once=True, goal=(2.5, 99)),
    Case("WeakSet  s.discard(k)", MEMBERS, discard, once=True),
    Case("WeakSet  for k in s", MEMBERS, iterate, goal=(3.5, 99)),
    Case("WeakValueDictionary  d[i]", VALUES, value_hit, goal=(3.0, 1.2)),
    Case("WeakValueDictionary  d[i] = o, new", VALUES, value_new, once=True, goal=(2.5, 99)),
    Case("WeakValueDictionary  items()", VALUES, items, goal=(3.5, 99)),
)  # fmt: skip
COLD = {
    "WeakKeyDictionary  d[k]", "WeakKeyDictionary  d[k] = v, new", "WeakKeyDictionary  a key dies",
    "WeakKeyDictionary  del d[k]", "WeakSet  s.add(k), new", "WeakSet  k in s",
    "WeakValueDictionary  d[i]", "WeakValueDictionary  d[i] = o, new",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """Nanoseconds for one operation, or bytes."""

    name: str
    ours: float
    stdlib: float
    strong: float | None
    goal: tuple[float, float] | None = None

    def cells(self) -> list[str]:
        """As a table shows it."""
        strong = "" if self.strong is None else f"{self.strong:.1f}"
        return [
            self.name, f"{self.ours:.1f}", f"{self.stdlib:.1f}", strong,
            f"{self.stdlib / self.ours:.1f}",
        ]  # fmt: skip

    def is_reached(self) -> bool:
        """Was the goal, if there is one, reached?"""
        if self.goal is None:
            return True
        strong = self.strong is None or self.ours / self.strong <= self.goal[1]
        return self.stdlib / self.ours >= self.goal[0] and strong


def run_case(case: Case, count: int, rounds: int, shuffle: bool) -> Row:
    """The median of each of the three, which take turns."""
    keys = [Asked(at) if case.make is Asked else case.make() for at in range(count)]
    if shuffle:
        random.Random(1).shuffle(keys)
    makers = [case.peers.ours, case.peers.stdlib, case.peers.strong]
    times: list[list[float]] = [[], [], []]
    repeats = 1 if case.once or count > HOT else HOT_REPEATS
    for _ in range(rounds * (HOT_REPEATS if case.once and count <= HOT else 1)):
        for at, make in enumerate(makers):
            if make is None:
                continue
            work = case.setup(make, keys)
            start = process_time_ns()
            for _ in range(repeats):
                work()
            times[at].append((process_time_ns() - start) / repeats / count)
            del work
    strong = None if makers[2] is None else median(times[2])
    goal = None if shuffle else case.goal
    return Row(case.name, median(times[0]), median(times[1]), strong, goal)


def memory(name: str, peers: Peers) -> Iterator[Row]:
    """Bytes of an empty container and of an entry."""
    count = 10_000
    empty, entry = [], []
    keys = [Key() for _ in range(count)]
    values_for(count)
    for make in (peers.ours, peers.stdlib, peers.strong or dict):
        kept: list[Any] = [make() for _ in range(10)]
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        kept = [make() for _ in range(100)]
        empty.append((tracemalloc.get_traced_memory()[0] - before) / 100)
        del kept
        before = tracemalloc.get_traced_memory()[0]
        table = filled(make, keys)
        entry.append((tracemalloc.get_traced_memory()[0] - before) / count)
        tracemalloc.stop()
        del table
    yield Row(f"{name}, empty", empty[0], empty[1], empty[2])
    yield Row(f"{name}, per entry", entry[0], entry[1], entry[2])


def table(title: str, rows: list[Row], markdown: bool) -> Iterator[str]:
    """Rows as lines."""
    if markdown:
        yield f"| {title} | ours | stdlib | strong | stdlib / ours |"
        yield "|---|---|---|---|---|"
        for row in rows:
            yield "| " + " | ".join(row.cells()) + " |"
        yield ""
        return
    yield f"\n{title:44} {'ours':>8} {'stdlib':>8} {'strong':>8} {'ratio':>6}"
    for row in rows:
        name, *numbers = row.cells()
        yield f"  {name:42} {numbers[0]:>8} {numbers[1]:>8} {numbers[2]:>8} {numbers[3]:>6}"


@dataclass(frozen=True, slots=True)
class Run:
    """All rows of one interpreter."""

    machine: str
    hot: list[Row]
    cold: list[Row]
    sizes: list[Row]


def measure(rounds: int, cold_count: int) -> Run:
    """Everything, in this process."""
    gc.disable()
    hot = [run_case(case, HOT, rounds, False) for case in CASES]
    chosen = [case for case in CASES if case.name in COLD and cold_count]
    cold = [run_case(case, cold_count, COLD_ROUNDS, True) for case in chosen]
    named = {
        "WeakKeyDictionary": KEYS,
        "EphemeronDict": CARRIED,
        "WeakSet": MEMBERS,
        "WeakValueDictionary": VALUES,
    }
    sizes = [row for name, peers in named.items() for row in memory(name, peers)]
    return Run(f"CPython {platform.python_version()}, {platform.machine()}", hot, cold, sizes)


def measure_with(python: str, rounds: int) -> Run:
    """The same in another interpreter, which has this package, without the cold cases."""
    command = [python, __file__, "--rounds", str(rounds), "--cold", "0", "--json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    machine, hot, _, sizes = json.loads(done.stdout)
    return Run(machine, [Row(*row) for row in hot], [], [Row(*row) for row in sizes])


def side_by_side(runs: list[Run]) -> Iterator[str]:
    """What was measured with several interpreters, as lines of a document."""
    heads = [run.machine.partition(",")[0].removeprefix("CPython ") for run in runs]
    yield f"| times the stdlib's speed; the strong one's time = 1 | {' | '.join(heads)} |"
    yield "|---" * (len(heads) + 1) + "|"
    for at, first in enumerate(runs[0].hot):
        cells = []
        for run in runs:
            row = run.hot[at]
            strong = "" if row.strong is None else f"; {row.ours / row.strong:.2f}"
            missed = "" if row.is_reached() else " \\*"
            cells.append(f"{row.stdlib / row.ours:.1f}{strong}{missed}")
        yield f"| {first.name} | {' | '.join(cells)} |"
    yield ""
    yield f"| bytes, ours; the stdlib's | {' | '.join(heads)} |"
    yield "|---" * (len(heads) + 1) + "|"
    for at, first in enumerate(runs[0].sizes):
        pairs = [f"{run.sizes[at].ours:.0f}; {run.sizes[at].stdlib:.0f}" for run in runs]
        yield f"| {first.name} | {' | '.join(pairs)} |"


def write(mark: str, lines: list[str]) -> None:
    """Put lines between two marks of the document."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, _, rest = PAGE.read_text().partition(begin)
    body = "\n".join([begin, *lines]).rstrip()
    PAGE.write_text(f"{before}{body}\n{end}{rest.partition(end)[2]}")


def report(run: Run) -> bool:
    """Say which goals were reached. Were all?"""
    for row in run.hot:
        if row.goal is not None:
            word = "reached" if row.is_reached() else "MISSED "
            strong = "" if row.strong is None else f", {row.ours / row.strong:.2f} x strong"
            print(f"{word}  {row.name}: {row.stdlib / row.ours:.1f} x{strong}", file=sys.stderr)
    return all(row.is_reached() for row in run.hot)


def main() -> int:
    """Measure, print, and say which goals were reached."""
    parser = argparse.ArgumentParser(description="weak containers, beside the stdlib's")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--cold", type=int, default=200_000, help="keys; 0: none")
    parser.add_argument("--markdown", action="store_true", help="print tables for a document")
    parser.add_argument("--write", action="store_true", help="put them into docs/weak.md")
    parser.add_argument("--pythons", nargs="+", metavar="PYTHON", help="measure with each of them")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.pythons:
        runs = [measure_with(python, arguments.rounds) for python in arguments.pythons]
        lines = list(side_by_side(runs))
        if arguments.write:
            write("bench weak pythons", lines)
        else:
            print("\n".join(lines))
        return 0
    run = measure(arguments.rounds, arguments.cold)
    if arguments.json:
        print(json.dumps(astuple(run)))
        return 0
    as_document = arguments.markdown or arguments.write
    lines = [*table("hot, ns", run.hot, as_document)]
    if run.cold:
        lines += table("cold, ns", run.cold, as_document)
    lines += table("bytes", run.sizes, as_document)
    if arguments.write:
        write("bench weak", [f"{run.machine}.", "", *lines])
    else:
        print("\n".join([run.machine, *lines]))
    return 0 if report(run) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Objects that change the table whenever they are asked anything. Prints what was reached.

python weak_hostile.py SEED STEPS
"""

import copy
import functools
import gc
import random
import sys
import threading
import weakref

from mortmain import weak

source = random.Random(int(sys.argv[1]))
STEPS = int(sys.argv[2])
ALGEBRA = (
    "union", "difference", "intersection", "symmetric_difference", "update", "difference_update",
    "issubset", "intersection_update", "symmetric_difference_update", "issuperset", "__eq__",
)  # fmt: skip
counts = {"eq": 0, "hash": 0, "del": 0, "callback": 0, "raised": 0}
depth = 0


class Raised(Exception):
    """What __eq__ raises now and then."""


class Hostile:
    """Changes some table in __eq__, __hash__ and __del__; hashes collide."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.link = None

    def __eq__(self, other: object) -> bool:
        counts["eq"] += 1
        disturb()
        if source.random() < 0.02:
            raise Raised
        return isinstance(other, Hostile) and self.number == other.number

    def __hash__(self) -> int:
        counts["hash"] += 1
        if source.random() < 0.05:
            disturb()
        return self.number % 5

    def __del__(self) -> None:
        counts["del"] += 1
        disturb()


def told(_ref: object) -> None:
    """A callback of somebody else's weak reference."""
    counts["callback"] += 1
    disturb()


objects: list = []
refs: list = []
iterators: list = []
by_id = functools.partial(weak.WeakIdKeyDictionary, ephemeron=True)
keys: list = [weak.WeakKeyDictionary(), weak.EphemeronDict(), weak.EphemeronDict()]
ids: list = [weak.WeakIdKeyDictionary(), by_id()]
values: list = [weak.WeakValueDictionary() for _ in range(2)]
sets: list = [weak.WeakSet() for _ in range(2)]


def some() -> Hostile:
    """An object that is alive, or a new one that nobody else holds."""
    if objects and source.random() < 0.8:
        return source.choice(objects)
    return Hostile(source.randrange(20))


def disturb() -> None:
    """A few steps, unless we are deep in such already."""
    global depth
    if depth < 4:
        depth += 1
        try:
            for _ in range(source.randrange(3)):
                step()
        except (IndexError, KeyError, Raised, RuntimeError):
            counts["raised"] += 1
        finally:
            depth -= 1


def step_objects() -> None:
    """Births, deaths and cycles."""
    what = source.randrange(6)
    if what < 2:
        objects.append(Hostile(source.randrange(20)))
    elif what < 4 and objects:
        objects.pop(source.randrange(len(objects)))
    elif what == 4:
        refs.append(weakref.ref(some(), told))
        del refs[:-20]
    else:
        some().link = [some(), source.choice(keys + values)]
    if source.random() < 0.05:  # what hangs on them
        vars(some()).pop("__ephemerons__", None)
        objects.append(copy.copy(some()))
    del objects[:-40]


def step_mapping(table) -> None:
    """Any method of a dictionary."""
    first, second = some(), some()
    what = source.randrange(16)
    if what < 5:
        table[first] = second
    elif what == 5:
        table.pop(first, None)
    elif what == 6:
        table.setdefault(first, second)
    elif what == 7:
        table.get(first), first in table
    elif what == 8 and len(table):
        table.popitem()
    elif what == 9 and source.random() < 0.2:
        table.clear()
    elif what == 10:
        iterators.append(source.choice([iter, type(table).items, type(table).values])(table))
        del iterators[:-10]
    elif what == 11 and iterators:
        next(source.choice(iterators), None)
    elif what == 12:
        table.update(source.choice(keys + values + ids).copy())
    elif what == 13:
        table == table.copy(), len(list(table.items())), table.data
    elif what == 14:
        del table[first]
    elif source.random() < 0.1:
        table.__init__()


def step_set(members) -> None:
    """Any method of a set."""
    other = source.choice(sets)
    name = source.choice(ALGEBRA)
    what = source.randrange(4)
    if what < 2:
        members.add(some())
    elif what == 2:
        getattr(members, source.choice(["add", "discard", "remove", "__contains__"]))(some())
    else:
        getattr(members, name)(other)


def step() -> None:
    """One thing that can be done."""
    what = source.randrange(4)
    if what == 0:
        step_objects()
    elif what == 3:
        step_set(source.choice(sets))
    else:
        step_mapping(source.choice(keys + ids + values))


def replace() -> None:
    """A table dies with what is in it."""
    keys[source.randrange(2)] = source.choice([weak.WeakKeyDictionary, weak.EphemeronDict])()
    ids[source.randrange(2)] = source.choice([weak.WeakIdKeyDictionary, by_id])()
    for tables in (values, sets):
        at = source.randrange(2)
        tables[at] = type(tables[at])()


gc.set_threshold(1)
for number in range(STEPS):
    try:
        step()
        if number % 50 == 0:
            replace()
    except (IndexError, KeyError, Raised, RuntimeError):
        counts["raised"] += 1
depth = 1000
gc.set_threshold(700)
for table in keys + ids + values + sets:
    assert len(table) == len(list(table)), "what is counted is not there"
objects.clear()
iterators.clear()
gc.collect()
assert threading.active_count() == 1
print("done", *(name for name, count in counts.items() if count))

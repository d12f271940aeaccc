"""Random operations on the patterns of mortmain.weak, among objects that meddle when asked.

python weak_patterns_hostile.py SEED ROUNDS

Every allocation may start a collection. Objects do something when they are compared, hashed,
ordered, called, copied, set as an attribute, or die, and sometimes they raise. With an even seed
nobody meddles while a link is read or written: then links and lists say the same after each round,
and a cache of the last used keeps no more than it may.
"""

import contextlib
import copy
import gc
import pickle
import random
import sys
import weakref

from mortmain.weak import (
    Bounded,
    KeyedRef,
    Signal,
    WeakChildren,
    WeakLink,
    WeakLRU,
    WeakMethod,
    cached_method,
)

SEED, ROUNDS = int(sys.argv[1]), int(sys.argv[2])
CHOICE = random.Random(SEED)
STRICT = SEED % 2 == 0
gc.set_threshold(1)
DEPTH = [0]


class Failed(Exception):
    """What some of them raise."""


def meddle(rate=0.5):
    """Perhaps something happens, perhaps it raises."""
    if DEPTH[0] < 3 and CHOICE.random() < rate:
        DEPTH[0] += 1
        try:
            operate()
        finally:
            DEPTH[0] -= 1
    if CHOICE.random() < 0.02:
        raise Failed


class Node:
    """Of a tree."""

    parent = WeakLink()
    children = WeakChildren("parent")
    age = Bounded(0, 9, seen=True, too_low=lambda *told: (meddle(), Failed())[1])
    heard = Signal(int)

    def __eq__(self, other):
        meddle()
        return CHOICE.random() < 0.1

    def __hash__(self):
        meddle(0.1)
        return 7

    def __lt__(self, other):
        meddle()
        return CHOICE.random() < 0.5

    def __del__(self):
        with contextlib.suppress(Failed, AttributeError):
            meddle(0.2)

    @cached_method(maxsize=2)
    def half(self, number):
        meddle()
        return Value(number)

    def hear(self, *told):
        meddle()


class Bare(Node):
    """With slots."""

    __slots__ = ("_age", "_children", "_parent")


class Touchy(Node):
    """Meddles while its links are read and written."""

    @property
    def _parent(self):
        if not STRICT:
            meddle()
        return self.__dict__.get("under")

    @_parent.setter
    def _parent(self, value):
        if not STRICT:
            meddle()
        self.__dict__["under"] = value
        if not STRICT:
            meddle()

    @_parent.deleter
    def _parent(self):
        if self.__dict__.pop("under", None) is None:
            raise AttributeError("under")


class Sibling(Node):
    """Of a class that is made anew all the time."""


class Value:
    """A number that meddles."""

    def __init__(self, number):
        self.number = number

    def __ge__(self, other):
        meddle()
        return self.number >= other

    def __le__(self, other):
        meddle()
        return self.number <= other

    def __gt__(self, other):
        return not self <= other

    def __lt__(self, other):
        return not self >= other

    def __eq__(self, other):
        meddle()
        return isinstance(other, Value) and self.number == other.number

    def __hash__(self):
        meddle(0.1)
        return self.number

    def __index__(self):
        meddle()
        return self.number % 3

    def __del__(self):
        with contextlib.suppress(Failed, AttributeError):
            meddle(0.1)

    def __reduce__(self):
        return Value, (self.number,)


def told(ref):
    """A callback: what it raises nobody gets."""
    with contextlib.suppress(Failed):
        meddle()


NODES = []
CACHES = [WeakLRU(CHOICE.randrange(4)) for _ in range(2)]
KEPT = []


def node():
    """One of those there are, or a new one."""
    if not NODES or CHOICE.random() < 0.2:
        kind = CHOICE.choice((Node, Bare, Touchy, Sibling))
        NODES.append(kind())
    return CHOICE.choice(NODES)


def some():
    """A few, mostly different ones."""
    return [node() for _ in range(CHOICE.randrange(4))]


def span():
    """A slice, of bounds that meddle."""
    first = CHOICE.randrange(5)
    return slice(Value(first), first + CHOICE.randrange(3))


def on_children():
    """Anything that a list can do."""
    children = node().children
    CHOICE.choice(
        (
            lambda: children.append(node()),
            lambda: children.append(node()),
            lambda: children.insert(Value(CHOICE.randrange(4)), node()),
            lambda: children.extend(some()),
            lambda: children.extend(node().children),
            lambda: children.remove(node()),
            lambda: children.pop(),
            lambda: children.pop(Value(CHOICE.randrange(4))),
            lambda: children.clear(),
            lambda: children.sort(),
            lambda: children.sort(key=lambda child: (meddle(), id(child))[1]),
            lambda: children.reverse(),
            lambda: children.index(node()),
            lambda: children.count(node()),
            lambda: node() in children,
            lambda: children == node().children,
            lambda: children == some(),
            lambda: children.__setitem__(span(), some()),
            lambda: children.__delitem__(span()),
            lambda: children.__setitem__(Value(0), node()),
            lambda: children.__iadd__(some()),
            lambda: children + some(),
            lambda: list(reversed(children)),
            lambda: [meddle() for _ in children],
            lambda: repr(children),
        )
    )()


def on_links():
    """Set and read by hand."""
    CHOICE.choice(
        (
            lambda: setattr(node(), "parent", node()),
            lambda: setattr(node(), "parent", None),
            lambda: delattr(node(), "parent"),
            lambda: node().parent,
            lambda: setattr(node(), "children", some()),
            lambda: delattr(node(), "children"),
            lambda: node().__dict__.clear() if not STRICT else None,
        )
    )()


def on_instances():
    """What an instance keeps."""
    CHOICE.choice(
        (
            lambda: setattr(node(), "age", Value(CHOICE.randrange(-2, 12))),
            lambda: delattr(node(), "age"),
            lambda: [meddle() for _ in Node.age.seen.items()],
            lambda: node().half(Value(CHOICE.randrange(4))),
            lambda: KEPT.append(node().half),
            lambda: node().half.cache_clear(),
            lambda: node().half.cache_info(),
            lambda: node().heard.connect(node().hear),
            lambda: node().heard.emit(1),
            lambda: KEPT.append(WeakMethod(node().hear, told)),
            lambda: KEPT.append(KeyedRef(node(), told, node())),
            lambda: KEPT and KEPT[-1] == KEPT[0],
            lambda: KEPT.pop(CHOICE.randrange(len(KEPT))) if KEPT else None,
        )
    )()


def on_caches():
    """A cache of the last used, with keys that meddle."""
    cache, key = CHOICE.choice(CACHES), Value(CHOICE.randrange(4))
    CHOICE.choice(
        (
            lambda: cache.__setitem__(key, node()),
            lambda: cache.__setitem__(key, Value(3)),
            lambda: cache.get(key),
            lambda: cache.pop(key, None),
            lambda: cache.popitem(),
            lambda: cache.setdefault(key, node()),
            lambda: cache.update([(key, node()), (Value(1), node())]),
            lambda: setattr(cache, "maxsize", CHOICE.randrange(4)),
            lambda: [meddle() for _ in cache.items()],
            lambda: cache.copy().kept(),
            lambda: cache.clear() if CHOICE.random() < 0.2 else None,
            lambda: key in cache,
        )
    )()


def on_copies():
    """They end somewhere."""
    one = node()
    CHOICE.choice(
        (
            lambda: NODES.append(copy.copy(one)),
            lambda: NODES.append(copy.deepcopy(one)),
            lambda: NODES.append(pickle.loads(pickle.dumps(one, 4))),
        )
    )()


def let_go():
    """Somebody dies, or many."""
    if len(NODES) > 30:
        del NODES[: CHOICE.randrange(20)]
    elif NODES:
        NODES.pop(CHOICE.randrange(len(NODES)))
    if CHOICE.random() < 0.02:
        gc.collect()


EXPECTED = (Failed, LookupError, ValueError, AttributeError, TypeError, RuntimeError)


def operate():
    """One operation; what it may raise is nothing else than this."""
    with contextlib.suppress(EXPECTED):
        CHOICE.choice(
            (on_children, on_children, on_links, on_instances, on_caches, let_go)
            + ((on_copies,) if CHOICE.random() < 0.1 else ())
        )()


def check():
    """Links and lists say the same, and no cache keeps more than it may."""
    for cache in CACHES:
        kept = cache.kept()
        assert len(kept) <= cache.maxsize, (kept, cache.maxsize)
    for one in NODES:
        for child in one.children:
            assert child.parent is one, (child, one)
        with contextlib.suppress(LookupError):
            parent = one.parent
            if parent is not None:
                assert sum(child is one for child in parent.children) <= 1


def check_quietly():
    """As check(), while nobody meddles."""
    DEPTH[0] += 3
    try:
        for _ in range(20):
            with contextlib.suppress(Failed):
                return check()
    finally:
        DEPTH[0] -= 3


for turn in range(ROUNDS):
    operate()
    if STRICT and turn % 10 == 0:
        check_quietly()

DEPTH[0] = 3
gc.set_threshold(700)
one = NODES[0] if NODES else node()
left = weakref.ref(one)
del one
NODES.clear()
KEPT.clear()
for cache in CACHES:
    cache.clear()
for _ in range(5):
    gc.collect()
assert left() is None, gc.get_referrers(left())
print("done", len(Node.age.seen))

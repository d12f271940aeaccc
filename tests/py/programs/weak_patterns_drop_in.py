"""weak_drop_in.py once more, with WeakLink, Signal, WeakLRU and Bounded: it prints the same."""

import gc

import mortmain.weak as weakref
from mortmain.weak import Bounded, Signal, WeakChildren, WeakLink, WeakLRU


def parent_is_gone(node):
    """What the tree's users know."""
    raise LookupError(f"the parent of {node.name} is gone")


class Node:
    """A parent known weakly."""

    parent = WeakLink(parent_is_gone)
    children = WeakChildren("parent")

    def __init__(self, name, parent=None):
        self.name = name
        if parent is not None:
            parent.children.append(self)

    def __repr__(self):
        return f"Node({self.name})"


class Subject:
    """Observers, weakly."""

    told = Signal()

    def __init__(self):
        self.observers = weakref.WeakSet()

    def tell(self, what):
        for observer in sorted(self.observers, key=lambda one: one.name):
            print(observer.name, "hears", what)
        self.told.emit(what)


class Observer:
    def __init__(self, name):
        self.name = name

    def hear(self, what):
        print(self.name, "hears by method", what)


class TooLow(ValueError):
    pass


class TooHigh(ValueError):
    pass


class Person:
    age = Bounded(
        0,
        150,
        too_low=lambda name, value, limit: TooLow(f"{value} < {limit}"),
        too_high=lambda name, value, limit: TooHigh(f"{value} > {limit}"),
        seen=True,
    )
    note = Bounded(default="nothing", seen=True)

    def __init__(self, name):
        self.name = name


def references():
    one = Observer("one")
    told = []
    ref = weakref.ref(one, lambda ref: told.append(ref() is None))
    proxy = weakref.proxy(one)
    print(ref() is one, proxy.name, weakref.getweakrefcount(one), len(weakref.getweakrefs(one)))
    end = weakref.finalize(one, print, "finalized", one.name)
    print(end.alive)
    del one
    print(ref(), told, end.alive)
    try:
        print(proxy.name)
    except ReferenceError as error:
        print(error)


def tree():
    root = Node("root")
    leaf = Node("leaf", Node("branch", root))
    print(root.children, leaf.parent, leaf.parent.parent, root.parent)
    branch = leaf.parent
    del root
    gc.collect()
    try:
        print(branch.parent)
    except LookupError as error:
        print(error)


def observers():
    subject, one, two = Subject(), Observer("one"), Observer("two")
    subject.observers |= {one, two}
    subject.told.connect(one.hear)
    subject.tell("this")
    del one
    subject.tell("that")
    print(len(subject.observers), two in subject.observers, bool(subject.observers))
    subject.observers.discard(two)
    print(len(subject.observers), subject.observers)


def caches():
    cache = WeakLRU(0)  # keeps nothing: a WeakValueDictionary

    def load(name):
        found = cache.get(name)
        if found is None:
            print("loading", name)
            found = cache.setdefault(name, Observer(name))
        return found

    a = load("a")
    print(load("a") is a, sorted(cache), "a" in cache, dict(cache.items()) == {"a": a})
    b = load("b")
    print([name for name, _ in cache.items()], len(cache), cache["b"] is b)
    del a
    print(list(cache.keys()), [one.name for one in cache.values()])
    try:
        cache["a"]
    except KeyError as error:
        print("KeyError", error)
    print(cache.pop("b") is b, cache.pop("b", "gone"))
    try:
        cache.popitem()
    except KeyError as error:
        print(error)


def descriptors():
    ann, bob = Person("ann"), Person("bob")
    ann.age, bob.age, ann.note = 30, 40, "x"
    for age in (-1, 151):
        try:
            ann.age = age
        except ValueError as error:
            print(type(error).__name__, error)
    print(ann.age, bob.age, ann.note, bob.note)
    seen = Person.age.seen
    print(sorted((person.name, age) for person, age in seen.items()), len(seen.keyrefs()))
    del ann
    print([person.name for person in seen], len(seen), len(Person.note.seen))
    both = seen | {bob: 41}
    both |= {bob: 42}
    print(both[bob], seen[bob], seen == {bob: 40}, both != seen, seen.copy() == seen)


for part in (references, tree, observers, caches, descriptors):
    print(f"-- {part.__name__}")
    part()

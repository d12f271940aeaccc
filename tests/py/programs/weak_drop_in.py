"""What programs do with weakref. It prints the same with `import mortmain.weak as weakref`."""

import gc

import IMPORT as weakref


class Node:
    """A parent known weakly."""

    def __init__(self, name, parent=None):
        self.name = name
        self.children = []
        self._parent = None if parent is None else weakref.ref(parent)
        if parent is not None:
            parent.children.append(self)

    @property
    def parent(self):
        if self._parent is None:
            return None
        parent = self._parent()
        if parent is None:
            raise LookupError(f"the parent of {self.name} is gone")
        return parent

    def __repr__(self):
        return f"Node({self.name})"


class Subject:
    """Observers, weakly."""

    def __init__(self):
        self.observers = weakref.WeakSet()
        self.methods = []

    def tell(self, what):
        for observer in sorted(self.observers, key=lambda one: one.name):
            print(observer.name, "hears", what)
        for method in self.methods:
            if method() is not None:
                method()(what)


class Observer:
    def __init__(self, name):
        self.name = name

    def hear(self, what):
        print(self.name, "hears by method", what)


class Tracked:
    """A descriptor that keeps a value for each instance, and says which there are."""

    def __init__(self):
        self.values = weakref.WeakKeyDictionary()

    def __get__(self, instance, owner=None):
        return self if instance is None else self.values.get(instance, "nothing")

    def __set__(self, instance, value):
        self.values[instance] = value


class Age:
    """A value for each instance, with two exceptions."""

    class TooLow(ValueError):
        pass

    class TooHigh(ValueError):
        pass

    def __init__(self, low, high):
        self.low, self.high, self.ages = low, high, weakref.WeakKeyDictionary()

    def __get__(self, instance, owner=None):
        return self if instance is None else self.ages[instance]

    def __set__(self, instance, value):
        if value < self.low:
            raise self.TooLow(f"{value} < {self.low}")
        if value > self.high:
            raise self.TooHigh(f"{value} > {self.high}")
        self.ages[instance] = value


class Person:
    age = Age(0, 150)
    note = Tracked()

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
    subject.methods.append(weakref.WeakMethod(one.hear))
    subject.tell("this")
    del one
    subject.tell("that")
    print(len(subject.observers), two in subject.observers, bool(subject.observers))
    subject.observers.discard(two)
    print(len(subject.observers), subject.observers)


def caches():
    cache = weakref.WeakValueDictionary()

    def load(name):
        found = cache.get(name)
        if found is None:
            print("loading", name)
            found = cache.setdefault(name, Observer(name))
        return found

    a = load("a")
    print(load("a") is a, sorted(cache), "a" in cache, dict(cache) == {"a": a})
    b = load("b")
    print([name for name, _ in cache.items()], len(cache.valuerefs()), cache.valuerefs()[1]() is b)
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
    seen = Person.age.ages
    print(sorted((person.name, age) for person, age in seen.items()), len(seen.keyrefs()))
    del ann
    print([person.name for person in seen], len(seen), len(Person.note.values))
    both = seen | {bob: 41}
    both |= {bob: 42}
    print(both[bob], seen[bob], seen == {bob: 40}, both != seen, seen.copy() == seen)


for part in (references, tree, observers, caches, descriptors):
    print(f"-- {part.__name__}")
    part()

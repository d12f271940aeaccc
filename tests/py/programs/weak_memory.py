"""Every operation of mortmain.weak, with each of its requests for memory refused in turn.

python weak_memory.py [CASE...]

An operation that fails says MemoryError and nothing else, and what it worked on is whole: the same
operation, tried again, does what it does. Prints how many cases there are, and what was wrong.
"""

import collections
import contextlib
import copy
import gc
import pickle
import sys
import warnings
from _testcapi import remove_mem_hooks, set_nomemory

from mortmain import weak


class Key:
    """Can be referred to weakly."""

    def method(self, *args, **kwargs):
        return args


class Equal:
    """Equal to all of its number; hashed and compared in Python."""

    def __init__(self, number):
        self.number = number

    def __eq__(self, other):
        return self.number == other.number

    def __hash__(self):
        return self.number


class Node:
    """Of a tree."""

    parent = weak.WeakLink()
    children = weak.WeakChildren("parent")


class Person:
    """Has something of everything."""

    age = weak.Bounded(0, 150, seen=True)
    changed = weak.Signal(int)
    boss = weak.WeakLink("proxy")

    @weak.cached_method(maxsize=2)
    def sum(self, *numbers):
        return sum(numbers)


CASES = {}


def case(function):
    """A case gives what is done, and what must be so afterwards, whether it failed or not."""
    CASES[function.__name__] = function
    return function


# ---- containers ---------------------------------------------------------------------------------


def containers(kind):
    """Each with its way to put in and to ask; the members are as many as fill the table."""
    keys = [Key() for _ in range(5)]
    table = kind()
    for key in keys:
        if kind is weak.WeakSet:
            table.add(key)
        elif kind in (weak.WeakValueDictionary, weak.WeakLRU):
            table[id(key)] = key
        else:
            table[key] = [key]
    return table, keys


def whole(table, keys):
    """All that is in it is among the keys; each once, and the length is that of the list."""
    members = list(table)
    assert len(members) == len(table), (len(members), len(table))
    if isinstance(table, (weak.WeakValueDictionary, weak.WeakLRU)):
        assert set(members) <= {id(key) for key in keys}
        assert all(id(table[name]) == name for name in members)
    else:
        assert {id(key) for key in members} <= {id(key) for key in keys}
        assert all(key in table for key in members)


# Until 3.13 the interpreter itself does not survive what copy.py does without memory.
COPIES = sys.version_info >= (3, 14)


def copied(one):
    """A deep copy."""
    return copy.deepcopy(one) if COPIES else one


def pickled_bytes(one):
    """What goes wrong while it looks for a class, pickle calls by another name."""
    try:
        return pickle.dumps(one, 5)
    except pickle.PicklingError as error:
        raise MemoryError from error


def way_to_put(kind):
    """How something is put into one of this kind."""
    return {
        weak.WeakSet: lambda table, key: table.add(key),
        weak.WeakValueDictionary: lambda table, key: table.__setitem__(id(key), key),
        weak.WeakLRU: lambda table, key: table.__setitem__(id(key), key),
    }.get(kind, lambda table, key: table.__setitem__(key, [key]))


def add_container_cases(kind):
    """What leaves a container as it is, or adds to it."""
    put = way_to_put(kind)

    def new_entry():
        table, keys = containers(kind)
        keys += [Key(), Key()]

        def act():
            put(table, keys[-2])
            put(table, keys[-1])

        def check(done):
            whole(table, keys)
            assert len(table) == 7 or not done

        return act, check

    def copies():
        table, keys = containers(kind)

        def act():
            table.copy()
            copied(table)

        return act, lambda done: whole(table, keys)

    def pickled():
        table, keys = containers(kind)
        return lambda: pickled_bytes(table), lambda done: whole(table, keys)

    def walks():
        table, keys = containers(kind)

        def act():
            list(table)
            if kind is not weak.WeakSet:
                list(table.items())
                list(table.values())
            repr(table)

        return act, lambda done: whole(table, keys)

    for function in (new_entry, copies, pickled, walks):
        CASES[f"{kind.__name__}.{function.__name__}"] = function


def add_changing_cases(kind):
    """What takes out, and what works on two of them."""
    put = way_to_put(kind)

    def algebra():
        table, keys = containers(kind)
        more = [Key(), Key()]

        def act():
            if kind is weak.WeakSet:
                _ = table | set(more), table & set(keys[:2]), table - set(keys), table ^ set(more)
                table.__ior__(more)
                table.__iand__(set(keys))
                table.__isub__(keys[:1])
                table.__ixor__(more)
            elif kind is not weak.WeakLRU:
                other = kind()
                put(other, more[0])
                _ = table | other
                table.__ior__(other)
                _ = table == other
            table.clear()

        return act, lambda done: whole(table, keys + more)

    def takes():
        table, keys = containers(kind)

        def act():
            table.pop() if kind is weak.WeakSet else table.popitem()
            if kind in (weak.WeakValueDictionary, weak.WeakLRU):
                table.pop(id(keys[0]), None)
                table.setdefault(id(keys[0]), keys[0])
            elif kind is not weak.WeakSet:
                table.pop(keys[0], None)
                table.setdefault(keys[0], [])

        return act, lambda done: whole(table, keys)

    for function in (algebra, takes):
        CASES[f"{kind.__name__}.{function.__name__}"] = function


for one in (
    weak.WeakKeyDictionary,
    weak.WeakIdKeyDictionary,
    weak.EphemeronDict,
    weak.WeakValueDictionary,
    weak.WeakSet,
    weak.WeakLRU,
):
    add_container_cases(one)
    add_changing_cases(one)


@case
def equal_keys():
    table = weak.WeakKeyDictionary()
    keys = [Equal(number) for number in range(6)]

    def act():
        for key in keys:
            table[key] = key.number
        table[Equal(3)] = 33
        table.pop(Equal(2))

    def check(done):
        assert len(table) <= 6
        assert not done or table[keys[3]] == 33

    return act, check


@case
def sweep():
    table = weak.WeakKeyDictionary()
    keys = [Key() for _ in range(4)]
    for key in keys:
        table[key] = [key]
    keys.pop()
    del key

    def act():
        left = len(table) - 3
        assert len(weak.find_ephemeron_leaks(table)) == left
        assert weak.sweep(table) == left

    def check(done):
        assert len(table) == 3 or (len(table) == 4 and not done)
        assert all(key in table for key in keys)

    return act, check


# ---- signals ------------------------------------------------------------------------------------


@case
def signal_connect():
    signal = weak.Signal()
    some = [Key() for _ in range(20)]
    owner, sender = Key(), Key()

    def hear(*args):
        return args

    def act():
        for key in some:
            signal.connect(key.method)
        signal.connect(hear, owner=owner, sender=sender)
        signal.connect(print, priority=3, once=True, max_args=0)
        assert signal.disconnect(print)
        signal.connect(some[0].method, priority=2, sender=sender)

    def check(done):
        receivers = signal.receivers_for(sender)
        assert len(signal) == len(receivers), (len(signal), receivers)
        assert not done or len(signal) == 22
        assert all(receiver in signal for receiver in receivers)
        for receiver in receivers:
            assert signal.disconnect(receiver) or receiver == some[0].method
        assert not signal
        assert len(signal) == 0
        if not done:
            act()

    return act, check


@case
def signal_calls():
    signal = weak.Signal()
    some = [Key() for _ in range(3)]
    for key in some:
        signal.connect(key.method)
    owner = Key()
    signal.connect(lambda *args, **kwargs: None, owner=owner, max_args=1)

    def act():
        signal(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
        signal.emit(1, word=2)
        assert len(signal.send(some[0], word=2)) == 4
        assert len(signal.send_robust(some[0], word=2)) == 4
        signal.receivers_for()
        repr(signal)

    def check(done):
        assert len(signal) == 3 + (owner is not None)

    return act, check


@case
def signal_scopes():
    signal = weak.Signal()
    receiver = Key().method

    def act():
        with signal.muted():
            assert signal.emit() is None
        with signal.connected_to(receiver):
            signal.emit(1)

    def check(done):
        assert len(signal) == 0, signal
        signal.connect(receiver)
        assert len(signal.send(None)) == 1
        signal.disconnect(receiver)

    return act, check


@case
def signal_of_instance():
    person = Person()

    def act():
        person.changed.connect(print)
        if COPIES:
            copy.copy(person).changed.emit(1)
            copy.copy(person.changed)

    def check(done):
        assert person.changed is person.changed
        assert not done or len(person.changed) == 1

    return act, check


@case
def weak_method():
    key = Key()

    def act():
        method = weak.WeakMethod(key.method, callable)
        key.method_again = method
        assert method()(1) == (1,)
        assert method == weak.WeakMethod(key.method)
        weak.WeakMethod({1}.add, callable)

    return act, lambda done: None


# ---- patterns -----------------------------------------------------------------------------------


def tree_is_whole(nodes):
    """Whoever has a parent stands in its list, and whoever stands in a list has that parent."""
    where = collections.Counter()
    for node in nodes:
        for child in node.children:
            assert child.parent is node
            where[id(child)] += 1
    for node in nodes:
        parent = node.parent
        assert where[id(node)] == (parent is not None), (where[id(node)], parent)


def tree():
    """A root, two branches with ten leaves each, and one by itself."""
    nodes = [Node() for _ in range(24)]
    nodes[0].children = nodes[1:3]
    nodes[1].children = nodes[3:13]
    nodes[2].children = nodes[13:23]
    return nodes


def add_tree_case(name, act):
    def made():
        nodes = tree()
        return lambda: act(nodes), lambda done: tree_is_whole(nodes)

    CASES[f"tree.{name}"] = made


def delete_item(nodes):
    del nodes[1].children[2:7]


def set_slice(nodes):
    nodes[1].children[1:3] = [nodes[23]]


for name, act in {
    "append": lambda nodes: nodes[0].children.append(nodes[23]),
    "append many": lambda nodes: nodes[23].children.extend(list(nodes[1].children)),
    "move up": lambda nodes: nodes[0].children.append(nodes[20]),
    "move in place": lambda nodes: nodes[1].children.insert(0, nodes[9]),
    "move to the end": lambda nodes: nodes[1].children.append(nodes[4]),
    "remove": lambda nodes: nodes[1].children.remove(nodes[5]),
    "pop": lambda nodes: nodes[1].children.pop(),
    "clear": lambda nodes: nodes[1].children.clear(),
    "sort": lambda nodes: nodes[1].children.sort(key=id, reverse=True),
    "reverse": lambda nodes: nodes[1].children.reverse(),
    "set": lambda nodes: setattr(nodes[23], "children", nodes[5:9] + nodes[15:19]),
    "set fewer": lambda nodes: setattr(nodes[1], "children", nodes[5:9]),
    "delete item": delete_item,
    "set slice": set_slice,
    "unlink": lambda nodes: setattr(nodes[5], "parent", None),
    "deepcopy": lambda nodes: tree_is_whole(list(walk(copied(nodes[0])))),
    "pickle": lambda nodes: tree_is_whole(list(walk(pickle.loads(pickled_bytes(nodes[0]))))),
    "ask": lambda nodes: (repr(nodes[1].children), nodes[1].children == nodes[2].children),
}.items():
    add_tree_case(name, act)


def walk(node):
    """The node and all below it."""
    yield node
    for child in node.children:
        yield from walk(child)


@case
def link():
    child, parent = Person(), Person()

    def act():
        child.boss = parent
        assert child.boss.sum() == 0
        child.boss = None

    return act, lambda done: None


@case
def bounded():
    person = Person()

    def act():
        person.age = 30
        with contextlib.suppress(ValueError):
            person.age = 151
        assert person.age == 30
        assert Person.age.seen[person] == 30
        del person.age
        weak.Bounded(0, 1, seen=True)

    return act, lambda done: None


@case
def cached():
    person = Person()

    def act():
        assert person.sum(1, 2) == person.sum(1, 2) == 3
        assert person.sum(1, 2, 3) + person.sum(4) == 10
        assert person.sum(*range(20)) == 190
        person.sum.cache_clear()
        repr(person.sum)
        person.sum.cache_info()
        pickled_bytes(person)
        weak.cached_method(maxsize=3)(len)

    def check(done):
        assert person.sum(1, 2) == 3
        assert person.sum.cache_info().currsize <= 2

    return act, check


# ---- the loop -----------------------------------------------------------------------------------


def attempt(made, refused):
    """Do a case with one request refused: is it over, and what was wrong?"""
    act, check = made()
    done, wrong = False, None
    error = None
    set_nomemory(refused, refused + 1)
    try:
        act()
        done = True
    except MemoryError:
        pass
    except BaseException as raised:
        error = raised
    finally:
        remove_mem_hooks()
    if error is not None:
        wrong = f"request {refused}: {type(error).__name__}: {error}"
    try:
        check(done)
        if not done:
            act()
            check(True)
    except BaseException as raised:
        wrong = wrong or f"after request {refused}: {type(raised).__name__}: {raised}"
    return wrong


def requests_of(made):
    """At least as many as a case asks for memory: with none refused but later ones it succeeds."""
    count = 1
    while True:
        act, _ = made()
        done = False
        set_nomemory(count, 0)
        try:
            act()
            done = True
        except Exception:
            pass
        remove_mem_hooks()
        if done:
            return count
        count *= 2


def main(names):
    warnings.simplefilter("ignore")
    # What the interpreter itself cannot report.
    sys.unraisablehook = lambda *args: None
    gc.disable()
    wrong = []
    for name in names or CASES:
        made = CASES[name]
        attempt(made, 1_000_000)
        for refused in range(requests_of(made)):
            said = attempt(made, refused)
            if said is not None:
                wrong.append(f"{name}: {said}")
    print(len(CASES), *wrong, sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])

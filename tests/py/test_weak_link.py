"""WeakLink and WeakChildren: trees whose links up are weak."""

from __future__ import annotations

import copy
import gc
import pickle
import random
import weakref
from collections.abc import Callable, MutableSequence
from typing import Any

import pytest

from mortmain import weak


class Node:
    """Of a tree."""

    parent: Any = weak.WeakLink["Node"]()
    children: Any = weak.WeakChildren["Node"]("parent")

    def __init__(self, name: Any = None, *children: Node) -> None:
        """With children."""
        self.name = name
        self.children = children

    def __repr__(self) -> str:
        return f"{self.name}"


class Slotted:
    """The same in slots."""

    __slots__ = ("__weakref__", "_children", "_parent")
    parent = weak.WeakLink["Slotted"]()
    children = weak.WeakChildren["Slotted"]("parent")


class Child:
    """Whose parent has a plain list."""

    parent: Any = weak.WeakLink["Parent"]()

    def __init__(self, parent: Parent | None = None) -> None:
        self.parent = parent


class Parent:
    """With a plain list."""

    def __init__(self, count: int = 0) -> None:
        self.children = [Child(self) for _ in range(count)]


def check(*nodes: Node) -> None:
    """Links and lists say the same of these and all below."""
    for node in nodes:
        assert len({id(child) for child in node.children}) == len(node.children)
        for child in node.children:
            assert child.parent is node
        check(*node.children)


# ---- the link ------------------------------------------------------------------------------------


def test_none_a_parent_and_a_dead_one() -> None:
    """None, the parent, and LookupError."""
    child = Child()
    assert child.parent is None
    parent = Parent()
    child.parent = parent
    assert child.parent is parent
    child.parent = None
    assert child.parent is None
    child.parent = parent
    watch = weakref.ref(parent)
    del parent
    assert watch() is None
    for error in (LookupError, ReferenceError, weak.DeadLinkError):
        with pytest.raises(error, match="'parent' of this 'Child' object is gone"):
            child.parent  # noqa: B018
    del child.parent
    assert child.parent is None
    with pytest.raises(AttributeError, match="'Child' object has no attribute 'parent'"):
        del child.parent
    assert isinstance(Child.parent, weak.WeakLink)


def test_policies() -> None:
    """None, a proxy, or what a function gives."""

    class Made:
        none = weak.WeakLink[Parent]("none")
        proxy = weak.WeakLink[Parent](policy="proxy")
        asked = weak.WeakLink[Any](lambda child: (child, "was asked"))

    made: Any = Made()
    assert made.none is made.proxy is made.asked is None
    parent = Parent(3)
    made.none = made.asked = parent
    made.proxy = parent
    assert made.none is made.asked is parent
    assert type(made.proxy) is weakref.ProxyType and len(made.proxy.children) == 3
    made.none = made.proxy  # what it stands for
    assert made.none is parent
    del parent
    assert made.none is None
    asked: Any = made.asked
    assert asked == (made, "was asked")
    with pytest.raises(ReferenceError):
        made.proxy.children  # noqa: B018
    with pytest.raises(ReferenceError):
        made.none = made.proxy
    wrongs: list[Any] = ["other", 3, None]
    for wrong in wrongs:
        with pytest.raises(TypeError, match="policy is 'raise', 'none', 'proxy' or a function"):
            weak.WeakLink(wrong)


def test_where_it_stands() -> None:
    """In a slot too; one clear error without room, or for what cannot be referred to weakly."""
    one, two = Slotted(), Slotted()
    one.parent = two
    assert one.parent is two
    strange: Any = one
    with pytest.raises(TypeError, match="cannot create weak reference to 'int' object"):
        strange.parent = 3
    assert one.parent is two

    class Full:
        __slots__ = ()
        parent = weak.WeakLink[Any]()

    with pytest.raises(TypeError, match="no room for '_parent': put it into __slots__"):
        Full().parent = two


def test_siblings_share_one_reference() -> None:
    """Set one after the other."""
    parent = Parent(100)
    assert weakref.getweakrefcount(parent) == 1


def test_letting_go_of_the_parent_frees_it() -> None:
    """Without the collector."""
    gc.disable()
    try:
        parent = Parent(3)
        watch = [weakref.ref(it) for it in (parent, *parent.children)]
        del parent
        assert [ref() for ref in watch] == [None] * 4
    finally:
        gc.enable()


def test_copies_of_a_link_set_by_hand() -> None:
    """It leads to the copy of the parent, or where it led."""
    parent = Parent(2)
    makes: list[Any] = [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
    for make in makes:
        made = make(parent)
        assert [child.parent for child in made.children] == [made, made]
    (child, _) = parent.children
    assert copy.copy(child).parent is copy.deepcopy(child).parent is parent
    loaded = pickle.loads(pickle.dumps(child))
    with pytest.raises(LookupError):
        loaded.parent  # noqa: B018
    del parent
    for make in [copy.copy, *makes]:
        with pytest.raises(LookupError):
            make(child).parent  # noqa: B018


# ---- the children --------------------------------------------------------------------------------


def test_the_list_sets_and_clears_links() -> None:
    """By each way in and out."""
    a, b, c, d = nodes = [Node(name) for name in "abcd"]
    root = Node("root", a)
    root.children.append(b)
    root.children.insert(0, c)
    root.children += [d]
    assert root.children == [c, a, b, d] and len(root.children) == 4
    check(root)
    assert root.children.pop() is d and d.parent is None
    assert root.children.pop(0) is c and c.parent is None
    root.children.remove(a)
    assert a.parent is None
    del root.children[0]
    assert b.parent is None and not root.children
    root.children.extend([a, b, c])
    root.children[1:] = [d]
    assert [node.parent for node in nodes] == [root, None, None, root]
    root.children[0] = b
    assert [node.parent for node in nodes[:2]] == [None, root]
    del root.children[:]
    assert d.parent is b.parent is None
    root.children = [c, d]
    check(root)
    root.children.clear()
    assert c.parent is d.parent is None
    root.children = [c]
    del root.children
    assert root.children == [] and c.parent is None


def test_a_child_has_one_place() -> None:
    """What is added leaves where it was; what is there moves."""
    a, b, c = (Node(name) for name in "abc")
    one, two = Node("one", a, b, c), Node("two")
    two.children.append(b)
    assert (one.children, two.children, b.parent) == ([a, c], [b], two)
    one.children.append(a)
    assert one.children == [c, a]
    one.children.insert(0, a)
    assert one.children == [a, c]
    one.children.insert(1, a)
    one.children.insert(-1, c)
    one.children.extend(one.children)
    check(one, two)
    with pytest.raises(ValueError, match="the same 'Node' object twice"):
        two.children = [a, b, a]
    with pytest.raises(ValueError, match="twice"):
        one.children[0] = one.children[1]
    assert two.children == [b]
    two.children = [a, b, c]
    assert one.children == []
    check(one, two)


def test_a_link_set_by_hand() -> None:
    """Takes the child out of its list; it is put into none."""
    a, b = Node("a"), Node("b")
    one, two = Node("one", a, b), Node("two")
    a.parent = one
    assert one.children == [a, b]
    a.parent = two
    assert (one.children, two.children, a.parent) == ([b], [], two)
    two.children.append(a)
    two.children.append(a)
    assert two.children == [a]
    b.parent = None
    assert one.children == []
    del a.parent
    assert two.children == []


def test_nobody_stands_below_himself() -> None:
    """Such a ring would keep itself."""
    leaf = Node("leaf")
    root = Node("root", Node("branch", leaf))
    for below in (root, root.children[0], leaf):
        with pytest.raises(ValueError, match="cannot stand below itself"):
            below.children.append(root)
        with pytest.raises(ValueError, match="cannot stand below itself"):
            below.children = [Node("new"), root]
    check(root)
    # Links by hand may make a ring: whoever walks up must not walk for ever.
    a, b, c = Node("a"), Node("b"), Node("c", Node("d"))
    a.parent, b.parent = b, a
    a.children.append(c)
    check(a)


def test_what_has_no_link_is_no_child() -> None:
    """One clear error, and nothing has changed."""
    root = Node("root", Node("a"))
    kept = list(root.children)
    wrongs: list[Any] = [3, None, Parent(), object()]
    for wrong in wrongs:
        changes: list[Any] = [
            lambda it=wrong: root.children.append(it),
            lambda it=wrong: root.children.insert(0, it),
            lambda it=wrong: root.children.__setitem__(0, it),
            lambda it=wrong: setattr(root, "children", [Node("new"), it]),
        ]
        for change in changes:
            with pytest.raises(TypeError, match="objects have no WeakLink 'parent': write"):
                change()
    assert root.children == kept
    check(root)

    class Other:
        parent = weak.WeakLink[Node]()

    mixed: Any = root.children
    mixed.append(Other())
    assert mixed[-1].parent is root
    of_none: list[Callable[[], Any]] = [
        lambda: Node.children.__set__(None, []),
        lambda: Node.children.__delete__(None),
    ]
    for change in of_none:
        with pytest.raises(TypeError, match="None has no children"):
            change()
    wrong_arguments: list[Any] = [3, None]
    for argument in wrong_arguments:
        with pytest.raises(TypeError):
            weak.WeakChildren(argument)
        with pytest.raises(TypeError):
            root.children = argument


def test_a_change_that_fails_changes_nothing() -> None:
    """Whoever was to come is where he was, and has the parent that he had."""
    here, there, alone = Node("here", Node("a")), Node("there", Node("b"), Node("c")), Node("d")
    alone.parent = there
    wrong: Any = object()
    changes: list[Callable[[], Any]] = [
        lambda: setattr(here, "children", [there.children[1], alone, here.children[0], wrong]),
        lambda: here.children.__setitem__(slice(0, 0), [there.children[0], alone, wrong]),
    ]
    for change in changes:
        with pytest.raises(TypeError, match="no WeakLink"):
            change()
        assert [node.name for node in here.children] == ["a"]
        assert [node.name for node in there.children] == ["b", "c"]
        assert alone.parent is there
        check(here)
        check(there)


def test_an_error_on_the_way_up_comes_out() -> None:
    """A ring is not made because somebody interrupted the walk."""

    class Interrupts(type):
        armed = False

        def __getattribute__(cls, name: str) -> Any:
            if Interrupts.armed and name == "parent":
                raise KeyboardInterrupt
            return super().__getattribute__(name)

    class Special(Node, metaclass=Interrupts):
        pass

    root = Node("root", Node("middle", Special("end", Node("below"))))
    end: Any = root.children[0].children[0]
    Interrupts.armed = True
    with pytest.raises(KeyboardInterrupt):
        end.children[0].children.append(root)
    Interrupts.armed = False
    check(root)


def test_it_is_like_a_list() -> None:
    """For what only looks."""
    nodes = [Node(number) for number in range(5)]
    root = Node("root", *nodes)
    children = root.children
    assert isinstance(children, MutableSequence)
    assert children is root.children
    assert repr(children) == "[0, 1, 2, 3, 4]"
    assert (children[0], children[-1], children[1:3]) == (nodes[0], nodes[4], nodes[1:3])
    assert type(children[1:3]) is type(children.copy()) is type(copy.copy(children)) is list
    assert list(children) == nodes and list(reversed(children)) == nodes[::-1]
    assert nodes[2] in children and Node() not in children
    assert (children.index(nodes[3]), children.count(nodes[0])) == (3, 1)
    assert children.__add__([root]) == [*nodes, root]
    assert children == nodes and children != nodes[1:] and children != tuple(nodes)
    assert children <= children.copy() and children >= nodes[:2]
    with pytest.raises(TypeError):
        hash(children)
    children.reverse()
    assert children == nodes[::-1]
    children.sort(key=lambda node: node.name)
    assert children == nodes
    children.sort(key=lambda node: -node.name)
    assert children == nodes[::-1]
    check(root)
    wrongs: list[Any] = [
        lambda: children[9],
        lambda: children.pop(9),
        lambda: Node().children.pop(),
    ]
    for wrong in wrongs:
        with pytest.raises(IndexError):
            wrong()
    with pytest.raises(ValueError):
        children.remove(root)
    with pytest.raises(ValueError):
        children.index(root)
    match children:
        case [first, *_]:
            assert first is nodes[4]
        case _:
            pytest.fail("no sequence")


def test_a_child_is_removed_by_identity_first() -> None:
    """Equal ones stay where they are."""

    class Equal(Node):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Equal)

        __hash__ = Node.__hash__

    a, b = Equal("a"), Equal("b")
    root = Node("root", a, b)
    root.children.remove(b)
    assert [child.name for child in root.children] == ["a"] and b.parent is None
    root.children.remove(Equal("c"))
    assert a.parent is None and not root.children


def test_letting_go_of_the_root_frees_the_tree() -> None:
    """By counting, however deep it is."""
    gc.disable()
    try:
        leaf = Node("leaf")
        watch = weakref.ref(leaf)
        root = Node("root", Node("branch", leaf), Node("other"))
        branch = root.children[0]
        del leaf, root
        with pytest.raises(LookupError):
            branch.parent  # noqa: B018
        assert branch.children[0].parent is branch
        del branch
        assert watch() is None
        root = node = Node("root")
        for _ in range(100_000):
            child = Node()
            node.children.append(child)
            node = child
        watch = weakref.ref(node)
        del root, node, child
        assert watch() is None
    finally:
        gc.enable()


def test_a_list_that_survives_its_parent() -> None:
    """Children can be looked at and taken out; none can be added."""
    root = Node("root", Node("a"), Node("b"))
    children = root.children
    del root
    with pytest.raises(weak.DeadLinkError, match="the parent of these children is gone"):
        children.append(Node("c"))
    with pytest.raises(LookupError):
        children[0].parent  # noqa: B018
    taken = children.pop()
    assert taken.parent is None
    kept = Node("new", *children)
    assert not children and kept.children[0].parent is kept
    assert type(pickle.loads(pickle.dumps(children))) is list


def test_slots() -> None:
    """Both stand in slots."""
    root, leaf = Slotted(), Slotted()
    root.children.append(leaf)
    assert leaf.parent is root
    watch = weakref.ref(leaf)
    del root, leaf
    assert watch() is None


# ---- copies --------------------------------------------------------------------------------------


def test_copies_of_a_tree() -> None:
    """A tree of its own; a branch alone becomes a root; a shallow copy has no children."""
    root = Node("root", Node("branch", Node("leaf")), Node("other"))
    branch = root.children[0]
    makes: list[Any] = [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
    for make in makes:
        made = make(root)
        check(made)
        assert repr(made.children) == "[branch, other]"
        assert repr(made.children[0].children) == "[leaf]"
        alone = make(branch)
        assert alone.parent is None and repr(alone.children) == "[leaf]"
        check(alone)
        both = make([branch, root])
        assert both[0] is both[1].children[0]
        check(both[1])
    check(root)
    shallow = copy.copy(root)
    assert shallow.children == [] and len(root.children) == 2
    sister = copy.copy(branch)
    assert sister.parent is root and sister.children == []
    root.children.append(sister)
    assert root.children == [branch, root.children[1], sister]
    check(root)
    plain = copy.deepcopy(root.children)
    assert type(plain) is list and [node.parent for node in plain] == [None] * 3
    loaded = pickle.loads(pickle.dumps(root.children))
    assert repr(loaded) == "[branch, other, branch]"


# ---- random and hostile --------------------------------------------------------------------------


def test_against_a_model() -> None:
    """Random programs, beside a dict of lists."""
    source = random.Random(3)
    for _ in range(20):
        nodes = [Node(number) for number in range(12)]
        model: dict[int, list[int]] = {number: [] for number in range(12)}

        def above(number: int, model: dict[int, list[int]] = model) -> set[int]:
            found = {number}
            while parents := [key for key, value in model.items() if number in value]:
                (number,) = parents
                found.add(number)
            return found

        def detach(number: int, model: dict[int, list[int]] = model) -> None:
            for value in model.values():
                if number in value:
                    value.remove(number)

        for _ in range(300):
            to, one = source.randrange(12), source.randrange(12)
            what = source.randrange(6)
            if what == 0:
                nodes[one].parent = None
                detach(one)
            elif what == 1 and model[to]:
                at = source.randrange(len(model[to]))
                assert nodes[to].children.pop(at) is nodes[model[to].pop(at)]
            elif what == 2:
                some = source.sample(range(12), source.randrange(4))
                if above(to) & set(some):
                    with pytest.raises(ValueError):
                        nodes[to].children = [nodes[n] for n in some]
                else:
                    nodes[to].children = [nodes[n] for n in some]
                    for number in some:
                        detach(number)
                    model[to] = some
            elif one in above(to):
                with pytest.raises(ValueError):
                    nodes[to].children.append(nodes[one])
            else:
                at = source.randrange(-3, 4)
                size = len(model[to])
                where = max(0, at + size) if at < 0 else min(at, size)
                if one in model[to]:
                    where -= model[to].index(one) < where
                nodes[to].children.insert(at, nodes[one])
                detach(one)
                model[to].insert(where, one)
            assert [[c.name for c in node.children] for node in nodes] == list(model.values())
        check(*nodes)


# Not in a class: one that is let go while it is a class's attribute can be read there meanwhile.
the_root: list[Node] = []


class Rude(Node):
    """Changes the tree when it is compared, shown, or dies."""

    def __eq__(self, other: object) -> bool:
        for root in the_root:
            if len(root.children) < 50:
                root.children.insert(0, Rude("new"))
                root.children.pop()
        gc.collect()
        return False

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        for root in the_root:
            if root.children:
                root.children.pop()
        return "rude"

    def __del__(self) -> None:
        for root in the_root:
            if len(root.children) < 20:
                root.children.append(Rude("late"))


def test_children_that_change_the_list() -> None:
    """A collection at every allocation."""
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for number in range(6):
            root = Node("root", *(Rude(n) for n in range(10)))
            the_root[:] = [root]
            if number % 3 == 0:
                assert Rude("x") not in root.children
                root.children.count(Rude("x"))
            if number % 3 == 1:
                with pytest.raises(ValueError):
                    root.children.remove(Rude("x"))
            repr(root.children)
            root.children[2:5] = [Rude("y")]
            root.children = [Rude("z"), *root.children]
            root.children.sort(key=lambda node: str(repr(node)))
            del root.children[::2]
            check(root)
    finally:
        the_root.clear()
        gc.set_threshold(*threshold)


def test_they_are_collected() -> None:
    """A child that holds its root strongly, beside."""
    root = Node("root", Node("a"))
    root.children[0].name = root
    watch = weakref.ref(root), weakref.ref(root.children)
    del root
    gc.collect()
    assert [ref() for ref in watch] == [None, None]

"""WeakMethod: the stdlib's, and methods that are written in C.

CPython's own tests of it run in test_weak_suites.py.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import sys
import weakref
from collections import deque
from typing import Any

import pytest

import harness
from mortmain import weak
from mortmain.weak import Signal, WeakMethod


class Thing:
    """Equal to others of its number."""

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing) and other.number == self.number

    def __hash__(self) -> int:
        return self.number

    def get(self) -> int:
        return self.number

    def other(self) -> None: ...

    @classmethod
    def make(cls) -> Thing:
        return cls()


class Unhashable:
    """Equal to all, and has no hash."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True

    def get(self) -> None: ...


def test_it_takes_the_place_of_weakrefs() -> None:
    """It is a weak reference, and gives methods of the same type."""
    thing = Thing(3)
    ref = WeakMethod(thing.get)
    theirs: Any = weakref.WeakMethod
    assert weak.WeakMethod is WeakMethod and WeakMethod is not theirs
    assert isinstance(ref, weakref.ref) and ref.__class__.__name__ == "WeakMethod"
    method = ref()
    assert method is not None and method() == 3 and method == thing.get
    assert weakref.getweakrefs(thing) == [ref]
    assert WeakMethod(Thing.make)() == Thing.make
    del method, thing
    assert ref() is None


@pytest.mark.parametrize("make", [weakref.WeakMethod, WeakMethod])
def test_comparison_and_hash(make: Any) -> None:
    """As those of the stdlib's, which take the same test."""
    one, same, other = Thing(1), Thing(1), Thing(2)
    refs = [make(method) for method in (one.get, same.get, other.get, one.other)]
    equal = [[left == right for right in refs] for left in refs]
    unequal = [[left != right for right in refs] for left in refs]
    assert equal == [
        [True, True, False, False], [True, True, False, False], [False, False, True, False],
        [False, False, False, True],
    ]  # fmt: skip
    assert unequal == [[not answer for answer in line] for line in equal]
    assert hash(refs[0]) == hash(refs[1]) == hash(one) == 1
    for left in (refs[0] == 3, refs[0] == one.get, refs[0] == weakref.ref(other)):
        assert left is False
    assert (refs[0] == weakref.ref(one)) is True
    with pytest.raises(TypeError):
        refs[0] < refs[1]  # noqa: B015
    del one, same
    gc.collect()
    assert refs[0] != refs[1] and refs[0] == refs[0]
    assert hash(refs[0]) == 1
    with pytest.raises(TypeError):
        hash(make(Unhashable().get))


@pytest.mark.parametrize("make", [weakref.WeakMethod, WeakMethod])
def test_callbacks(make: Any) -> None:
    """One call, with the reference, at the first death; none when the reference died before."""

    class Local:
        def get(self) -> None: ...

    told: list[Any] = []
    first, second = Local(), Local()
    refs = [make(one.get, told.append) for one in (first, second)]
    lost = make(second.get, told.append)
    del lost
    del first
    assert told == [refs[0]] and told[0] is refs[0]
    del Local.get
    gc.collect()
    assert len(told) == 2 and told[1] is refs[1] and refs[1]() is None
    del second
    assert len(told) == 2


def test_a_callback_that_fails_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    """As with any weak reference: the error has nowhere to go."""
    hook, sys.unraisablehook = sys.unraisablehook, sys.__unraisablehook__
    try:
        thing = Thing()
        ref = WeakMethod(thing.get, lambda ref: 1 // 0)
        del thing
    finally:
        sys.unraisablehook = hook
    assert ref() is None and "ZeroDivisionError" in capsys.readouterr().err


def test_methods_written_in_c() -> None:
    """By the name of the attribute: equal if object and name are."""
    bag, line = {1}, deque([2])
    add, append, discard = WeakMethod(bag.add), WeakMethod(line.append), WeakMethod(bag.discard)
    method = add()
    assert method is not None
    method(3)
    assert bag == {1, 3} and method == bag.add
    assert append == WeakMethod(line.append) != WeakMethod(line.pop)
    told: list[Any] = []
    assert WeakMethod(line.append, told.append) == append
    watched = WeakMethod(line.append, told.append)
    del line
    assert append() is None and told == [watched]
    with pytest.raises(TypeError, match="unhashable"):
        hash(add)
    del bag, method
    assert add() is None and discard() is None


class Louder(set[int]):
    """Its own add() is another than the one it has from set."""

    def add(self, item: int) -> None:
        raise AssertionError("nobody asked for this one")


def test_a_method_written_in_c_that_its_name_does_not_give() -> None:
    """It would call another one."""
    louder = Louder()
    with pytest.raises(TypeError, match="'Louder' objects have another 'add'"):
        WeakMethod(super(Louder, louder).add)
    discard = WeakMethod(super(Louder, louder).discard)
    assert discard() == louder.discard


def test_a_collection_while_the_method_is_made() -> None:
    """The object may go with it; what was given is whole."""
    limits = gc.get_threshold()
    try:
        for _ in range(50):
            gc.collect()
            gc.disable()
            thing: Any = Thing(5)
            thing.self = thing
            ref = WeakMethod(thing.get)
            del thing
            gc.enable()
            gc.set_threshold(1)
            method = ref()
            gc.set_threshold(*limits)
            assert method is None or method() == 5
    finally:
        gc.enable()
        gc.set_threshold(*limits)


@pytest.mark.parametrize("wrong", [1, len, gc.collect, Thing.get, Thing(), lambda: None])
def test_what_is_no_method(wrong: Any) -> None:
    """One line says what it is."""
    with pytest.raises(TypeError, match="argument should be a bound method, not <class"):
        WeakMethod(wrong)
    whole: list[int] = []
    with pytest.raises(TypeError, match="weak reference to 'list' object"):
        WeakMethod(whole.append)
    with pytest.raises(TypeError):
        WeakMethod()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="bound method"):
        WeakMethod(Half())  # type: ignore[arg-type]


class Half:
    """Has a self and no function."""

    __self__ = Thing()


class OwnMethod:
    """A method of a type of its own."""

    def __init__(self, function: Any, thing: Any) -> None:
        self.__func__, self.__self__ = function, thing

    def __call__(self) -> Any:
        return self.__func__(self.__self__)


def test_methods_of_another_type() -> None:
    """What has a self and a function is made again by its type."""
    thing = Thing(4)
    ref = WeakMethod(OwnMethod(Thing.get, thing))
    method = ref()
    assert type(method) is OwnMethod and method() == 4
    del method, thing
    assert ref() is None


class Named(WeakMethod[..., Any]):
    """A subclass with an attribute, and with a say in what it gives."""

    name = "none"

    def __call__(self) -> Any:
        method = super().__call__()
        return None if method is None else (self.name, method)


def test_subclasses() -> None:
    """Attributes, their own __call__, comparison with the others."""
    thing = Thing(5)
    ref = Named(thing.get)
    ref.name = "five"
    name, method = ref()
    assert (name, method()) == ("five", 5)
    assert ref == WeakMethod(thing.get) and WeakMethod(thing.get) == ref
    del method, thing
    assert ref() is None


class Callback:
    def __call__(self, ref: Any) -> None: ...


def make_and_drop() -> None:
    """Uses a reference with a callback once."""
    thing = Thing()
    callback = Callback()
    ref = WeakMethod(thing.get, callback)
    seen: list[Any] = [weakref.ref(ref), weakref.ref(callback)]
    del callback, ref
    assert [one() for one in seen] == [None, None]
    wrongs: list[Any] = [3, [].append]
    for wrong in wrongs:
        # Not pytest.raises(), which leaves cycles behind.
        with contextlib.suppress(TypeError):
            WeakMethod(wrong)
    WeakMethod(set().add, id), WeakMethod(thing.get)()


def test_no_cycle_and_nothing_left() -> None:
    """It goes with its last name, callback or not; the callback goes with it."""
    assert harness.blocks_left(make_and_drop, collect=False) < 0.5


def test_in_a_cycle_with_its_callback() -> None:
    """The collector takes object, reference and callback together, and calls nobody."""
    told: list[Any] = []

    class Holder:
        def __init__(self) -> None:
            self.ref = WeakMethod(self.get, self.tell)

        def get(self) -> None: ...

        def tell(self, ref: Any) -> None:
            told.append(ref)

    dead = weakref.ref(Holder())
    gc.collect()
    assert dead() is None and told == []


def test_signature_and_containers() -> None:
    """help() shows what it takes; it serves as a key, and as a receiver's name."""
    parameters = inspect.signature(WeakMethod).parameters
    assert list(parameters) == ["meth", "callback"]
    thing = Thing(6)
    known = {WeakMethod(thing.get): "six"}
    assert known[WeakMethod(thing.get)] == "six"
    signal = Signal()
    signal.connect(thing.get)
    assert signal.receivers_for() == [WeakMethod(thing.get)()]

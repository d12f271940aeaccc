"""Signal as an attribute of classes, methods that are no functions, copies, subclasses, looks."""

from __future__ import annotations

import copy
import doctest
import gc
import inspect
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mortmain import weak
from mortmain.weak import Signal, cached_method

HEARD: list[Any] = []


class Listener:
    """Hears, and remembers."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def hear(self, *args: Any, **kwargs: Any) -> int:
        self.heard.append((args, kwargs))
        return len(self.heard)


def module_function(*args: Any) -> None:
    """Somebody who hears."""
    HEARD.append(args)


@pytest.fixture(autouse=True)
def nothing_heard() -> None:
    """Each test begins with silence."""
    HEARD.clear()


class Model:
    """Each has a signal of its own."""

    changed = Signal(int)
    moved = Signal(int, int)


class SlottedModel:
    """The same without a __dict__."""

    __slots__ = ("__weakref__", "_signal_changed")
    changed = Signal(int)


@pytest.mark.parametrize("make", [Model, SlottedModel])
def test_each_instance_has_its_own(make: Callable[[], Any]) -> None:
    """Always the same, and it does not keep the instance."""
    one, other, listener = make(), make(), Listener()
    one.changed.connect(listener.hear)
    assert one.changed is one.changed is not other.changed
    assert one.changed.instance is one and one.changed.name == "changed"
    assert one.changed.types == (int,)
    other.changed.emit(1)
    one.changed.emit(2)
    assert listener.heard == [((2,), {})]
    signal, dead = one.changed, weakref.ref(one)
    del one
    assert dead() is None and signal.instance is None
    signal.emit(3)
    assert len(listener.heard) == 2
    assert type(make()).changed.instance is None


def test_a_signal_and_its_instance_are_no_cycle() -> None:
    """The instance goes with its last name, also if it listens to itself."""

    class Itself(Model):
        def __init__(self) -> None:
            self.changed.connect(self.react)
            self.moved.connect(lambda *args: self.react(0), owner=self)

        def react(self, value: int) -> None: ...

    itself = Itself()
    itself.changed.emit(1)
    dead = weakref.ref(itself)
    gc.collect()
    del itself
    gc.collect()
    assert dead() is None


def test_copies_of_an_instance_have_their_own() -> None:
    """What was connected was connected to one."""
    model, listener = Model(), Listener()
    model.changed.connect(listener.hear)
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.changed is not model.changed
        assert other.changed.instance is other and len(other.changed) == 0
        assert other.changed.types == (int,)
    assert model.changed.instance is model and len(model.changed) == 1


def test_copies_of_a_signal_have_no_receivers() -> None:
    """They are like it in all else, subclasses too."""
    signal = Signal(int, name="one")
    signal.connect(module_function)
    for other in (copy.copy(signal), copy.deepcopy(signal), pickle.loads(pickle.dumps(signal))):
        assert (other.types, other.name, len(other)) == ((int,), "one", 0)
    logged = Logged(int)
    logged.level = 4
    assert copy.copy(logged).level == 4


class Logged(Signal):
    """A subclass with an attribute."""

    level = 3

    def emit(self, *args: Any, **kwargs: Any) -> None:
        HEARD.append(self.level)
        super().emit(*args, **kwargs)


def test_a_subclass_in_a_class() -> None:
    """Instances have signals of the subclass, with its attributes."""

    class Holder:
        changed = Logged(int)

    Holder.changed.level = 5
    holder, listener = Holder(), Listener()
    holder.changed.connect(listener.hear)
    holder.changed.emit(1)
    assert type(holder.changed) is Logged and HEARD == [5]
    assert listener.heard == [((1,), {})]


class Caching:
    """A listener whose results are cached."""

    @cached_method
    def hear(self, *args: Any) -> int:
        HEARD.append(args)
        return len(HEARD)


@pytest.mark.parametrize("weak", ["auto", True, False])
def test_cached_methods_are_methods(weak: Any) -> None:
    """They are held as others are, and called by way of their cache."""
    signal, listener = Signal(), Caching()
    ref = weakref.ref(listener)
    signal.connect(listener.hear, weak=weak)
    signal.connect(listener.hear, weak=weak)
    assert len(signal) == 1 and listener.hear in signal
    signal.emit("a")
    assert signal.send("a") == [(listener.hear, 1)]
    assert HEARD == [("a",)] and listener.hear.cache_info().hits == 1
    del listener
    assert len(signal) == (weak is False) and (ref() is None) == (weak is not False)


class Louder(set[int]):
    """Its own add() is another than the one it has from set."""

    def add(self, item: int) -> None:
        raise AssertionError("nobody connected this one")


class LouderList(list[int]):
    """The same, and it cannot be weakly referenced."""

    __slots__ = ()

    def append(self, item: int) -> None:
        raise AssertionError("nobody connected this one")


def test_methods_written_in_c_that_their_name_does_not_give() -> None:
    """What super() gives is what is called: held strongly, for it is not found again."""
    signal = Signal()
    louder, line = Louder(), LouderList()
    receivers = (super(Louder, louder).add, super(LouderList, line).append)
    for receiver in receivers:
        with pytest.raises(TypeError):
            signal.connect(receiver, weak=True)
        signal.connect(receiver)
        signal.connect(receiver)
    signal.emit(3)
    assert louder == {3} and line == [3] and len(signal) == 2
    assert signal.receivers_for() == list(receivers)
    assert super(Louder, louder).add in signal and line.append not in signal
    assert signal.disconnect(super(Louder, louder).add)
    assert signal.disconnect(super(LouderList, line).append)
    assert len(signal) == 0


class Same(Signal):
    """Gives itself for a copy."""

    def __copy__(self) -> Same:
        return self


def test_a_subclass_that_makes_no_copies() -> None:
    """All instances would have one."""

    class Thing:
        changed = Same()

    with pytest.raises(TypeError, match="a copy of a 'Same' must be another one"):
        _ = Thing().changed


def test_classes_have_their_own() -> None:
    """Where it is an attribute of their class; it is one of their attributes like any."""

    class Kind(type):
        changed = Signal()

    class Thing(metaclass=Kind):
        pass

    class Other(Thing):
        pass

    assert not hasattr(Thing, "_signal_changed") and not hasattr(Other, "_signal_changed")
    own = Thing.changed
    seen = [getattr(kind, "_signal_changed", None) for kind in (Thing, Other)]
    assert seen[0] is seen[1] is own
    assert Thing.changed is own and own.instance is Thing
    assert Other.changed is Other.changed is not own


def test_a_property_that_gives_its_last_reference() -> None:
    """Under the private names: what it gives is held while it is looked at."""

    class Popping:
        changed = Signal()

        def __init__(self) -> None:
            self.drawer: dict[str, Any] = {}

    def popped(name: str) -> property:
        return property(
            lambda self: self.drawer.pop(name),
            lambda self, value: self.drawer.update({name: value}),
        )

    thing, signal = Popping(), Signal()
    thing.drawer["signal"] = thing.changed
    signal.connect(lambda: None, owner=thing)
    thing.drawer["kept"] = vars(thing).pop("__receivers__")
    del vars(thing)["_signal_changed"]
    setattr(Popping, "_signal_changed", popped("signal"))  # noqa: B010
    setattr(Popping, "__receivers__", popped("kept"))  # noqa: B010
    own = thing.changed
    assert type(own) is Signal and own.instance is thing
    assert "signal" not in thing.drawer
    signal.connect(lambda: None, owner=thing)
    assert len(signal) == 0  # the property let go of all


def test_a_signal_that_is_set_later() -> None:
    """It needs a name; two names are one signal; one that cannot be kept says what is missing."""

    class Late:
        pass

    late: Any = Late
    late.changed = Signal()
    with pytest.raises(TypeError, match="needs a name"):
        late().changed  # noqa: B018
    late.changed = Signal(name="changed")
    late.alias = late.changed
    one = late()
    assert one.alias is one.changed

    class Bare:
        __slots__ = ("__weakref__",)
        changed = Signal()

    with pytest.raises(TypeError, match="give its class a __dict__ or the slot _signal_changed"):
        Bare().changed  # noqa: B018

    class Unreferenced:
        __slots__ = ("_signal_changed",)
        changed = Signal()

    with pytest.raises(TypeError, match="weak reference"):
        Unreferenced().changed  # noqa: B018


def test_what_it_looks_like() -> None:
    """repr, and the signatures that help() shows."""
    assert repr(Signal()) == "<Signal, 0 receivers>"
    signal = Signal(name="saved")
    signal.connect(module_function)
    assert repr(signal) == "<Signal 'saved', 1 receiver>"
    assert str(inspect.signature(Signal.connect)).startswith("(self, /, fn=None, *, weak='auto'")
    assert list(inspect.signature(Signal.send).parameters) == ["self", "sender", "kwargs"]
    wrong: Any = 3
    with pytest.raises(TypeError, match="name must be a str"):
        Signal(name=wrong)
    with pytest.raises(TypeError, match="no keyword but name"):
        Signal(nam="x")  # type: ignore[call-arg]


def test_the_examples_in_the_docstrings() -> None:
    """They run as they stand there."""
    finder = doctest.DocTestFinder(recurse=True, exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    examples = 0
    for thing in (weak.Signal, weak.WeakMethod):
        for test in finder.find(thing, thing.__name__, module=False, globs={}):
            examples += runner.run(test).attempted
    assert runner.failures == 0 and examples > 10


OBSERVERS = """
import sys
import weakref
from mortmain.weak import Signal, cached_method

class Listed:
    def __init__(self):
        self.methods = []
    def connect(self, method):
        self.methods.append(weakref.WeakMethod(method))
    def disconnect(self, method):
        self.methods = [ref for ref in self.methods if ref() != method]
    def emit(self, *args):
        for method in [ref() for ref in self.methods]:
            if method is not None:
                method(*args)
    def __len__(self):
        return sum(ref() is not None for ref in self.methods)

class View:
    def __init__(self, name, subject):
        self.name, self.subject = name, subject
        subject.connect(self.show)
    def show(self, text):
        print(self.name, text)
        if text == self.name:
            self.subject.disconnect(self.show)

subject = {"listed": Listed, "signal": Signal}[sys.argv[1]]()
one, two, three = View("one", subject), View("two", subject), View("three", subject)
subject.emit("this")
del one
subject.emit("two")
subject.emit("that")
print(len(subject))
del three
subject.emit("nobody")
print(len(subject), bool(subject))
"""


def test_observers_are_told_the_same(tmp_path: Path) -> None:
    """A program with a list of weak methods prints the same bytes with a signal."""
    program = tmp_path / "observers.py"
    program.write_text(OBSERVERS)
    answers = [
        subprocess.run(
            [sys.executable, program, which], capture_output=True, text=True, check=True
        ).stdout
        for which in ("listed", "signal")
    ]
    assert answers[0] == answers[1]
    assert answers[0].splitlines()[-2:] == ["1", "0 False"]

"""Signal: who is called, in which order, with what, and who is kept alive by it."""

from __future__ import annotations

import copy
import functools
import gc
import inspect
import pickle
import types
import warnings
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from mortmain.weak import Signal

# What was heard stands where it is read: `HEARD == [...]`.
# ruff: noqa: SIM300


class Listener:
    """Hears, and remembers."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def hear(self, *args: Any, **kwargs: Any) -> int:
        self.heard.append((args, kwargs))
        return len(self.heard)

    @classmethod
    def hear_class(cls, *args: Any) -> None:
        HEARD.append(args)


class Owner:
    """Has attributes."""


class Slotted:
    """Has only the slot for what it keeps."""

    __slots__ = ("__receivers__", "__weakref__")


HEARD: list[Any] = []


def module_function(*args: Any) -> None:
    """Somebody who hears."""
    HEARD.append(args)


@pytest.fixture(autouse=True)
def nothing_heard() -> None:
    """Each test begins with silence."""
    HEARD.clear()


# ---- who is held ---------------------------------------------------------------------------------


def test_a_method_lives_as_long_as_its_object() -> None:
    """It is called, and does not keep the object alive."""
    signal, listener = Signal(), Listener()
    assert signal.connect(listener.hear) == listener.hear
    signal.emit(1, word=2)
    signal(3)
    assert listener.heard == [((1,), {"word": 2}), ((3,), {})]
    dead = weakref.ref(listener)
    del listener
    assert dead() is None
    assert len(signal) == 0 and not signal
    signal.emit(4)


def test_functions_are_held() -> None:
    """Lambdas, local functions, partials and callable objects are not lost."""
    signal, heard = Signal(), []

    def local(*args: Any) -> None:
        heard.append(args)

    signal.connect(lambda *args: heard.append(args))
    signal.connect(functools.partial(heard.append))
    signal.connect(local)
    del local
    gc.collect()
    signal.emit(1)
    assert heard == [(1,), 1, (1,)]


def test_methods_written_in_c() -> None:
    """Weakly where that can be, by name; strongly where it cannot; never if that was asked."""
    signal = Signal()
    bag: set[int] = set()
    heard: list[int] = []
    line: deque[int] = deque()
    for receiver in (bag.add, heard.append, line.append):
        signal.connect(receiver)
        assert receiver in signal
    signal.emit(1)
    assert (bag, heard, list(line)) == ({1}, [1], [1])
    del bag, line, receiver
    assert len(signal) == 1
    assert signal.disconnect(heard.append) and not signal.disconnect(heard.append)
    with pytest.raises(TypeError, match="weak reference to 'list'"):
        signal.connect(heard.append, weak=True)
    assert len(signal) == 0


def test_a_function_of_a_module_written_in_c_is_held() -> None:
    """It has a self, the module, and is a function all the same."""
    signal = Signal()
    signal.connect(gc.collect, max_args=0)
    signal.emit(1)
    assert signal.receivers_for() == [gc.collect]


def test_classes_as_selves() -> None:
    """A class method is weak to its class."""
    signal = Signal()
    signal.connect(Listener.hear_class)
    signal.emit(1)
    assert HEARD == [(1,)]

    class Local:
        @classmethod
        def hear(cls) -> None: ...

    signal.connect(Local.hear)
    assert len(signal) == 2
    del Local
    gc.collect()
    assert len(signal) == 1


def test_weak_false_holds_everything() -> None:
    """Methods too."""
    signal, listener = Signal(), Listener()
    heard = listener.heard
    signal.connect(listener.hear, weak=False)
    del listener
    signal.emit()
    assert heard == [((), {})]
    bag: set[int] = set()
    signal.connect(bag.add, weak=False, max_args=1)
    assert bag.add in signal


def test_weak_true_holds_nothing() -> None:
    """Functions and callable objects too."""
    signal = Signal()

    def local() -> None: ...

    class Called:
        def __call__(self) -> None: ...

    called = Called()
    signal.connect(local, weak=True)
    signal.connect(called, weak=True)
    assert len(signal) == 2 and local in signal
    del local
    assert len(signal) == 1
    del called
    assert len(signal) == 0


def test_a_method_whose_function_dies() -> None:
    """There is nothing left to call, and nothing counts it."""
    signal, listener = Signal(), Listener()

    class Late(Listener):
        def added(self) -> None: ...

    late = Late()
    signal.connect(late.added)
    signal.connect(listener.hear)
    assert len(signal) == 2 and late.added in signal
    del Late.added
    gc.collect()
    assert len(signal) == 1
    signal.emit()
    assert listener.heard and signal.receivers_for() == [listener.hear]


def test_a_method_made_by_hand_does_not_keep_its_object() -> None:
    """A function that leads to the object would, were it held."""
    signal, heard = Signal(), []

    def make() -> Any:
        listener: Any = Listener()

        def hear(self: Any, *args: Any) -> None:
            heard.append((self is listener, args))

        listener.by_hand = types.MethodType(hear, listener)
        return listener

    made = make()
    signal.connect(made.by_hand)
    signal.emit(1)
    assert heard == [(True, (1,))]
    del made
    gc.collect()
    assert not signal


def test_a_lambda_that_nobody_holds_is_reported() -> None:
    """Connected weakly it is gone at once. A name for it, or an owner, is enough."""
    signal = Signal()
    with pytest.warns(RuntimeWarning, match="no other reference"):
        signal.connect(lambda: None, weak=True)
    assert len(signal) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            signal.connect(lambda: None, weak=True)
        named = lambda: None  # noqa: E731
        signal.connect(named, weak=True)

        @signal.connect(weak=True)
        def decorated() -> None: ...

        signal.connect(lambda: None)
        signal.connect(lambda: None, owner=named)
    assert len(signal) == 4


def test_a_method_whose_function_nobody_holds_is_reported() -> None:
    """Methods are held weakly, their functions too."""
    signal, listener = Signal(), Listener()
    with pytest.warns(RuntimeWarning, match="no other reference"):
        signal.connect(types.MethodType(lambda self: None, listener))
    assert len(signal) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        signal.connect(types.MethodType(lambda self: None, listener), weak=False)
        signal.connect(types.MethodType(lambda self: None, listener), owner=listener)
        signal.connect(types.MethodType(lambda self: None, [listener]))
        signal.connect(listener.hear)
    assert len(signal) == 4


# ---- owners --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [Owner, Slotted, lambda: type("Class", (), {})])
def test_an_owner_keeps_the_receiver(make: Callable[[], Any]) -> None:
    """Neither does it die at once nor does it keep the owner."""
    signal, heard = Signal(), []

    def connected() -> Any:
        owner = make()
        signal.connect(lambda *args: heard.append((owner, args)), owner=owner)
        return owner

    owner = connected()
    gc.collect()
    signal.emit(1)
    assert heard == [(owner, (1,))]
    dead = weakref.ref(owner)
    del owner
    heard.clear()
    gc.collect()
    assert dead() is None
    assert len(signal) == 0
    signal.emit(2)
    assert heard == []


def test_an_owner_lets_go_of_what_is_disconnected() -> None:
    """By disconnect(), by its one call, and when the signal is gone."""
    signal, owner = Signal(), Owner()

    def connected(signal: Signal, **options: Any) -> weakref.ref[Any]:
        def receiver() -> None: ...

        signal.connect(receiver, owner=owner, **options)
        return weakref.ref(receiver)

    first, second, third = connected(signal), connected(signal, once=True), connected(signal)
    receiver = first()
    assert receiver is not None and receiver in signal and signal.disconnect(receiver)
    del receiver
    assert first() is None
    signal.emit()
    assert second() is None and third() is not None
    del signal
    assert third() is None


def test_a_thousand_receivers_of_one_owner_leave_no_room_behind() -> None:
    """What was disconnected goes before there is room for more."""
    signal, owner = Signal(), Owner()
    for _ in range(1000):
        signal.connect(signal.emit, owner=owner)
        assert signal.disconnect(signal.emit)
    kept = vars(owner)["__receivers__"]
    assert len(gc.get_referents(kept)) < 10


def test_methods_with_an_owner() -> None:
    """Any callable can be owned: what the method belongs to lives as long as the owner."""
    signal, owner, listener = Signal(), Owner(), Listener()
    signal.connect(listener.hear, owner=owner)
    assert listener.hear in signal
    dead = weakref.ref(listener)
    del listener
    signal.emit()
    assert dead() is not None
    assert signal.receivers_for() == [dead().hear]  # type: ignore[union-attr]
    del owner
    assert dead() is None


@pytest.mark.parametrize("owner", [3, "text", object(), (1,), [1]])
def test_what_cannot_own(owner: object) -> None:
    """One line says what is missing, and nothing was connected."""
    signal = Signal()
    with pytest.raises(TypeError, match="cannot own a receiver: give its class __weakref__, and a"):
        signal.connect(module_function, owner=owner)
    assert not signal
    with pytest.raises(TypeError, match="weak= has nothing to say"):
        signal.connect(module_function, owner=Owner(), weak=True)


def test_copies_of_an_owner_own_nothing() -> None:
    """A copy gets its own with its first receiver; in pickles and deep copies there is None."""
    signal, owner = Signal(), Owner()
    signal.connect(lambda: HEARD.append(1), owner=owner)
    ways: list[Callable[[Any], Any]] = [
        copy.deepcopy,
        lambda owner: pickle.loads(pickle.dumps(owner)),
        copy.copy,
    ]
    for copied in ways:
        other = copied(owner)
        signal.connect(lambda: HEARD.append(2), owner=other)
        signal.emit()
        assert HEARD == [1, 2]
        HEARD.clear()
        del other
        assert len(signal) == 1
    signal.emit()
    assert HEARD == [1]


# ---- senders -------------------------------------------------------------------------------------


def test_send_gives_who_answered_what() -> None:
    """The shape of blinker and Django."""
    signal, listener, sender = Signal(), Listener(), Owner()
    signal.connect(listener.hear)

    @signal.connect
    def double(sender: object, *, value: int = 1) -> int:
        return 2 * value

    assert signal.send(sender, value=4) == [(listener.hear, 1), (double, 8)]
    assert signal.send(sender=sender, value=4) == [(listener.hear, 2), (double, 8)]
    assert signal.send() == [(listener.hear, 3), (double, 2)]
    by_place, by_name, none = listener.heard
    assert by_place == ((sender,), {"value": 4})
    assert by_name == ((), {"sender": sender, "value": 4})
    assert none == ((None,), {})
    with pytest.raises(TypeError, match="one positional argument"):
        signal.send(1, 2)  # type: ignore[call-arg]


def test_one_sender() -> None:
    """Told apart by identity, held weakly; emit() has no sender."""
    signal, first, second = Signal(), Owner(), Owner()
    signal.connect(module_function, sender=first)
    signal.send(first)
    signal.send(second)
    signal.send()
    signal.emit()
    assert HEARD == [(first,)]
    assert signal.receivers_for(first) == [module_function]
    assert signal.receivers_for(sender=second) == signal.receivers_for() == []
    HEARD.clear()
    dead = weakref.ref(first)
    del first
    assert dead() is None
    assert len(signal) == 0


def test_an_address_that_is_used_again_is_another_sender() -> None:
    """Nobody hears what was meant for the dead."""
    signal, heard = Signal(), 0

    def count(sender: object) -> None:
        nonlocal heard
        heard += 1

    for _ in range(1000):
        sender = Owner()
        signal.connect(count, sender=sender)
        del sender
        signal.send(Owner())
    assert heard == 0 and len(signal) == 0


def test_senders_that_cannot_be_weakly_referenced() -> None:
    """Texts, numbers and bytes by their value, others by identity."""
    signal = Signal()
    pair = (1, 2)
    for sender in ("name" + "d", 12345678, b"bytes", pair, None):
        signal.connect(module_function, sender=sender)
    for sender in ("".join(["na", "med"]), int("12345678"), bytes([98]) + b"ytes", pair, None):
        signal.send(sender)
    assert HEARD == [("named",), (12345678,), (b"bytes",), ((1, 2),), (None,)]
    signal.send(tuple(range(1, 3)))
    signal.send(12345678.0)
    assert len(HEARD) == 5
    with pytest.raises(TypeError, match="bound method cannot be a sender"):
        signal.connect(module_function, sender=Listener().hear)


def test_one_receiver_for_several_senders() -> None:
    """Each connection is its own; disconnect() without a sender ends all."""
    signal, first, second = Signal(), Owner(), Owner()
    for sender in (first, second, Signal.ANY):
        signal.connect(module_function, sender=sender)
    assert len(signal) == 3
    assert len(signal.send(first)) == 2
    assert signal.disconnect(module_function, sender=first)
    assert not signal.disconnect(module_function, first)
    assert len(signal) == 2
    assert signal.disconnect(module_function)
    assert len(signal) == 0
    signal.connect(module_function, sender=...)
    assert signal.receivers_for(Signal.ANY) == signal.receivers_for() == [module_function]


# ---- what is called, and how ---------------------------------------------------------------------


def test_priorities() -> None:
    """Higher ones first, among equals the first connected first."""
    signal, order = Signal(), []
    for name, priority in [("a", 0), ("b", 5), ("c", 0), ("d", -1), ("e", 5), ("f", 0)]:
        signal.connect(lambda name=name: order.append(name), priority=priority)
    signal.emit()
    assert "".join(order) == "beacfd"


def test_once() -> None:
    """It is disconnected before it is called."""
    signal = Signal()
    counts = []

    @signal.connect(once=True)
    def once() -> None:
        counts.append(len(signal))
        signal.emit()

    signal.emit()
    signal.emit()
    assert counts == [0]


def test_max_args() -> None:
    """Keywords stay, surplus positions do not; a method's self is not counted."""
    signal, listener = Signal(), Listener()
    signal.connect(listener.hear, max_args=1)
    bag: set[Any] = set()
    signal.connect(bag.add, max_args=1)
    signal.connect(module_function, max_args=0)
    signal.emit(1, 2, 3)
    assert listener.heard == [((1,), {})] and bag == {1} and HEARD == [()]
    signal.disconnect(bag.add)
    signal.disconnect(module_function)
    signal.emit(1, 2, 3, a=4, b=5)
    assert listener.heard[-1] == ((1,), {"a": 4, "b": 5})


@pytest.mark.parametrize("count", [0, 1, 5, 7, 8, 9, 40])
def test_many_arguments(count: int) -> None:
    """Positions and keywords arrive as they were given."""
    signal, listener, other = Signal(), Listener(), Listener()
    signal.connect(listener.hear)
    signal.connect(other.hear, max_args=count // 2)
    named = {f"name_{at}": at for at in range(count)}
    signal.emit(*range(count), **named)
    assert listener.heard == [(tuple(range(count)), named)]
    assert other.heard == [(tuple(range(count // 2)), named)]


def test_connecting_again_changes_how() -> None:
    """There is one connection, in its place."""
    signal, order = Signal(), []
    first, second = (lambda: order.append(1)), (lambda: order.append(2))
    signal.connect(first, once=True)
    signal.connect(second)
    signal.connect(first)
    signal.emit()
    signal.emit()
    assert order == [1, 2, 1, 2] and len(signal) == 2
    signal.connect(second, priority=1)
    signal.emit()
    assert order[4:] == [2, 1] and len(signal) == 2
    signal.connect(second, priority=1, weak=True)
    del second
    assert len(signal) == 1


def test_errors() -> None:
    """emit() and send() let them out at once, send_robust() gives them."""
    signal, listener = Signal(), Listener()

    @signal.connect
    def fails(*args: Any) -> None:
        raise KeyError(3)

    signal.connect(listener.hear)
    for call in (signal.emit, signal, signal.send):
        with pytest.raises(KeyError):
            call(1)
    assert listener.heard == []
    (who, error), (other, result) = signal.send_robust(1)
    assert (who, other, result) == (fails, listener.hear, 1)
    assert isinstance(error, KeyError) and error.args == (3,)
    assert error.__traceback__ is not None
    assert error.__traceback__.tb_frame.f_code is fails.__code__

    @signal.connect(priority=1)
    def interrupts(*args: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        signal.send_robust(1)


def test_blocks() -> None:
    """Mute, or with a receiver more, also inside one another."""
    signal, listener = Signal(), Listener()
    signal.connect(listener.hear)
    with signal.muted(), signal.muted():
        signal.emit(1)
        assert signal.send(1) == []
    signal.emit(2)
    assert listener.heard == [((2,), {})]
    with pytest.raises(ZeroDivisionError), signal.connected_to(module_function):
        signal.emit(3)
        raise ZeroDivisionError
    signal.emit(4)
    assert HEARD == [(3,)]
    with signal.connected_to(listener.hear):
        assert len(signal) == 1
    assert listener.hear in signal
    scope = signal.connected_to(module_function, sender=1)
    with scope:
        with scope:
            signal.send(1)
        assert module_function in signal
    assert module_function not in signal
    with pytest.raises(RuntimeError, match="entered"):
        scope.__exit__(None, None, None)
    with pytest.raises(TypeError, match="callable"):
        signal.connected_to(3)  # type: ignore[arg-type]


def test_decorators() -> None:
    """With and without options, one after another; the function stays what it was."""
    signal, other = Signal(), Signal()

    @signal.connect(fn=None, priority=1)
    @other.connect(priority=3, sender="some")
    def decorated(*args: Any) -> None:
        HEARD.append(args)

    assert inspect.isfunction(decorated)
    signal.emit(1)
    other.send("some")
    assert HEARD == [(1,), ("some",)]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"weak": 1}, ValueError, "weak must be True, False or 'auto', not 1"),
        ({"wek": True}, TypeError, "unexpected keyword argument 'wek'"),
        ({"max_args": -1}, ValueError, "negative"),
        ({"max_args": "x"}, TypeError, "str"),
        ({"priority": "x"}, TypeError, "int"),
        ({"priority": 1 << 40}, OverflowError, "priority is too large"),
    ],
)
def test_wrong_options(options: Any, error: type[Exception], text: str) -> None:
    """One line says what is wrong, and nothing was connected."""
    signal = Signal()
    with pytest.raises(error, match=text):
        signal.connect(module_function, **options)
    wrong: Any = 3
    with pytest.raises(TypeError, match="a receiver must be callable, 'int' object is not"):
        signal.connect(wrong)
    with pytest.raises(TypeError, match="at most 1"):
        signal.connect(module_function, wrong)  # type: ignore[call-overload]
    assert not signal


def test_as_a_collection() -> None:
    """len, in, bool, receivers_for."""
    signal, listener = Signal(), Listener()
    assert not signal and len(signal) == 0 and module_function not in signal
    assert signal.receivers_for() == []
    signal.connect(module_function)
    signal.connect(listener.hear)
    assert signal and len(signal) == 2 and listener.hear in signal and 3 not in signal
    assert Listener().hear not in signal and listener.hear_class not in signal
    assert signal.receivers_for() == [module_function, listener.hear]


@pytest.mark.parametrize("count", [3, 17, 40, 1000])
def test_many_receivers(count: int) -> None:
    """Connected, found, disconnected and dead in any order, they leave the others as they are."""
    signal, order = Signal(), []

    class One:
        def __init__(self, number: int) -> None:
            self.number = number

        def hear(self) -> None:
            order.append(self.number)

    some = {number: One(number) for number in range(count)}
    for number in some:
        signal.connect(some[number].hear)
        signal.connect(some[number].hear)
    assert len(signal) == count
    for number in range(0, count, 3):
        assert signal.disconnect(some[number].hear)
        assert not signal.disconnect(some[number].hear)
    for number in range(1, count, 3):
        del some[number]
    signal.emit()
    assert order == list(range(2, count, 3))
    for number in range(0, count, 3):
        signal.connect(some[number].hear)
    assert all(some[number].hear in signal for number in some)
    order.clear()
    signal.emit()
    assert order == [*range(2, count, 3), *range(0, count, 3)]


# ---- changes while receivers are called ----------------------------------------------------------


def test_who_is_connected_meanwhile_is_not_called() -> None:
    """Whatever its priority; the next time it is."""
    signal, order = Signal(), []
    late = lambda: order.append("late")  # noqa: E731

    @signal.connect
    def first() -> None:
        order.append("first")
        if late not in signal:
            signal.connect(late, priority=1)

    @signal.connect
    def second() -> None:
        order.append("second")

    signal.emit()
    assert order == ["first", "second"]
    order.clear()
    signal.disconnect(late)
    signal.connect(late, priority=-1)
    signal.emit()
    assert order == ["first", "second", "late"]


def test_who_is_disconnected_meanwhile_is_not_called() -> None:
    """Nor who dies; who was called already does not matter."""
    signal, order, kept = Signal(), [], [Listener()]

    @signal.connect
    def first() -> None:
        order.append("first")
        signal.disconnect(first)
        signal.disconnect(second)
        kept.clear()

    def second() -> None:
        order.append("second")

    signal.connect(second)
    signal.connect(kept[0].hear)
    signal.connect(lambda: order.append("last"))
    signal.emit()
    assert order == ["first", "last"] and len(signal) == 1


def test_who_connects_himself_again_meanwhile_is_called_once() -> None:
    """Also by one who is called before him."""
    signal, order = Signal(), []

    @signal.connect
    def first() -> None:
        order.append(1)
        signal.connect(first)
        signal.connect(second)

    def second() -> None:
        order.append(2)

    signal.connect(second)
    signal.emit()
    assert order == [1, 2]


def test_one_signal_inside_itself() -> None:
    """The inner call has all that are connected then, the outer one what it began with."""
    signal, order = Signal(), []

    @signal.connect
    def outer(depth: int) -> None:
        order.append(("outer", depth))
        if depth < 3:
            signal.connect(lambda depth: order.append(("late", depth)), priority=-depth)
            signal.emit(depth + 1)

    signal.emit(1)
    assert order == [
        *[("outer", depth) for depth in (1, 2, 3)],
        *[("late", 3), ("late", 3)],
        ("late", 2),
    ]


def test_endless_recursion_is_an_error() -> None:
    """And not a crash."""
    calls: list[Callable[[Signal], Any]] = [
        lambda signal: signal.emit,
        lambda signal: signal,  # no function of Python stands between one call and the next
        lambda signal: signal.send,
    ]
    for call in calls:
        signal, other = Signal(), Signal()
        signal.connect(call(other))
        other.connect(call(signal))
        with pytest.raises(RecursionError):
            signal.emit()
        signal.disconnect(call(other))
        signal.emit()


def test_the_signal_dies_while_it_calls() -> None:
    """What it began it ends."""
    signals = [Signal()]
    order: list[int] = []
    signals[0].connect(lambda: order.append(len(signals)))
    signals[0].connect(lambda: signals.clear())
    signals[0].connect(lambda: order.append(len(signals)))
    signals[0].emit()
    assert order == [1, 0]


def test_the_receiver_is_whole_while_it_is_called() -> None:
    """Though its last reference is given up in it."""
    signal = Signal()
    kept: list[Any] = []

    class Last(Listener):
        def hear(self, *args: Any, **kwargs: Any) -> int:
            kept.clear()
            gc.collect()
            return super().hear(*args, **kwargs)

    kept.append(Last())
    heard = kept[0].heard
    signal.connect(kept[0].hear)
    signal.emit(1)
    assert heard == [((1,), {})] and not signal

"""Receivers that change the signal that calls them, beside a model of who is to be called.

python weak_signal_hostile.py SEED ROUNDS

Every allocation may start a collection. Receivers connect, disconnect, die, emit, raise and drop
signals; nobody may be called who was disconnected or dead before, or connected after the call
began. Objects whose comparison raises are among all of them: nobody compares them.
"""

import contextlib
import gc
import random
import sys
import warnings
import weakref

from mortmain.weak import Signal, WeakMethod

SEED, ROUNDS = int(sys.argv[1]), int(sys.argv[2])
CHOICE = random.Random(SEED)
gc.set_threshold(1)
# Lambdas that are lost are what it is about.
warnings.simplefilter("ignore", RuntimeWarning)


class Hostile:
    """Cannot be compared or hashed, and does something when it dies."""

    __slots__ = ("__receivers__", "__weakref__", "number")

    def __init__(self, number):
        self.number = number

    def __eq__(self, other):
        raise AssertionError("compared")

    def __hash__(self):
        raise AssertionError("hashed")

    def __bool__(self):
        raise AssertionError("asked for its truth")

    def __del__(self):
        deaths.append(self.number)
        if signals and CHOICE.random() < 0.2:
            meddle()

    def hear(self, *args, **kwargs):
        heard(self.number)


class Failed(Exception):
    """What some receivers raise."""


def heard(number):
    """A receiver was called."""
    called.append(number)
    if CHOICE.random() < 0.5 and len(called) < 200:
        meddle()
    if CHOICE.random() < 0.05:
        raise Failed


def connect():
    signal = CHOICE.choice(signals)
    one = CHOICE.choice(alive) if alive and CHOICE.random() < 0.5 else Hostile(next_number())
    number = one.number
    options = {"priority": CHOICE.randrange(3)}
    if CHOICE.random() < 0.3:
        options["once"] = True
    if CHOICE.random() < 0.3:
        options["sender"] = CHOICE.choice(alive) if alive else one
    kind = CHOICE.randrange(4)
    if kind == 0:
        signal.connect(lambda *args, **kwargs: heard(number), owner=one, **options)
    elif kind == 1:
        signal.connect(lambda *args, **kwargs: heard(number), weak=CHOICE.random() < 0.5)
    else:
        signal.connect(one.hear, **options)
    if CHOICE.random() < 0.7:
        alive.append(one)


def disconnect():
    signal = CHOICE.choice(signals)
    if alive:
        signal.disconnect(CHOICE.choice(alive).hear)
    for receiver in signal.receivers_for()[: CHOICE.randrange(3)]:
        signal.disconnect(receiver)


def die():
    if alive:
        alive.pop(CHOICE.randrange(len(alive)))


def emit():
    signal = CHOICE.choice(signals)
    if depth[0] < 3:
        depth[0] += 1
        try:
            kind = CHOICE.randrange(4)
            if kind == 0:
                signal.send_robust(CHOICE.choice(alive) if alive else None, word=1)
            else:
                with contextlib.suppress(Failed):
                    (signal.emit, signal, signal.send)[kind - 1](1)
        finally:
            depth[0] -= 1


def replace():
    """A signal dies, perhaps while it calls."""
    signals[CHOICE.randrange(len(signals))] = Signal()


def block():
    signal = CHOICE.choice(signals)
    with CHOICE.choice([signal.muted, lambda: signal.connected_to(noop)])():
        emit()


def measure():
    signal = CHOICE.choice(signals)
    assert len(signal) >= len(signal.receivers_for())
    assert bool(signal) == (len(signal) > 0)
    gc.collect(CHOICE.randrange(3))


def noop(*args, **kwargs):
    """A receiver that does nothing."""


def meddle():
    CHOICE.choice(
        (connect, connect, connect, disconnect, die, emit, emit, replace, block, measure)
    )()


def next_number():
    numbers[0] += 1
    return numbers[0]


numbers, depth = [0], [0]
alive, called, deaths = [], [], []
signals = [Signal() for _ in range(3)]

for _ in range(ROUNDS):
    called.clear()
    meddle()
    if len(alive) > 60:
        del alive[:30]

# Who is called is what the model says: nobody twice, in the order of priorities and connections.
for _ in range(ROUNDS // 20):
    signal, order, expected = Signal(), [], []
    some = [Hostile(number) for number in range(CHOICE.randrange(1, 30))]
    gone, receivers, priorities, weak = set(), {}, {}, {}

    def hear(
        number, order=order, some=some, gone=gone, signal=signal, receivers=receivers, weak=weak
    ):
        order.append(number)
        assert number not in gone
        for other in CHOICE.sample(range(len(some)), k=min(2, len(some))):
            if CHOICE.random() < 0.3 and other != number and other not in order:
                signal.disconnect(receivers[other])
                gone.add(other)
            elif CHOICE.random() < 0.3 and other != number:
                some[other] = None
                if weak[other]:
                    gone.add(other)
        signal.connect(lambda: order.append("late"), priority=5)

    for at in range(len(some)):
        receivers[at] = lambda at=at, hear=hear: hear(at)
        priorities[at] = CHOICE.randrange(3)
        weak[at] = CHOICE.random() < 0.5
        signal.connect(receivers[at], priority=priorities[at], owner=some[at] if weak[at] else None)
    signal.emit()
    expected = sorted(range(len(some)), key=lambda at: -priorities[at])
    left = [at for at in expected if at in order]
    assert order == left, (order, left)
    assert all(at in gone for at in expected if at not in order)

alive.clear()
for signal in signals:
    for receiver in signal.receivers_for():
        signal.disconnect(receiver)
gc.set_threshold(700)
gc.collect()
left = [weakref.ref(signal) for signal in signals]
del signal
signals.clear()
gc.collect()
assert [one() for one in left] == [None] * 3
assert WeakMethod(Hostile(0).hear)() is None
print("done", numbers[0] > ROUNDS / 10, len(deaths) > ROUNDS / 20)

"""Threads that connect, call and let receivers die. Prints what raised, which is nothing.

python weak_signal_threads.py ROUNDS
"""

import gc
import sys
import threading

from mortmain.weak import Signal, WeakMethod

ROUNDS = int(sys.argv[1])
sys.setswitchinterval(1e-6)


class Listener:
    """Counts in Python, so that threads change while it is called."""

    def __init__(self):
        self.heard = 0

    def hear(self, *args):
        self.heard += 1


class Model:
    changed = Signal(int)


signal, steady, wrong = Signal(), Listener(), []
models = [Model() for _ in range(10)]
signal.connect(steady.hear)


def connect():
    for number in range(ROUNDS):
        listener = Listener()
        signal.connect(listener.hear, priority=number % 3, once=number % 7 == 0)
        signal.connect(lambda *args: None, owner=listener)
        models[number % 10].changed.connect(listener.hear)
        if number % 2:
            signal.disconnect(listener.hear)
        ref = WeakMethod(listener.hear)
        del listener
        if ref() is not None:
            # Another thread is calling it: it goes when that is done.
            gc.collect(0)


def call():
    for number in range(ROUNDS):
        signal.emit(number)
        models[number % 10].changed(number)
        for receiver, result in signal.send(number):
            if receiver is None or result is not None:
                wrong.append("dead")


def replace():
    for number in range(ROUNDS):
        models[number % 10] = Model()
        with signal.connected_to(steady.hear, sender=number):
            len(signal), steady.hear in signal, signal.receivers_for()


def guarded(work):
    try:
        work()
    except BaseException as error:
        wrong.append(repr(error))


threads = [threading.Thread(target=guarded, args=(work,)) for work in (connect, call, replace) * 2]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
gc.collect()
print(sorted(set(wrong)), len(signal), steady.heard >= 4 * ROUNDS)

"""Ends while signals live, __del__ uses them and a daemon thread calls."""

import builtins
import threading

from mortmain.weak import Signal, WeakMethod

signal = Signal()


class Late:
    """Uses the signal when it dies."""

    changed = Signal()

    def __init__(self, signal):
        self.signal = signal
        self.link = self
        self.changed.connect(self.hear)
        signal.connect(self.hear)
        signal.connect(lambda *args: self.hear(), owner=self)
        self.method = WeakMethod(self.hear, lambda ref: None)

    def hear(self, *args):
        # Not again: the thread may end while it holds the lock.
        if not begun.is_set():
            begun.set()

    def __del__(self):
        self.signal.connect(self.hear)
        self.signal.emit(1)
        self.changed.emit()
        self.signal.receivers_for(), len(self.signal), self.method()


begun = threading.Event()
kept = [Late(signal) for _ in range(100)]


def call():
    while True:
        signal.emit()
        signal.connect(Late(signal).hear)


threading.Thread(target=call, daemon=True).start()
begun.wait()
builtins.kept_longest = (signal, kept, signal.muted(), signal.connected_to(print))
print("end", flush=True)

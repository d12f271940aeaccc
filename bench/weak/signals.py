"""What Signal and WeakMethod cost, beside lists of callbacks, weakref, blinker and psygnal.

Each number is the least of several rounds, in which all take turns; it has the loop around the
operation in it. Ten receivers are bound methods whose class is written in Python and that do
nothing. Peers that are not installed are left out.

    bench/weak/signals.py [--rounds N] [--markdown | --write]

`--write` puts the table into docs/weak.md. The last line says whether the goal was reached: a call
of a weakly held method costs no more than one in a list of strong ones. If not, the status is 1.
"""

from __future__ import annotations

import argparse
import gc
import platform
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from mortmain.weak import Signal, WeakMethod

PAGE = Path(__file__).resolve().parents[2] / "docs/weak.md"
RECEIVERS = 10
# What two measurements of the same thing may differ by.
TOLERANCE = 1.05

Work = Callable[[int], None]


class Receiver:
    """Somebody who hears, and does nothing."""

    def hear(self, value: object) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """One operation of one peer: `work(n)` does it n times, of `parts` parts each."""

    row: str
    peer: str
    work: Work
    parts: int


def emit_cases(receivers: list[Receiver]) -> list[Case]:
    """A call of each of ten weakly held methods."""
    signal = Signal()
    for receiver in receivers:
        signal.connect(receiver.hear)
    strong = [receiver.hear for receiver in receivers]
    weak = [weakref.WeakMethod(receiver.hear) for receiver in receivers]

    def ours(count: int) -> None:
        for _ in range(count):
            signal.emit(1)

    def strong_list(count: int) -> None:
        for _ in range(count):
            for method in strong:
                method(1)

    def weak_list(count: int) -> None:
        for _ in range(count):
            for ref in weak:
                method = ref()
                if method is not None:
                    method(1)

    name = "emit, per method"
    return [
        Case(name, "ours", ours, RECEIVERS),
        Case(name, "strong list", strong_list, RECEIVERS),
        Case(name, "weakref", weak_list, RECEIVERS),
    ]


def connect_cases() -> list[Case]:
    """A receiver is made, connected, and dies."""
    signal, weak = Signal(), list[Any]()

    def ours(count: int) -> None:
        for _ in range(count):
            signal.connect(Receiver().hear)

    def strong(count: int) -> None:
        for _ in range(count):
            methods = [Receiver().hear]
            methods.pop()

    def stdlib(count: int) -> None:
        for _ in range(count):
            receiver = Receiver()
            weak.append(weakref.WeakMethod(receiver.hear, weak.remove))
            del receiver

    name = "connect, and the receiver dies"
    return [
        Case(name, "ours", ours, 1),
        Case(name, "strong list", strong, 1),
        Case(name, "weakref", stdlib, 1),
    ]


def method_cases(receiver: Receiver) -> list[Case]:
    """WeakMethod: making one, and asking it for the method."""
    cases = []
    for peer, make in (("ours", WeakMethod), ("weakref", weakref.WeakMethod)):
        method: Any = receiver.hear
        ref: Any = make(method)

        def new(count: int, make: Any = make, method: Any = method) -> None:
            for _ in range(count):
                make(method)

        def call(count: int, ref: Any = ref) -> None:
            for _ in range(count):
                ref()

        cases += [Case("WeakMethod(m)", peer, new, 1), Case("WeakMethod(m)()", peer, call, 1)]
    return cases


def blinker_cases(receivers: list[Receiver]) -> list[Case]:
    """The same with blinker, whose receivers get a sender."""
    import blinker

    signal, other = blinker.Signal(), blinker.Signal()
    for receiver in receivers:
        signal.connect(receiver.hear)

    def emit(count: int) -> None:
        for _ in range(count):
            signal.send(1)

    def connect(count: int) -> None:
        for _ in range(count):
            other.connect(Receiver().hear)

    return [
        Case("emit, per method", "blinker", emit, RECEIVERS),
        Case("connect, and the receiver dies", "blinker", connect, 1),
    ]


def psygnal_cases(receivers: list[Receiver]) -> list[Case]:
    """The same with psygnal, which finds the dead when it is emitted."""
    import psygnal

    class Model:
        changed = psygnal.Signal(int)
        other = psygnal.Signal(int)

    model = Model()
    for receiver in receivers:
        model.changed.connect(receiver.hear)
    signal, other = model.changed, model.other

    def emit(count: int) -> None:
        for _ in range(count):
            signal.emit(1)

    def connect(count: int) -> None:
        for _ in range(count):
            other.connect(Receiver().hear)
            other.emit(1)

    return [
        Case("emit, per method", "psygnal", emit, RECEIVERS),
        Case("connect, and the receiver dies", "psygnal", connect, 1),
    ]


PEERS = ("ours", "strong list", "weakref", "blinker", "psygnal")


def measure(cases: list[Case], rounds: int) -> dict[tuple[str, str], float]:
    """The least time of each, in ns for one part."""
    best: dict[tuple[str, str], float] = {}
    for _ in range(rounds):
        for case in cases:
            count = 2000 // case.parts
            start = perf_counter_ns()
            case.work(count)
            spent = (perf_counter_ns() - start) / count / case.parts
            key = (case.row, case.peer)
            best[key] = min(best.get(key, spent), spent)
    return best


def table(best: dict[tuple[str, str], float], markdown: bool) -> list[str]:
    """The numbers as lines."""
    rows = list(dict.fromkeys(row for row, _ in best))
    peers = [peer for peer in PEERS if any(peer == other for _, other in best)]
    cells = {
        row: [f"{best[row, peer]:.1f}" if (row, peer) in best else "" for peer in peers]
        for row in rows
    }
    if markdown:
        head = ["| ns | " + " | ".join(peers) + " |", "|---" * (len(peers) + 1) + "|"]
        return head + [f"| {row} | " + " | ".join(cells[row]) + " |" for row in rows]
    lines = [f"\n{'ns':34}" + "".join(f"{peer:>12}" for peer in peers)]
    return lines + [f"  {row:32}" + "".join(f"{cell:>12}" for cell in cells[row]) for row in rows]


def main() -> int:
    """Measure, print, and say whether the goal was reached."""
    parser = argparse.ArgumentParser(description="signals, beside their alternatives")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--markdown", action="store_true", help="print a table for a document")
    parser.add_argument("--write", action="store_true", help="put it into docs/weak.md")
    arguments = parser.parse_args()
    receivers = [Receiver() for _ in range(RECEIVERS)]
    cases = [*emit_cases(receivers), *connect_cases(), *method_cases(receivers[0])]
    if find_spec("blinker"):
        cases += blinker_cases(receivers)
    if find_spec("psygnal"):
        cases += psygnal_cases(receivers)
    gc.disable()
    best = measure(cases, arguments.rounds)
    lines = table(best, arguments.markdown or arguments.write)
    machine = f"CPython {platform.python_version()}, {platform.machine()}"
    if arguments.write:
        begin, end = "<!-- bench signals: begin -->", "<!-- bench signals: end -->"
        before, _, rest = PAGE.read_text().partition(begin)
        body = "\n".join([begin, f"{machine}.", "", *lines]).rstrip()
        PAGE.write_text(f"{before}{body}\n{end}{rest.partition(end)[2]}")
    else:
        print("\n".join([machine, *lines]))
    ratio = best["emit, per method", "ours"] / best["emit, per method", "strong list"]
    word = "reached" if ratio <= TOLERANCE else "MISSED "
    print(f"{word}  emit, per method: {ratio:.2f} x a list of strong ones", file=sys.stderr)
    return 0 if ratio <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())

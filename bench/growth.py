"""What it costs to look for growth in a large heap: `diff` of three snapshots, and `run --every`.

A process builds a heap and takes three snapshots of it, with some objects more each time; `diff` of
them is one command, from the start of its interpreter to the text: what it takes by the clock is
what is promised, its CPU time is what another load on the machine changes little. The same is done
by processes of their own, which are compared by path shapes. Then a script with such a heap works
for a while under `run --every 5`, and the share of its time in pauses is the mean of those that the
verbose lines tell, one in five seconds.

    bench/growth.py KIND OBJECTS ROUNDS     as JSON; bench/run.py shows it
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
MIB = 1 << 20
EVERY_SECONDS = 5
# What is promised of ten million objects.
DIFF_SECONDS_MOST = 10.0
DIFF_BYTES_MOST = 2 << 30
PAUSE_PERCENT_MOST = 2.0
# Argument: kind, objects, folder, and which of three processes, -1 for all snapshots of one.
TAKING = """
import gc, sys
sys.path.insert(0, {here!r})
import heaps, mortmain
class Order:
    pass
class Book:
    pending = []
gc.disable()
kind, objects, folder, number = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
keep = heaps.KINDS[kind](objects)
for at in range(3) if number < 0 else [number]:
    Book.pending.extend(Order() for _ in range(10_000 * (1 if number < 0 else 1 + number)))
    mortmain.snapshot(f"{{folder}}/{{at}}.mort", force=True)
"""
# Argument: kind, objects, seconds. Moves old entries about, and keeps new ones.
WORKING = """
import gc, random, sys, time
sys.path.insert(0, {here!r})
import heaps
class Order:
    pass
class Book:
    pending = []
kind, objects, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
gc.disable()
keep = heaps.KINDS[kind](objects)
gc.enable()
gc.freeze()
draw = random.Random(1)
open("built", "x").close()
begin, cpu = time.perf_counter(), time.process_time()
rounds = 0
while time.perf_counter() - begin < seconds:
    for _ in range(20_000):
        at = draw.randrange(len(keep))
        keep[at], keep[at - 1] = keep[at - 1], keep[at]
    Book.pending.extend(Order() for _ in range(100))
    rounds += 1
print(rounds, time.perf_counter() - begin, time.process_time() - cpu)
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """What was measured on one heap."""

    kind: str
    python: str
    objects: int
    references: int
    rss_bytes: int
    diff_seconds: float
    diff_wall_seconds: float
    diff_bytes: int
    shapes_seconds: float
    shapes_bytes: int
    pauses_ms: list[float]
    watched_seconds: float

    @property
    def pause_percent(self) -> float:
        """Share of a script's time in pauses, were no interval longer than was asked for."""
        count = max(len(self.pauses_ms), 1)
        return sum(self.pauses_ms) / count / 10 / EVERY_SECONDS


@dataclass(frozen=True, slots=True)
class Costs:
    """What a command cost, and what it printed."""

    cpu_seconds: float
    wall_seconds: float
    most_bytes: int
    text: str


def command_costs(words: list[str]) -> Costs:
    """Runs a command to its end."""
    begin = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall_seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{words}: exit status {process.returncode}")
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Costs(cpu_seconds, wall_seconds, usage.ru_maxrss * 1024, text)


def taken(kind: str, objects: int, folder: Path, number: int) -> int:
    """Snapshots of one process; the most memory that it had, in bytes."""
    code = TAKING.format(here=str(HERE))
    words = [sys.executable, "-c", code, kind, str(objects), str(folder), str(number)]
    return command_costs(words).most_bytes


def diffed(folder: Path, rounds: int) -> tuple[float, float, int]:
    """The least CPU and wall seconds of some rounds of `diff`, and the most memory."""
    files = [str(folder / f"{number}.mort") for number in range(3)]
    words = [sys.executable, "-m", "mortmain", "diff", *files]
    costs = [command_costs(words) for _ in range(rounds)]
    assert all("Book.pending (list) keeps " in each.text for each in costs), costs[0].text
    return (
        min(each.cpu_seconds for each in costs),
        min(each.wall_seconds for each in costs),
        max(each.most_bytes for each in costs),
    )


def watched(kind: str, objects: int, folder: Path, seconds: float) -> tuple[list[float], float]:
    """Each pause in ms of a script that works under `run --every`, and how long it worked."""
    script = folder / "working.py"
    script.write_text(WORKING.format(here=str(HERE)))
    words = [sys.executable, "-m", "mortmain", "run", "-v", f"--every={EVERY_SECONDS}"]
    words += [str(script), kind, str(objects), str(seconds)]
    process = subprocess.Popen(
        words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    pauses = []
    while line := process.stderr.readline():
        # Lines before the heap was there do not count.
        found = re.search(r"\(pause ([0-9.]+) ms\)", line)
        if found and (folder / "built").exists():
            pauses.append(float(found[1]))
        if "SUSPECTS" in line:
            break
    text, _ = process.communicate()
    return pauses, float(text.split()[1])


def measured(kind: str, objects: int, rounds: int) -> Watched:
    """Everything on one heap."""
    from mortmain import Heap

    with tempfile.TemporaryDirectory(prefix="mortmain-bench-") as name:
        folder = Path(name)
        rss_bytes = taken(kind, objects, folder, -1)
        diff_seconds, diff_wall_seconds, diff_bytes = diffed(folder, rounds)
        summary = Heap.open(folder / "2.mort").summary()
        for number in range(3):
            taken(kind, objects, folder, number)
        shapes_seconds, _, shapes_bytes = diffed(folder, rounds)
        for file in folder.glob("*.mort"):
            file.unlink()
        pauses, seconds = watched(kind, objects, folder, 12 * EVERY_SECONDS)
    return Watched(
        kind=kind,
        python=sys.version.split()[0],
        objects=summary.object_count,
        references=summary.reference_count,
        rss_bytes=rss_bytes,
        diff_seconds=diff_seconds,
        diff_wall_seconds=diff_wall_seconds,
        diff_bytes=diff_bytes,
        shapes_seconds=shapes_seconds,
        shapes_bytes=shapes_bytes,
        pauses_ms=pauses,
        watched_seconds=seconds,
    )


def show(heap: Watched) -> Iterator[str]:
    """One heap's rows, for a terminal."""
    yield (
        f"\n{heap.kind} heap, CPython {heap.python}: {heap.objects:,} objects,"
        f" {heap.references:,} references, RSS {heap.rss_bytes / MIB:,.0f} MiB"
    )
    for name, seconds, most in (
        ("diff, one process", heap.diff_seconds, heap.diff_bytes),
        ("diff, three processes", heap.shapes_seconds, heap.shapes_bytes),
    ):
        yield f"  {name:24} {seconds:6.2f} s CPU  {most / MIB:6,.0f} MiB at most"
    yield f"  {'diff, by the clock':24} {heap.diff_wall_seconds:6.2f} s"
    yield (
        f"  {'run --every ' + str(EVERY_SECONDS):24} {heap.pause_percent:6.2f} % in pauses:"
        f" {len(heap.pauses_ms)} of {max(heap.pauses_ms, default=0):.1f} ms at most in"
        f" {heap.watched_seconds:.0f} s"
    )


def markdown(heaps: list[Watched]) -> Iterator[str]:
    """The table of docs/speed.md."""
    yield f"CPython {heaps[0].python}; the least CPU time of some rounds, but for the clock's."
    yield ""
    yield "|  | " + " | ".join(heap.kind for heap in heaps) + " |"
    yield "|---|" + "---|" * len(heaps)
    rows = {
        "objects": [f"{heap.objects:,}" for heap in heaps],
        "references": [f"{heap.references:,}" for heap in heaps],
        "resident memory of the program": [f"{heap.rss_bytes / MIB:,.0f} MiB" for heap in heaps],
        "**`diff` of three snapshots**": [f"**{heap.diff_seconds:.1f} s**" for heap in heaps],
        "by the clock": [f"{heap.diff_wall_seconds:.1f} s" for heap in heaps],
        "its memory at most": [f"{heap.diff_bytes / MIB:,.0f} MiB" for heap in heaps],
        "`diff` of three processes": [f"{heap.shapes_seconds:.1f} s" for heap in heaps],
        "its memory": [f"{heap.shapes_bytes / MIB:,.0f} MiB" for heap in heaps],
        f"pauses of `run --every {EVERY_SECONDS}`": [
            f"{heap.pause_percent:.2f} %, {max(heap.pauses_ms, default=0):.0f} ms at most"
            for heap in heaps
        ],
    }
    for name, cells in rows.items():
        yield f"| {name} | " + " | ".join(cells) + " |"


def verdicts(heaps: list[Watched]) -> Iterator[tuple[bool, str]]:
    """Whether each goal was reached, in words: what ten million objects may take, by proportion."""
    for heap in heaps:
        share = heap.objects / 10_000_000
        seconds, most = DIFF_SECONDS_MOST * share, DIFF_BYTES_MOST * share
        words = f"{heap.kind}: diff of three in {heap.diff_wall_seconds:.1f} s by the clock"
        yield heap.diff_wall_seconds <= seconds, f"{words}, at most {seconds:.1f}"
        words = f"{heap.kind}: in {heap.diff_bytes / MIB:,.0f} MiB, at most {most / MIB:,.0f}"
        yield heap.diff_bytes <= most, words
        words = f"{heap.kind}: {heap.pause_percent:.2f} % in pauses, at most {PAUSE_PERCENT_MOST:g}"
        yield bool(heap.pauses_ms) and heap.pause_percent <= PAUSE_PERCENT_MOST, words


def main() -> None:
    """Measure one heap."""
    kind, objects, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    heap = measured(kind, objects, rounds)
    print(json.dumps({name: getattr(heap, name) for name in Watched.__dataclass_fields__}))


if __name__ == "__main__":
    main()

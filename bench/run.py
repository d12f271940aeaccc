"""`make bench`: what a snapshot and its analyses cost, beside the alternatives, in one run.

Every number is a median; ratios are ours against the named peer, measured in the same process on
the same heap. CPU seconds count the fork door's child. The last lines say whether docs/speed.md's
promises were kept; if not, the exit status is 1.

    bench/run.py [--markdown | --write]     --write: puts the tables into docs/speed.md
    bench/run.py --part analyses            only these, beside python-igraph
    bench/run.py --part growth              diff and run --every on ten million objects
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import analyses
import growth

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs/speed.md"
MIB = 1 << 20
GIB = 1 << 30
OURS, COLLECT, GUPPY = "in process", "gc.collect()", "guppy3 heap()"
# heap, peer, at most so many times the peer's CPU time.
GOALS = (
    ("fresh", COLLECT, 3.0),
    ("aged", COLLECT, 1.0),
    ("fresh", GUPPY, 1.0),
    ("aged", GUPPY, 1.0),
    ("program", GUPPY, 1.0),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What bench/snapshot.py prints about one heap."""

    kind: str
    python: str
    objects: int
    references: int
    file_bytes: int
    walker_bytes: int
    rss_bytes: int
    pause_ns: float
    guppy3: str
    results: dict[str, dict[str, float]]

    @property
    def pause(self) -> str:
        """Of the fork door."""
        pause_ms = self.pause_ns / 1e6
        return f"{pause_ms:.1f} ms ({pause_ms / (self.rss_bytes / GIB):.0f} ms/GiB)"

    def ratio(self, peer: str) -> float:
        """Our CPU time in process, against a peer's."""
        return self.results[OURS]["cpu"] / self.results[peer]["cpu"]

    def label(self, peer: str) -> str:
        """A peer with its version."""
        return f"{peer}, {self.guppy3}" if peer == GUPPY else peer


def run(kind: str, objects: int, rounds: int) -> Measured:
    """One heap in a process of its own."""
    command = [sys.executable, str(HERE / "snapshot.py"), kind, str(objects), str(rounds)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Measured(**json.loads(done.stdout))


def machine() -> str:
    """The processor, and how many of it."""
    text = Path("/proc/cpuinfo").read_text()
    names = re.findall(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return f"{names[0] if names else 'an unknown processor'}, {len(names)} processors"


def show(heap: Measured) -> Iterator[str]:
    """One heap's rows, for a terminal."""
    yield (
        f"\n{heap.kind} heap, CPython {heap.python}: {heap.objects:,} objects,"
        f" {heap.references:,} references, RSS {heap.rss_bytes / MIB:,.0f} MiB"
    )
    yield (
        f"  file {heap.file_bytes / heap.objects:.1f} B/object,"
        f" walker's own memory {heap.walker_bytes / heap.objects:.1f} B/object,"
        f" pause of the fork door {heap.pause}"
    )
    yield (
        f"  {'':30} {'objects':>10} {'CPU ms':>9} {'ms/Mobj':>8} {'spread':>13} {'n':>2}"
        f" {'wall ms':>8} {'ratio':>6}"
    )
    for name, row in heap.results.items():
        spread = f"{row['low'] * 1e3:.0f}..{row['high'] * 1e3:.0f}"
        ratio = "" if name == OURS else f"{heap.ratio(name):.2f}"
        seen = f"{row['objects']:,.0f}" if row["objects"] else "-"
        yield (
            f"  {heap.label(name):30} {seen:>10} {row['cpu'] * 1e3:9.1f}"
            f" {row['cpu'] * 1e9 / heap.objects:8.1f} {spread:>13} {row['rounds']:2.0f}"
            f" {row['wall'] * 1e3:8.1f} {ratio:>6}"
        )


def markdown(heaps: list[Measured]) -> Iterator[str]:
    """The tables of docs/speed.md."""
    yield f"CPython {heaps[0].python} on {machine()}; medians of CPU time, in ms for each heap."
    yield ""
    yield "| | " + " | ".join(f"{heap.kind}" for heap in heaps) + " |"
    yield "|---|" + "---|" * len(heaps)
    rows = {
        "objects": [f"{heap.objects:,}" for heap in heaps],
        "references": [f"{heap.references:,}" for heap in heaps],
        "resident memory": [f"{heap.rss_bytes / MIB:,.0f} MiB" for heap in heaps],
        "**pause** of the fork door": [f"**{heap.pause}**" for heap in heaps],
        "file, for each object": [f"{heap.file_bytes / heap.objects:.1f} B" for heap in heaps],
        "walker's own memory": [f"{heap.walker_bytes / heap.objects:.1f} B" for heap in heaps],
    }
    for name in heaps[0].results:
        cells = []
        for heap in heaps:
            ratio = "" if name in (OURS, "fork") else f" (ours: {heap.ratio(name):.2f} of it)"
            cells.append(f"{heap.results[name]['cpu'] * 1e3:,.0f}{ratio}")
        named = {OURS: "snapshot, in process", "fork": "snapshot, fork: both processes"}
        rows[named.get(name, f"`{name}`" if name != GUPPY else heaps[0].label(name))] = cells
    for name, cells in rows.items():
        yield f"| {name} | " + " | ".join(cells) + " |"


def verdicts(heaps: list[Measured]) -> Iterator[tuple[bool, str]]:
    """Whether each goal was reached, in words."""
    for heap in heaps:
        for kind, peer, most in GOALS:
            if kind == heap.kind and peer in heap.results:
                ratio = heap.ratio(peer)
                words = f"{kind}: {ratio:.2f} times {peer}, at most {most:g}"
                yield ratio <= most, words
        if GUPPY not in heap.results:
            yield False, f"{heap.kind}: guppy3 is not installed, nothing to compare with"


def write(name: str, lines: list[str]) -> None:
    """Puts a table between its marks in docs/speed.md."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = PAGE.read_text().partition(begin)
    PAGE.write_text(before + "\n".join([begin, *lines, end]) + rest.partition(end)[2])


def snapshots(arguments: argparse.Namespace) -> list[tuple[bool, str]]:
    """What snapshots cost."""
    print(f"{machine()}; n = rounds; ratio = in process / peer, CPU time", file=sys.stderr)
    heaps = []
    for kind in arguments.heap or ["fresh", "aged", "program"]:
        if kind == "crossed":
            continue
        heaps.append(run(kind, arguments.objects, arguments.rounds))
        if not arguments.markdown:
            print("\n".join(show(heaps[-1])), flush=True)
    if arguments.markdown and heaps:
        print("\n".join(markdown(heaps)))
    if arguments.write and heaps:
        write("bench", [*markdown(heaps)])
    return [*verdicts(heaps)]


def analysed(arguments: argparse.Namespace) -> list[tuple[bool, str]]:
    """What analyses cost, each heap in a process of its own."""
    heaps = []
    for kind in arguments.heap or analyses.KINDS:
        command = [sys.executable, str(HERE / "analyses.py"), kind]
        command += [str(arguments.objects), str(arguments.rounds)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        heaps.append(analyses.Analysed(**json.loads(done.stdout)))
        if not arguments.markdown:
            print("\n".join(analyses.show(heaps[-1])), flush=True)
    if arguments.markdown:
        print("\n".join(analyses.markdown(heaps)))
    if arguments.write:
        write("bench analyses", [*analyses.markdown(heaps)])
    return [*analyses.verdicts(heaps)]


def watched(arguments: argparse.Namespace) -> list[tuple[bool, str]]:
    """What looking for growth costs, each heap in processes of its own."""
    heaps = []
    for kind in arguments.heap or ["fresh", "program"]:
        if kind == "crossed":
            continue
        command = [sys.executable, str(HERE / "growth.py"), kind]
        command += [str(arguments.large_objects), str(min(arguments.rounds, 3))]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        heaps.append(growth.Watched(**json.loads(done.stdout)))
        if not arguments.markdown:
            print("\n".join(growth.show(heaps[-1])), flush=True)
    if arguments.markdown and heaps:
        print("\n".join(growth.markdown(heaps)))
    if arguments.write and heaps:
        write("bench growth", [*growth.markdown(heaps)])
    return [*growth.verdicts(heaps)]


PARTS = {"snapshots": snapshots, "analyses": analysed, "growth": watched}


def main() -> int:
    """Parse the arguments and measure each heap."""
    parser = argparse.ArgumentParser(description="what a snapshot costs, beside the alternatives")
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument(
        "--large-objects", type=int, default=10_000_000, help="for growth: takes some GB of memory"
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--heap", action="append", choices=analyses.KINDS)
    parser.add_argument("--part", action="append", choices=PARTS, help="default: all parts")
    parser.add_argument("--markdown", action="store_true", help="print tables for a document")
    parser.add_argument("--write", action="store_true", help="put them into docs/speed.md")
    arguments = parser.parse_args()
    results = [result for part in arguments.part or PARTS for result in PARTS[part](arguments)]
    for reached, words in results:
        print(f"{'reached' if reached else 'MISSED '}  {words}", file=sys.stderr)
    return 0 if all(reached for reached, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())

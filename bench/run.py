"""`make bench`: what a snapshot costs, beside the alternatives, in one run.

Every number is a median; ratios are ours against the named peer, measured in the same process on
the same heap. CPU seconds count the fork door's child.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
MIB = 1 << 20
GIB = 1 << 30


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


def run(kind: str, objects: int, rounds: int) -> Measured:
    """One heap in a process of its own."""
    command = [sys.executable, str(HERE / "snapshot.py"), kind, str(objects), str(rounds)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Measured(**json.loads(done.stdout))


def show(heap: Measured) -> None:
    """Print one heap's rows."""
    million = heap.objects / 1e6
    pause_ms = heap.pause_ns / 1e6
    ours = heap.results["in process"]["cpu"]
    print(
        f"\n{heap.kind} heap, CPython {heap.python}: {heap.objects:,} objects,"
        f" {heap.references:,} references, RSS {heap.rss_bytes / MIB:,.0f} MiB"
    )
    print(
        f"  file {heap.file_bytes / heap.objects:.1f} B/object,"
        f" walker's own memory {heap.walker_bytes / heap.objects:.1f} B/object,"
        f" pause of the fork door {pause_ms:.1f} ms"
        f" ({pause_ms / (heap.rss_bytes / GIB):.0f} ms/GiB)"
    )
    print(f"  {'':30} {'CPU ms':>9} {'ms/Mobj':>9} {'spread':>15} {'wall ms':>9} {'ratio':>8}")
    for name, row in heap.results.items():
        spread = f"{row['low'] * 1e3:.0f}..{row['high'] * 1e3:.0f}"
        ratio = "" if name == "in process" else f"{ours / row['cpu']:.2f}"
        label = f"{name} {heap.guppy3}" if name.startswith("guppy3") else name
        print(
            f"  {label:30} {row['cpu'] * 1e3:9.1f} {row['cpu'] * 1e3 / million:9.1f}"
            f" {spread:>15} {row['wall'] * 1e3:9.1f} {ratio:>8}"
        )


def main() -> None:
    """Parse the arguments and measure each heap."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--heap", action="append", choices=["fresh", "aged", "program"])
    arguments = parser.parse_args()
    print(f"{platform.platform()}; n = {arguments.rounds}; ratio = in process / peer, CPU time")
    for kind in arguments.heap or ["fresh", "aged", "program"]:
        show(run(kind, arguments.objects, arguments.rounds))


if __name__ == "__main__":
    main()

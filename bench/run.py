"""`make bench`: what a snapshot costs, beside the alternatives, in one run.

Every number is a median; ratios are ours against the named peer, measured in the same process on the same
heap. CPU seconds count the fork door's child.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MIB = 1 << 20


def run(kind: str, objects: int, rounds: int) -> dict[str, object]:
    """One heap in a process of its own."""
    command = [sys.executable, str(HERE / "snapshot.py"), kind, str(objects), str(rounds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def show(answer: dict[str, object]) -> None:
    """Print one heap's rows."""
    objects = int(answer["objects"])  # type: ignore[call-overload]
    million = objects / 1e6
    results: dict[str, dict[str, float]] = answer["results"]  # type: ignore[assignment]
    ours = results["in process"]
    print(
        f"\n{answer['kind']} heap, CPython {answer['python']}: {objects:,} objects, "
        f"{answer['references']:,} references, RSS {int(answer['rss_bytes']) / MIB:,.0f} MiB"  # type: ignore[call-overload]
    )
    print(
        f"  file {int(answer['file_bytes']) / objects:.1f} B/object, "  # type: ignore[call-overload]
        f"walker's own memory {int(answer['walker_bytes']) / objects:.1f} B/object, "  # type: ignore[call-overload]
        f"pause of the fork door {float(answer['pause_ns']) / 1e6:.1f} ms "  # type: ignore[arg-type]
        f"({float(answer['pause_ns']) / 1e6 / (int(answer['rss_bytes']) / (1 << 30)):.0f} ms/GiB)"  # type: ignore[call-overload,arg-type]
    )
    print(f"  {'':30} {'CPU ms':>9} {'ms/Mobj':>9} {'spread':>15} {'wall ms':>9} {'ratio':>8}")
    for name, row in results.items():
        spread = f"{row['low'] * 1e3:.0f}..{row['high'] * 1e3:.0f}"
        ratio = "" if name == "in process" else f"{ours['cpu'] / row['cpu']:.2f}"
        label = f"{name} {answer['guppy3']}" if name.startswith("guppy3") else name
        print(
            f"  {label:30} {row['cpu'] * 1e3:9.1f} {row['cpu'] * 1e3 / million:9.1f} "
            f"{spread:>15} {row['wall'] * 1e3:9.1f} {ratio:>8}"
        )


def main() -> None:
    """Parse the arguments and measure each heap."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--heap", action="append", choices=["fresh", "aged", "program"])
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {platform.platform()}; n = {arguments.rounds}, ratio = ours / peer")
    for kind in arguments.heap or ["fresh", "aged", "program"]:
        show(run(kind, arguments.objects, arguments.rounds))


if __name__ == "__main__":
    main()

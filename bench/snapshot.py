"""One process of the snapshot bench: builds a heap, measures everything on it, prints JSON.

Usage: snapshot.py KIND OBJECTS ROUNDS
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import heaps
from mortmain import _door


def cpu_seconds() -> float:
    """CPU time of this process and of the children that it waited for."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measure(action: Callable[[], int], rounds: int) -> dict[str, float]:
    """Median and spread of CPU and wall seconds; `action` answers how many objects it saw."""
    cpu = []
    wall = []
    objects = 0
    for _ in range(rounds):
        cpu_start = cpu_seconds()
        wall_start = time.perf_counter()
        objects = action()
        wall.append(time.perf_counter() - wall_start)
        cpu.append(cpu_seconds() - cpu_start)
    return {
        "cpu": statistics.median(cpu),
        "wall": statistics.median(wall),
        "low": min(cpu),
        "high": max(cpu),
        "rounds": rounds,
        "objects": objects,
    }


def python_way() -> int:
    """All objects and references with gc alone: a closure over get_objects and get_referents."""
    todo: list[object] = gc.get_objects()
    seen = set(map(id, todo))  # made after the question, or its own numbers would be found too
    while todo:
        following: list[object] = []
        for referent in gc.get_referents(*todo):
            if id(referent) not in seen:
                seen.add(id(referent))
                following.append(referent)
        todo = following
    return len(seen)


def collect() -> int:
    """What the collector does; it counts nothing."""
    gc.collect()
    return 0


def main() -> None:
    """Build, measure, print."""
    kind, objects, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    keep = heaps.KINDS[kind](objects)
    gc.collect()
    gc.disable()
    folder = Path(tempfile.mkdtemp(prefix="mortmain-bench-"))
    path = folder / "heap.mort"
    taken = _door.snapshot(path, force=True)
    rss_bytes = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    pauses: list[int] = []

    def snapshot(in_process: bool) -> int:
        taken.update(_door.snapshot(path, force=True, in_process=in_process))
        pauses.append(taken["pause_ns"])
        return taken["objects"]

    results = {"in process": measure(lambda: snapshot(True), rounds)}
    pauses.clear()
    results["fork"] = measure(lambda: snapshot(False), rounds)
    results["gc.collect()"] = measure(collect, rounds)
    results["get_objects + get_referents"] = measure(python_way, max(3, rounds // 3))
    try:
        import guppy

        heapy = guppy.hpy()
        heapy.heap()
        results["guppy3 heap()"] = measure(lambda: int(heapy.heap().count), max(3, rounds // 3))
        guppy_version = importlib.metadata.version("guppy3")
    except ImportError:
        guppy_version = "not installed"
    print(
        json.dumps(
            {
                "kind": kind,
                "python": sys.version.split()[0],
                "objects": taken["objects"],
                "references": taken["references"],
                "file_bytes": taken["file_bytes"],
                "walker_bytes": taken["memory_bytes"],
                "rss_bytes": rss_bytes,
                "pause_ns": statistics.median(pauses),
                "guppy3": guppy_version,
                "results": results,
            }
        )
    )
    path.unlink()
    folder.rmdir()
    del keep


if __name__ == "__main__":
    main()

"""What the analyses of a snapshot cost, beside python-igraph's dominator tree and cycles.

Compiles bench_analyze.c with the engine, runs it on a snapshot, and gives python-igraph the same
graph in the same run. Both must find the same dominators. All times are CPU time, the least of some
rounds; what igraph needs to build its graph from our edges is not counted.

    bench/analyses.py KIND OBJECTS ROUNDS     one heap, as JSON; bench/run.py shows it
    bench/analyses.py --take KIND OBJECTS FILE.mort
"""

from __future__ import annotations

import array
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import heaps

HERE = Path(__file__).resolve().parent
ENGINE = HERE.parent / "engine"
ROOMS = ("base/free", "base/os", "format", "graph", "analyze")
KINDS = ("fresh", "aged", "program", "crossed")
# The goals: for all of it together and each object, and for a report of a million objects.
TOGETHER = ("graph", "reach", "flow", "dominators", "retained", "freed", "cycles", "account")
GOAL_NS = 400
GOAL_BYTES = 100
GOAL_REPORT_NS = 1000
# What igraph does, by the name of our step.
PEERS = {"dominators": "dominators", "cycles, nothing left out": "cycles"}
MISSING = "python-igraph is not installed: .venv/bin/pip install -r requirements/bench.txt"


@dataclass(frozen=True, slots=True)
class Analysed:
    """What one heap's analyses cost. Times in nanoseconds, memory in bytes."""

    kind: str
    python: str
    objects: int
    references: int
    nodes: int
    edges: int
    exact_basis_points: int
    igraph: str | None
    steps: dict[str, tuple[int, int]]
    peers: dict[str, int]
    report_ns: int

    def together(self) -> tuple[float, float]:
        """Nanoseconds and bytes for each object, of all that the goal speaks of."""
        ns = sum(self.steps[name][0] for name in TOGETHER)
        size = sum(self.steps[name][1] for name in TOGETHER)
        return ns / self.objects, size / self.objects

    def ratio(self, step: str) -> float | None:
        """How many times as long igraph takes."""
        peer = self.peers.get(PEERS.get(step, ""))
        return None if peer is None else peer / self.steps[step][0]


def compile_bench(target: Path) -> None:
    """The bench program, as a release would be compiled."""
    sources = [str(path) for room in ROOMS for path in sorted((ENGINE / room).glob("*.c"))]
    command = [os.environ.get("CC", "cc"), "-std=c11", "-O2", "-DNDEBUG", "-D_GNU_SOURCE="]
    command += [f"-I{ENGINE}", str(HERE / "bench_analyze.c"), *sources, "-o", str(target)]
    subprocess.run(command, check=True)


def least_ns(action: Callable[[], object], rounds: int) -> int:
    """The least CPU time of some rounds."""
    times = []
    for _ in range(rounds):
        start = time.process_time_ns()
        action()
        times.append(time.process_time_ns() - start)
    return min(times)


def peer(edges_file: Path, idom_sum: int, rounds: int) -> dict[str, int]:
    """python-igraph on the same graph. Its dominators must be ours."""
    import igraph

    numbers = array.array("I")
    numbers.frombytes(edges_file.read_bytes())
    nodes, _edges, root = numbers[:3]
    graph = igraph.Graph(nodes, zip(numbers[3::2], numbers[4::2], strict=True), directed=True)
    theirs = sum(node for node in graph.dominator(root, mode="out") if node >= 0)
    if theirs != idom_sum:
        sys.exit(f"the dominators differ: ours sum up to {idom_sum}, igraph's to {theirs}")
    return {
        "dominators": least_ns(lambda: graph.dominator(root, mode="out"), rounds),
        "cycles": least_ns(lambda: graph.connected_components(mode="strong"), rounds),
    }


def report_ns(file: Path, rounds: int) -> int:
    """From file to text: the whole command, interpreter included."""
    times = []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "mortmain", "report", str(file)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        times.append(int(seconds * 1e9))
    return min(times)


def measure(kind: str, objects: int, rounds: int) -> Analysed:
    """One heap, built in a process of its own."""
    igraph_version = None
    peers = {}
    try:
        igraph_version = importlib.metadata.version("igraph")
    except importlib.metadata.PackageNotFoundError:
        print(MISSING, file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="mortmain-bench-") as folder:
        file = Path(folder) / "heap.mort"
        edges = Path(folder) / "edges"
        program = Path(folder) / "bench_analyze"
        take = [sys.executable, __file__, "--take", kind, str(objects), str(file)]
        subprocess.run(take, check=True)
        compile_bench(program)
        command = [str(program), str(file), str(rounds), *([str(edges)] if igraph_version else [])]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        *rows, total = [json.loads(line) for line in done.stdout.splitlines()]
        if igraph_version:
            peers = peer(edges, total["idom_sum"], max(2, rounds // 3))
        text_ns = report_ns(file, max(2, rounds // 3))
    return Analysed(
        kind=kind,
        python=platform.python_version(),
        objects=total["objects"],
        references=total["references"],
        nodes=total["nodes"],
        edges=total["edges"],
        exact_basis_points=total["exact_basis_points"],
        igraph=igraph_version,
        steps={row["step"]: (row["ns"], row["bytes"]) for row in rows},
        peers=peers,
        report_ns=text_ns,
    )


def show(heap: Analysed) -> Iterator[str]:
    """One heap's rows, for a terminal."""
    yield (
        f"\nanalyses of the {heap.kind} heap: {heap.objects:,} objects, {heap.references:,}"
        f" references; {heap.nodes:,} nodes, {heap.edges:,} edges;"
        f" {heap.exact_basis_points / 100:.2f} % of mortal objects exactly explained"
    )
    yield (
        f"  {'':26} {'CPU ms':>9} {'ns/object':>10} {'B/object':>9} {'igraph ms':>10} {'ratio':>6}"
    )
    for name, (ns, size) in heap.steps.items():
        ratio = heap.ratio(name)
        theirs = "" if ratio is None else f"{ratio * ns / 1e6:10.1f} {ratio:5.1f}x"
        yield (
            f"  {name:26} {ns / 1e6:9.1f} {ns / heap.objects:10.1f} {size / heap.objects:9.1f}"
            f" {theirs}"
        )
    ns_each, bytes_each = heap.together()
    yield (
        f"  {'all but paths and cuts':26} {ns_each * heap.objects / 1e6:9.1f} {ns_each:10.1f}"
        f" {bytes_each:9.1f}"
    )
    yield f"  {'report, from file to text':26} {heap.report_ns / 1e6:9.1f}"


def markdown(measured: list[Analysed]) -> Iterator[str]:
    """The second table of docs/speed.md."""

    def row(name: str, cells: list[str]) -> str:
        return f"| {name} | " + " | ".join(cells) + " |"

    yield f"igraph {measured[0].igraph or 'was not installed'}; the least CPU time of some rounds."
    yield ""
    yield row("", [heap.kind for heap in measured])
    yield "|---|" + "---|" * len(measured)
    yield row("objects", [f"{heap.objects:,}" for heap in measured])
    yield row("references", [f"{heap.references:,}" for heap in measured])
    together = [heap.together() for heap in measured]
    yield row("**all analyses**, for each object", [f"**{ns:.0f} ns**" for ns, _ in together])
    yield row("their memory, for each object", [f"**{size:.0f} B**" for _, size in together])
    for name in measured[0].steps:
        cells = []
        for heap in measured:
            ratio = heap.ratio(name)
            beside = "" if ratio is None else f" (igraph takes {ratio:.1f} times as long)"
            cells.append(f"{heap.steps[name][0] / 1e6:,.1f} ms{beside}")
        yield row(name, cells)
    yield row("report, from file to text", [f"{h.report_ns / 1e6:,.0f} ms" for h in measured])


def verdicts(measured: list[Analysed]) -> Iterator[tuple[bool, str]]:
    """Whether each goal was reached, in words."""
    for heap in measured:
        ns, size = heap.together()
        yield ns <= GOAL_NS, f"{heap.kind}: {ns:.0f} ns an object for all analyses, at most 400"
        yield size <= GOAL_BYTES, f"{heap.kind}: {size:.0f} bytes an object, at most 100"
        each = heap.report_ns / heap.objects
        yield (
            each <= GOAL_REPORT_NS,
            f"{heap.kind}: a report in {each:.0f} ns an object, at most 1000",
        )
        if heap.igraph is None:
            yield False, f"{heap.kind}: {MISSING}"


def take(kind: str, objects: int, file: str) -> None:
    """Build a heap and take its snapshot."""
    from mortmain import _door

    keep = heaps.KINDS[kind](objects)
    _door.snapshot(file, force=True)
    del keep


if __name__ == "__main__":
    if sys.argv[1] == "--take":
        take(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        print(json.dumps(asdict(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))

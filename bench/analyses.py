"""What the analyses of a snapshot cost, beside python-igraph's dominator tree and cycles.

Usage: analyses.py FILE.mort [--rounds N] [--no-peer]

Compiles bench_analyze.c with the engine, runs it on the file, and gives python-igraph the same
graph in the same run. Both must find the same dominators. All times are CPU time; what igraph needs
to build its graph from our edges is not counted.
"""

from __future__ import annotations

import argparse
import array
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENGINE = HERE.parent / "engine"
ROOMS = ("base/free", "base/os", "format", "graph", "analyze")
# The goal for all of it together, of a million objects.
TOGETHER = ("graph", "reach", "flow", "dominators", "retained", "freed", "cycles", "account")
GOAL_MS = 400
GOAL_BYTES = 100


def compile_bench(target: Path) -> None:
    """The bench program, as a release would be compiled."""
    sources = [str(path) for room in ROOMS for path in sorted((ENGINE / room).glob("*.c"))]
    command = [os.environ.get("CC", "cc"), "-std=c11", "-O2", "-DNDEBUG", "-D_GNU_SOURCE="]
    command += [f"-I{ENGINE}", str(HERE / "bench_analyze.c"), *sources, "-o", str(target)]
    subprocess.run(command, check=True)


def peer(edges_file: Path) -> dict[str, float]:
    """python-igraph on the same graph: CPU seconds, the sum of dominators."""
    import igraph

    numbers = array.array("I")
    numbers.frombytes(edges_file.read_bytes())
    nodes, _edges, root = numbers[:3]
    graph = igraph.Graph(nodes, zip(numbers[3::2], numbers[4::2], strict=True), directed=True)
    start = time.process_time()
    above = graph.dominator(root, mode="out")
    dominators = time.process_time() - start
    start = time.process_time()
    graph.connected_components(mode="strong")
    cycles = time.process_time() - start
    return {
        "dominators": dominators,
        "cycles": cycles,
        "idom_sum": sum(node for node in above if node >= 0),
    }


def show(rows: list[dict[str, int | str]], total: dict[str, int], theirs: dict[str, float]) -> None:
    """Print a row for each analysis."""
    objects = total["objects"]
    cost = {str(row["step"]): (int(row["ns"]), int(row["bytes"])) for row in rows}
    print(
        f"{objects:,} objects, {total['references']:,} references;"
        f" flow: {total['nodes']:,} nodes, {total['edges']:,} edges;"
        f" {total['exact_basis_points'] / 100:.2f} % of mortal objects exactly explained"
    )
    print(
        f"  {'':26} {'CPU ms':>9} {'ns/object':>10} {'B/object':>9} {'igraph ms':>10} {'ratio':>6}"
    )
    for name, (ns, size) in cost.items():
        key = {"dominators": "dominators", "cycles, nothing left out": "cycles"}.get(name)
        beside = ""
        if key in theirs:
            beside = f"{theirs[key] * 1e3:10.1f} {theirs[key] * 1e9 / ns:5.1f}x"
        print(f"  {name:26} {ns / 1e6:9.1f} {ns / objects:10.1f} {size / objects:9.1f} {beside}")
    ms = sum(cost[name][0] for name in TOGETHER) / 1e6
    size = sum(cost[name][1] for name in TOGETHER)
    print(
        f"  {'all but paths and cuts':26} {ms:9.1f} {ms * 1e6 / objects:10.1f}"
        f" {size / objects:9.1f}   goal: {GOAL_MS} ns, {GOAL_BYTES} B"
    )


def main() -> None:
    """Parse the arguments, measure, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-peer", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "bench_analyze"
        edges = Path(folder) / "edges"
        compile_bench(program)
        command = [str(program), str(arguments.file), str(arguments.rounds)]
        command += [] if arguments.no_peer else [str(edges)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        *rows, total = [json.loads(line) for line in done.stdout.splitlines()]
        theirs = {} if arguments.no_peer else peer(edges)
    show(rows, total, theirs)
    if theirs and theirs["idom_sum"] != total["idom_sum"]:
        sys.exit(f"the dominators differ: ours {total['idom_sum']}, igraph's {theirs['idom_sum']}")


if __name__ == "__main__":
    main()

"""`make oracle PROGRAMS=n`: random op programs on this heap and on CPython, logs compared.

Each program runs on every Python found (3.11 to 3.13 beside default mode, 2.7 beside legacy mode)
and on both builds of the heap, each of them plain and under ASan and UBSan. The oracle build must
give the same sequence of finalizers, callbacks, deaths and liveness; the default build, which marks
in place, the same set in each collection. What may differ is in compare.py and is counted apart.
Any other difference fails: the program is shrunk, and kept in a folder. Programs kept in
tests/oracle/kept are run before all others.

    tests/oracle/oracle.py [--programs N] [--seed S] [--keep FOLDER] [--this] [PROGRAM ...]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from compare import Verdict, compare, events_of
from op_programs import generate
from shrink import shrink
from sides import (
    BUILD,
    BUILDS,
    HERE,
    Build,
    Python,
    SideError,
    compile_builds,
    find_pythons,
    run_heap,
    run_python,
)

BATCH = 500
SHRUNK_MAX = 5
DIFFERENCES = {
    "1": "order among survivors",
    "2": "callbacks of dead owners",
    "3": "weak references to trash",
    "4": "weak fields in trash",
    "5": "chains over 50",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A program that differs where it may not."""

    name: str
    python: Python
    build: Build
    what: str


@dataclass(slots=True)
class Score:
    """How the programs of one Python and one build came out."""

    programs: int = 0
    events: int = 0
    sequences: int = 0
    sets: int = 0
    wrong: int = 0
    legitimate: Counter[str] = field(default_factory=Counter)

    def add(self, verdict: Verdict, events: int) -> None:
        """Counts one program."""
        self.programs += 1
        self.events += events
        self.sequences += verdict.is_sequence_equal
        self.sets += verdict.is_set_equal
        self.wrong += verdict.is_wrong
        self.legitimate.update(verdict.legitimate)

    def merge(self, other: Score) -> None:
        """Counts what another has counted."""
        self.programs += other.programs
        self.events += other.events
        self.sequences += other.sequences
        self.sets += other.sets
        self.wrong += other.wrong
        self.legitimate.update(other.legitimate)


Scores = dict[tuple[str, str], Score]


def applies(lines: list[str], python: Python) -> bool:
    """May the program run on this Python? A kept one may name its modes in a comment."""
    modes = next((line for line in lines if line.startswith("# modes:")), "default legacy")
    return ("legacy" if python.is_legacy else "default") in modes


def judge(
    programs: dict[str, list[str]], pythons: Iterable[Python], builds: Iterable[Build] = BUILDS
) -> tuple[Scores, list[Failure]]:
    """Runs programs on all sides and compares the logs."""
    scores: Scores = {}
    failures = []
    ours: dict[tuple[str, bool], dict[str, list[str]]] = {}
    for python in pythons:
        chosen = {name: lines for name, lines in programs.items() if applies(lines, python)}
        theirs = run_python(python.path, chosen)
        for build in builds:
            key = build.name, python.is_legacy
            if key not in ours:
                ours[key] = run_both(build, chosen, legacy=python.is_legacy)
            second = build.empties_twice != python.empties_twice
            score = scores.setdefault((python.version, build.name), Score())
            for name, lines in chosen.items():
                log = ours[key][name]
                verdict = compare(lines, log, theirs[name], in_place=build.in_place, second=second)
                score.add(verdict, events_of(theirs[name]))
                if verdict.is_wrong:
                    failures.append(Failure(name, python, build, verdict.wrong))
    return scores, failures


def run_both(build: Build, programs: dict[str, list[str]], *, legacy: bool) -> dict[str, list[str]]:
    """The plain build's logs; where the sanitized build's differ, a line FAULT says so."""
    plain = run_heap(build, programs, legacy=legacy, sanitized=False)
    sanitized = run_heap(build, programs, legacy=legacy, sanitized=True)
    for name, log in sanitized.items():
        if plain[name] != log:
            last = log[-1] if log else "nothing"
            plain[name] = [*plain[name], f"FAULT sanitized build: {last}"]
    return plain


def keep(failure: Failure, lines: list[str], folder: Path) -> Path:
    """Shrinks a failing program and writes it down."""

    def fails(candidates: list[list[str]]) -> list[bool]:
        batch = {str(number): candidate for number, candidate in enumerate(candidates)}
        _, failures = judge(batch, [failure.python], [failure.build])
        names = {found.name for found in failures}
        return [name in names for name in batch]

    small = shrink(lines, fails)
    _, found = judge({"small": small}, [failure.python], [failure.build])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{failure.name}-{failure.python.version}-{failure.build.name}.prog"
    head = f"# CPython {failure.python.version}, {failure.build.name} build"
    what = found[0].what if found else failure.what
    path.write_text("\n".join([head, f"# {what}", *small, ""]))
    return path


def read_programs(paths: Iterable[Path]) -> dict[str, list[str]]:
    """Programs from files."""
    return {path.stem: path.read_text().splitlines() for path in paths}


def run_batch(task: tuple[int, int, tuple[Python, ...]]) -> tuple[Scores, list[Failure]]:
    """One batch of random programs, in a worker."""
    first, end, pythons = task
    return judge({str(seed): generate(seed) for seed in range(first, end)}, pythons)


def run_random(first: int, count: int, pythons: tuple[Python, ...]) -> tuple[Scores, list[Failure]]:
    """All random programs, on as many cores as there are."""
    end = first + count
    tasks = [(at, min(at + BATCH, end), pythons) for at in range(first, end, BATCH)]
    scores: Scores = {}
    failures: list[Failure] = []
    cores = len(os.sched_getaffinity(0))
    with multiprocessing.Pool(min(cores, max(len(tasks), 1))) as pool:
        for found, failed in pool.imap(run_batch, tasks):
            for key, score in found.items():
                scores.setdefault(key, Score()).merge(score)
            failures += failed
    return scores, failures


def report(title: str, scores: Scores, pythons: Iterable[Python]) -> None:
    """Prints the table of one run."""
    print(title)
    for python in pythons:
        for build in BUILDS:
            score = scores.get((python.version, build.name))
            if score is None or not score.programs:
                continue
            n = score.programs
            parts = [f"equal sequences {score.sequences}/{n}"]
            if build.in_place:
                parts.insert(0, f"equal sets {score.sets}/{n}")
            known = [
                f"{DIFFERENCES[number]} {count}"
                for number, count in sorted(score.legitimate.items())
            ]
            print(
                f"  CPython {python.version:8}{build.name:8} build: {', '.join(parts)},"
                f" wrong {score.wrong}; {score.events} events"
                + (f"; may differ: {', '.join(known)}" if known else "")
            )


def show(failures: list[Failure], programs: dict[str, list[str]], folder: Path) -> None:
    """Names what is wrong, and keeps the first ones small."""
    seen: set[str] = set()
    for failure in failures:
        if failure.name in seen or len(seen) >= SHRUNK_MAX:
            continue
        seen.add(failure.name)
        lines = programs.get(failure.name) or generate(int(failure.name))
        path = keep(failure, lines, folder)
        print(
            f"program {failure.name}, CPython {failure.python.version}, {failure.build.name}"
            f" build: {failure.what}; shrunk to {path}"
        )


def main() -> int:
    """Runs what the command line asks for; the status is 1 if anything differs that may not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="run these programs and no others")
    parser.add_argument("--programs", type=int, default=2000, help="random programs per Python")
    parser.add_argument("--seed", type=int, default=0, help="number of the first one")
    parser.add_argument("--keep", type=Path, default=BUILD / "failed", help="for failing programs")
    parser.add_argument("--this", action="store_true", help="no Python but the one that runs this")
    arguments = parser.parse_args()
    missing = [path for path in arguments.files if not path.is_file()]
    if missing or arguments.programs < 0 or arguments.seed < 0:
        parser.error(f"no such program: {missing[0]}" if missing else "a number below 0")
    started = time.monotonic()
    try:
        compile_builds()
        pythons = find_pythons(this=arguments.this)
        kept = read_programs(arguments.files or sorted((HERE / "kept").glob("*.prog")))
        scores, failures = judge(kept, pythons)
        report(f"{len(kept)} kept programs", scores, pythons)
        if not arguments.files and arguments.programs:
            found, failed = run_random(arguments.seed, arguments.programs, pythons)
            first, end = arguments.seed, arguments.seed + arguments.programs
            report(f"{arguments.programs} random programs, {first} to {end - 1}", found, pythons)
            failures += failed
            for key, score in found.items():
                scores.setdefault(key, Score()).merge(score)
        show(failures, kept, arguments.keep)
    except SideError as error:
        print(f"oracle: {error}", file=sys.stderr)
        return 2
    # A Python and a build are a test.
    wrong = sum(score.wrong > 0 for score in scores.values())
    print(f"{len(scores) - wrong} passed, {wrong} failed in {time.monotonic() - started:.1f}s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

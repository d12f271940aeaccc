"""The object heap beside malloc, GObject, QuickJS, Boehm and CPython, in one run.

Each peer is a program of its own (bench/heap/*.c, python.py) with the same cases, compiled with the
same flags as the heap. The programs take turns; of each number the smallest round counts, because
whatever else the machine does can only add to it. The last lines say whether docs/speed.md's
promises were kept; if not, the exit status is 1.

    bench/heap/peers.py [--write] [--quickjs FOLDER]    --write: puts the table into docs/speed.md
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs/speed.md"
FLAGS = ["-std=c11", "-O2", "-DNDEBUG", "-D_GNU_SOURCE="]
OURS, MALLOC, GOBJECT, QUICKJS, BOEHM, CPYTHON = (
    "libmortmain", "malloc", "GObject", "QuickJS", "Boehm", "CPython",
)  # fmt: skip
CASES = {
    "new": "new + release",
    "retain": "retain + release",
    "weak get": "weak get + release",
    "weak set": "weak set + clear",
    "weak die": "new + weak + die",
    "watch die": "new + watch + die, told",
    "chain dies": "a list dies by counting",
    "aged live": "collect an aged graph: per living object",
    "aged garbage": "collect an aged graph: per dead object",
    "pairs live": "collect rings of two: per living object",
    "pairs garbage": "collect rings of two: per dead object",
    "bytes": "bytes of an object of three words, resident",
}
# case, peer, at most so many times the peer's.
GOALS = (
    ("new", MALLOC, 3.0),
    ("weak get", GOBJECT, 1 / 20),
    ("aged live", CPYTHON, 0.4),
    ("aged garbage", CPYTHON, 0.2),
)
BYTES_MOST = 64
# Page granularity of resident memory, for a million objects.
BYTES_SLACK = 0.5
BEHIND = 1.1


@dataclass
class Peer:
    """A way to manage objects: its programs and what they measured."""

    name: str
    version: str
    commands: list[list[str]]
    best: dict[str, float] = field(default_factory=dict)
    worst: dict[str, float] = field(default_factory=dict)

    def measure(self, objects: int) -> None:
        """One round."""
        for program, *arguments in self.commands:
            command = [program, str(objects), *arguments]
            if program == sys.executable:
                command = [program, arguments[0], str(objects)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            for line in done.stdout.splitlines():
                case, number = line.rsplit(" ", 1)
                value = float(number)
                self.best[case] = min(self.best.get(case, value), value)
                self.worst[case] = max(self.worst.get(case, value), value)


class Missing(Exception):
    """A peer that is not installed; the message says what to do."""


def compiler() -> str:
    """The C compiler."""
    return os.environ.get("CC", "cc")


def compile_program(name: str, target: Path, *extra: str) -> list[str]:
    """Compiles bench/heap/NAME.c and answers the command."""
    command = [compiler(), *FLAGS, str(HERE / f"{name}.c"), *extra, "-o", str(target / name)]
    subprocess.run(command, check=True)
    return [str(target / name)]


def package(name: str, debian: str) -> tuple[list[str], str]:
    """Flags and version of a library by pkg-config."""
    outputs = []
    for what in (["--cflags", "--libs"], ["--modversion"]):
        try:
            done = subprocess.run(["pkg-config", *what, name], capture_output=True, text=True)
        except FileNotFoundError:
            raise Missing("no pkg-config: apt-get install pkg-config") from None
        if done.returncode != 0:
            raise Missing(f"not installed: apt-get install {debian}")
        outputs.append(done.stdout.strip())
    return shlex.split(outputs[0]), outputs[1]


def make_ours(target: Path, _options: argparse.Namespace) -> Peer:
    """The heap of this tree."""
    sources = [str(path) for path in sorted((ROOT / "heap").glob("*.c"))]
    project = (ROOT / "meson.build").read_text()
    version = re.search(r"version: '([^']+)'", project)
    command = compile_program("ours", target, f"-I{ROOT / 'heap'}", *sources)
    return Peer(OURS, version[1] if version else "", [command])


def make_malloc(target: Path, _options: argparse.Namespace) -> Peer:
    """The C library's allocator alone."""
    version = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else ""
    return Peer(MALLOC, version or "of the C library", [compile_program("plain", target)])


def make_gobject(target: Path, _options: argparse.Namespace) -> Peer:
    """GLib's objects."""
    flags, version = package("gobject-2.0", "libglib2.0-dev")
    return Peer(GOBJECT, version, [compile_program("gobject", target, *flags)])


def make_boehm(target: Path, _options: argparse.Namespace) -> Peer:
    """The conservative collector; each of its graphs in a process that has no other objects."""
    flags, version = package("bdw-gc", "libgc-dev")
    command = compile_program("boehm", target, *flags)
    return Peer(BOEHM, version, [command, [*command, "graph"], [*command, "pairs"]])


def make_quickjs(target: Path, options: argparse.Namespace) -> Peer:
    """QuickJS, from a folder in which it was built."""
    folder: Path | None = options.quickjs
    if folder is None:
        raise Missing("give --quickjs FOLDER, its sources after make; Debian 12 has no package")
    library = folder / "libquickjs.a"
    if not library.is_file() or not (folder / "quickjs.h").is_file():
        raise Missing(f"{folder}: no quickjs.h and libquickjs.a there: run make in it")
    stamp = folder / "VERSION"
    version = stamp.read_text().strip() if stamp.is_file() else "of unknown version"
    extra = [f"-isystem{folder}", str(library), "-lm", "-ldl", "-lpthread"]
    return Peer(QUICKJS, version, [compile_program("quickjs", target, *extra)])


def make_python(_target: Path, _options: argparse.Namespace) -> Peer:
    """The interpreter that runs this."""
    command = [sys.executable, str(HERE / "python.py")]
    return Peer(CPYTHON, platform.python_version(), [command])


MAKERS = {
    OURS: make_ours,
    MALLOC: make_malloc,
    GOBJECT: make_gobject,
    QUICKJS: make_quickjs,
    BOEHM: make_boehm,
    CPYTHON: make_python,
}


def machine() -> str:
    """The processor, and what compiled."""
    text = Path("/proc/cpuinfo").read_text()
    names = re.findall(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    told = subprocess.run([compiler(), "--version"], capture_output=True, text=True, check=True)
    build = " ".join([*told.stdout.splitlines()[0].split(), *FLAGS[:3]])
    return f"{names[0] if names else 'an unknown processor'}, {len(names)} processors; {build}"


def cell(ours: Peer, peer: Peer, case: str) -> str:
    """A number, and what part of it ours is."""
    if case not in peer.best:
        return ""
    number = f"{peer.best[case]:.{1 if peer.best[case] >= 1 else 2}f}"
    if peer is ours or case not in ours.best:
        return number
    return f"{number} ({ours.best[case] / peer.best[case]:.2f})"


def show(peers: list[Peer]) -> Iterator[str]:
    """The table for a terminal."""
    ours = peers[0]
    yield f"{'':46}" + "".join(f"{peer.name:>16}" for peer in peers)
    yield f"{'':46}" + "".join(f"{peer.version[:15]:>16}" for peer in peers)
    for case, words in CASES.items():
        yield f"  {words:44}" + "".join(f"{cell(ours, peer, case):>16}" for peer in peers)


def behind(peers: list[Peer]) -> Iterator[str]:
    """Where a peer is faster or smaller, in words."""
    ours = peers[0]
    for case, words in CASES.items():
        for peer in peers[1:]:
            if case in peer.best and case in ours.best:
                ratio = ours.best[case] / peer.best[case]
                if ratio > BEHIND:
                    yield f"{words}: {ratio:.1f} times {peer.name}"


def markdown(peers: list[Peer], missing: dict[str, str], rounds: int) -> Iterator[str]:
    """The same for docs/speed.md."""
    yield (
        f"{machine()}. Nanoseconds of CPU time for each object, the best of {rounds} rounds; in"
        " brackets ours divided by it."
    )
    yield ""
    yield "| | " + " | ".join(f"{peer.name} {peer.version}" for peer in peers) + " |"
    yield "|---|" + "---|" * len(peers)
    for case, words in CASES.items():
        yield f"| {words} | " + " | ".join(cell(peers[0], peer, case) for peer in peers) + " |"
    yield ""
    yield "Where we are behind: " + "; ".join(behind(peers)) + "."
    missed = [words for reached, words in verdicts(peers) if not reached]
    if missed:
        yield "\nPromised and not reached in this run: " + "; ".join(missed) + "."
    for name, what in missing.items():
        yield f"\nNot measured here: {name} ({what})."


def verdicts(peers: list[Peer]) -> Iterator[tuple[bool, str]]:
    """Whether each goal was reached, in words."""
    ours = peers[0]
    found = {peer.name: peer for peer in peers}
    for case, name, most in GOALS:
        if name in found:
            ratio = ours.best[case] / found[name].best[case]
            yield ratio <= most, f"{CASES[case]}: {ratio:.3f} times {name}, at most {most:g}"
        else:
            yield False, f"{CASES[case]}: {name} is missing, nothing to compare with"
    size = ours.best["bytes"]
    words = f"{CASES['bytes']}: {size:.1f}, at most {BYTES_MOST}"
    yield size <= BYTES_MOST + BYTES_SLACK, words


def write(lines: list[str]) -> None:
    """Puts the table between the marks of docs/speed.md."""
    begin, end = "<!-- bench heap: begin -->", "<!-- bench heap: end -->"
    text = PAGE.read_text()
    if begin not in text or end not in text:
        sys.exit(f"{PAGE}: the marks {begin} and {end} are not in it; put them back")
    before, _, rest = text.partition(begin)
    PAGE.write_text(before + "\n".join([begin, *lines, end]) + rest.partition(end)[2])


def measure(options: argparse.Namespace) -> tuple[list[Peer], dict[str, str]]:
    """Compiles what can be compiled, then lets all of it take turns."""
    peers: list[Peer] = []
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in MAKERS.items():
            try:
                peers.append(make(Path(folder), options))
            except Missing as what:
                missing[name] = str(what)
                print(f"{name}: {what}", file=sys.stderr)
        for number in range(options.rounds):
            for peer in peers:
                print(f"\rround {number + 1}: {peer.name:12}", end="", file=sys.stderr, flush=True)
                peer.measure(options.objects)
        print(file=sys.stderr)
    return peers, missing


def main() -> int:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description="the object heap beside its peers")
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quickjs", type=Path, help="folder with quickjs.h and libquickjs.a")
    parser.add_argument("--write", action="store_true", help="put the table into docs/speed.md")
    options = parser.parse_args()
    print(machine(), file=sys.stderr)
    peers, missing = measure(options)
    print("\n".join(show(peers)))
    for line in behind(peers):
        print(f"behind   {line}")
    if options.write:
        write([*markdown(peers, missing, options.rounds)])
    results = [*verdicts(peers)]
    for reached, words in results:
        print(f"{'reached' if reached else 'MISSED '}  {words}", file=sys.stderr)
    return 0 if all(reached for reached, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())

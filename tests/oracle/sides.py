"""The two sides of the oracle as programs to run: the heap in C in four builds, and Pythons."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from compare import split_logs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HEAP = ROOT / "heap"
BUILD = ROOT / "build/oracle"
COMPILER = (os.environ.get("CC") or "cc", "-std=c11", "-O1", "-g", "-Wall", "-Wextra")
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DMORT_DEBUG")
SIDE_SECONDS_MAX = 120  # for a batch that takes a few, so that a program without end is found
PYTHONS_MAX = (3, 13)  # later ones collect in another way, and are not this heap's model


class SideError(Exception):
    """A side that could not be built or run; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Build:
    """One of the two builds of the heap."""

    name: str
    flags: tuple[str, ...]
    in_place: bool
    empties_twice: bool  # weak references that finalizers made to trash are emptied

    def binary(self, sanitized: bool) -> Path:
        """Where its interpreter is."""
        return BUILD / f"interpret-{self.name}{'-sanitized' if sanitized else ''}"


ORDER = HERE / "cpython_order.h"
ORACLE = Build("oracle", (f'-DMORT_CPYTHON_ORDER="{ORDER}"',), in_place=False, empties_twice=False)
DEFAULT = Build("default", (), in_place=True, empties_twice=True)
BUILDS = (ORACLE, DEFAULT)


@dataclass(frozen=True, slots=True)
class Python:
    """A CPython to compare with."""

    version: str
    path: Path
    empties_twice: bool  # as Build's; CPython's micro releases differ

    @property
    def is_legacy(self) -> bool:
        """Is it Python 2, the model of legacy mode?"""
        return self.version.startswith("2.")


def compile_builds() -> None:
    """Compiles what is older than its sources, four binaries in all."""
    sources = [*sorted(HEAP.glob("*.c")), HERE / "interpret.c"]
    digest = hashlib.sha256(
        b"".join(p.read_bytes() for p in [*sources, *sorted(HEAP.glob("*.h")), ORDER])
    )
    BUILD.mkdir(parents=True, exist_ok=True)
    for build in BUILDS:
        for sanitized in (False, True):
            flags = [*COMPILER, *build.flags, *(SANITIZE if sanitized else ()), f"-I{HEAP}"]
            stamp = f"{digest.hexdigest()} {flags}"
            binary = build.binary(sanitized)
            mark = binary.with_suffix(".stamp")
            if binary.is_file() and mark.is_file() and mark.read_text() == stamp:
                continue
            command = [*flags, *map(str, sources), "-o", f"{binary}.{os.getpid()}"]
            if shutil.which(command[0]) is None:
                raise SideError(f"no C compiler {command[0]}: install gcc or clang, or set CC")
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise SideError(f"{done.stderr}\ncould not compile the heap: {' '.join(command)}")
            Path(f"{binary}.{os.getpid()}").replace(binary)
            mark.write_text(stamp)


def run_side(
    command: list[str], programs: dict[str, list[str]]
) -> tuple[dict[str, list[str]], str]:
    """Runs programs on a side; returns their logs, and what went to stderr or ended it."""
    text = "".join(f"= {name}\n" + "\n".join(lines) + "\n" for name, lines in programs.items())
    try:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SIDE_SECONDS_MAX,
            check=False,
            env=os.environ | {"ASAN_OPTIONS": "detect_leaks=1", "PYTHONHASHSEED": "0"},
        )
    except subprocess.TimeoutExpired:
        return {}, f"an error: it did not end within {SIDE_SECONDS_MAX} s"
    complaint = done.stderr.strip()
    if done.returncode != 0:
        complaint = f"ended with status {done.returncode}\n{complaint}".strip()
    return split_logs(done.stdout), complaint


def run_logs(command: list[str], programs: dict[str, list[str]]) -> dict[str, list[str]]:
    """The log of each program; one that crashed or complained says so in a last line FAULT."""
    logs, complaint = run_side(command, programs)
    if not complaint and logs.keys() == programs.keys():
        return logs
    if len(programs) == 1:
        name = next(iter(programs))
        first = next((line for line in complaint.splitlines() if "rror" in line), complaint[:200])
        return {name: [*logs.get(name, []), f"FAULT {' '.join(first.split())}"]}
    # Halves, until what complains stands alone.
    names = list(programs)
    half = len(names) // 2
    result: dict[str, list[str]] = {}
    for part in (names[:half], names[half:]):
        result |= run_logs(command, {name: programs[name] for name in part})
    return result


def run_heap(
    build: Build, programs: dict[str, list[str]], *, legacy: bool, sanitized: bool
) -> dict[str, list[str]]:
    """The logs of the heap in C."""
    return run_logs([str(build.binary(sanitized)), *(["legacy"] if legacy else [])], programs)


def run_python(python: Path, programs: dict[str, list[str]]) -> dict[str, list[str]]:
    """The logs of a CPython, with its notes."""
    # Without site: what is not imported is not forked.
    return run_logs([str(python), "-S", "-E", str(HERE / "on_python.py")], programs)


# What CPython's gh-136401 changed: a finalizer in trash makes a weak reference to its object, and
# the death of other trash before it tells whether that is empty by then.
PROBE = ["n 0 0 0 0", "s 0 0 0", "n 1 1 6 3", "s 1 0 1", "d 0", "d 1", "G 2"]


def describe_python(path: Path) -> Python | None:
    """The CPython at a path, or None where it is no model."""
    code = "import sys; print(sys.version.split()[0]); print(hasattr(sys, 'pypy_version_info'))"
    asked = subprocess.run([path, "-E", "-c", code], capture_output=True, text=True, check=False)
    words = asked.stdout.split()
    if asked.returncode != 0 or len(words) != 2 or words[1] != "False":
        return None
    version = tuple(int(part) for part in words[0].split(".")[:2])
    if version[0] == 3 and not (3, 11) <= version <= PYTHONS_MAX:
        return None
    log = run_python(path, {"probe": PROBE})["probe"]
    # The probed bit in the line `dead 0 BITS`.
    seen = [line.split()[2][3] for line in log if line.startswith("dead 0")]
    if version[0] == 3 and len(seen) != 1:
        raise SideError(f"{path}: the probe's log is not as it must be: {log}")
    return Python(words[0], path, empties_twice=seen == ["0"])


def find_pythons(*, this: bool) -> tuple[Python, ...]:
    """Each CPython once that is a model: the one that runs this; unless `this`, all others too."""
    candidates = [Path(sys.executable)]
    if not this and os.environ.get("MORTMAIN_PYTHONS") != "":
        sys.path.insert(0, str(ROOT / "tools"))
        import check

        candidates += check.find_pythons().values()
        candidates += [Path(path) for path in [shutil.which("python2.7")] if path]
        candidates += sorted(Path.home().glob(".pyenv/versions/2.7*/bin/python2.7"))
        if folder := os.environ.get("MORTMAIN_PYTHONS"):
            candidates += sorted(Path(folder).glob("2.7*/bin/python2.7"))
    found = [python for path in candidates if (python := describe_python(path)) is not None]
    if not found:
        raise SideError("no CPython 3.11 to 3.13 or 2.7 was found: set MORTMAIN_PYTHONS")
    return tuple({python.version: python for python in reversed(found)}.values())[::-1]

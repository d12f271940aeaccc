"""Runs a program in a process of its own and asks its snapshots: what the tests of a heap share.

A program may use what PRELUDE gives it. What it prints is compared by the test.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import readheap
import versions
from mortmain import Heap

PROGRAMS = Path(__file__).with_name("programs")
READHEAP = Path(readheap.__file__)
TAKEN = "taken.mort"
NONE = readheap.NONE

# `take()` takes a snapshot and hides whatever the call itself needs; `chain()` says how the best
# chain to the only object of a type reads.
PRELUDE = """
import gc, json, os, sys, threading, time, types, weakref
import mortmain
from mortmain import _door, refs, why

KNOWN = sys.version_info[:2] in VERSIONS
TAKEN = "taken.mort"

def take(**options):
    taken = _door.snapshot(TAKEN, force=True, **options)
    assert KNOWN == (taken["warning"] == ""), taken
    assert taken["unreadable"] == 0, taken
    return mortmain.Heap.open(TAKEN)

def best(answer):
    path = json.loads(answer.json())["chains"][0]["path"]
    return " ".join(part for step in path for part in (step["object"], step["edge"]) if part)

def chain(what, **options):
    return best(take(**options).why(what))

class Thing:
    pass
""".replace("VERSIONS", repr(versions.KNOWN))


def run(
    folder: Path,
    program: str | Path,
    *arguments: str | Path,
    options: tuple[str, ...] = (),
    timeout: float = 120,
    env: dict[str, str] | None = None,
    stdin: str | None = None,
) -> str:
    """Runs a program, or a text of one behind PRELUDE, in `folder`; answers what it printed."""
    if isinstance(program, str):
        file = folder / "program.py"
        file.write_text(PRELUDE + program)
        program = file
    done = subprocess.run(
        [sys.executable, *options, program, *arguments],
        cwd=folder,
        env={**os.environ, **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_quiet(*command: str | Path, **env: str) -> str:
    """Runs Python and gives what it prints; it may say nothing else, and ends well."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=os.environ | env,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr == ""
    return done.stdout


def run_in_interpreters(folder: Path, code: str) -> str:
    """Runs a text in interpreters with locks of their own; answers how many ended well."""
    file = folder / "in_each.py"
    file.write_text(code)
    return run_quiet("-W", "ignore", PROGRAMS / "weak_interpreters.py", file)


def loop(*words: str, cwd: Path | None = None) -> tuple[int, dict[str, Any]]:
    """Status and JSON of `mortmain loop`, which says nothing else."""
    done = subprocess.run(
        [sys.executable, "-m", "mortmain", "loop", "--json", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told


BLOCKS = """
import gc, importlib, sys
once = getattr(importlib.import_module(sys.argv[1]), sys.argv[2])
collect = gc.collect if sys.argv[3] == "True" else gc.disable
collect()
for _ in range(100):
    once()
collect()
before = sys.getallocatedblocks()
for _ in range(CALLS):
    once()
collect()
print((sys.getallocatedblocks() - before) / CALLS)
""".replace("CALLS", "4000")


def blocks_left(once: Callable[[], None], *, collect: bool = True) -> float:
    """Blocks of memory that a call leaves, on average of 4,000: what is never freed leaves one.

    The interpreter's own caches and free lists take some hundreds in all. In a process of its own:
    what other tests left going on would be counted too. Without `collect` the collector is off,
    and a cycle is left behind.
    """
    folders = os.pathsep.join(sys.path)
    names = (once.__module__, once.__qualname__, str(collect))
    return float(run_quiet("-c", BLOCKS, *names, PYTHONPATH=folders))


def build_extension(folder: Path, source: Path) -> None:
    """Builds an extension module into ``folder``; skips the test without a compiler or headers."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    include = sysconfig.get_path("include")
    if compiler is None or not Path(include, "Python.h").is_file():
        pytest.skip("needs a C compiler and Python.h")
    target = folder / f"{source.stem}{sysconfig.get_config_var('EXT_SUFFIX')}"
    more = os.environ.get("CFLAGS", "").split()  # where an unpacked Python's headers are
    subprocess.run(
        [compiler, *more, "-shared", "-fPIC", "-O1", f"-I{include}", source, "-o", target],
        check=True,
    )


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of references: what each object is, and how it leads to the next."""

    objects: tuple[str, ...]
    edges: tuple[str, ...]
    kind: str

    def __str__(self) -> str:
        """The chain on one line."""
        edges = [*self.edges, ""]
        return " ".join(f"{a} {b}".strip() for a, b in zip(self.objects, edges, strict=True))


def chains(document: str) -> list[Chain]:
    """The chains of the JSON that ``why`` answers."""
    result = []
    for one in json.loads(document)["chains"]:
        path = one["path"]
        result.append(
            Chain(
                tuple(step["object"] for step in path),
                tuple(step["edge"] for step in path if step["edge"] is not None),
                one["kind"],
            )
        )
    return result


def ask(folder: Path, what: str, name: str = TAKEN) -> list[Chain]:
    """The chains of something in a snapshot that a program left in `folder`."""
    return chains(Heap.open(folder / name).why(what).json())


def read(path: Path) -> readheap.Heap:
    """A snapshot, read by the second reader."""
    return reader().Heap(path.read_bytes())  # type: ignore[no-any-return]


def reader() -> ModuleType:
    """The second reader."""
    return readheap

"""A machine that lacks something gets one line that names the package, and status 2."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
COMMANDS = ("sh", "make", "mktemp", "rm")

# A Python that fails whatever mentions one word, and calls itself by its own name.
LACKING = """#!/bin/sh
case "$*" in
    *{word}*) exit 1 ;;
    *sys.executable*) echo "$0" ;;
    *) exec {python} "$@" ;;
esac
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder for PATH that has make and a shell, and nothing else yet."""
    for command in COMMANDS:
        found = shutil.which(command)
        if found is None:
            pytest.skip(f"no {command}: apt-get install {command}")
        (tmp_path / command).symlink_to(found)
    return tmp_path


def make(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs make with nothing but that folder on PATH."""
    command = ["make", "--no-print-directory", "-C", str(ROOT), *arguments]
    env = {"PATH": str(path), "HOME": str(path)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def lacking(path: Path, name: str, word: str) -> None:
    """Puts a Python into the folder that lacks one thing."""
    stub = path / name
    stub.write_text(LACKING.format(word=word, python=sys.executable))
    stub.chmod(0o755)


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that make printed before it stopped."""
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize("goal", ["demo", "test", "quick", "check", "bench"])
def test_no_python(goal: str, path: Path) -> None:
    assert "apt-get install python3 python3-dev python3-venv" in complaint(make(path, goal))


@pytest.mark.parametrize(
    ("name", "word", "package"),
    [
        ("python3", "ensurepip", "python3-venv."),
        ("python3", "Python.h", "python3-dev."),
        ("python3.11", "Python.h", f"python3.{sys.version_info[1]}-dev."),
    ],
)
def test_python_lacks(name: str, word: str, package: str, path: Path) -> None:
    lacking(path, name, word)
    assert f"apt-get install {package}" in complaint(make(path, "test"))


def test_no_compiler(path: Path) -> None:
    (path / "python3").symlink_to(os.path.realpath(sys.executable))
    assert "no working C compiler: apt-get install gcc libc6-dev" in complaint(make(path, "test"))


def test_wrong_python(path: Path) -> None:
    assert "PYTHON=nowhere is no Python 3.11" in complaint(make(path, "test", "PYTHON=nowhere"))

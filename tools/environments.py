"""Keeps virtual environments with a normal install of this tree: one for use, one per Python.

Knows pip and what a change of sources is. Stamps in the environment say what it holds, so that
nothing is done twice. Runs with a bare Python of 3.11 or later.

    python3 tools/environments.py TIER    makes .venv; TIER is one file of requirements/
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Each file of requirements/, and those that its first line `-r` brings along.
TIERS = {
    "build": ("build",),
    "bench": ("build", "bench"),
    "test": ("build", "test"),
    "dev": ("build", "test", "dev"),
}
SOURCES = ("meson.build", "meson.options", "pyproject.toml", "README.md", "engine", "ext", "python")
FAILURE_LINES = 60


class VenvError(Exception):
    """An environment could not be made; the message is for the user."""


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Holds a lock of the tree, so that two makes do not build in one folder."""
    path = ROOT / "build" / f".{name}.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def environment(folder: Path) -> dict[str, str]:
    """The process environment with the tools of `folder` first, and no other Python's folders."""
    result = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    result["PATH"] = f"{folder / 'bin'}{os.pathsep}{result.get('PATH', os.defpath)}"
    result["VIRTUAL_ENV"] = str(folder)
    result["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    result["PIP_NO_INPUT"] = "1"
    return result


def source_hash() -> str:
    """A hash of everything that an install is made from."""
    digest = hashlib.sha256()
    for name in SOURCES:
        top = ROOT / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(ROOT)}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


class Venv:
    """One environment: a folder, its interpreter, and what is installed."""

    def __init__(self, folder: Path, python: Path, setup_args: Sequence[str] = ()) -> None:
        """Describes it; nothing is touched. `setup_args` go to meson when the package is built."""
        self.folder = folder
        self.python = python
        self.setup_args = tuple(setup_args)
        self.bin = folder / "bin"

    def make(self, tier: str) -> None:
        """Brings it up to date: environment, requirements of `tier`, package."""
        with locked(self.folder.name.strip(".")):
            self._make_folder()
            self._make_tools(tier)
            self._install()

    def wheel(self, target: Path) -> Path:
        """Builds the package as a wheel into `target`, if its sources changed; returns the file."""
        with locked(f"wheel-{self.folder.name}"):
            self._make_folder()
            self._make_tools("build")
            digest = source_hash()
            folder = target / digest[:12]
            if found := sorted(folder.glob("*.whl")):
                return found[0]
            say(f"{self.folder.name}: building a wheel of mortmain")
            shutil.rmtree(target, ignore_errors=True)
            options = ["--no-build-isolation", "--no-deps", f"-Cbuild-dir={self.folder / 'build'}"]
            self._pip([*options, "-w", folder, ROOT], "build a wheel", "wheel")
            return next(folder.glob("*.whl"))

    def run(self, command: Sequence[str | Path], what: str, extra: dict[str, str]) -> None:
        """Runs a command in silence; its last lines are the message if it fails."""
        env = environment(self.folder) | extra
        done = subprocess.run(
            [str(part) for part in command],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            tail = "\n".join(done.stdout.splitlines()[-FAILURE_LINES:])
            raise VenvError(f"{tail}\n{self.folder.name}: could not {what}")

    def _pip(self, arguments: Sequence[str | Path], what: str, verb: str = "install") -> None:
        own = self.bin / "pip"
        pip: list[str | Path] = [own]
        if not own.exists():  # an interpreter without ensurepip borrows the pip of .venv
            pip = [ROOT / ".venv/bin/pip", "--python", self.bin / "python"]
        self.run([*pip, verb, "--quiet", *arguments], what, self.foreign_headers())

    def foreign_headers(self) -> dict[str, str]:
        """What a compiler needs beside: an unpacked Python names headers of another machine."""
        root = self.python.resolve().parent.parent
        folder = root / "include" / self.python.resolve().name
        if root.name != "usr" or root == Path("/usr") or not folder.is_dir():
            return {}
        return {"CFLAGS": f"-I{folder} -I{root / 'include'}"}

    def _stamp(self, name: str, value: str | None = None) -> str:
        path = self.folder / f".stamp-{name}"
        if value is not None:
            path.write_text(value)
        return path.read_text() if path.is_file() else ""

    def _make_folder(self) -> None:
        probe = "import sys; print(sys.version, sys.base_prefix)"
        asked = subprocess.run([self.python, "-c", probe], capture_output=True, text=True)
        identity = f"{asked.stdout}{self.setup_args}"
        if self._stamp("python") == identity and (self.bin / "python").exists():
            return
        say(f"{self.folder.name}: a fresh environment of Python {asked.stdout.split()[0]}")
        venv: list[str | Path] = [self.python, "-m", "venv", "--clear"]
        has_pip = subprocess.run([self.python, "-c", "import ensurepip"], capture_output=True)
        if has_pip.returncode != 0:
            venv.append("--without-pip")
        self.run([*venv, self.folder], "make it", {})
        self._stamp("python", identity)

    def _make_tools(self, tier: str) -> None:
        files = [ROOT / "requirements" / f"{name}.txt" for name in TIERS[tier]]
        digest = hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()
        if self._stamp(f"tools-{tier}") == digest:
            return
        say(f"{self.folder.name}: installing requirements/{tier}.txt")
        self._pip(["-r", files[-1]], f"install requirements/{tier}.txt")
        self._stamp(f"tools-{tier}", digest)

    def _install(self) -> None:
        digest = source_hash()
        if self._stamp("sources") == digest:
            return
        say(f"{self.folder.name}: building and installing mortmain")
        # meson cannot take an option into a folder that was set up before it was there.
        known = (ROOT / "meson.options").read_text()
        if self._stamp("options") != known:
            shutil.rmtree(self.folder / "build", ignore_errors=True)
        self._stamp("options", known)
        options = [f"-Csetup-args={argument}" for argument in self.setup_args]
        self._pip(
            [
                "--no-build-isolation",
                "--no-deps",
                "--force-reinstall",
                f"-Cbuild-dir={self.folder / 'build'}",
                *options,
                ROOT,
            ],
            "build mortmain",
        )
        self._stamp("sources", digest)


def say(line: str) -> None:
    """One line of progress, on stderr."""
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Makes .venv with the interpreter that runs this."""
    if len(sys.argv) != 2 or sys.argv[1] not in TIERS:
        say(f"usage: environments.py {'|'.join(TIERS)}")
        return 2
    try:
        Venv(ROOT / ".venv", Path(sys.executable)).make(sys.argv[1])
    except VenvError as error:
        say(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

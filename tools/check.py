"""Runs the stages of `make test`, `quick`, `check` and `check-fast`: the list of what is checked.

Each stage prints one line. A stage that fails shows its last lines and how to run it again alone.
The last line of all counts tests; a stage without tests counts as one.

    .venv/bin/python tools/check.py quick               a tier
    .venv/bin/python tools/check.py tidy unit           stages by name; --list names them
    .venv/bin/python tools/check.py --fix ruff-format   let style stages write
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import environments
from environments import ROOT, Venv, VenvError

BUILD = ROOT / "build"
MAIN = ROOT / ".venv"
CODE_FOLDERS = ("engine", "heap", "ext", "tests", "fuzz", "bench", "examples")
FAILURE_LINES = 40
# Python tests that the stage asserts runs.
ASSERTED = ("chains", "diff", "findings", "held_by_c", "loop", "objects", "references", "shapes")
STAGE_SECONDS_MAX = 1800


class Skip(Exception):
    """A stage that cannot run here; the message says what to install."""


class Failed(Exception):
    """A stage that found something; the message is what it printed."""

    def __init__(self, output: str, status: int = 1) -> None:
        """Keeps the exit status of what was run."""
        super().__init__(output)
        self.status = status


@dataclass(frozen=True, slots=True)
class Tally:
    """Tests that passed and failed."""

    passed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    fix: bool
    fuzz_seconds: int


@dataclass(frozen=True, slots=True)
class Stage:
    """A name, the tiers that run it, and what it does: it returns its output, or raises."""

    name: str
    tiers: tuple[str, ...]
    body: Callable[[Options], str]


def run(command: Sequence[str | Path], venv: Path = MAIN, /, **extra: str) -> str:
    """Runs a command with the tools of `venv`; raises Failed with its output if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=environments.environment(venv) | extra,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=STAGE_SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        raise Failed(done.stdout, done.returncode)
    return done.stdout


def find_files(*suffixes: str) -> list[Path]:
    """Files of ours with these suffixes."""
    found = (path for folder in CODE_FOLDERS for path in (ROOT / folder).rglob("*"))
    return sorted(path for path in found if path.suffix in suffixes)


# ---- style ---------------------------------------------------------------------------------------


def clang_format(options: Options) -> str:
    """C is formatted."""
    files = find_files(".c", ".h")
    how = ["-i"] if options.fix else ["--dry-run", "-Werror"]
    return run([str(MAIN / "bin/clang-format"), *how, *map(str, files)]) if files else ""


def ruff_format(options: Options) -> str:
    """Python is formatted."""
    return run([MAIN / "bin/ruff", "format", *([] if options.fix else ["--check"]), "."])


def ruff(options: Options) -> str:
    """Python lints clean."""
    return run([MAIN / "bin/ruff", "check", *(["--fix"] if options.fix else []), "."])


def mypy(_options: Options) -> str:
    """The package, the tests, the tools and the bench are typed."""
    return run([MAIN / "bin/mypy"])


def stubs(_options: Options) -> str:
    """The .pyi files say of the C modules what the installed ones are."""
    return run([MAIN / "bin/stubtest", "mortmain._door", "mortmain._heap", "mortmain._weak"])


def tidy(_options: Options) -> str:
    """Rooms, lengths, words and documentation: tests/hygiene/tidy.py."""
    return run([MAIN / "bin/python", "tests/hygiene/tidy.py"])


# ---- the engine without Python -------------------------------------------------------------------


def meson_build(folder: Path, *options: str, **extra: str) -> str:
    """Configures `folder` if that is not done, and compiles there."""
    if not (folder / "build.ninja").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        run(["meson", "setup", folder, "-Dpython_ext=disabled", *options], **extra)
    return run(["meson", "compile", "--ninja-args=--quiet", "-C", folder], **extra)


def meson_test(folder: Path, suite: str) -> str:
    """Runs one suite of tests in `folder`."""
    command = ["meson", "test", "--no-rebuild", "--print-errorlogs", "--suite", suite]
    return run([*command, "-C", str(folder)])


def unit(_options: Options) -> str:
    """The engine compiles without Python.h, and passes its C unit tests."""
    meson_build(BUILD / "engine")
    return meson_test(BUILD / "engine", "unit")


def has_clang() -> bool:
    """Is there a clang with the runtimes of its sanitizers and its fuzzer?"""
    program = BUILD / "probe.c"
    program.write_text("int main(void) { return 0; }\n")
    command = ["clang", "-fsanitize=address,undefined,fuzzer-no-link", str(program)]
    try:
        run([*command, "-o", str(program.with_suffix(""))])
    except (Failed, FileNotFoundError):
        return False
    return True


def sanitized(fuzz: bool) -> Path:
    """The build folder with ASan and UBSan, with clang and fuzz targets where there is a clang."""
    clang = has_clang()
    if fuzz and not clang:
        raise Skip("no clang with its runtimes: apt-get install clang libclang-rt-14-dev")
    folder = BUILD / ("sanitize-clang" if clang else "sanitize-gcc")
    options = ["-Db_sanitize=address,undefined", "-Db_lundef=false"]
    if clang:
        meson_build(folder, *options, "-Dfuzz=true", CC="clang")
    else:
        meson_build(folder, *options)
    return folder


def sanitize(_options: Options) -> str:
    """The C unit tests under ASan and UBSan."""
    return meson_test(sanitized(fuzz=False), "unit")


def fuzz(options: Options) -> str:
    """Every fuzz target on its corpus and on what once crashed it."""
    folder = sanitized(fuzz=True)
    output = meson_test(folder, "fuzz")
    for target in sorted((folder / "fuzz").glob("fuzz_*")) if options.fuzz_seconds else []:
        if target.is_file() and os.access(target, os.X_OK):
            name = target.name.removeprefix("fuzz_")
            found = BUILD / "fuzz" / name
            found.mkdir(parents=True, exist_ok=True)
            seconds = f"-max_total_time={options.fuzz_seconds}"
            crashes = f"-artifact_prefix={found}/crash-"
            run([target, seconds, crashes, found, ROOT / "fuzz/corpus" / name])
    return output


# ---- the heap in C beside CPython ----------------------------------------------------------------


def oracle(_options: Options) -> str:
    """Random programs run alike on the heap in C and on each CPython found."""
    return run([MAIN / "bin/python", "tests/oracle/oracle.py", "--programs", "2000"])


def oracle_fast(_options: Options) -> str:
    """The same with fewer programs and one Python."""
    if sys.version_info >= (3, 14):
        raise Skip("this Python collects in another way: only 3.11 to 3.13 are compared")
    return run([MAIN / "bin/python", "tests/oracle/oracle.py", "--programs", "300", "--this"])


# ---- real leaks ----------------------------------------------------------------------------------

CORPUS_STATUS_NOT_INSTALLED = 3


def corpus_fast(_options: Options) -> str:
    """Leaks of the standard library and of a dozen packages, each asked of `mortmain loop`."""
    try:
        output = run([MAIN / "bin/python", "tests/corpus/run.py", "--fast"])
    except Failed as failed:
        if failed.status == CORPUS_STATUS_NOT_INSTALLED:
            raise Skip("no package could be installed: is there a network?") from None
        raise
    missing = [line for line in output.splitlines() if line.startswith("not run:")]
    if missing:
        print("\n".join(missing), flush=True)
    return output


# ---- Python --------------------------------------------------------------------------------------


def pytest(venv: Path, *arguments: str | Path, **extra: str) -> str:
    """Runs pytest of `venv`."""
    return run([venv / "bin/pytest", "-q", *arguments], venv, **extra)


def spread(venv: Path, *arguments: str | Path, **extra: str) -> str:
    """The same, by as many workers as there are processors, but no more than four."""
    return pytest(venv, "-n", str(min(4, os.cpu_count() or 1)), *arguments, **extra)


def py(_options: Options) -> str:
    """The Python tests with the interpreter of .venv."""
    return spread(MAIN, "tests/py")


def hygiene(_options: Options) -> str:
    """The house itself: the blob, and the checkers' own tests."""
    return pytest(MAIN, "tests/hygiene")


def asserts(_options: Options) -> str:
    """What makes the C code work hardest, on modules with the assertions that an install lacks."""
    venv = Venv(ROOT / ".venvs/asserts", Path(sys.executable), ["-Db_ndebug=false"])
    venv.make("test")
    files = [ROOT / f"tests/py/test_{name}.py" for name in ASSERTED]
    return spread(venv.folder, *files, "-m", "not slow")


def doctest(_options: Options) -> str:
    """The examples in docstrings."""
    # The bootstraps are programs: they cannot be imported.
    skipped = "--ignore-glob=*/bootstrap*.py"
    return pytest(MAIN, "--doctest-modules", skipped, "--pyargs", "mortmain")


def find_pythons() -> dict[str, Path]:
    """Every Python 3.11 or later that can be found here: stage name -> interpreter.

    None in a stage of one Python: tests that look at all of them have done so in `py`.
    """
    if os.environ.get("MORTMAIN_PYTHONS") == "":
        return {}
    names = [f"python3.{minor}" for minor in range(11, 16)]
    candidates = [Path(path) for name in ["python3", *names] if (path := shutil.which(name))]
    candidates += [Path("/usr/bin") / name for name in ["python3", *names]]
    candidates += sorted(Path.home().glob(".pyenv/versions/3.1[1-5]*/bin/python3"))
    if folder := os.environ.get("MORTMAIN_PYTHONS"):
        # Resolved: an unpacked Python finds its library from where the file itself is.
        candidates += sorted(p.resolve() for p in Path(folder).glob("3.*/bin/python3.*[0-9]"))
    probe = (
        "import platform, sys, sysconfig as c; print(platform.python_version(), sys.executable,"
        " sys.version_info >= (3, 11), bool(c.get_config_var('Py_GIL_DISABLED')), sep='\\n')"
    )
    pythons: dict[str, Path] = {}
    seen: set[Path] = {Path(sys.executable).resolve()}
    for candidate in candidates:
        if not candidate.exists():
            continue
        asked = subprocess.run([candidate, "-c", probe], capture_output=True, text=True)
        answer = asked.stdout.split("\n")
        if asked.returncode != 0 or answer[2:4] != ["True", "False"]:
            continue
        executable = Path(answer[1])
        if executable.resolve() in seen:
            continue
        seen.add(executable.resolve())
        name = f"python-{answer[0]}"
        while name in pythons:  # two builds of one version: a distribution's and another
            name += "b"
        pythons[name] = executable
    return pythons


def minor_of(name: str) -> str:
    """The minor version in a stage's name: "3.12"."""
    return ".".join(name.removeprefix("python-").split(".")[:2])


def python_stages() -> list[Stage]:
    """One stage per further Python. `check-fast` leaves the slow tests out.

    It also leaves out the Pythons whose minor version it has already: in .venv, or in a stage.
    """

    def stage(name: str, python: Path, tier: str) -> Stage:
        def body(_options: Options) -> str:
            venv = Venv(ROOT / ".venvs" / name, python)
            venv.make("test")
            marks = ["-m", "not slow"] if tier == "check-fast" else []
            extra = {"MORTMAIN_PYTHONS": "", **venv.foreign_headers()}
            return spread(venv.folder, "tests/py", *marks, **extra)

        return Stage(name, (tier,), body)

    pythons = find_pythons().items()
    stages = [stage(name, path, "check") for name, path in pythons]
    minors = {f"{sys.version_info.major}.{sys.version_info.minor}"}
    for name, path in pythons:
        if minor_of(name) not in minors:
            minors.add(minor_of(name))
            stages.append(stage(name, path, "check-fast"))
    return stages


STAGES = [
    Stage("clang-format", ("quick", "check", "check-fast"), clang_format),
    Stage("ruff-format", ("quick", "check", "check-fast"), ruff_format),
    Stage("ruff", ("quick", "check", "check-fast"), ruff),
    Stage("mypy", ("quick", "check", "check-fast"), mypy),
    Stage("stubs", ("quick", "check", "check-fast"), stubs),
    Stage("unit", ("quick", "test", "check"), unit),
    Stage("tidy", ("quick",), tidy),
    Stage("hygiene", ("test", "check"), hygiene),
    Stage("py", ("test", "check"), py),
    Stage("sanitize", ("check", "check-fast"), sanitize),
    Stage("fuzz", ("check", "check-fast"), fuzz),
    Stage("oracle", ("check",), oracle),
    Stage("oracle-fast", ("check-fast",), oracle_fast),
    Stage("corpus-fast", ("check",), corpus_fast),
    Stage("asserts", ("check", "check-fast"), asserts),
    Stage("doctest", ("check", "check-fast"), doctest),
]
# What needs requirements/dev.txt.
STYLE = (clang_format, ruff_format, ruff, mypy, stubs)
TIERS = ("quick", "test", "check", "check-fast")


# ---- running them --------------------------------------------------------------------------------


def count(output: str) -> Tally:
    """Tests in the output of meson or pytest."""

    def total(*patterns: str) -> int:
        found = (re.findall(pattern, output, re.MULTILINE) for pattern in patterns)
        return sum(int(number) for numbers in found for number in numbers)

    passed = total(r"^Ok:\s+(\d+)", r"(\d+) passed\b.* in [\d.]+s")
    failed = total(r"^(?:Fail|Timeout):\s+(\d+)", r"(\d+) (?:failed|errors?)\b.* in [\d.]+s")
    return Tally(passed, failed)


def run_stage(stage: Stage, options: Options) -> tuple[str, Tally]:
    """Runs one stage and prints its line; returns ok, skip or FAIL, and what it counted."""
    if sys.stdout.isatty():
        print(f"      {stage.name} ...", end="\r", flush=True)
    started = time.monotonic()
    result, output, remark = "ok", "", ""
    try:
        output = stage.body(options)
    except Skip as skip:
        result, remark = "skip", str(skip)
    except (Failed, VenvError) as failed:
        result, output = "FAIL", str(failed)
    except (subprocess.TimeoutExpired, OSError) as error:
        result, output = "FAIL", str(error)
    if result == "FAIL":
        remark = "rerun: .venv/bin/python tools/check.py " + stage.name
    seconds = time.monotonic() - started
    log = BUILD / "log" / f"{stage.name}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(output)
    tally = count(output)
    if result == "FAIL":
        print("\n".join(output.rstrip().splitlines()[-FAILURE_LINES:]))
        tally = Tally(tally.passed, max(tally.failed, 1))
    elif result == "ok" and tally == Tally():
        tally = Tally(1, 0)
    counted = f"{tally.passed:5d} passed" if tally.passed > 1 else ""
    print(f"{result:4}  {stage.name:18}{seconds:6.1f} s {counted:14}{remark}".rstrip(), flush=True)
    return result, tally


def run_stages(stages: list[Stage], options: Options) -> int:
    """Runs them all, prints the closing line, and returns the exit status."""
    results = [run_stage(stage, options) for stage in stages]
    passed = sum(tally.passed for _, tally in results)
    failed = sum(tally.failed for _, tally in results)
    skipped = sum(result == "skip" for result, _ in results)
    paired = zip(stages, results, strict=True)
    names = " ".join(stage.name for stage, (result, _) in paired if result == "FAIL")
    if names:
        print(f"failed: {names}; rerun: .venv/bin/python tools/check.py {names}")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if names else 0


def choose(names: list[str]) -> list[Stage]:
    """The stages that the command line names, in order and once."""
    stages = list(STAGES)
    if any(name.startswith(("check", "python-")) for name in names):
        stages += python_stages()
    chosen = [s for s in stages if s.name in names or any(tier in names for tier in s.tiers)]
    # A Python asked for by name runs as in `check`, the first of its two stages.
    return list({stage.name: stage for stage in reversed(chosen)}.values())[::-1]


def main() -> int:
    """Makes .venv, then runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="tiers or stages")
    parser.add_argument("--fix", action="store_true", help="style stages write")
    parser.add_argument("--list", action="store_true", help="name the stages and stop")
    arguments = parser.parse_args()
    if arguments.list:
        for stage in STAGES + python_stages():
            print(f"{stage.name:18} {' '.join(stage.tiers)}")
        return 0
    stages = choose(arguments.names)
    unknown = set(arguments.names) - set(TIERS) - {stage.name for stage in stages}
    if unknown or not stages:
        parser.error(f"no such tier or stage: {' '.join(sorted(unknown)) or '(none named)'}")
    options = Options(arguments.fix, int(os.environ.get("FUZZ_SECONDS") or 0))
    needs_style = any(stage.body in STYLE for stage in stages)
    try:
        Venv(MAIN, Path(sys.executable)).make("dev" if needs_style else "test")
    except VenvError as error:
        print(error, file=sys.stderr)
        return 2
    return run_stages(stages, options)


if __name__ == "__main__":
    sys.exit(main())

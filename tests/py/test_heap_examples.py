"""The examples for C programs: each compiles with nothing else, and prints its transcript."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "c"
EXAMPLES = sorted(path.stem for path in FOLDER.glob("*.c"))
# What needs more than heap/*.c.
SNAPSHOT = "snapshot"
ALONE = [name for name in EXAMPLES if name != SNAPSHOT]
# The engine's files that heap/snapshot is linked with: heap/snapshot/meson.build.
WRITER = [
    ROOT / "engine" / name
    for name in (
        "format/write.c",
        "base/free/bytes.c",
        "base/free/sort.c",
        "base/os/file.c",
        "base/os/sink.c",
    )
]
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
SANITIZE = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
SECONDS_MAX = 300
# Rows of the table in docs/heap.md: what CPython does with references, one thing each.
MECHANISMS = 26


def call(command: Sequence[str | Path], folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; its exit status is the caller's affair."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def compiler() -> str:
    """The C compiler that the rest of the project is built with."""
    return os.environ.get("CC", "cc")


def sources(*folders: str) -> list[Path]:
    """The C files that stand in these folders themselves."""
    found = [path for folder in folders for path in sorted((ROOT / folder).glob("*.c"))]
    assert found
    return found


def build(name: str, where: Path, *extra: str | Path) -> Path:
    """Compiles an example as its first comment says, and as strictly as a library's user may."""
    program = where / name
    files = [FOLDER / f"{name}.c", *sources("heap")]
    done = call([compiler(), *STRICT, "-Iheap", *extra, *files, "-o", program])
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return program


def masked(text: str) -> str:
    """Without what differs from run to run: addresses, and how long a collection took."""
    text = re.sub(r"0x[0-9a-f]+", "0x..", text)
    return re.sub(r"\d+\.\d{4}s elapsed", "0.0000s elapsed", text)


def transcript(name: str) -> str:
    """What an example is to print. It is kept masked."""
    return (FOLDER / f"{name}.out").read_text()


@pytest.mark.parametrize("name", ALONE)
def test_transcript(name: str, tmp_path: Path) -> None:
    done = call([build(name, tmp_path)], tmp_path)
    assert masked(done.stdout) == transcript(name)
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The heap compiled so that it checks itself, memory that is never freed included."""
    where = tmp_path_factory.mktemp("checked")
    probe = where / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    made = call([compiler(), *SANITIZE, probe, "-o", where / "probe"])
    if made.returncode != 0 or call([where / "probe"]).returncode != 0:
        pytest.skip(f"{compiler()} has no sanitizers here")
    done = call([compiler(), *STRICT, *SANITIZE, "-DMORT_DEBUG", "-c", *sources("heap")], where)
    assert done.returncode == 0, done.stderr
    return sorted(where.glob("*.o"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ALONE)
def test_sanitized(name: str, checked: list[Path], tmp_path: Path) -> None:
    program = tmp_path / name
    source = FOLDER / f"{name}.c"
    done = call([compiler(), *STRICT, *SANITIZE, "-Iheap", source, *checked, "-o", program])
    assert done.returncode == 0, done.stderr
    done = call([program])
    assert masked(done.stdout) == transcript(name)
    assert done.stderr == ""
    assert done.returncode == 0


def test_quick_start(tmp_path: Path) -> None:
    """README's command works in a folder that holds nothing but what it names."""
    commands = re.findall(r"^ {4}(cc .*examples/c/.*)$", (ROOT / "README.md").read_text(), re.M)
    assert len(commands) == 1
    assert commands[0] == "cc -std=c11 -Iheap examples/c/tree.c heap/*.c && ./a.out"
    (tmp_path / "examples/c").mkdir(parents=True)
    (tmp_path / "heap").mkdir()
    shutil.copy(FOLDER / "tree.c", tmp_path / "examples/c")
    for path in (ROOT / "heap").glob("*.[ch]"):
        shutil.copy(path, tmp_path / "heap")
    done = call(["sh", "-c", commands[0]], tmp_path)
    assert done.stdout == transcript("tree")
    assert done.stderr == ""
    assert done.returncode == 0


def test_first_program(tmp_path: Path) -> None:
    """The program in docs/heap.md works as it stands there, with the command beside it."""
    text = (ROOT / "docs" / "heap.md").read_text()
    programs = re.findall(r"^```c\n(.*?)^```$", text, re.M | re.S)
    assert len(programs) == 1
    source = tmp_path / "first.c"
    source.write_text(programs[0])
    output = tmp_path / "first"
    done = call([compiler(), *STRICT, "-Iheap", source, *sources("heap"), "-o", output])
    assert done.returncode == 0, done.stderr
    done = call([output])
    assert done.stdout == "Ada is gone\n1 found by the collector\n"
    assert done.returncode == 0


def test_first_comments() -> None:
    """Each program that stands alone but the new user's says how to run it, in the same words."""
    for name in ALONE:
        if name != "scene":
            command = f"//     cc -std=c11 -Iheap examples/c/{name}.c heap/*.c && ./a.out\n"
            assert command in (FOLDER / f"{name}.c").read_text()


def test_transcripts_have_programs() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.out")) == EXAMPLES
    assert len((FOLDER / "scene.c").read_text().splitlines()) < 100


def mortmain(*arguments: str, folder: Path) -> str:
    """What the command prints when it is called in a folder."""
    done = call([sys.executable, "-m", "mortmain", *arguments], folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_snapshot(tmp_path: Path) -> None:
    """A snapshot of a C program's heap is whole, and `why` names what holds its objects."""
    flags = ["-D_GNU_SOURCE=", '-DMORT_VERSION="0"', "-Iheap/snapshot", "-Iengine"]
    program = build(SNAPSHOT, tmp_path, *flags, *sources("heap/snapshot"), *WRITER)
    done = call([program, "exams.mort"], tmp_path)
    assert done.returncode == 0, done.stderr
    verified = mortmain("verify", "exams.mort", folder=tmp_path)
    assert verified.startswith("ok: 2,001 objects,")
    told = "$ ./snapshot exams.mort\n" + done.stdout
    for command in ("report --types exams.mort", "why exams.mort Exam"):
        told += f"$ mortmain {command}\n" + mortmain(*command.split(), folder=tmp_path)
    assert told == transcript(SNAPSHOT)


def test_docs_name_every_mechanism() -> None:
    """docs/heap.md has a row for each mechanism: an example and a test, or why there is none."""
    rows = re.findall(r"^\| (\d+)\. (.*)$", (ROOT / "docs" / "heap.md").read_text(), re.M)
    assert [int(number) for number, _ in rows] == list(range(1, MECHANISMS + 1))
    for number, row in rows:
        assert "examples/c/" in row or "no place in C" in row, number
        for file, names in re.findall(r"\(\.\./(tests/heap/\w+\.c)\) ([`\w, ]+)", row):
            text = (ROOT / file).read_text()
            for name in re.findall(r"`(\w+)`", names):
                assert f"static void {name}(" in text, f"{number}: {name} in {file}"


def test_docs_name_every_function() -> None:
    """Whatever the public header declares is explained in docs/heap.md by its name."""
    header = re.sub(r"//.*", "", (ROOT / "heap" / "mortmain.h").read_text())
    header = re.sub(r"^typedef [^;{]*;", "", header, flags=re.M)
    declared = set(re.findall(r"\b(mort_[a-z_]+)\(", header))
    inner = {"mort_retain_checked", "mort_release_last"}
    inner |= {name for name in declared if name.startswith("mort_slot_")}
    text = (ROOT / "docs" / "heap.md").read_text()
    missing = {name for name in declared - inner if not re.search(rf"\b{name}\b", text)}
    assert not missing

"""libmortmain as others get it: installed with pkg-config, as a subproject, not in the wheel."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import readheap

ROOT = Path(__file__).resolve().parents[2]
SECONDS_MAX = 900
COMPILER = os.environ.get("CC", "cc")
# An optimised build of what has no Python in it.
OPTIONS = ["-Dpython_ext=disabled", "-Dunit=false", "--buildtype=release"]

PROGRAM = """
#include <stdio.h>

#include <mortmain_snapshot.h>

struct node {
    mort_object head;
    struct node *next;
};
MORT_FIELDS(node, MORT_STRONG(node, next));
static const mort_spec node_spec = {"Node", sizeof(struct node), node_fields, NULL, NULL};

int main(int argc, char **argv) {
    mort_heap *heap = NULL;
    mort_type *type = NULL;
    if (argc != 2 || mort_heap_new(&heap, NULL) != 0 ||
        mort_type_new(&type, heap, &node_spec) != 0) {
        return 1;
    }
    struct node *first = (struct node *)mort_new(type);
    struct node *second = (struct node *)mort_new(type);
    mort_give(&first->next, second);
    int code = mort_snapshot(heap, argv[1]);
    mort_release(first);
    printf("%d %zu %zu\\n", code, mort_len(heap), mort_heap_free(heap));
    return 0;
}
"""


def run(*command: str | Path, cwd: Path | None = None, extra: dict[str, str] | None = None) -> str:
    """Runs a command, which must succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | (extra or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def meson() -> str:
    """The build system, which brings ninja along where both come from packages of Python."""
    found = shutil.which("meson")
    if found is None or shutil.which("ninja") is None:
        pytest.skip("no meson or no ninja: pip install -r requirements/build.txt")
    return found


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the tree was installed."""
    folder = tmp_path_factory.mktemp("install")
    prefix = folder / "prefix"
    where = [f"--prefix={prefix}", "--libdir=lib"]
    run(meson(), "setup", folder / "build", ROOT, *where, *OPTIONS)
    run(meson(), "install", "-C", folder / "build")
    return prefix


def check_program(program: Path, folder: Path, extra: dict[str, str] | None = None) -> None:
    """It works, and its snapshot is whole."""
    path = folder / "taken.mort"
    assert run(program, path, extra=extra) == "0 0 0\n"
    heap = readheap.Heap(path.read_bytes())
    assert [heap.types[each.type].name for each in heap.objects] == ["Node", "Node"]


def flags(prefix: Path, *arguments: str) -> list[str]:
    """What pkg-config says of the installed package."""
    if shutil.which("pkg-config") is None:
        pytest.skip("no pkg-config: apt-get install pkg-config")
    search = {"PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    command = ["pkg-config", *arguments, "mortmain-snapshot"]
    return run(*command, extra=search).split()


@pytest.mark.slow
def test_what_is_installed(prefix: Path) -> None:
    found = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
    wanted = {
        *(f"include/{name}.h" for name in ("mortmain", "mortmain_snapshot")),
        *(f"lib/pkgconfig/{name}.pc" for name in ("mortmain", "mortmain-snapshot")),
        *(f"lib/lib{name}.a" for name in ("mortmain", "mortmain_snapshot")),
        *(f"lib/lib{name}.so" for name in ("mortmain", "mortmain_snapshot")),
        *(f"lib/lib{name}.so.0" for name in ("mortmain", "mortmain_snapshot")),
    }
    versions = {name for name in found if ".so.0." in name}
    assert found - versions == wanted
    assert len(versions) == 2


@pytest.mark.slow
@pytest.mark.parametrize("how", ["shared", "static", "c++"])
def test_a_program_with_pkg_config(prefix: Path, tmp_path: Path, how: str) -> None:
    source = tmp_path / ("program.cc" if how == "c++" else "program.c")
    source.write_text(PROGRAM)
    compiler = os.environ.get("CXX", "c++") if how == "c++" else COMPILER
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}: apt-get install g++")
    command: list[str | Path] = [
        compiler,
        "-Wall",
        "-Wextra",
        "-Werror",
        source,
        *flags(prefix, "--cflags"),
    ]
    libraries = flags(prefix, "--libs", *(["--static"] if how == "static" else []))
    if how == "static":
        libraries = ["-static", *libraries]
    run(*command, *libraries, "-o", tmp_path / "program")
    check_program(tmp_path / "program", tmp_path, {"LD_LIBRARY_PATH": str(prefix / "lib")})


@pytest.mark.slow
@pytest.mark.parametrize("library", ["mortmain", "mortmain_snapshot"])
def test_shared_libraries_show_their_own_names_alone(prefix: Path, library: str) -> None:
    if shutil.which("nm") is None:
        pytest.skip("no nm: apt-get install binutils")
    listing = run("nm", "-D", "--defined-only", "--format=posix", prefix / f"lib/lib{library}.so")
    names = {line.split()[0] for line in listing.splitlines()}
    assert names
    assert all(name.startswith("mort_") for name in names), names
    if library == "mortmain_snapshot":
        assert names == {"mort_snapshot", "mort_snapshot_strerror"}


@pytest.mark.slow
def test_as_a_subproject(tmp_path: Path) -> None:
    (tmp_path / "program.c").write_text(PROGRAM)
    (tmp_path / "meson.build").write_text(
        "project('user', 'c', default_options: ['c_std=c11', 'warning_level=2', 'werror=true'])\n"
        "executable('program', 'program.c', dependencies: [\n"
        "    dependency('mortmain', fallback: 'mortmain'),\n"
        "    dependency('mortmain-snapshot', fallback: 'mortmain'),\n"
        "])\n"
    )
    (tmp_path / "subprojects").mkdir()
    (tmp_path / "subprojects/mortmain").symlink_to(ROOT, target_is_directory=True)
    run(meson(), "setup", "--force-fallback-for=mortmain", "build", cwd=tmp_path)
    run(meson(), "compile", "-C", "build", "program", cwd=tmp_path)
    check_program(tmp_path / "build/program", tmp_path)
    listed = run(meson(), "introspect", "--targets", "build", cwd=tmp_path)
    assert "_door" not in listed, "a subproject builds no Python module"


def test_the_wheel_has_none_of_it() -> None:
    files = importlib.metadata.files("mortmain")
    assert files
    names = [str(path) for path in files]
    assert any(name.endswith("mortmain/__init__.py") for name in names)
    heap = [name for name in names if "libmortmain" in name or name.endswith((".pc", ".h", ".a"))]
    assert heap == []

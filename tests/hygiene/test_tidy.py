"""tidy.py finds what it is there to find: each rule is fed a bad tree, and a good one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tidy

ROOT = Path(__file__).resolve().parent.parent.parent
Plant = Callable[[str, str], Path]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Writes a file into an otherwise empty tree, and returns the tree's root."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return tmp_path

    return write


def test_this_tree() -> None:
    if remarks := tidy.check(ROOT):
        pytest.fail("\n".join(remarks), pytrace=False)


def test_command(plant: Plant) -> None:
    """A root is given as one types it, relative too."""
    root = plant("engine/graph/a.c", "#include <unistd.h>\n")
    plant("engine/graph/meson.build", "graph_sources = files('a.c')\n")
    command = [sys.executable, tidy.__file__, "."]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("engine/graph/a.c:1: <unistd.h>")


@pytest.mark.parametrize(
    ("name", "include", "complaint"),
    [
        ("engine/graph/a.c", "<Python.h>", "outside ext/"),
        ("engine/graph/a.c", "<unistd.h>", "only engine/base/os"),
        ("engine/capture/a.c", "<string.h>", "freestanding"),
        ("engine/format/write.c", "<stdio.h>", "freestanding"),
        ("engine/capture/a.c", '"graph/there.h"', "capture may not include graph"),
        ("engine/format/write.c", '"format/read.h"', "format/write may not include format"),
        ("engine/format/read.c", '"graph/there.h"', "format may not include graph"),
        ("engine/base/free/a.c", '"base/os/there.h"', "base/free may not include base/os"),
        ("ext/door/a.c", '"graph/there.h"', "ext/door may not include graph"),
        ("ext/bind/a.c", '"graph/there.h"', "ext/bind may not include graph"),
        ("ext/door/a.c", '"Python.h"', "write <Python.h>"),
        ("engine/graph/a.c", '"nowhere.h"', "not there"),
    ],
)
def test_include(name: str, include: str, complaint: str, plant: Plant) -> None:
    for there in ("graph/there.h", "base/os/there.h", "format/read.h"):
        plant(f"engine/{there}", "")
    remarks = tidy.check(plant(name, f"\n#include {include}\n"), tidy.check_includes)
    assert len(remarks) == 1
    assert remarks[0].startswith(f"{name}:2: ")
    assert complaint in remarks[0]


@pytest.mark.parametrize(
    ("name", "include"),
    [
        ("engine/graph/a.c", '"format/read.h"'),
        ("engine/graph/a.c", "<string.h>"),
        ("engine/base/os/a.c", "<unistd.h>"),
        ("engine/capture/a.c", '"format/write.h"'),
        ("engine/format/write.c", '"format/format.h"'),
        ("ext/bind/a.c", '"mm.h"'),
        ("ext/bind/a.c", '"compat.h"'),
        ("ext/bind/a.c", "<Python.h>"),
        ("tests/unit/test_a.c", '"graph/graph.h"'),
        ("tests/unit/test_a.c", '"tap.h"'),
    ],
)
def test_include_that_is_right(name: str, include: str, plant: Plant) -> None:
    for there in ("format/read.h", "format/write.h", "format/format.h", "mm.h", "graph/graph.h"):
        plant(f"engine/{there}", "")
    plant("ext/compat.h", "")
    plant("tests/unit/tap.h", "")
    assert tidy.check(plant(name, f"#include {include}\n"), tidy.check_includes) == []


def test_head(plant: Plant) -> None:
    root = plant("engine/graph/graph.h", "// A view on a file.\n// Must not know: Python.\n")
    assert "engine/graph:1" in tidy.check(root, tidy.check_heads)[0]
    plant("engine/graph/graph.h", "// A view.\n//\n// Knows: files.\n// Must not know: Python.\n")
    assert tidy.check(root, tidy.check_heads) == []


def test_version_test(plant: Plant) -> None:
    text = "#if PY_VERSION_HEX >= 0x030c0000\n#endif\n"
    assert tidy.check(plant("ext/compat.h", text), tidy.check_version_tests) == []
    remarks = tidy.check(plant("ext/door/a.c", text), tidy.check_version_tests)
    assert remarks[0].startswith("ext/door/a.c:1: ")


def test_listed(plant: Plant) -> None:
    plant("engine/graph/meson.build", "graph_sources = files(\n    'a.c',\n)\n")
    plant("tests/unit/meson.build", "unit_tests = [\n    ['a', ['graph']],\n]\n")
    for name in ("engine/graph/a.c", "engine/graph/b.c", "tests/unit/test_a.c"):
        plant(name, "")
    remarks = tidy.check(plant("tests/unit/test_b.c", ""), tidy.check_listed)
    assert [remark.split(":")[0] for remark in remarks] == [
        "engine/graph/b.c",
        "tests/unit/test_b.c",
    ]


LONG_BODY = "    f();  // } in a comment, and \"{\" in a text\n    g('{');\n" * 35


@pytest.mark.parametrize(
    "head",
    [
        "int long_one(int x) {",
        "static int\nlong_one(int x)\n{",
        "MM_STATUS long_one(struct s *p) {",
        "__attribute__((noinline)) static void long_one(int (*callback)(int)) {",
    ],
)
def test_long_function(head: str, plant: Plant) -> None:
    text = "static const int t[] = {1, 2};\n\n" + head + "\n" + LONG_BODY + "}\n\nint after;\n"
    remarks = tidy.check(plant("engine/graph/a.c", text), tidy.check_lengths)
    assert len(remarks) == 1
    assert "engine/graph/a.c:3: long_one() has 7" in remarks[0]


def test_functions_of_c(plant: Plant) -> None:
    text = (
        "#define MACRO(x) do { \\\n    (x); \\\n} while (0)\n"
        "struct s {\n    int (*f)(int);\n};\n"
        "enum { A = SIZE(1), B };\n"
        "typedef int (*callback)(void);\n"
        "int declared(int x);\n"
        "static const struct s table[] = {{0}, {0}};\n"
        "static inline int one(void) { return 1; }\n"
        "int two(void) {\n    if (1) {\n        return 2;\n    }\n    return 3;\n}\n"
    )
    path = plant("engine/graph/a.c", text) / "engine/graph/a.c"
    assert tidy.c_functions(path) == [("one", 11, 11), ("two", 12, 17)]


def test_long_python_function(plant: Plant) -> None:
    text = "def long_one():\n" + "    pass\n" * 71
    remarks = tidy.check(plant("python/mortmain/a.py", text), tidy.check_lengths)
    assert remarks == ["python/mortmain/a.py:1: long_one() has 72 lines: split it, at most 70"]


def test_long_line_and_file(plant: Plant) -> None:
    root = plant("engine/graph/a.c", "x" * 101 + "\n")
    plant("engine/graph/b.c", "int x;\n" * 801)
    plant("engine/graph/c.c", "// Generated by tools/x.py.\n" + "int x;\n" * 801)
    assert tidy.check(root, tidy.check_lengths) == [
        "engine/graph/a.c:1: 101 characters: at most 100",
        "engine/graph/b.c:1: 801 lines: split it, at most 800",
    ]


def test_unique(plant: Plant) -> None:
    plant("engine/graph/a.c", "static int same(void) {\n    return 1;\n}\n")
    root = plant("engine/report/b.c", "\nstatic int same(void) {\n    return 1;\n}\n")
    remarks = tidy.check(root, tidy.check_unique)
    assert remarks == [
        "engine/report/b.c:2: same() stands in engine/graph/a.c:1 too: give it a name of its own"
    ]


def test_calls(plant: Plant) -> None:
    text = (
        "// strcpy(a, b)\nint f(void) {\n    snprintf(a);\n    strcpy(a, b);\n    malloc(3);\n}\n"
    )
    remarks = tidy.check(plant("engine/graph/a.c", text), tidy.check_calls)
    assert [remark.split(": ")[0] for remark in remarks] == [
        "engine/graph/a.c:4",
        "engine/graph/a.c:5",
    ]
    plant("engine/graph/a.c", "")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("x ", "trailing space"),
        ("// TO" + "DO: later", "TO" + "DO"),
        ('path = "/ro' + 'ot/x"', "one machine"),
        ("see https://py" + "pi.org", "registry"),
    ],
)
def test_words(line: str, complaint: str, plant: Plant) -> None:
    remarks = tidy.check(plant("docs/a.md", f"\n{line}\n"), tidy.check_words)
    assert len(remarks) == 1
    assert remarks[0].startswith("docs/a.md:2: ")
    assert complaint in remarks[0]


def test_header_docs(plant: Plant) -> None:
    good = (
        "/// Does it.\nint mm_done(int x);\n\n"
        "/** A thing.\n */\ntypedef struct mm_thing {\n    int mm_field;\n} mm_thing;\n\n"
        "struct mm_forward;\n\n"
        "/// Inline.\nstatic inline int mm_small(void) {\n    return 1;\n}\n"
    )
    root = plant("engine/graph/graph.h", good)
    assert tidy.check(root, tidy.check_headers) == []
    bad = good + "int mm_bare(int x);\n\ntypedef struct mm_other {\n    int x;\n} mm_other;\n"
    plant("engine/graph/other.h", bad)
    remarks = tidy.check(root, tidy.check_headers)
    assert [remark.split(" has")[0] for remark in remarks] == [
        "engine/graph/other.h:16: mm_bare",
        "engine/graph/other.h:18: mm_other",
    ]


def test_docstrings(plant: Plant) -> None:
    methods = "    def f(self): ...\n    def _g(self): ...\n"
    text = '"""A module."""\n\nclass C:\n    """One."""\n\n' + methods
    remarks = tidy.check(plant("python/mortmain/a.py", text), tidy.check_docstrings)
    assert remarks == ["python/mortmain/a.py:6: C.f has no docstring: say what it does"]


def test_links(plant: Plant) -> None:
    plant("docs/a.md", "")
    text = "[a](docs/a.md#part) [b](https://x.example) [c](#part)\n[d](docs/gone.md)\n"
    remarks = tidy.check(plant("README.md", text), tidy.check_links)
    assert remarks == ["README.md:2: docs/gone.md is not there: mend the link"]


def test_globals(plant: Plant) -> None:
    if not shutil.which("gcc"):
        pytest.skip("no gcc: apt-get install gcc")
    text = "int counter;\nint set = 3;\nconst int fixed = 4;\nconst char *const names[] = {0, 0};\n"
    root = plant("a.c", text + "int f(void) {\n    static int calls;\n    return ++calls;\n}\n")
    folder = root / "build/engine/engine"
    folder.mkdir(parents=True)
    subprocess.run(["gcc", "-fPIC", "-c", "a.c", "-o", folder / "a.o"], cwd=root, check=True)
    subprocess.run(["ar", "rcs", folder / "libmm_graph.a", folder / "a.o"], check=True)
    found = {remark.split()[1].split(".")[0] for remark in tidy.check(root, tidy.check_globals)}
    assert found == {"counter", "set", "calls"}
    table = "# library\tsymbol\treason\nmm_graph\tcounter\tneeded\nmm_graph\tgone\tneeded\n"
    plant("tests/hygiene/globals.tsv", table)
    remarks = tidy.check(root, tidy.check_globals)
    assert not any("counter" in remark for remark in remarks)
    assert any("gone is no global any more" in remark for remark in remarks)

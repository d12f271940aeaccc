"""The walker's freestanding image obeys its rules, whichever compiler builds it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import build_blob

ROOT = Path(__file__).resolve().parent.parent.parent
WALKER = ("engine/base/free", "engine/capture")
COMPILERS = ["gcc", "clang"]


def compiler(name: str) -> list[str]:
    """The compiler's command, or a skip."""
    if shutil.which(name) is None:
        pytest.skip(f"no {name}: apt-get install {name}")
    return [name]


def build(cc: str, folder: Path, *sources: Path) -> int:
    """Builds an image and returns its bytes."""
    return build_blob.build(compiler(cc), list(sources), folder / "x.elf", folder / "x.bin")[0]


def small(folder: Path, globals_: str, expression: str) -> Path:
    """A source file with an entry that returns `expression` of its argument x."""
    source = folder / "small.c"
    source.write_text(
        f"int mm_blob_entry(int x);\n{globals_}\n"
        '__attribute__((section(".text.mm_blob_entry")))\n'
        f"int mm_blob_entry(int x) {{ return {expression}; }}\n"
    )
    return source


@pytest.mark.parametrize("cc", COMPILERS)
def test_walker(cc: str, tmp_path: Path) -> None:
    if not (ROOT / "engine/capture/blob.c").is_file():
        pytest.skip("engine/capture/blob.c is not there")
    sources = sorted(path for folder in WALKER for path in (ROOT / folder).glob("*.c"))
    size_bytes = build(cc, tmp_path, *sources, ROOT / "engine/format/write.c")
    assert (tmp_path / "x.bin").stat().st_size == size_bytes


@pytest.mark.parametrize("cc", COMPILERS)
def test_good(cc: str, tmp_path: Path) -> None:
    table = "static const int table[] = {3, 1, 4, 1};"
    assert build(cc, tmp_path, small(tmp_path, table, "table[x & 3]")) > 0


@pytest.mark.parametrize("cc", COMPILERS)
def test_switch_over_texts(cc: str, tmp_path: Path) -> None:
    cases = " ".join(f'case {n}: *ret = "{"x" * n}"; return {n};' for n in range(1, 7))
    function = f"""
        __attribute__((noinline)) static int pick(int x, const char **ret) {{
            switch (x) {{ {cases} default: *ret = ""; return 0; }}
        }}
        static int both(int x) {{ const char *t; return pick(x, &t) + t[0]; }}"""
    assert build(cc, tmp_path, small(tmp_path, function, "both(x)")) > 0


@pytest.mark.parametrize("cc", COMPILERS)
@pytest.mark.parametrize(
    ("globals_", "expression", "complaint"),
    [
        ("extern int missing(int);", "missing(x)", "undefined"),
        ("static int count;", "count += x", "writable"),
        ("static int count = 7;", "count += x", "writable"),
        ('const char *const names[] = {"a", "b"};', "(int)names[x][0]", "relocation"),
        ("int f(int x) { return x; } int (*const p[])(int) = {f};", "p[x](x)", "relocation"),
    ],
)
def test_bad(cc: str, globals_: str, expression: str, complaint: str, tmp_path: Path) -> None:
    source = small(tmp_path, globals_, expression)
    with pytest.raises(build_blob.BlobError, match=complaint):
        build(cc, tmp_path, source)


@pytest.mark.parametrize("cc", COMPILERS)
def test_entry_is_first(cc: str, tmp_path: Path) -> None:
    source = tmp_path / "late.c"
    text = "int first(int x) { return x; }\nint mm_blob_entry(int x) { return first(x) + 1; }\n"
    source.write_text("int first(int x);\nint mm_blob_entry(int x);\n" + text)
    with pytest.raises(build_blob.BlobError, match="not at offset 0"):
        build(cc, tmp_path, source)

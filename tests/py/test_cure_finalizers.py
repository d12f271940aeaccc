"""Finalizers: what is cleaned up still is, once for each object, when it goes."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from mortmain import cure
from test_cure import facts, first_of, loop, repository
from test_cure_kinds import run

TEXT = """import atexit
import weakref

cleaned = []


class File:
    \"\"\"Has something to clean up.\"\"\"

    def __init__(self, name):
        self.name = name
        self.lines = [name]
        {register}

    def close(self):
        \"\"\"Clean up.\"\"\"
        {body}
"""
FINALIZE = "weakref.finalize(self, self.close)"
EXIT = "atexit.register(self.close)"
BODY = "cleaned.append(self.name)\n        self.lines.clear()"


def of(folder: Path, text: str, at_exit: bool = False) -> cure.Fix:
    """The cure for a source whose objects are kept by their finalizers."""
    file = folder / "shop.py"
    file.write_text(text)
    path: Any = (("module weakref", ".finalize", False), ("class finalize", "._registry", False),
                 ("dict", "[*]", True), ("File", None, False))  # fmt: skip
    if at_exit:
        path = (("interpreter", "atexit callback: func", True), ("File", None, False))
    fix = cure.find(facts(file, "x", scope=None, path=path, type="shop.File"), [str(file)])
    assert fix is not None
    assert fix.cure == "finalizer-apart"
    return fix


@pytest.mark.parametrize(
    "register", [FINALIZE, EXIT, "weakref.finalize(self, lambda: self.close())"]
)
def test_cleaned_up(tmp_path: Path, register: str) -> None:
    """As often as there were objects, and by hand as before."""
    fix = of(tmp_path, TEXT.format(register=register, body=BODY), register == EXIT)
    names = run(fix)
    for number in range(10):
        names["File"](str(number))
    gc.collect()
    assert names["cleaned"] == [str(number) for number in range(10)]
    file = names["File"]("a")
    file.close()
    assert (names["cleaned"][-1], file.lines) == ("a", [])
    assert "Clean up." in (names["File"].close.__doc__ or "")


@pytest.mark.parametrize(
    ("register", "body"),
    [
        (FINALIZE, "cleaned.append(self)"),
        (FINALIZE, "self.stop()"),
        (FINALIZE, "self.lines = None"),
        (FINALIZE, "self.__hidden.clear()"),
        (FINALIZE, "cleaned.append(lambda: self.lines)"),
        (FINALIZE, "name = 1\n        cleaned.append(self.name)"),
        (FINALIZE, "super().close()"),
        (f"{FINALIZE}\n        self.late = []", "self.late.clear()"),
        (f"self.owned = [self]\n        {FINALIZE}", "self.owned.clear()"),
        (f"self.lines.append(self)\n        {FINALIZE}", BODY),
        ("weakref.finalize(self, self.close, 1)", BODY),
    ],
)
def test_told_only(tmp_path: Path, register: str, body: str) -> None:
    """Where a function apart from the object would do something else, there is no patch."""
    fix = of(tmp_path, TEXT.format(register=register, body=body))
    assert fix.patch is None


def test_method_of_a_subclass(tmp_path: Path) -> None:
    """A subclass cleans up in its own way."""
    more = "\n\nclass Locked(File):\n    def close(self):\n        pass\n"
    assert of(tmp_path, TEXT.format(register=FINALIZE, body=BODY) + more).patch is None


LOST = """import weakref

numbers = iter(range(10**9))
cleaned = []


def living(method):
    found = method()
    return None if found is None else found()


class File:
    def __init__(self):
        weakref.finalize(self, {called})

    def close(self):
        cleaned.append(1)


def step():
    File()
    return 1
"""


@pytest.mark.slow
def test_lost_cleanup_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A patch with which nothing is cleaned up any more is withdrawn, whatever else it mends."""
    from mortmain import proof

    file = tmp_path / "shop.py"
    file.write_text(LOST.format(called="self.close"))
    fix = of(tmp_path, file.read_text())
    weak = LOST.format(called="living, weakref.WeakMethod(self.close)")
    step = ("file", str(file), "step")
    files = [str(file.resolve())]
    told = []
    for after in (None, fix.after, weak):
        overlay = tmp_path / "overlay"
        overlay.write_bytes(f"{files[0]}\n{after}".encode())
        told.append(proof._outcomes(step, str(tmp_path), str(overlay) if after else "", files))
    plain, mended, lost = told
    assert plain.called is not None
    assert (files[0], "File.close") in plain.called
    import dataclasses

    assert proof._never_called(fix, [plain, plain], mended) == set()
    spoiled = dataclasses.replace(fix, after=weak)
    assert proof._never_called(spoiled, [plain, plain], lost) == {"File.close"}


@pytest.mark.slow
def test_module_that_could_not_be_imported(tmp_path: Path) -> None:
    """The patch of a class whose base has room is true, as tried."""
    file = repository(tmp_path, "owning.py")
    file.write_text(
        "class Node:\n    pass\n\n\n"
        'class Child(Node):\n    __slots__ = ("owner",)\n\n\n'
        'class Document(Node):\n    __slots__ = ("children",)\n\n\n'
        "def step():\n    document, child = Document(), Child()\n"
        "    child.owner = document\n    document.children = [child]\n    return 1\n"
    )
    _, told = loop(tmp_path, "--try-fix", "owning.py:step")
    fix = first_of(told)["fix"]
    assert (fix["cure"], fix["proven"]) == ("weak-parent", True)

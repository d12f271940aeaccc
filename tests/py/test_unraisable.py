"""Exceptions that leave a `__del__`: counted, told in a note, never in the way of the script."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAM = """
import gc, os, sys
class Exam:
    def __init__(self, name="x"):
        self.name = name
    def __del__(self):
        print("del", self.name)
        self.close()
    def close(self):
        raise ValueError("secret-4711")
"""

NOTE = "Note: Exam.__del__ raised ValueError {} at shop.py:10: what it was to clean up was not."
ONCE, THRICE = NOTE.format("once,"), NOTE.format("3 times, first")

SCRIPTS = {
    "default hook": (EXAM + "for i in range(3): Exam(i)\nprint('end')", [THRICE]),
    "once": (EXAM + "exam = Exam()\nexam = None", [ONCE]),
    "own hook": (
        EXAM
        + """
class Hook:
    def __call__(self, unraisable):
        print("hook", unraisable.object.__qualname__, unraisable.exc_value)
        print("hook", unraisable.exc_traceback.tb_lineno, unraisable.err_msg)
sys.unraisablehook = Hook()
for i in range(3): Exam(i)
""",
        [THRICE],
    ),
    "hook that raises": (
        EXAM + "def hook(u): raise KeyError\nsys.unraisablehook = hook\nExam()",
        [ONCE],
    ),
    "no hook": (EXAM + "sys.unraisablehook = None\nExam()", [ONCE]),
    "by the collector": (
        EXAM
        + """
for i in range(3):
    exam = Exam(i)
    exam.me = exam
del exam
print(gc.collect(), gc.get_count()[1:])
""",
        [THRICE],
    ),
    "not a __del__": (
        EXAM
        + """
class Bad:
    pass
import weakref
bad = Bad()
ref = weakref.ref(bad, lambda ref: 1 / 0)
del bad
""",
        [],
    ),
    "after the end": (EXAM + "exam = Exam()", []),
    "in a forked child": (
        EXAM
        + """
child = os.fork()
if child == 0:
    Exam("child")
    sys.stdout.flush()
    os._exit(0)
os.waitpid(child, 0)
""",
        [],
    ),
    "events that are none": (
        EXAM
        + """
class UnraisableHookArgs(tuple):
    pass
for args in ((), (1,), (1, 2), (1, ()), (1, UnraisableHookArgs()), (1, 2, 3)):
    sys.audit("sys.unraisablehook", *args)
for each in (None, 1, "x", Exam.__del__, Exam.close, print, Exam):
    args = UnraisableHookArgs([each] * 5)
    sys.audit("sys.unraisablehook", None, args)
sys.audit("cpython._PySys_ClearAuditHooks")
Exam()
""",
        ["Note: Exam.__del__ raised ? once, at ?:0: what it was to clean up was not.", ONCE],
    ),
    "odd names": (
        EXAM
        + """
class Odd(Exam):
    def __del__(self):
        raise type("No such\\nthing", (ValueError,), {})
Odd.__del__.__qualname__ = "\\u00c4 \\ud800\\n" * 200
size = sys.getsizeof(Odd.__del__.__qualname__)
Odd()
print(size == sys.getsizeof(Odd.__del__.__qualname__))
""",
        None,
    ),
    "many classes": (
        EXAM
        + """
for i in range(40):
    def __del__(self):
        raise KeyError
    __del__.__qualname__ = f"C{i}.__del__"
    type("C", (), {"__del__": __del__})()
""",
        [
            f"Note: C{i}.__del__ raised KeyError once, at shop.py:14: "
            "what it was to clean up was not."
            for i in range(16)
        ],
    ),
}


def started(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    left = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**left, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("kind", SCRIPTS)
def test_unraisable(tmp_path: Path, kind: str) -> None:
    text, notes = SCRIPTS[kind]
    (tmp_path / "shop.py").write_text(text + "\n")
    plain = started(tmp_path, "shop.py")
    quiet = started(tmp_path, "-m", "mortmain", "run", "-q", "-o", "a.mort", "shop.py")
    told = started(tmp_path, "-m", "mortmain", "report", "--width=500", "a.mort")
    assert plain.returncode == 0, plain.stderr
    assert told.returncode == 0, told.stderr
    ours, expected = (
        [line.split(" at 0x")[0] for line in (done.stdout + done.stderr).split("\n")]
        for done in (quiet, plain)
    )
    assert ours == expected
    assert "secret-4711" not in (tmp_path / "a.mort").read_text("latin-1").split("unraisable")[-1]
    found = [line for line in told.stdout.split("\n") if line.startswith("Note: ")]
    if notes is None:
        assert len(found) == 1
        assert " raised No?such?thing once, at shop.py:14: " in found[0]
    else:
        assert found == notes


def test_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(EXAM + "for i in range(3): Exam(i)\n")
    plain = started(tmp_path, "shop.py")
    done = started(tmp_path, "-m", "mortmain", "run", "shop.py")
    assert done.stdout == plain.stdout
    assert done.stderr.split(" at 0x")[0] == plain.stderr.split(" at 0x")[0]
    assert plain.stderr.count("Exception ignored in: <function Exam.__del__") == 3
    assert done.stderr.count("Exception ignored in: <function Exam.__del__") == 3
    assert "Note: Exam.__del__ raised ValueError 3 times" in done.stderr

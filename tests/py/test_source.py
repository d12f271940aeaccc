"""The line of source that makes a holder: right, or none at all."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mortmain import source

# name: (source, scope, attribute, the line found or None). Lines are counted from 1; each source
# begins on line 1, and f is on the line that ANCHOR says when the source does not.
TABLE: dict[str, tuple[str, str, str, int | None]] = {
    "module global": ("cache = {}", "", "cache", 1),
    "class attribute": ("class Within:\n    seen = {}", "Within", "seen", 2),
    "global of the name of a class attribute": (
        "answers = [1]\nclass Exam:\n    pass",
        "Exam",
        "answers",
        None,
    ),
    "class attribute of the name of a global": (
        "answers = [1]\nclass Exam:\n    answers = []",
        "Exam",
        "answers",
        3,
    ),
    "attribute of another class": ("class A:\n    x = 1\nclass B:\n    pass", "B", "x", None),
    "nested class": ("class A:\n    class B:\n        x = 1", "A.B", "x", 3),
    "class in a function": ("def f():\n    class B:\n        x = 1", "f.<locals>.B", "x", 3),
    "local of a function": ("def f():\n    cache = {}", "", "cache", None),
    "local of an async function": ("async def f():\n    cache = {}", "", "cache", None),
    "local of a method": ("class A:\n    def m(self):\n        x = 1", "A", "x", None),
    "lambda's argument": ("f = lambda cache: cache", "", "cache", None),
    "comprehension's variable": ("y = [cache for cache in ()]", "", "cache", None),
    "if and else": ("if 0:\n    pass\nelse:\n    cache = {}", "", "cache", 4),
    "try": ("try:\n    cache = {}\nfinally:\n    pass", "", "cache", 2),
    "except": ("try:\n    pass\nexcept E:\n    cache = {}", "", "cache", 4),
    "match": ("match 1:\n    case 1:\n        cache = {}", "", "cache", 3),
    "with": ("with f() as cache:\n    pass", "", "cache", 1),
    "in a with": ("with f():\n    cache = {}", "", "cache", 2),
    "for": ("for cache in ():\n    pass", "", "cache", 1),
    "tuple": ("a, (b, *cache) = f()", "", "cache", 1),
    "several": ("a = cache = {}", "", "cache", 1),
    "walrus": ("if (cache := f()):\n    pass", "", "cache", 1),
    "annotated": ("cache: dict = {}", "", "cache", 1),
    "annotation alone": ("cache: dict\nx = 1", "", "cache", None),
    "annotation, then value": ("cache: dict\ncache = {}", "", "cache", 2),
    "augmented": ("cache += 1", "", "cache", None),
    "deleted": ("del cache", "", "cache", None),
    "attribute of something": ("a.cache = 1", "", "cache", None),
    "item of something": ("cache[0] = 1", "", "cache", None),
    "imported": ("from a import cache", "", "cache", None),
    "the first of two": ("cache = None\ncache = {}", "", "cache", 1),
    "long elif": (
        "if 0:\n    pass\n" + "elif 0:\n    pass\n" * 300 + "else:\n    cache = 1",
        "",
        "cache",
        604,
    ),
    "on a later line of a tuple": ("(a,\n cache) = f()", "", "cache", 2),
    "private": ("class _A:\n    __x = {}", "_A", "_A__x", 2),
    "private by its bare name": ("class A:\n    __x = {}", "A", "__x", None),
    "not private": ("class A:\n    __x__ = {}", "A", "__x__", 2),
    "global in a class": ("class A:\n    global x\n    x = 1", "A", "x", None),
    "instance's": ("class A:\n    def m(self):\n        self.x = 1", "A()", "x", 3),
    "instance's under another name": (
        "class A:\n    def m(me, self):\n        self.x = 1\n        me.x = 1",
        "A()",
        "x",
        4,
    ),
    "instance's beside the class's": (
        "class A:\n    x = None\n    def m(self):\n        self.x = 1",
        "A()",
        "x",
        4,
    ),
    "instance's, annotated": (
        "class A:\n    def m(self):\n        self.x: int\n        self.x: int = 1",
        "A()",
        "x",
        4,
    ),
    "instance's, augmented": (
        "class A:\n    def m(self):\n        self.x += 1\n        self.x = 1",
        "A()",
        "x",
        4,
    ),
    "instance's, in an inner function": (
        "class A:\n    def m(self):\n        def g(self):\n            self.x = 1",
        "A()",
        "x",
        1,
    ),
    "instance's, private": ("class A:\n    def m(self):\n        self.__x = 1", "A()", "_A__x", 3),
    "instance's, declared": ("class A:\n    y: int\n    x: int", "A()", "x", 3),
    "instance's, nowhere": ("import a\n@a\nclass A:\n    pass", "A()", "x", 3),
    "instance's, None at first": (
        "class A:\n    def m(self):\n        self.x = self.y = None\n        self.x = 1",
        "A()",
        "x",
        4,
    ),
    "instance's, by a base": (
        "class A:\n    def m(self):\n        self.x = 1\nclass B(A):\n    pass",
        "B()",
        "x",
        3,
    ),
    "instance's, by another object": (
        "class A:\n    x: int = None\nclass B:\n    def m(self, a):\n        a.x = self",
        "A()",
        "x",
        5,
    ),
    "instance's, by other objects": (
        "class A:\n    x: int = None\ndef f(a, b):\n    a.x = b\n    b.x = a",
        "A()",
        "x",
        2,
    ),
    "instance's, by the call or another object": (
        "class A:\n    x: int = None\ndef f(b):\n    a = A(b)\n    a.x = b",
        "A()",
        "x",
        2,
    ),
    "instance's, and that of an unrelated class": (
        "class A:\n    x: int = None\nclass B:\n    x: int\ndef f(b):\n    b.x = b",
        "A()",
        "x",
        2,
    ),
    "class's, by a metaclass": (
        "class M(type):\n    def __init__(c, *a):\n        c.x = []\nclass A(metaclass=M): pass",
        "A",
        "x",
        3,
    ),
    "class's, by a class method of a base": (
        "class A:\n    @classmethod\n    def m(c):\n        c.x = []\nclass B(A):\n    pass",
        "B",
        "x",
        4,
    ),
    "class's, by its name": (
        "class A:\n    def m(self):\n        self.x = 1\n        A.x = []",
        "A",
        "x",
        4,
    ),
    "instance's of a nested class": (
        "class A:\n    class B:\n        def m(self):\n            self.x = 1",
        "A.B()",
        "x",
        4,
    ),
    "instance's of a class made twice": (
        "class A:\n    pass\nclass A:\n    pass",
        "A()",
        "x",
        None,
    ),
    "class made twice": ("class A:\n    x = 1\nclass A:\n    x = 2", "A", "x", None),
    "no such class": ("x = 1", "A", "x", None),
    "form feed": ("x = 1\n\f\ncache = {}", "", "cache", 3),
    "line separator in a string": ("x = '\u2028'\ncache = {}", "", "cache", 2),
    "vertical tab in a string": ("x = '\x0b\x1c\x85'\ncache = {}", "", "cache", 2),
    "carriage returns": ("x = 1\r\ncache = {}\r\n", "", "cache", 2),
    "old carriage returns": ("x = 1\rcache = {}\r", "", "cache", 2),
    "byte order mark": ("\ufeffcache = {}", "", "cache", 1),
    "no newline at the end": ("x = 1\ncache = {}", "", "cache", 2),
    "tab": ("class A:\n\tx = 1", "A", "x", 2),
    "warning": ("x = '\\d'\ncache = 1 is 1", "", "cache", 2),
    "syntax error": ("cache = = 1", "", "cache", None),
    "null": ("cache = 1\0", "", "cache", None),
    "empty": ("", "", "cache", None),
    "other attribute": ("cached = 1", "", "cache", None),
}


@pytest.mark.parametrize("name", TABLE)
def test_table(tmp_path: Path, name: str) -> None:
    text, scope, attribute, expected = TABLE[name]
    file = tmp_path / "shop.py"
    file.write_bytes(text.encode())
    found = source.find(str(file), scope, attribute, (), is_live=True)
    assert (found.line if found is not None else None) == expected
    if found is not None:
        assert attribute.removeprefix("_A") in found.text or found.text == "class A:"
        assert found.shown_file == str(file)


PROGRAM = """
import functools
class Exam:
    answers = []
    @property
    def grade(self): pass
@functools.cache
@functools.cache
def add(): pass
async def wait():
    def inner(): pass
"""
# What the code objects and classes of PROGRAM say of themselves.
ANCHORS = (
    ("Exam", 3),
    ("Exam.grade", 5),
    ("add", 7),
    ("wait", 10),
    ("wait.<locals>.inner", 11),
)


def test_a_file_must_be_the_one_that_ran(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_text(PROGRAM)

    def line(*anchors: tuple[str, int], is_live: bool = False) -> int | None:
        found = source.find(str(file), "Exam", "answers", anchors, is_live)
        return None if found is None else found.line

    assert line(*ANCHORS) == 4
    for anchor in ANCHORS:
        assert line(anchor) == 4
    assert line() is None
    assert line(is_live=True) == 4
    assert line(*ANCHORS, ("add", 8)) is None
    assert line(*ANCHORS, ("gone", 8)) is None
    file.write_text("\n" + PROGRAM)
    assert line(*ANCHORS, is_live=True) is None
    file.write_text(PROGRAM.replace("answers", "results"))
    assert line(*ANCHORS) is None


def test_encoding(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_bytes("# coding: latin-1\ncache = 'é'".encode("latin-1"))
    found = source.find(str(file), "", "cache", (), is_live=True)
    assert found == source.Line(str(file), 2, "cache = 'é'")
    for bad in (b"# coding: nonsense\ncache = 1", b"cache = '\xff'"):
        file.write_bytes(bad)
        assert source.find(str(file), "", "cache", (), is_live=True) is None


def test_what_is_no_file(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.py"
    import os

    os.mkfifo(fifo)
    huge = tmp_path / "huge.py"
    huge.write_text("cache = 1\n" * 500_000)
    for file in (tmp_path, fifo, huge, "/dev/zero", "/proc/self/status", "/nowhere", "a\0b", ""):
        assert source.find(str(file), "", "cache", (), is_live=True) is None


def test_shown_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    file = tmp_path / "a/shop.py"
    file.write_text("cache = 1")
    for folder, shown in (
        (tmp_path, "a/shop.py"),
        (tmp_path / "a", "shop.py"),
        (Path("/usr"), str(file)),
    ):
        monkeypatch.chdir(folder)
        found = source.find(str(file), "", "cache", (), is_live=True)
        assert found is not None
        assert found.shown_file == shown


def told(folder: Path, program: str, what: str, *, edit: str | None = None) -> str:
    file = folder / "shop.py"
    file.write_text(textwrap.dedent(program) + "\nimport mortmain\nmortmain.snapshot('a.mort')\n")
    (folder / "a.mort").unlink(missing_ok=True)
    subprocess.run([sys.executable, file], cwd=folder, check=True)
    if edit is not None:
        file.write_text(edit)
    command = [sys.executable, "-m", "mortmain", "why", "a.mort", what]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def test_end_to_end(tmp_path: Path) -> None:
    program = """
    answers = []
    class Exam:
        pass
    class Sheet:
        answers = []
        def add(self, exam):
            self.answers.append(exam)
    Sheet().add(Exam())
    """
    text = told(tmp_path, program, "Exam")
    assert "Look at shop.py:6, used in Sheet.add (shop.py:7):\n\n          answers = []" in text
    # The file is not the one that ran any more.
    text = told(tmp_path, program, "Exam", edit="class Sheet:\n    answers = 'wrong'\n")
    assert "wrong" not in text
    assert "shop.py" in text


def test_an_instance_has_no_line(tmp_path: Path) -> None:
    program = """
    answers = [1]
    class Item: pass
    class Exam:
        def __init__(self):
            self.answers = [Item()]
    exam = Exam()
    """
    text = told(tmp_path, program, "Item")
    assert "answers = [1]" not in text


def test_findings_say_the_line_that_makes_the_reference(tmp_path: Path) -> None:
    program = """\
import gc, queue
gc.disable()
results = queue.Queue()
class Remember(type):
    def __init__(cls, name, bases, names):
        cls.made = []
class Shape(metaclass=Remember):
    def __init__(self):
        type(self).made.append(self)
class Result: pass
class Folder:
    def add(self, file):
        self.files = [file]
        file.folder = self
class File:
    def __init__(self):
        self.folder = None
class Counter:
    def __init__(self):
        self.bump = \\
            lambda: self
def work():
    for i in range(20):
        results.put(Result())
        Shape()
        Folder().add(File())
        Counter()
work()
"""
    (tmp_path / "shop.py").write_text(program)
    command = [sys.executable, "-m", "mortmain", "run", "-v", "shop.py"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    report = done.stderr
    assert "Look at shop.py:3:\n\n          results = queue.Queue()" in report
    assert (
        "Look at shop.py:6, used in Shape.__init__ (shop.py:8):\n\n          cls.made = []"
        in report
    )
    assert "Look at shop.py:14:\n\n          file.folder = self" in report
    assert "Look at shop.py:21.\n      Cure: break the ring" in report

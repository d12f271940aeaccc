"""What bases have: no patch that a base makes impossible, and the right class where one fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mortmain import cure, cure_bases, cure_source
from test_cure import facts, found
from test_cure_kinds import run

RING = (("Owner", ".child", False), ("Child", ".owner", True))
MORE: dict[str, Any] = {"kind": "cycle", "cure": "weak-parent", "ring": RING, "path": ()}


def of_owner(folder: Path, text: str, scope: str = "Child()", **more: Any) -> cure.Fix:
    """The cure for a child that leads back to its owner."""
    at = (str(folder / "shop.py"), scope, "owner", ())
    return found(folder, text, "owner", **{**MORE, "scope": at, **more})


def module_of(folder: Path, text: str) -> cure_source.Module:
    """A source that was read."""
    (folder / "shop.py").write_text(text)
    module = cure_source.read(str(folder / "shop.py"))
    assert module is not None
    return module


@pytest.mark.parametrize(
    ("text", "weak", "room"),
    [
        ("class Exam:\n    pass\n", True, False),
        ('class Exam:\n    __slots__ = ("a",)\n', False, True),
        ('class Exam:\n    __slots__ = "a"\n', False, True),
        ('class Exam:\n    __slots__ = ("a", "__weakref__")\n', True, False),
        ('class Base:\n    pass\n\n\nclass Exam(Base):\n    __slots__ = ("a",)\n', True, False),
        ('class Exam(Exception):\n    __slots__ = ("a",)\n', False, True),
        ('class Exam(set):\n    __slots__ = ("a",)\n', True, False),
        ("class Exam(int):\n    __slots__ = ()\n", False, False),
        ('from abc import ABC\n\n\nclass Exam(ABC):\n    __slots__ = ("a",)\n', False, True),
        ('from x import Y\n\n\nclass Exam(Y):\n    __slots__ = ("a",)\n', None, False),
        ('class Exam(make()):\n    __slots__ = ("a",)\n', None, False),
        ('@attrs\nclass Exam:\n    __slots__ = ("a",)\n', None, False),
        ("class Exam(metaclass=Meta):\n    pass\n", None, False),
        ("names = []\n\n\nclass Exam:\n    __slots__ = names\n", None, False),
        (
            'class Exam:\n    __slots__ = ("a",)\n\n\n'
            'class More(Exam):\n    __slots__ = ("__weakref__",)\n',
            False,
            False,
        ),
        (
            'class Exam:\n    __slots__ = ("a",)\n\n\n'
            "class More(Exam):\n    __slots__ = (*Exam.__slots__, 'b')\n",
            False,
            False,
        ),
        ("import dataclasses\n@dataclasses.dataclass(slots=True)\nclass Exam:\n    a: int\n",
         False, True),
    ],
)  # fmt: skip
def test_room(tmp_path: Path, text: str, weak: bool | None, room: bool) -> None:
    """As the interpreter has it, where it is certain; else nothing is known."""
    module = module_of(tmp_path, text)
    (exam,) = module.classes("Exam")
    assert cure_bases.can_be_weak(module, exam) is weak
    assert cure_bases.may_get_room(module, exam) is room
    if weak is not None:
        names: dict[str, Any] = {"__name__": "shop"}
        exec(compile(text, "shop.py", "exec", dont_inherit=True), names)
        assert bool(names["Exam"].__weakrefoffset__) is weak


def test_room_of_another_file(tmp_path: Path) -> None:
    """A base is read where it is imported from; a class that is used elsewhere may have room."""
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "base.py").write_text("class Base:\n    pass\n\n\nclass Bare:\n    __slots__ = ()\n")
    (package / "exam.py").write_text(
        "from . import base\nfrom .base import Bare, Base\n\n\n"
        'class Weak(Base):\n    __slots__ = ("a",)\n\n\n'
        'class Strong(Bare):\n    __slots__ = ("a",)\n\n\n'
        'class Other(base.Base):\n    __slots__ = ("a",)\n'
    )
    module = cure_source.read(str(package / "exam.py"))
    assert module is not None
    told = {each: cure_bases.can_be_weak(module, module.classes(each)[0])
            for each in ("Weak", "Strong", "Other")}  # fmt: skip
    assert told == {"Weak": True, "Strong": False, "Other": True}
    assert cure_bases.may_get_room(module, module.classes("Strong")[0])
    (package / "more.py").write_text(
        'from .exam import Strong\n\n\nclass More(Strong):\n    __slots__ = ("__weakref__",)\n'
    )
    assert not cure_bases.may_get_room(module, module.classes("Strong")[0])


OWNER_OF_A_BASE = """class Node:
    pass


class Child(Node):
    __slots__ = ("owner",)


class Owner(Node):
    __slots__ = ("child",)

    def __init__(self):
        self.child = Child()
        self.child.owner = self
"""


def test_base_without_slots(tmp_path: Path) -> None:
    """There is room already: a second slot would keep the module from being imported."""
    fix = of_owner(tmp_path, OWNER_OF_A_BASE)
    assert fix.after is not None
    assert "__weakref__" not in fix.after
    owner = run(fix)["Owner"]()
    assert owner.child.owner is owner


SLOT_OF_THE_BASE = """class Token:
    __slots__ = ("value", "owner")


class Child(Token):
    __slots__ = "child"

    def __init__(self):
        self.child = Token()
        self.child.owner = self


class Owner(Child):
    pass
"""


def test_slot_of_a_base(tmp_path: Path) -> None:
    """The class that has the slot is the one to change; who cannot be weak is kept as before."""
    fix = of_owner(tmp_path, SLOT_OF_THE_BASE)
    assert fix.after is not None
    assert "Token.owner = _weakly(Token.owner)" in fix.after
    names = run(fix)
    owner = names["Owner"]()
    assert owner.child.owner is owner
    leaf = names["Child"]().child
    assert leaf.owner is None
    leaf.owner = 3
    assert leaf.owner == 3
    leaf.owner = None
    assert leaf.owner is None
    child = owner.child
    del owner
    assert child.owner is None


@pytest.mark.parametrize(
    "base",
    [
        "from x import Base\n\n\nclass Child(Base):",
        "class Base:\n    def owner(self):\n        return 1\n\n\nclass Child(Base):",
        "class Base:\n    def __setattr__(self, *_):\n        pass\n\n\nclass Child(Base):",
    ],
)
def test_property_over_a_base(tmp_path: Path, base: str) -> None:
    """What a base may do with the attribute is not put aside."""
    text = f"""{base}
    def __init__(self, owner):
        self.owner = owner


class Owner:
    def __init__(self):
        self.child = Child(self)
"""
    fix = of_owner(tmp_path, text)
    assert (fix.cure, fix.patch) == ("weak-parent", None)
    plain = "class Child:" + text.removeprefix(base)
    owner = run(of_owner(tmp_path, plain))["Owner"]()
    assert owner.child.owner is owner
    owner.child.owner = 3
    assert owner.child.owner == 3


def test_property_called_as_what_the_class_needs(tmp_path: Path) -> None:
    """While the class is made, its own names hide those of the module."""
    text = """class Child:
    def __init__(self, owner):
        self.owner = owner

    def late(self){}:
        pass


class Owner:
    pass
"""
    assert of_owner(tmp_path, text.format("")).patch is not None
    assert of_owner(tmp_path, text.format(" -> owner[int]")).patch is None


def test_owner_that_cannot_be_weak(tmp_path: Path) -> None:
    """Without room in the owner nothing would change."""
    text = """class Child:
    def __init__(self, owner):
        self.owner = owner


class Owner(tuple):
    __slots__ = ()
"""
    assert of_owner(tmp_path, text).patch is None


def test_list_of_methods(tmp_path: Path) -> None:
    """Only an attribute that is the method itself is made a weak one."""
    text = """class Owner:
    def __init__(self):
        self.owner = [self.run]

    def run(self):
        pass
"""
    ring = (("Owner", ".owner", False), ("list", "[*]", False), ("method", ".__self__", True))
    more: dict[str, Any] = {"cure": "weak-method", "ring": ring}
    fix = of_owner(tmp_path, text, "Owner()", **more)
    assert (fix.cure, fix.patch) == ("weak-method", None)
    single = text.replace("[self.run]", "self.run")
    more["ring"] = (ring[0], ring[2])
    assert of_owner(tmp_path, single, "Owner()", **more).patch is not None


def test_plain_keys(tmp_path: Path) -> None:
    """A text has no attributes: who has an equal one finds the entry, so it is a cache."""
    text = """table = {}


def ask(name):
    entry = table.get(name, 0)
    if entry == 0:
        table[name] = None
    return entry
"""
    fix = found(tmp_path, text, held="str", type="str", can_be_weak=False)
    assert fix.cure == "bound-cache"


def test_import_that_comes_late(tmp_path: Path) -> None:
    """What the patch needs while the module is imported is imported before."""
    text = """table = {}

import weakref


def note(exam, value):
    table[exam] = value


def ask(exam):
    return table[exam]
"""
    fix = found(tmp_path, text)
    assert fix.cure == "weak-key-dictionary"
    assert run(fix)["ask"] is not None
    (tmp_path / "weakref.py").write_text("")
    assert found(tmp_path, text).patch is None


def test_library_is_told_without_a_patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody wants to patch the standard library; an installed package may be patched."""
    text = "table = {}\n\n\ndef note(exam, value):\n    table[exam] = value\n"
    for place, is_patched in (("python3.11", False), ("python3.11/dist-packages", True)):
        folder = tmp_path / "lib" / place
        folder.mkdir(parents=True)
        (tmp_path / "lib" / "python3.11" / "sysconfig.py").write_text("")
        fix = found(folder, text)
        assert fix.cure == "weak-key-dictionary"
        assert (fix.patch is not None) == is_patched


def test_ready_made_exception(tmp_path: Path) -> None:
    """It collects a traceback each time it is raised."""
    text = """ERROR = TimeoutError("late")


def fetch():
    raise ERROR
"""
    path = (("module shop", ".ERROR", False), ("TimeoutError", "traceback", True),
            ("traceback", None, False))  # fmt: skip
    fix = found(tmp_path, text, "ERROR", path=path, cure="drop-link", scope=None, held="traceback")
    assert (fix.cure, fix.line) == ("raise-new", 5)
    names = run(fix)
    depths = []
    for _ in range(3):
        with pytest.raises(TimeoutError) as caught:
            names["fetch"]()
        depth, step = 0, caught.value.__traceback__
        while step is not None:
            depth, step = depth + 1, step.tb_next
        depths.append(depth)
    assert len(set(depths)) == 1


CLASS = """import time


def setup():
    global Base
    Base = object


def make():
    class Exam{bases}:
        {body}

    return Exam()
"""


@pytest.mark.parametrize(
    ("bases", "body", "made"),
    [("", "a = 1", True), ("(Base)", "pass", False), ("", "_a_ = time.time()", False)],
)
def test_class_that_needs_what_comes_later(
    tmp_path: Path, bases: str, body: str, made: bool
) -> None:
    """Made while the module is imported, it must not need what is not there yet."""
    (tmp_path / "shop.py").write_text(CLASS.format(bases=bases, body=body))
    path = (("module gc", ".callbacks", True), ("class Exam", None, False))
    told = facts(tmp_path / "shop.py", "callbacks", cure="make-class-once", scope=None, path=path)
    fix = cure.find(told, [str(tmp_path / "shop.py")])
    assert fix is not None
    assert (fix.cure, fix.patch is not None) == ("make-class-once", made)

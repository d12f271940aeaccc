"""Cures by kind, without a process: hand-made findings on small sources, and what patches do."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from mortmain import cure, cure_patch, cure_sites, cure_source, cure_tables
from mortmain.cure_case import Case
from test_cure import facts, found

LIST = (("module shop", ".table", False), ("list", "[*]", True), ("Exam", None, False))
PLAIN = (("module shop", ".table", False), ("dict", "[*]", True), ("list", None, False))


def run(fix: cure.Fix) -> dict[str, Any]:
    """The patched file, run."""
    assert fix.after is not None
    names: dict[str, Any] = {"__name__": "shop"}
    exec(fix.after, names)
    return names


class Exam:
    """Has a dict."""


ON_KEYS = """table = {}


def note(exam, value):
    table[exam] = value


def ask(exam):
    return table.get(exam)
"""


def test_value_in_its_key(tmp_path: Path) -> None:
    """Both go together; a copy of the key has no entry; what has no dict is kept as before."""
    fix = found(tmp_path, ON_KEYS, leads_back=True)
    assert (fix.cure, fix.checked) == ("ephemeron", ("found-by-key", "uses-known"))
    names = run(fix)
    exam = Exam()
    names["note"](exam, [exam])
    assert names["ask"](exam)[0] is exam
    assert names["ask"](copy.copy(exam)) is None
    assert exam in names["table"]
    assert names["ask"](3) is None
    gone = weakref.ref(exam)
    del exam
    gc.collect()
    assert gone() is None

    class Slotted:
        __slots__ = ("__weakref__",)

    slotted = Slotted()
    names["note"](slotted, 5)
    assert names["ask"](slotted) == 5
    del names["table"][slotted]
    assert names["ask"](slotted) is None


def test_value_in_its_key_of_an_instance(tmp_path: Path) -> None:
    """A key that outlives the table would keep the values: no patch."""
    text = """class Shop:
    def __init__(self):
        self.table = {}

    def note(self, exam, value):
        self.table[exam] = value
"""
    scope = (str(tmp_path / "shop.py"), "Shop()", "table", ())
    fix = found(tmp_path, text, scope=scope, leads_back=True)
    assert (fix.cure, fix.patch) == ("ephemeron", None)


TIMER = """import asyncio
table = {}


def start(key, loop, call):
    if key in table:
        table[key].cancel()
    table[key] = loop.call_later(0, call, key)
"""


def test_timer(tmp_path: Path) -> None:
    """It takes itself out, and no other one: not what its own call has put there."""
    path = (("module shop", ".table", False), ("dict", "[*]", True), ("TimerHandle", None, False))
    fix = found(tmp_path, TIMER, path=path, held="TimerHandle")
    assert fix.cure == "done-callback"
    names = run(fix)
    called: list[object] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def again(key: object) -> None:
            called.append(key)
            if len(called) < 3:
                names["start"](key, loop, again)
                assert key in names["table"]
            else:
                done.set()

        names["start"]("a", loop, again)
        await done.wait()
        await asyncio.sleep(0)

    asyncio.run(main())
    assert called == ["a"] * 3
    assert names["table"] == {}
    unguarded = TIMER.replace("    if key in table:\n        table[key].cancel()\n", "")
    more = unguarded + "\n\ndef stop(key):\n    table[key].cancel()\n"
    assert found(tmp_path, more, path=path, held="TimerHandle").patch is None


@pytest.mark.parametrize(
    ("body", "is_patched"),
    [
        ("    known = table\n    if key not in known:\n        known[key] = [key]\n", True),
        (
            "    known = table\n    known = {}\n    if 1 not in known:\n        known[1] = [key]\n",
            False,
        ),
        ("    for known in [table]:\n        known[key] = [key]\n", False),
    ],
)
def test_alias(tmp_path: Path, body: str, is_patched: bool) -> None:
    """A variable is the container if it is never anything else."""
    text = f"table = {{}}\n\n\ndef get(key):\n{body}    return known[key]\n"
    path = (*PLAIN[:2], PLAIN[2])
    fix = cure_or_none(tmp_path, text, path=path, held="list")
    assert (fix is not None and fix.patch is not None) == is_patched


def cure_or_none(folder: Path, text: str, **more: Any) -> cure.Fix | None:
    """The cure for a source, if there is one."""
    file = folder / "shop.py"
    file.write_text(text)
    return cure.find(facts(file, "table", **more))


MEMBERS = """table = set()


def once(exam):
    if exam in table:
        return False
    table.add({})
    return True
"""


@pytest.mark.parametrize(
    ("value", "more", "is_weak"),
    [
        ("exam", {}, True),
        ("Exam()", {}, False),
        ("exam", {"by_identity": False}, False),
        ("exam", {"can_be_weak": False}, False),
        ("exam", {"held": "Task"}, False),
    ],
)
def test_membership(tmp_path: Path, value: str, more: dict[str, Any], is_weak: bool) -> None:
    """Weak where who could ask has the thing itself, and nothing else is done with the set."""
    path = (("module shop", ".table", False), ("set", " member", True), ("Exam", None, False))
    fix = found(tmp_path, MEMBERS.format(value), path=path, **more)
    assert (fix.cure == "weak-set") == is_weak
    gone = MEMBERS.format(value) + "\n\ndef every():\n    return list(table)\n"
    assert found(tmp_path, gone, path=path, **more).cure != "weak-set"


def test_membership_of_itself(tmp_path: Path) -> None:
    """What enters itself and is kept by nobody else lives by that."""
    text = """class Job:
    table = set()

    def __init__(self):
        self.table.add(self)

    def runs(self):
        return self in self.table


def begin():
    Job()
"""
    scope = (str(tmp_path / "shop.py"), "Job", "table", ())
    path = (("class Job", ".table", False), ("set", " member", True), ("Job", None, False))
    assert found(tmp_path, text, scope=scope, path=path, held="Job").cure != "weak-set"
    kept = text.replace("    Job()\n", "    job = Job()\n    return job.runs()\n")
    assert found(tmp_path, kept, scope=scope, path=path, held="Job").cure == "weak-set"


HANDLER = """import logging


def work({parameter}):
    handler = logging.FileHandler({name})
    logging.getLogger("shop").addHandler(handler)
"""


@pytest.mark.parametrize(
    ("parameter", "name", "told"), [("", '"log"', "add-once"), ("name", "name", "remove-handler")]
)
def test_handler(tmp_path: Path, parameter: str, name: str, told: str) -> None:
    """Once is enough only where each is made alike; else each has to go again."""
    text = HANDLER.format(parameter=parameter, name=name)
    file = tmp_path / "shop.py"
    file.write_text(text)
    path = (
        ("module logging", ".root", False),
        ("Logger", ".handlers", False),
        ("list", "[*]", True),
        ("FileHandler", None, False),
    )
    grown = facts(file, "x", path=path, scope=None, type="logging.FileHandler")
    fix = cure.find(dataclasses.replace(grown, file=None), [str(file)])
    assert fix is not None
    assert (fix.cure, fix.patch is not None) == (told, told == "add-once")


def test_nested_lists(tmp_path: Path) -> None:
    """The lists of a dict are gone through one by one; who takes the dict may do anything."""
    text = """class Hub:
    def __init__(self):
        self.table = {}

    def on(self, topic, listener):
        self.table.setdefault(topic, []).append(listener)

    def emit(self, topic):
        for listener in self.table.get(topic, ()):
            listener()


class View:
    def __init__(self, hub):
        hub.on("a", self.update)

    def update(self):
        self.count = 1


def show(hub):
    view = View(hub)
    hub.emit("a")
    return view.count
"""
    place = (str(tmp_path / "shop.py"), "Hub()", "table", (), 1)
    path = (
        ("Hub", ".table", False),
        ("dict", "[*]", False),
        ("list", "[*]", True),
        ("method", None, False),
    )
    more: dict[str, Any] = {"scope": place[:4], "places": (place,), "path": path, "held": "method"}
    fix = found(tmp_path, text, **more)
    assert fix.cure == "weak-method"
    names = run(fix)
    hub = names["Hub"]()
    assert names["show"](hub) == 1
    gc.collect()
    assert hub.table == {"a": []}
    handed = text + "\n\ndef hand(hub, take):\n    take(hub.table)\n"
    assert found(tmp_path, handed, **more).patch is None


def test_library_is_left_alone(tmp_path: Path) -> None:
    """What the standard library makes is not patched."""
    assert cure_source.is_stdlib(weakref.__file__)
    assert not cure_source.is_stdlib(str(tmp_path / "shop.py"))
    assert not cure_source.is_stdlib(pytest.__file__)


CLASS = """def make(x):
    class Exam({bases}):
        {body}

    return Exam()


def later():
    pass


class Later:
    pass
"""


@pytest.mark.parametrize(
    ("bases", "body", "made"),
    [
        ("", "def set(self, x):\n            self.x, self.y = x, later()", True),
        ("", '"""Says what it is,\n\n        at some length."""', True),
        ("", "value = x\n\n        def set(self, x):\n            self.x = x", False),
        ("", "def set(self, x=x):\n            self.x = x", False),
        ("", 'text = """a\n            b"""', False),
        ("", "value = later()", False),
        ("Later", "pass", False),
        ("x", "pass", False),
    ],
)
def test_class_made_once(tmp_path: Path, bases: str, body: str, made: bool) -> None:
    """Only where it takes nothing from the call, and everything that it needs is there before."""
    text = CLASS.format(bases=bases, body=body)
    path = (("module gc", ".callbacks", True), ("class Exam", None, False))
    more: dict[str, Any] = {"cure": "make-class-once", "scope": None, "path": path}
    file = tmp_path / "shop.py"
    file.write_text(text)
    found_at = cure_sites.find(facts(file, "callbacks", **more), [str(file)])
    assert found_at is not None
    module, answer = found_at
    assert answer.cure == "make-class-once"
    assert bool(answer.edits) == made
    if made:
        after = cure_patch.apply(module, answer.edits)
        assert after is not None
        names: dict[str, Any] = {"__name__": "shop"}
        exec(after, names)
        assert type(names["make"](1)) is type(names["make"](2))


@pytest.mark.parametrize(
    ("held", "lines"),
    [
        ("list", "return table.setdefault(name, [])"),
        ("list", "if name not in table:\n        table[name] = []\n    return table[name]"),
        ("deque", "return table.setdefault(name, deque())"),
        ("list", "made = []\n    table.setdefault(name, made)\n    return table[name]"),
        ("int", "table[name] = table.get(name, 0) + 1\n    return table[name]"),
    ],
)
def test_history_is_no_memo(tmp_path: Path, held: str, lines: str) -> None:
    """What others fill, or what is counted, is not computed again: no bound loses it."""
    text = f"from collections import deque\ntable = {{}}\n\n\ndef of(name):\n    {lines}\n"
    path = (("module shop", ".table", False), ("dict", "[*]", True), (held, None, False))
    fix = found(tmp_path, text, held=held, type=held, path=path)
    assert (fix.cure == "bound-cache", fix.patch) == (False, None)


def test_made_when_missing(tmp_path: Path) -> None:
    """An empty list that a dict makes by itself is for others to fill."""
    text = """class Table(dict):
    def __missing__(self, name):
        made = self[name] = {value}
        return made


table = Table()
"""
    path = (("module shop", ".table", False), ("shop.Table", "[*]", True), ("list", None, False))
    for value, bounded in (("[]", False), ("name.split()", True)):
        source = text.replace("{value}", value)
        fix = found(tmp_path, source, held="list", type="list", path=path)
        assert (fix.patch is not None) == bounded, fix


def test_memo_is_bounded(tmp_path: Path) -> None:
    """What is computed of the key alone is."""
    text = "table = {}\n\n\ndef of(n):\n    if n not in table:\n        table[n] = [n] * 3\n"
    path = (("module shop", ".table", False), ("dict", "[*]", True), ("list", None, False))
    fix = found(tmp_path, text + "    return table[n]\n", held="list", type="list", path=path)
    assert fix.cure == "bound-cache"
    assert run(fix)["of"](2) == [2, 2, 2]


@pytest.mark.parametrize(
    ("use", "apart"),
    [("print(exam)", True), ("keys = (exam for _ in 'ab')", False)],
)
def test_taken_out(tmp_path: Path, use: str, apart: bool) -> None:
    """It is forgotten where nothing looks at it later; a generator does."""
    lines = ("exam = table.pop(key)", use, "return list(key)")
    text = "table = {}\n\n\ndef take(key):\n    " + "\n    ".join(lines) + "\n"
    file = tmp_path / "shop.py"
    file.write_text(text)
    module = cure_source.read(str(file))
    assert module is not None
    case = Case.of(facts(file, "table", cure="drop-link"), module)
    answer = cure_tables.taken_out(case)
    assert (answer is not None) == apart

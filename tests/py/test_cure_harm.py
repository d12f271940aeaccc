"""Cures that would do harm, or say what is not so: none of them is named.

By hand-made findings on small sources.
"""

from __future__ import annotations

import dataclasses
import re
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from mortmain import cure, cure_imports, cure_seen, cure_source
from test_cure import facts, found

JOB = """{first}
class Job:
    def __init__(self):
        self.{name} = []

    def note(self, what):
        self.{name}.append({{"what": what}})

    {method}

job = Job()
"""


def of_job(folder: Path, method: str, name: str = "events", first: str = "") -> cure.Fix | None:
    """The cure for a list of plain data in an attribute."""
    file = folder / "shop.py"
    file.write_text(JOB.format(first=first, name=name, method=method))
    path = (("module shop", ".job", False), ("Job", f".{name}", False), ("list", "[*]", True),
            ("dict", None, False))  # fmt: skip
    scope = (str(file), "Job()", name, ())
    return cure.find(facts(file, name, scope=scope, path=path, held="dict", by_identity=False))


WHOLE = [
    ("def dump(self):\n        return json.dumps(vars(self))", "import json"),
    ("def dump(self):\n        return json.dumps(self.__dict__)", "import json"),
    ("def dump(self):\n        return dataclasses.asdict(self)", "import dataclasses"),
    ("def dump(self):\n        return pickle.dumps(self)", "import pickle"),
    ("def copied(self):\n        return copy.copy(self)", "import copy"),
    ("def get(self, name):\n        return getattr(self, name)", ""),
    ("def tail(self):\n        return getattr(self, 'events', [])[-5:]", ""),
    ("def tail(self):\n        return self.__dict__['events'][-5:]", ""),
]


@pytest.mark.parametrize(("method", "first"), WHOLE)
def test_written_out(tmp_path: Path, method: str, first: str) -> None:
    """Who writes an object out as it is wants a list, all of it; and so it is read."""
    fix = of_job(tmp_path, method, first=first)
    assert fix is not None
    assert (fix.cure, fix.patch) == ("remove-when-done", None)


@pytest.mark.parametrize("method", ["pass", "def what(self):\n        return getattr(self, 'no')"])
def test_not_written_out(tmp_path: Path, method: str) -> None:
    """Else a log is bounded as before."""
    fix = of_job(tmp_path, method)
    assert fix is not None
    assert fix.cure == "bound-log"
    assert "self.events = collections.deque(maxlen=128)" in (fix.after or "")


def test_written_out_by_a_user_of_the_package(tmp_path: Path) -> None:
    """A package is imported by the name of its folder."""
    package = tmp_path / "stock"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "dump.py").write_text(
        "import json\nfrom stock import job\njson.dumps(job.__dict__)\n"
    )
    file = package / "__init__.py"
    file.write_text(JOB.format(first="", name="events", method=""))
    path = (("module stock", ".job", False), ("Job", ".events", False), ("list", "[*]", True),
            ("dict", None, False))  # fmt: skip
    scope = (str(file), "Job()", "events", ())
    fix = cure.find(facts(file, "events", scope=scope, path=path, held="dict", by_identity=False))
    assert fix is not None
    assert fix.patch is None


def test_whole_of_another_thing(tmp_path: Path) -> None:
    """What another file reads of itself or of objects has nothing of a module or a class."""
    (tmp_path / "shop.py").write_text("class Job:\n    jobs = []\n")
    module = cure_source.read(str(tmp_path / "shop.py"))
    assert module is not None
    for scope, told in (("", ("vars(shop)", "shop.__dict__")), ("Job", ("vars(shop.Job)",))):
        of_others = cure_seen.in_others(module, scope)
        assert all(of_others.search(text) for text in told)
        assert not of_others.search("globals()['a']; vars(job); self.__dict__; import pickle")
    assert cure_seen.in_others(module, "Job()").search("vars(job)")


def test_private_name_is_spelt_out(tmp_path: Path) -> None:
    """What a class calls `self.__events` is `_Job__events` to others."""
    tail = "def tail(self):\n        return getattr(self, '_Job__events')[-5:]"
    fix = of_job(tmp_path, tail, name="__events")
    assert fix is not None
    assert fix.patch is None


def test_long_chain_of_calls(tmp_path: Path) -> None:
    """Deeper than a walk that calls itself can go."""
    tail = f"def tail(self):\n        return self{'.one()' * 400}"
    fix = of_job(tmp_path, tail)
    assert fix is not None


def test_import_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`from . import fetch` in a file that is given by its bare name."""
    monkeypatch.chdir(tmp_path)
    Path("lru.py").write_text("from . import fetch\n")
    module = cure_source.read("lru.py")
    assert module is not None
    assert cure_imports.sources(module, "fetch") == []
    Path("__init__.py").touch()
    assert cure_imports.sources(module, "fetch") == ["__init__.py"]


def test_written_out_by_another_file(tmp_path: Path) -> None:
    """A file that imports it may do so as well."""
    (tmp_path / "web.py").write_text("import shop\nprint(vars(shop.job))\n")
    fix = of_job(tmp_path, "pass")
    assert fix is not None
    assert (fix.cure, fix.patch) == ("remove-when-done", None)


@pytest.mark.parametrize(("method", "first"), WHOLE)
def test_read_without_its_name(tmp_path: Path, method: str, first: str) -> None:
    """'Nothing reads it' is not said where it may be read as a part of the whole."""
    file_of = of_job(tmp_path, method.replace("events", "lines"), "lines", first)
    assert file_of is None or file_of.cure != "make-local"


def test_parent_that_is_pickled(tmp_path: Path) -> None:
    """A weak reference cannot be pickled: no property that puts one in the place of an object."""
    text = """{first}
class Child:
    def __init__(self, parent):
        self.parent = parent


class Parent:
    def __init__(self):
        self.child = Child(self)
"""
    scope = (str(tmp_path / "shop.py"), "Child()", "parent", ())
    ring = (("Parent", ".child", False), ("Child", ".parent", True))
    more: dict[str, Any] = {"kind": "cycle", "cure": "weak-parent", "ring": ring, "scope": scope,
                            "path": ()}  # fmt: skip
    assert found(tmp_path, text.format(first=""), **more).patch is not None
    assert found(tmp_path, text.format(first="import pickle"), **more).patch is None
    # Who reads the attribute in another file has the object, as before.
    (tmp_path / "web.py").write_text("import shop\nprint(shop.Parent().child.parent)\n")
    assert found(tmp_path, text.format(first=""), **more).patch is not None


SIDE = """class Point:
    __slots__ = {slots}

    @property
    def notes(self):
        return table.setdefault({key}, {value})


table = {{}}
"""


@pytest.mark.parametrize(
    ("slots", "key", "value", "type_", "cures"),
    [
        ('("x", "y")', "id(self)", '{"at": self}', "Point", "keep-in-object"),
        ('("x", "__weakref__")', "id(self)", '{"at": self}', "Point", "keep-in-object"),
        ('("x",)', "id(self)", "[]", "str", "keep-in-object"),
        ('("x", "__weakref__")', "id(self)", '{"at": 1}', "dict", "weak-key-by-id"),
        ('("x", "__weakref__")', "(id(self), 1)", '{"at": 1}', "dict", "remove-when-done"),
    ],
)
def test_state_by_id(
    tmp_path: Path, slots: str, key: str, value: str, type_: str, cures: str
) -> None:
    """What is kept under an id is the state of an object: never bounded, nor called unread."""
    text = SIDE.format(slots=slots, key=key, value=value)
    path = (("module shop", ".table", False), ("dict", "[*]", True), ("dict", None, False))
    fix = found(tmp_path, text, path=path, held="dict", type=f"shop.{type_}")
    assert fix.cure == cures
    assert (fix.patch is not None) == (cures == "weak-key-by-id")


def test_state_by_id_goes_with_its_object(tmp_path: Path) -> None:
    """The finalizer of `setdefault` takes out the entry of the one that is gone, and no other."""
    text = SIDE.format(slots='("x", "__weakref__")', key="id(self)", value='{"at": 1}')
    path = (("module shop", ".table", False), ("dict", "[*]", True), ("dict", None, False))
    fix = found(tmp_path, text, path=path, held="dict", type="dict")
    assert fix.after is not None
    names: dict[str, Any] = {}
    exec(fix.after, names)
    one, other = names["Point"](), names["Point"]()
    one.notes["at"] = other.notes["at"] = 4
    del other
    assert list(names["table"]) == [id(one)]
    assert one.notes == {"at": 4}


def test_owned_by_its_id(tmp_path: Path) -> None:
    """The dict owns the value: a finalizer of it never runs."""
    text = "table = {}\n\n\ndef add(kind):\n    table[id(kind)] = kind\n"
    path = (("module shop", ".table", False), ("dict", "[*]", True), ("class Kind", None, False))
    fix = found(tmp_path, text, path=path, held="Kind", cure="make-class-once")
    assert (fix.cure, fix.patch) == ("make-class-once", None)
    fix = found(tmp_path, text, path=path, held="Kind")
    assert (fix.cure, fix.patch) == ("remove-when-done", None)


NEW = """class Money:
    _pool = {{}}

    def __new__(cls, cents):
        try:
            return cls._pool[cents]
        except KeyError:
            self = super().__new__(cls)
            self.cents = {value}
            cls._pool[cents] = self
            return self
{more}

def pay():
    return Money(1).cents
"""
OF = """class Money:
    _pool = {{}}

    def __init__(self, cents):
        self.cents = {value}

    @classmethod
    def of(cls, cents):
        found = cls._pool.get(cents)
        if found is None:
            found = cls._pool[cents] = cls(cents)
        return found
{more}
"""


@pytest.mark.parametrize("text", [NEW, OF])
@pytest.mark.parametrize(
    ("value", "more", "is_weak"),
    [
        ("cents", "", True),
        ("str(cents)", "", True),
        # What differs from a new one must not be made anew.
        ("[]", "", False),
        ("count(cents)", "", False),
        ("cents", "\n    def add(self):\n        self.cents += 1\n", False),
        ("cents", "\ndef reset(money):\n    money.cents = 0\n", False),
        # Somebody goes through all of them.
        ("cents", "\ndef every():\n    return list(Money._pool.values())\n", False),
    ],
)
def test_flyweights(tmp_path: Path, text: str, value: str, more: str, is_weak: bool) -> None:
    """One object for each key: weak values where a second one would be as the first."""
    scope = (str(tmp_path / "shop.py"), "Money", "_pool", ())
    path = (("class Money", "._pool", False), ("dict", "[*]", True), ("Money", None, False))
    fix = found(tmp_path, text.format(value=value, more=more), "_pool", scope=scope, path=path,
                held="Money", type="shop.Money")  # fmt: skip
    assert (fix.cure == "weak-value-dictionary") == is_weak, fix.cure
    assert fix.cure in ("weak-value-dictionary", "remove-when-done")
    assert fix.patch is None


def test_flyweight_that_nobody_would_hold(tmp_path: Path) -> None:
    """Stored and looked up again: a weak value would be gone between both."""
    text = """class Money:
    _pool = {}

    def __init__(self, cents):
        self.cents = cents


def of(cents):
    if cents not in Money._pool:
        Money._pool[cents] = Money(cents)
    return Money._pool[cents]
"""
    scope = (str(tmp_path / "shop.py"), "Money", "_pool", ())
    path = (("class Money", "._pool", False), ("dict", "[*]", True), ("Money", None, False))
    fix = found(tmp_path, text, "_pool", scope=scope, path=path, held="Money", type="shop.Money")
    assert (fix.cure, fix.patch) == ("remove-when-done", None)


FINALIZE = """import weakref


class Upload:
    def __init__(self):
        self.open = True
        weakref.finalize(self, self.close)

    def close(self):
        self.open = False
"""


def test_finalizer_in_the_library(tmp_path: Path) -> None:
    """The library's own source has no cure for what fills it, and no method of it is named."""
    file = tmp_path / "shop.py"
    file.write_text(FINALIZE)
    path = (("module weakref", ".finalize", False), ("class finalize", "._registry", False),
            ("dict", "[*]", True), ("_Info", ".func", False), ("method", ".__self__", False),
            ("Upload", None, False))  # fmt: skip
    scope = (weakref.__file__, "finalize", "_registry", ())
    told = facts(file, "x", path=path, scope=scope, type="shop.Upload", held="_Info",
                 cure="finalize-without-self", role="callbacks")  # fmt: skip
    fix = cure.find(told, [str(file)])
    assert fix is not None
    assert (fix.cure, fix.line, fix.hint) == ("finalizer-apart", 7, None)


@pytest.mark.parametrize("is_read", [True, False])
def test_threads(tmp_path: Path, is_read: bool) -> None:
    """A thread that runs is kept: nothing is to be unsubscribed, least by a private name."""
    file = tmp_path / "shop.py"
    file.write_text(
        "import threading\n\ndef begin(run):\n    threading.Thread(None, run).start()\n"
    )
    path = (("module threading", "._active", False), ("dict", "[*]", True),
            ("Thread", "._target", False), ("method", None, False))  # fmt: skip
    scope = (threading.__file__, "", "_active", ())
    told = facts(file, "x", path=path, scope=scope, held="Thread", cure="unsubscribe",
                 role="callbacks")  # fmt: skip
    told = dataclasses.replace(told, file=threading.__file__)
    fix = cure.find(told, [str(file)] if is_read else [])
    assert fix is not None
    assert (fix.cure, fix.hint) == ("end-thread", None)
    assert not is_read or (fix.path, fix.line) == (str(file), 4)


@pytest.mark.parametrize(
    ("callback", "told"),
    [
        ("task.add_done_callback(tasks.discard)", "finish-task"),
        ("task.add_done_callback(finished)", "remove-when-done"),
        ("task.add_done_callback(others.discard)", "remove-when-done"),
        ("pass", "done-callback"),
    ],
)
def test_tasks_that_never_end(tmp_path: Path, callback: str, told: str) -> None:
    """Where each would take itself out, no more of that helps."""
    text = f"""import asyncio
tasks = set()


def begin(job):
    task = asyncio.ensure_future(job())
    tasks.add(task)
    {callback}
"""
    path = (("module shop", ".tasks", False), ("set", " member", True), ("Task", None, False))
    fix = found(tmp_path, text, "tasks", path=path, held="Task")
    assert fix.cure == told
    assert (fix.patch is not None) == (told == "done-callback")


def test_handed_back_is_read(tmp_path: Path) -> None:
    """`return table.setdefault(...)`: who called reads it."""
    text = "table = {{}}\n\n\ndef notes(name):\n    {}table.setdefault(name, [])\n"
    path = (("module shop", ".table", False), ("dict", "[*]", True), ("list", None, False))
    more: dict[str, Any] = {"path": path, "held": "list", "by_identity": False}
    assert found(tmp_path, text.format("return "), **more).cure == "remove-when-done"
    assert found(tmp_path, text.format(""), **more).cure == "make-local"


TWO = """class Peek:
    def __init__(self):
        self._cache = deque()

    def take(self):
        return self._cache.popleft()


class Seek{base}:
    def __init__(self, source):
        self._cache = []

    def fetch(self, item):
        self._cache.append(item)
        return item
"""


@pytest.mark.parametrize(("base", "line", "is_told"), [("", 11, False), ("(Peek)", 3, True)])
def test_attribute_of_another_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str, line: int, is_told: bool
) -> None:
    """The line and the method are of the class of the holder, or of one that it is below."""
    monkeypatch.chdir(tmp_path)
    scope = (str(tmp_path / "shop.py"), "Seek()", "_cache", ())
    path = (("Seek", "._cache", False), ("list", "[*]", True), ("Row", None, False))
    fix = found(tmp_path, TWO.format(base=base), "_cache", scope=scope, path=path, held="Row")
    assert (fix.cure, fix.line) == ("remove-when-done", line)
    assert (fix.hint is not None) == is_told


def test_no_method_that_is_private_to_a_library(tmp_path: Path) -> None:
    """Its users cannot call it; what Python calls nobody does."""
    text = """class Bus:
    def __init__(self):
        self.jobs = []

    def put(self, job):
        self.jobs.append(job)

    def {}(self, job):
        self.jobs.remove(job)

    def tell(self):
        for each in self.jobs:
            each.tell()
"""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    path = (("module shop", ".bus", False), ("Bus", ".jobs", False), ("list", "[*]", True),
            ("Job", None, False))  # fmt: skip
    for place, name, is_told in (
        (folder, "_drop", False),
        (folder, "drop", True),
        (tmp_path, "_drop", True),
        (tmp_path, "__delitem__", False),
    ):
        scope = (str(place / "shop.py"), "Bus()", "jobs", ())
        fix = found(place, text.format(name), "jobs", scope=scope, path=path, by_identity=False)
        assert (fix.hint is not None) == is_told, (place, name, fix.hint)


@pytest.mark.parametrize(
    ("register", "line"),
    [("bus.on('tick', self.tick)", 6), ("bus.add(self)", 0), ("on = self.tick", 0)],
)
def test_line_that_nobody_knows(tmp_path: Path, register: str, line: int) -> None:
    """The line that hands the method over, or none: never the first one of the file."""
    file = tmp_path / "shop.py"
    file.write_text(f"""from hub import bus


class Session:
    def __init__(self):
        {register}

    def tick(self):
        pass
""")
    path = (("module shop", ".bus", False), ("Emitter", ".events", False), ("dict", "[key]", True),
            ("method", ".__self__", False), ("Session", None, False))  # fmt: skip
    told = facts(file, "x", scope=None, path=path, held="method", type="shop.Session",
                 cure="unsubscribe", role="callbacks")  # fmt: skip
    fix = cure.find(told, [str(file)])
    assert fix is not None
    assert (fix.cure, fix.line) == ("unsubscribe", line)
    assert fix.text == (register if line else "")


def test_at_fork(tmp_path: Path) -> None:
    """Nothing takes out again what is registered for a fork."""
    file = tmp_path / "shop.py"
    file.write_text("""import os


class Pool:
    def __init__(self):
        os.register_at_fork(after_in_child=self.reset)

    def reset(self):
        pass
""")
    path = (("interpreter", "after_forkers_child", False), ("list", "[*]", True),
            ("method", ".__self__", False), ("Pool", None, False))  # fmt: skip
    told = facts(file, "x", scope=None, path=path, held="method", type="shop.Pool",
                 cure="unsubscribe", role="callbacks")  # fmt: skip
    fix = cure.find(told, [str(file)])
    assert fix is not None
    assert (fix.cure, fix.line) == ("register-once", 6)


def test_every_cure_has_words() -> None:
    """What is named is worded: an id that the engine does not know would be told as nothing."""
    package = Path(cure.__file__).parent
    engine = Path(__file__).parents[2] / "engine" / "explain" / "cures.c"
    words = engine.read_text()
    for file in sorted(package.glob("cure*.py")):
        for name in re.findall(r'Answer\(\s*"([a-z-]+)"', file.read_text()):
            assert f'{{"{name}"' in words, (file.name, name)

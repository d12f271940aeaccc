"""Cures: the source decides, the patch applies, and what was tried is true."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import harness
from mortmain import cure, cure_patch, cure_source
from mortmain.cure_case import Facts

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "findings.schema.json").read_text())
WEAK = ("weak-key-dictionary", "weak-value-dictionary", "weak-set", "weak-method")

# Function, cure, a line that comes.
CURES = [
    ("side_table", "weak-key-dictionary", "= weakref.WeakKeyDictionary()"),
    ("slots", "weak-key-dictionary", '__slots__ = ("name", "__weakref__")'),
    ("cached_method", "cache-on-instance", "if (factor,) not in cache:"),
    ("cached_function", "bound-cache", "@functools.lru_cache(maxsize=128)"),
    ("default", "mutable-default", "if seen is None:"),
    ("instances", "weak-set", "instances = weakref.WeakSet()"),
    ("instances_by_name", "weak-value-dictionary", "= weakref.WeakValueDictionary()"),
    ("shared", "attribute-in-init", "self.items = []"),
    ("callbacks", "weak-method", "weakref.WeakMethod(listener, self.listeners.remove)"),
    ("exceptions", "drop-exception", "self.errors.append(error.with_traceback(None))"),
    ("exception_stored", "drop-local", "kept = error.with_traceback(None)"),
    ("exception_raised_again", "drop-local", "del kept"),
    ("memoized", "bound-cache", "memo.pop(next(iter(memo)), None)"),
    ("logged", "bound-log", "log = collections.deque(maxlen=128)"),
    ("family", "weak-parent", "self._parent_ref = weakref.ref(value)"),
    ("method_of_its_own", "weak-method", "weakref.WeakMethod(value) if own else value"),
    ("spawned", "done-callback", "task.add_done_callback(tasks.remove)"),
    ("leads_back", "ephemeron", "boxes: weakref.WeakKeyDictionary[Exam, Box] = _OnKeys()"),
    ("dead_references", "weak-reference-callback", "weakref.ref(exam, opened.remove)"),
]
# The same in curable_more.py.
MORE = [
    ("alias", "bound-cache", "known.pop(next(iter(known)), None)"),
    ("setdefault", "bound-cache", "by_key.pop(next(iter(by_key)), None)"),
    ("missing", "bound-cache", "self.pop(next(iter(self)), None)"),
    ("closure", "bound-cache", "results.pop(next(iter(results)), None)"),
    ("wrapped", "bound-cache", "functools.lru_cache(maxsize=128)(compute)"),
    ("bound_method", "bound-log", "del self.events[:-128]"),
    ("looked_up", "look-up-apart", "(visits[page] if page in visits else list())"),
    ("membership", "weak-set", "= weakref.WeakSet()"),
    ("timed", "done-callback", "= _until_due(timers, key, loop.call_later, 0.0001, int)"),
    ("on_key", "ephemeron", "class _OnKeys(weakref.WeakKeyDictionary):"),
    ("finalizer", "finalizer-apart", "weakref.finalize(self, _close_of_file)"),
    ("at_exit", "finalizer-apart", "weakref.finalize(self, _close_of_pool)"),
    ("handler", "add-once", "if not any(type(each) is logging.NullHandler for each in"),
    ("search_path", "add-once", 'if "/nowhere" not in sys.path:'),
    ("source_lines", "forget-source", "weakref.finalize(answer, linecache.cache.pop, name, None)"),
    ("warning", "bound-warnings", 'globals()["__warningregistry__"].clear()'),
    ("mocked", "reset-mock", "sender.reset_mock()"),
    ("class_per_call", "make-class-once", "class Packet(ctypes.Structure):"),
    ("by_topic", "weak-method", "weakref.WeakMethod(listener, self._listeners.setdefault("),
    ("taken_out", "drop-taken", "del before"),
    ("error_of_itself", "drop-local", "self.error = error.with_traceback(None)"),
    ("slotted_owner", "weak-parent", "Slotted.owner = _weakly(Slotted.owner)"),
    ("dataclass_parent", "weak-parent", 'Leaf.parent = _weakly("parent")'),
]
# An example, a step of it, and its cure. The one of a stored exception keeps no more than the last.
EXAMPLES = [
    ("cache", "before.show(f'picture {next(numbers)}')", "bound-cache"),
    ("descriptor", "before.mark_exams(3)", "weak-key-dictionary"),
    ("family", "before.Parent(2).run()", "weak-parent"),
    ("observers", "before.open_window()", "weak-set"),
    ("people", "before.invite('guest')", "make-local"),
    ("per_instance", "before.Sample(1.0).temperature", "weak-key-dictionary"),
    ("self_reference", "before.Timer(3).on_due()", "weak-method"),
    ("weak_list", "before.ask('who?')", "weak-reference-callback"),
]
OWNERS = [
    "work_list",
    "in_turn",
    "threads",
    "enter",
    "keyed",
    "plugins",
    "services",
    "handlers",
    "ringers",
    "join",
]


def loop(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON of `mortmain loop` in a folder."""
    status, told = harness.loop(*words, cwd=folder)
    jsonschema.validate(told, SCHEMA)
    return status, told


def first_of(told: dict[str, Any]) -> dict[str, Any]:
    """The first finding."""
    assert told["findings"], told
    found: dict[str, Any] = told["findings"][0]
    return found


def repository(folder: Path, name: str) -> Path:
    """A repository with one program in it."""
    shutil.copy(harness.PROGRAMS / name, folder / name)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True, timeout=60)
    return folder / name


def apply_check(folder: Path, patch: str) -> None:
    """`git apply` takes it."""
    done = subprocess.run(
        ["git", "apply", "--check", "-"],
        cwd=folder,
        input=patch,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr + patch


@pytest.mark.slow
@pytest.mark.parametrize(("function", "expected", "line"), CURES)
def test_cure(tmp_path: Path, function: str, expected: str, line: str) -> None:
    """The patch applies, nothing grows with it, and the file on disk is as it was."""
    cured(tmp_path, "curable.py", function, expected, line)


@pytest.mark.slow
@pytest.mark.parametrize(("function", "expected", "line"), MORE)
def test_cure_more(tmp_path: Path, function: str, expected: str, line: str) -> None:
    """The same."""
    cured(tmp_path, "curable_more.py", function, expected, line)


def cured(folder: Path, program: str, function: str, expected: str, line: str) -> None:
    """Try a step of a program, and look at the first finding."""
    file = repository(folder, program)
    before = file.read_bytes()
    _, told = loop(folder, "--try-fix", f"{program}:{function}")
    fix = first_of(told)["fix"]
    assert fix["cure"] == expected
    assert fix["file"] == program
    assert fix["proven"] is True, fix
    assert fix["tried"]["before_objects"] > 0
    assert fix["tried"]["after_objects"] == 0
    assert fix["tried"]["after_steps"] > 0
    apply_check(folder, fix["patch"])
    coming = [each for each in fix["patch"].splitlines() if each.startswith("+")]
    assert any(line in each for each in coming), fix["patch"]
    assert file.read_bytes() == before
    assert [each.name for each in folder.iterdir() if each.name != ".git"] == [program]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "statement", "expected"), EXAMPLES)
def test_example(tmp_path: Path, name: str, statement: str, expected: str) -> None:
    """The examples that leak with every step are mended."""
    shutil.copy(ROOT / "examples" / name / "before.py", tmp_path / "before.py")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True, timeout=60)
    setup = "import before, itertools; numbers = itertools.count()"
    _, told = loop(tmp_path, "--try-fix", "-c", statement, "-s", setup)
    fix = first_of(told)["fix"]
    assert (fix["cure"], fix["proven"]) == (expected, True), fix
    apply_check(tmp_path, fix["patch"])


@pytest.mark.slow
@pytest.mark.parametrize("function", OWNERS)
def test_owner_is_never_weak(tmp_path: Path, function: str) -> None:
    """What only the container keeps would be lost."""
    repository(tmp_path, "owning.py")
    _, told = loop(tmp_path, f"owning.py:{function}")
    assert told["verdict"] == "leak"
    for finding in told["findings"]:
        if finding["severity"] == "leak":
            assert finding["fix"]["cure"] not in WEAK, finding["fix"]
            assert "weakref" not in (finding["fix"]["patch"] or "")


@pytest.mark.slow
def test_withdrawn(tmp_path: Path) -> None:
    """A cure that changes what the step answers is not shown."""
    repository(tmp_path, "curable.py")
    _, told = loop(tmp_path, f"curable.py:{'instances_counted'}")
    assert first_of(told)["fix"]["patch"] is not None
    assert first_of(told)["fix"]["proven"] is None
    status, told = loop(tmp_path, "--try-fix", "curable.py:instances_counted")
    fix = first_of(told)["fix"]
    assert (status, fix["proven"], fix["patch"]) == (1, False, None)


@pytest.mark.slow
def test_never_read(tmp_path: Path) -> None:
    """What nobody looks at need not be kept."""
    file = repository(tmp_path, "owning.py")
    file.write_text(
        "people = []\n\n\nclass Person:\n    pass\n\n\n"
        "def invite():\n    people.append(Person())\n    return 1\n"
    )
    _, told = loop(tmp_path, "--try-fix", "owning.py:invite")
    fix = first_of(told)["fix"]
    assert (fix["cure"], fix["proven"]) == ("make-local", True)
    assert "-    people.append(Person())\n+    Person()\n" in fix["patch"]
    apply_check(tmp_path, fix["patch"])


@pytest.mark.slow
def test_module(tmp_path: Path) -> None:
    """A module that is imported is replaced as well."""
    repository(tmp_path, "curable.py")
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (tmp_path / "curable.py").rename(package / "curable.py")
    _, told = loop(tmp_path, "--try-fix", "shop.curable:side_table")
    fix = first_of(told)["fix"]
    assert (fix["proven"], fix["file"]) == (True, "shop/curable.py")
    apply_check(tmp_path, fix["patch"])


@pytest.mark.slow
def test_statement(tmp_path: Path) -> None:
    """So is one that a statement imports."""
    repository(tmp_path, "curable.py")
    _, told = loop(tmp_path, "--try-fix", "-c", "curable.memoized()", "-s", "import curable")
    fix = first_of(told)["fix"]
    assert (fix["cure"], fix["proven"]) == ("bound-cache", True)


@pytest.mark.slow
def test_against(tmp_path: Path) -> None:
    """Two functions side by side; the status is that of the second."""
    repository(tmp_path, "curable.py")
    (tmp_path / "after.py").write_text("def step():\n    return [1]\n")
    command = [sys.executable, "-m", "mortmain", "loop", "--width=70"]
    command += ["curable.py:side_table", "--against", "after.py:step"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    assert re.fullmatch(r"curable\.py:side_table LEAK [\d,]+ objects in [\d,]+ steps\.", lines[0])
    assert lines[1].startswith("    Within._seen (dict) keeps ")
    number = (tmp_path / "curable.py").read_text().splitlines().index("    exam = Graded()") + 1
    made = f"      Made at curable.py:{number} in side_table:"
    assert lines[-4:] == [made, "", "          exam = Graded()", ""]
    assert re.fullmatch(r"after\.py:step CLEAN 0 objects in [\d,]+ steps\.", last)
    assert max(len(line) for line in lines) <= 70
    done = subprocess.run(
        [*command[:4], "after.py:step", "--against", "curable.py:side_table", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    told = json.loads(done.stdout)
    jsonschema.validate(told, json.loads((ROOT / "docs" / "against.schema.json").read_text()))
    assert done.returncode == 1
    assert (told["before"]["verdict"], told["before"]["grown_objects"]) == ("clean", 0)
    assert (told["after"]["verdict"], told["after"]["grown_objects"] > 0) == ("leak", True)
    assert told["before"]["sites"] == []
    (((site,),),) = [told["after"]["sites"]]
    assert (site["line"], site["function"], site["percent"]) == (number, "side_table", 100)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["-c", "1", "--against", "shop.py:f"], "--against tells of two functions"),
        (["curable.py:slots", "--against", "shop.py"], "'shop.py' names no function"),
        (["curable.py:slots", "--against", "shop.py:f"], "cannot load 'shop.py'"),
    ],
)
def test_against_refuses(tmp_path: Path, words: list[str], line: str) -> None:
    """One clear line, before anything is called."""
    repository(tmp_path, "curable.py")
    done = subprocess.run(
        [sys.executable, "-m", "mortmain", "loop", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1


# ---- without a process: hand-made findings on small sources --------------------------------------


def facts(file: Path, attribute: str, **more: Any) -> Facts:
    """A finding about a global of a file, in the best light."""
    plain = Facts(
        number=0,
        kind="growth",
        is_leak=True,
        type="shop.Exam",
        holder=f"shop.{attribute}",
        cure="remove-when-done",
        role="registry",
        file=str(file),
        scope=(str(file), "", attribute, ()),
        path=(
            ("module shop", f".{attribute}", False),
            ("dict", "[key]", True),
            ("Exam", None, False),
        ),
        ring=(),
        held="Exam",
        can_be_weak=True,
        by_identity=True,
        leads_back=False,
        grown=100,
        steps=100,
    )  # fmt: skip
    return dataclasses.replace(plain, **more)


TABLE = """import sys
table = {}


def note(exam, value):
    table[exam] = value


def ask(exam):
    return table[exam]
"""


def found(folder: Path, text: str, attribute: str = "table", **more: Any) -> cure.Fix:
    """The cure for a source."""
    file = folder / "shop.py"
    file.write_text(text)
    fix = cure.find(facts(file, attribute, **more))
    assert fix is not None
    return fix


def test_patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The import stands among its like, the file is named from the working directory."""
    monkeypatch.chdir(tmp_path)
    fix = found(tmp_path, TABLE)
    assert fix.cure == "weak-key-dictionary"
    assert fix.checked == ("can-be-weak", "by-identity", "value-apart", "uses-known")
    assert fix.after is not None
    assert fix.after.startswith("import sys\nimport weakref\ntable = weakref.WeakKeyDictionary()\n")
    assert fix.patch is not None
    assert fix.patch.startswith("--- a/shop.py\n+++ b/shop.py\n")
    apply_check(tmp_path, fix.patch)


@pytest.mark.parametrize(
    "more",
    [
        "\n\ndef all_exams():\n    return list(table)\n",
        "\n\ndef count():\n    return len(table)\n",
        "\n\ndef last():\n    return table.popitem()\n",
        "\n\ndef hand_over(take):\n    take(table)\n",
        "\n\nalias = table\n",
        "\n\ndef by_name(name):\n    table[name.lower()] = 1\n",
    ],
)
def test_table_that_is_gone_through(tmp_path: Path, more: str) -> None:
    """Whoever goes through it may rely on what is in it: never weak."""
    fix = found(tmp_path, TABLE + more)
    assert fix.cure == "remove-when-done"
    assert fix.patch is None


@pytest.mark.parametrize(
    ("value", "named", "expected"),
    [
        ("[key]", "table", "bound-cache"),
        ("Lock()", "table", "remove-when-done"),
        ("Lock()", "lock_cache", "bound-cache"),
    ],
)
def test_memo(tmp_path: Path, value: str, named: str, expected: str) -> None:
    """What has a state of its own is not made twice, unless it is called a cache."""
    text = f"""{named} = {{}}


def get(key):
    if key not in {named}:
        {named}[key] = {value}
    return {named}[key]
"""
    path = (("module shop", f".{named}", False), ("dict", "[*]", True), ("list", None, False))
    held = "list" if value == "[key]" else "lock"
    fix = found(tmp_path, text, named, path=path, held=held)
    assert fix.cure == expected
    assert (fix.patch is not None) == (expected == "bound-cache")


def test_registry_that_is_worked_on(tmp_path: Path) -> None:
    """Whoever goes through the instances and calls them may be why they live."""
    text = """class Worker:
    known = []

    def __init__(self):
        self.known.append(self)

    def start(self):
        pass


def begin():
    worker = Worker()
    worker.start()


def poll():
    return [worker.start() for worker in Worker.known]
"""
    scope = (str(tmp_path / "shop.py"), "Worker", "known", ())
    path = (("class Worker", ".known", False), ("list", "[*]", True), ("Worker", None, False))
    fix = found(tmp_path, text, "known", scope=scope, path=path, held="Worker")
    assert (fix.cure, fix.patch) == ("remove-when-done", None)
    counted = text.replace("[worker.start() for worker in Worker.known]", "len(Worker.known)")
    fix = found(tmp_path, counted, "known", scope=scope, path=path, held="Worker")
    assert fix.cure == "weak-set"


def test_exception_that_is_told(tmp_path: Path) -> None:
    """Its traceback is wanted."""
    text = """import traceback
errors = []


def work():
    try:
        raise ValueError
    except ValueError as error:
        errors.append(error)
        {}
"""
    path = (("module shop", ".errors", False), ("list", "[*]", True), ("ValueError", None, False))
    more = {"path": path, "held": "ValueError", "cure": "drop-exception"}
    told = found(tmp_path, text.format("traceback.print_exc()"), "errors", **more)
    assert (told.cure, told.patch) == ("drop-exception", None)
    assert found(tmp_path, text.format("return 1"), "errors", **more).patch is not None


def test_keyed_by_id(tmp_path: Path) -> None:
    """One finalizer for each object, however often its entry is written."""
    text = "table = {}\n\n\ndef note(exam, value):\n    table[id(exam)] = value\n"
    path = (("module shop", ".table", False), ("dict", "[*]", True), ("str", None, False))
    fix = found(tmp_path, text, path=path, held="str")
    assert fix.cure == "weak-key-by-id"
    assert fix.after is not None
    names: dict[str, Any] = {}
    exec(fix.after, names)

    class Exam:
        """Goes."""

    exam = Exam()
    for _ in range(3):
        names["note"](exam, 1)
    assert len(names["table"]) == 1
    assert len(weakref.getweakrefs(exam)) == 1
    del exam
    assert names["table"] == {}


def test_preconditions(tmp_path: Path) -> None:
    """What cannot be weak, is compared by value, or leads back."""
    assert found(tmp_path, TABLE, can_be_weak=False).patch is None
    assert found(tmp_path, TABLE, by_identity=False).cure == "remove-when-done"
    assert found(tmp_path, TABLE, leads_back=True).cure == "ephemeron"


def test_other_files(tmp_path: Path) -> None:
    """What another file does with it is not known."""
    (tmp_path / "other.py").write_text("import shop\nprint(sorted(shop.table))\n")
    assert found(tmp_path, TABLE).patch is None


def test_files_without_patch(tmp_path: Path) -> None:
    """What `git apply` would not find is not printed."""
    file = tmp_path / "shop.py"
    for raw in (TABLE.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + TABLE.encode()):
        file.write_bytes(raw)
        fix = cure.find(facts(file, "table"))
        assert fix is not None
        assert (fix.cure, fix.patch, fix.after) == ("weak-key-dictionary", None, None)


def test_file_that_changed(tmp_path: Path) -> None:
    """A file that is not the one that ran says nothing."""
    file = tmp_path / "shop.py"
    file.write_text(TABLE)
    wrong = facts(file, "table", scope=(str(file), "", "table", (("note", 99),)))
    assert cure.find(wrong) is None


def test_no_newline_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As git writes it."""
    monkeypatch.chdir(tmp_path)
    fix = found(tmp_path, "table = {}\n\n\ndef note(exam):\n    table[exam] = 1")
    assert fix.patch is not None
    apply_check(tmp_path, fix.patch)


def test_edits_that_meet(tmp_path: Path) -> None:
    """Nothing is made of them."""
    file = tmp_path / "shop.py"
    file.write_text("table = {}\n")
    module = cure_source.read(str(file))
    assert module is not None
    edits = [cure_patch.Edit(0, 5, "a"), cure_patch.Edit(3, 7, "b")]
    assert cure_patch.apply(module, edits) is None
    assert cure_patch.apply(module, [cure_patch.Edit(0, 5, "a b")]) is None

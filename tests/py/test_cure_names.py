"""What a cure names: what the source has that takes an entry out, and what our own weak ones need.

By hand-made findings on small sources, and each once by `mortmain loop`, as a user sees it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from test_cure import ROOT, apply_check, found, repository
from test_loop import loop

ITEMS = (("module shop", ".table", False), ("list", "[*]", True), ("Job", None, False))
BUS = """class Job:
    {end}


class Bus:
    def __init__(self):
        self.jobs = []

    def register(self, job):
        self.jobs.append(job)

    {remove}

    def tell(self):
        for each in self.jobs:
            each.tell()
"""
JOBS = (("module shop", ".bus", False), ("Bus", ".jobs", False), *ITEMS[1:])


@pytest.mark.parametrize(
    ("remove", "end", "told"),
    [
        (
            "def unregister(self, job):\n        self.jobs.remove(job)",
            "pass",
            "Bus.unregister() (shop.py:12) takes one out again, and nothing in the file calls it",
        ),
        # Its name is no matter, but that of the opposite goes before others.
        (
            "def forget(self, job):\n        self.jobs.remove(job)",
            "pass",
            "Bus.forget() (shop.py:12)",
        ),
        (
            "def drop(self, job):\n        self.jobs.remove(job)\n\n"
            "    def unregister(self, job):\n        self.jobs.remove(job)",
            "pass",
            "Bus.unregister() (shop.py:15) takes one out again, ",
        ),
        # What is read, not what it is called: another list.
        ("def forget(self, job):\n        self.others.remove(job)", "pass", None),
        ("def reset(self):\n        self.jobs.clear()", "pass", None),
        (
            "def unregister(self, job):\n        self._take(job)",
            "pass",
            "Bus has unregister() (shop.py:12)",
        ),
        (
            "pass",
            "def cancel(self):\n        self.gone = True",
            "Job.cancel() (shop.py:2) could take it",
        ),
        ("pass", "def close(self):\n        raise NotImplementedError", None),
        (
            "def unregister(self, job):\n        self.jobs.remove(job)",
            "def close(self):\n        self.bus.unregister(self)",
            "Job.close() (shop.py:2) takes it out again, and nothing in the file calls it",
        ),
        ("pass", "def __del__(self):\n        pass", None),
    ],
)
def test_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remove: str, end: str, told: str | None
) -> None:
    """What is named is in the source, and takes things out of this very list."""
    monkeypatch.chdir(tmp_path)
    scope = (str(tmp_path / "shop.py"), "Bus()", "jobs", ())
    text = BUS.format(remove=remove, end=end)
    more: dict[str, Any] = {"held": "Job", "type": "shop.Job", "by_identity": False}
    fix = found(tmp_path, text, scope=scope, path=JOBS, **more)
    assert (fix.cure, fix.patch) == ("remove-when-done", None)
    assert (fix.hint or "").startswith(told or "")
    assert (fix.hint is None) == (told is None), fix.hint


def test_undone_of_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The class of what is held is read where it is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "work_jobs.py").write_text("class Job:\n    def stop(self):\n        self.on = 0\n")
    text = (
        "import work_jobs\ntable = []\n\ndef add():\n    table.append(work_jobs.Job())\n\n"
        "def run():\n    for each in table:\n        each.run()\n"
    )
    fix = found(tmp_path, text, path=ITEMS, held="Job", type="work_jobs.Job", by_identity=False)
    assert fix.hint == "Job.stop() (work_jobs.py:2) could take it out again"


WEAK = """from mortmain import weak
from mortmain.weak import WeakIdKeyDictionary

class Page:
    {slots}

class Order:
    changed = weak.Signal(str)

class View:
    def __init__(self, order):
        order.changed.connect(lambda state: self.show(state))

    def show(self, state):
        pass

order = Order()
by_id = WeakIdKeyDictionary({{}})
table = weak.WeakKeyDictionary()
undo = weak.EphemeronDict()

def view():
    View(order)

def leads_back():
    page = Page()
    table[page] = [page]

def leads_back_by_id():
    page = Page()
    by_id[page] = [page]

def slotted():
    page = Page()
    undo[page] = [page]
"""


def weak_path(holder: str, name: str) -> tuple[tuple[str, str | None, bool], ...]:
    """As a dictionary of ours is shown."""
    return (("module shop", f".{name}", False), (holder, "[*]", True), ("list", None, False))


@pytest.mark.parametrize(
    ("holder", "name", "slots", "cure", "line"),
    [
        ("WeakKeyDictionary", "table", "pass", "ephemeron-dict", "weak.WeakKeyDictionary"),
        ("WeakIdKeyDictionary", "by_id", "pass", "ephemeron-dict", None),
        ("WeakKeyDictionary", "table", "__slots__ = ('__weakref__',)", "sweep", None),
        ("EphemeronDict", "undo", "__slots__ = ('__weakref__',)", "sweep", None),
    ],
)
def test_own_tables(
    tmp_path: Path, holder: str, name: str, slots: str, cure: str, line: str | None
) -> None:
    """The collector frees what has room for it; a patch only where all that makes it is known."""
    fix = found(
        tmp_path, WEAK.format(slots=slots), name, kind="weak container", type="shop.Page",
        path=weak_path(holder, name), leads_back=True,
    )  # fmt: skip
    assert fix.cure == cure
    assert (fix.patch is not None) == (line is not None)
    if line is not None:
        assert f"\n{name} = {line}(ephemeron=True)\n" in (fix.after or "")


def test_the_library_has_its_own(tmp_path: Path) -> None:
    """Its dictionaries have a dict inside, and are cured as before."""
    text = "import weakref\ntable = weakref.WeakKeyDictionary()\n"
    path = (
        ("module shop", ".table", False), ("WeakKeyDictionary", ".data", False),
        ("dict", "[*]", True), ("list", None, False),
    )  # fmt: skip
    fix = found(tmp_path, text, kind="weak container", path=path, leads_back=True)
    assert fix.cure == "ephemeron"


@pytest.mark.slow
def test_own_as_told(tmp_path: Path) -> None:
    """`owner=` for a lambda that is told, EphemeronDict and sweep() for values that lead back."""
    (tmp_path / "shop.py").write_text(WEAK.format(slots="pass"))
    done = loop("shop.py:view", cwd=tmp_path)
    number = WEAK.split("\n").index("        order.changed.connect(lambda state: self.show(state))")
    assert f"      Look at shop.py:{number + 1}:\n" in done.stdout, done.stdout
    assert (
        "      Cure: connect it with owner=, as in connect(receiver, owner=self): " in done.stdout
    )
    done = loop("--try-fix", "-v", "shop.py:leads_back", cwd=tmp_path)
    assert "EphemeronDict" in done.stdout
    assert "weak.sweep()" in done.stdout
    assert "Tried: the step answers the same, and nothing of it grows." in done.stdout
    assert "\n+table = weak.WeakKeyDictionary(ephemeron=True)\n" in done.stdout


LONG = """import functools

class Row:
    pass

def note(row):
\t# A line that is indented by a tab stays so, or no patch of it can be applied to the file.
\ttable[row] = 1

table: dict[Row, object] = {}  # a comment behind it that does not fit into the width of the page

def make():
\trow = Row()  # and a long one that is shown, and is no part of the patch, so that it may be cut
\tnote(row)
\treturn row
"""


@pytest.mark.slow
def test_patch_is_never_cut(tmp_path: Path) -> None:
    """However narrow the page is: -v shows one that applies, without it the lines are whole too."""
    repository(tmp_path, "curable.py")
    (tmp_path / "long.py").write_text(LONG)
    done = loop("--width=50", "long.py:make", cwd=tmp_path)
    comment = "# a comment behind it that does not fit into the width of the page"
    declared = "table: weakref.WeakKeyDictionary[Row, object]"
    new = f"+ {declared} = weakref.WeakKeyDictionary()  {comment}\n"
    assert new in done.stdout, done.stdout
    assert done.stdout.endswith(
        "\n-v shows the whole patch, for git apply\n\nWhat ends in … was cut, -v shows it whole\n"
    )
    done = loop("--width=50", "-v", "long.py:make", cwd=tmp_path)
    patch = done.stdout[done.stdout.index("--- a/long.py") :]
    patch, _, rest = patch.partition("\n\n      Understood as: ")
    assert rest
    apply_check(tmp_path, patch + "\n")
    assert "…" not in done.stdout
    assert "-v shows" not in done.stdout


@pytest.mark.slow
def test_summary(tmp_path: Path) -> None:
    """The document says what the terminal says."""
    remove = "def unregister(self, job):\n        self.jobs.remove(job)"
    text = BUS.format(end="def tell(self):\n        pass", remove=remove)
    step = "\nbus = Bus()\n\ndef step():\n    bus.register(Job())\n"
    (tmp_path / "shop.py").write_text(text + step)
    done = loop("--json", "shop.py:step", cwd=tmp_path)
    told = json.loads(done.stdout)
    jsonschema.validate(told, json.loads((ROOT / "docs" / "findings.schema.json").read_text()))
    assert told["findings"][0]["fix"]["summary"].endswith(
        ". Bus.unregister() (shop.py:13) takes one out again, and nothing in the file calls it"
    )

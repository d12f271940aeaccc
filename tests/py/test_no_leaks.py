"""`with mortmain.no_leaks():`: fails for what is still held, and for nothing else a block does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from mortmain import _door

# Each function is a block; it is told its number of the call.
BLOCKS = """
import functools, logging

class Exam:
    pass

class Within:
    seen = {}

class App:
    def __init__(self):
        self.sessions = {}

class Lazy:
    @functools.cached_property
    def value(self):
        return Exam()

app, lazy, log, members, memo, listeners, single = App(), Lazy(), [], set(), {}, [], None
app.sessions["last"] = Exam()
turns = collections.deque(maxlen=10)

@functools.lru_cache(maxsize=None)
def remembered(number):
    return Exam()

def class_dict(number):
    Within.seen[number] = Exam()

def instance_dict(number):
    app.sessions[number] = Exam()

def a_set(number):
    members.add(Exam())

def bound_method(number):
    listeners.append(Exam().__init__)

def chain(number):
    exam = Exam()
    exam.me = [exam]
    Within.seen["chain", number] = exam

def replaced(number):
    app.sessions["last"] = Exam()

def imports(number):
    import concurrent.futures, decimal, http.client, json, xml.dom.minidom
    import late
    re.compile(f"a(b)c{number % 50}")
    json.loads('{"a": [1, 2]}')
    decimal.Decimal(3).sqrt()
    datetime.datetime.strptime("2020", "%Y")
    logging.getLogger(f"shop{number % 5}").debug("x")

def cached(number):
    remembered(number % 30)

def by_name(number):
    memo[number % 30] = Exam()

def attribute(number):
    global single
    single = Exam()
    lazy.value

def plain(number):
    log.append("x" * 1000 + str(number))

def ring(number):
    turns.append(Exam())

def nothing(number):
    [Exam() for _ in range(50)]

def garbage(number):
    exam = Exam()
    exam.me = exam

def caught(number):
    try:
        Exam().missing
    except AttributeError as error:
        kept = error

def ask(block, count):
    try:
        if count:
            with mortmain.no_leaks() as watch:
                for number in watch.steps(count):
                    block(number)
        else:
            with mortmain.no_leaks():
                block(0)
    except AssertionError as error:
        return str(error)
    return ""
"""
HELD = ("class_dict", "instance_dict", "a_set", "bound_method", "chain")
FINE = ("imports", "cached", "by_name", "attribute", "nothing", "garbage", "caught", "replaced")


def answers(folder: Path, names: tuple[str, ...], count: int) -> dict[str, str]:
    """What each block fails for."""
    (folder / "late.py").write_text("class Late:\n    all = []\n\nLate.all.append(Late())\n")
    program = f"""import collections, datetime, re
{BLOCKS}
print(json.dumps({{name: ask(globals()[name], {count}) for name in {names!r}}}))
"""
    told = harness.run(folder, program)
    said: dict[str, str] = json.loads(told)
    return said


@pytest.mark.names
def test_one_pass(tmp_path: Path) -> None:
    """Entries of containers fail; caches, imports, first use, attributes and plain data do not."""
    told = answers(tmp_path, HELD, 0)
    assert told["class_dict"].startswith("SUSPECTS  Within.seen (dict) keeps 1 Exam alive")
    assert "this reference" in told["class_dict"]
    assert "Look at program.py:" in told["class_dict"]
    assert "app.sessions" in told["instance_dict"] or "App.sessions" in told["instance_dict"]
    assert "members (set) keeps 1 Exam alive" in told["a_set"]
    assert "listeners (list) keeps 1 Exam alive" in told["bound_method"]
    assert "Within.seen (dict) keeps 1 Exam alive" in told["chain"]
    told = answers(tmp_path, (*FINE, "plain", "ring"), 0)
    assert told == dict.fromkeys((*FINE, "plain", "ring"), "")


@pytest.mark.names
@pytest.mark.slow
def test_steps(tmp_path: Path) -> None:
    """What grows with the steps fails, plain data too; what fills up, or turns over, does not."""
    told = answers(tmp_path, ("class_dict", "plain", "bound_method"), 200)
    assert told["class_dict"].startswith("LEAK  Within.seen (dict) keeps ")
    assert "one more every step" in told["class_dict"]
    assert told["plain"].startswith("LEAK  log (list) keeps ")
    assert told["bound_method"].startswith("LEAK  listeners (list) keeps ")
    assert answers(tmp_path, (*FINE, "ring"), 200) == dict.fromkeys((*FINE, "ring"), "")


@pytest.mark.names
def test_own_variables(tmp_path: Path) -> None:
    """What the test itself keeps is no leak; what it keeps an owner of is."""
    harness.run(
        tmp_path,
        "import collections, re\n"
        + BLOCKS
        + """
def test():
    mine, deep, owner = [], {"a": []}, App()
    with mortmain.no_leaks():
        made = Exam()
        mine.append(Exam())
        deep["a"].append(Exam())
    try:
        with mortmain.no_leaks():
            owner.sessions[1] = Exam()
    except AssertionError as error:
        assert "sessions (dict) keeps 1 Exam alive" in str(error), error
    else:
        raise SystemExit("not found")

test()
""",
    )


def test_how_it_ends(tmp_path: Path) -> None:
    """Exceptions come first; a loop that is left is not judged; no descriptor is left open."""
    harness.run(
        tmp_path,
        """
class Keeper:
    all = []

def descriptors():
    return sorted(os.listdir("/proc/self/fd"))

mortmain.no_leaks
before = descriptors()
try:
    with mortmain.no_leaks():
        Keeper.all.append(Keeper())
        raise KeyError("mine")
except KeyError as error:
    assert error.args == ("mine",)
with mortmain.no_leaks() as watch:
    for number in watch.steps(100):
        Keeper.all.append(Keeper())
        if number == 30:
            break
try:
    with mortmain.no_leaks() as watch:
        watch.steps(19)
except ValueError as error:
    assert "20 at least" in str(error)
else:
    raise SystemExit("too few were taken")
try:
    with mortmain.no_leaks():
        Keeper.all.append(Keeper())
except AssertionError:
    pass
else:
    raise SystemExit("not found")
assert descriptors() == before
""",
    )


@pytest.mark.names
def test_under_pytest(tmp_path: Path) -> None:
    """In a test of pytest, with its capturing and its rewritten assertions."""
    (tmp_path / "shop.py").write_text(
        "class Exam:\n    pass\n\nclass Within:\n    seen = []\n\n"
        "def sit(keep):\n    exam = Exam()\n    if keep:\n        Within.seen.append(exam)\n"
    )
    (tmp_path / "test_shop.py").write_text(
        "import logging\nimport mortmain\nimport shop\n\n"
        "def test_fine(caplog, capsys):\n    with mortmain.no_leaks():\n        shop.sit(False)\n"
        "        logging.warning('x')\n        print('x')\n        assert [1, 2] == [1, 2]\n\n"
        "def test_leaks():\n    with mortmain.no_leaks():\n        shop.sit(True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shop.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "1 failed, 1 passed" in done.stdout
    assert "Within.seen (list) keeps 1 Exam alive" in done.stdout


SITES = """
import tracemalloc

class Item:
    pass

kept = []

def make():
    return Item()

def fill():
    for _ in range(3):
        kept.append(make())
    kept.append(Item())

def told(**options):
    try:
        with mortmain.no_leaks(**options):
            assert tracemalloc.is_tracing() == (told.begun or "sites" in options)
            fill()
    except AssertionError as error:
        return [line for line in str(error).splitlines() if "ade at" in line or "and at" in line]

told.begun = False
print(told())
print(told(sites=True), tracemalloc.is_tracing())
tracemalloc.start()
told.begun = True
print(told(), told(sites=True) == told(), tracemalloc.is_tracing())
tracemalloc.stop()
try:
    with mortmain.no_leaks(sites=True):
        raise KeyError(1)
except KeyError:
    print(tracemalloc.is_tracing())
"""


def test_sites(tmp_path: Path) -> None:
    """The lines are named where they were asked for, or are noted anyway; else nothing is said."""
    nothing, asked, anyway, raised = harness.run(tmp_path, SITES).splitlines()
    lines = (tmp_path / "program.py").read_text().splitlines()
    make, fill = (
        lines.index(line) + 1 for line in ("    return Item()", "    kept.append(Item())")
    )
    told = [
        f"      Made at program.py:{make} in make, 3 of 4 (75 %):",
        f"      and at program.py:{fill} in fill, 1 (25 %):",
    ]
    assert nothing == "[]"
    assert asked == f"{told} False"
    assert anyway == f"{told} True True"
    assert raised == "False"


def test_tracing_is_asked_for_by_addresses() -> None:
    """Nothing is known of objects where nothing is traced, and bad arguments are refused."""
    assert _door.made_at(b"") is None
    for call, error in (
        (lambda: _door.trace(0), ValueError),
        (lambda: _door.made_at("text"), TypeError),  # type: ignore[arg-type]
    ):
        with pytest.raises(error):
            call()
    assert _door.trace(1)
    try:
        assert not _door.trace(2)  # somebody does it already
        made = object()
        found = _door.made_at(id(made).to_bytes(8, sys.byteorder) + bytes(7))
        assert found is not None
        lines, numbers = found
        assert (lines[0][0][0], numbers) == (__file__, bytes(4))
    finally:
        _door.untrace()
    assert _door.made_at(b"") is None


@pytest.mark.slow
def test_sites_of_steps(tmp_path: Path) -> None:
    """Of all that the steps made, not of the last round alone."""
    told = harness.run(
        tmp_path,
        """
class Item:
    pass

kept = []
try:
    with mortmain.no_leaks(sites=True) as watch:
        for _ in watch.steps(100):
            kept.append(Item())
            kept.append(Item())
except AssertionError as error:
    print(error)
""",
    )
    # From the end of the first round on: nine tenths, of which a tenth is the one before.
    assert told.count(", 90 of 180 (50 %):") == 1, told
    assert told.count(", 90 (50 %):") == 1, told

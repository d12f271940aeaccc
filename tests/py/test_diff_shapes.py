"""`mortmain diff` of different processes: compared by path shapes, and by nothing else.

Each program runs in processes of its own, with other hash seeds, addresses and process ids; its
argument is how much it does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import harness

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "findings.schema.json").read_text())

# One way of holding each. The argument is how many of each.
HOLDERS = """
import collections, ctypes, functools, weakref

class Order:
    def __init__(self):
        self.lines = [object()]

class Entry: pass
class Plug: pass
class Mate: pass
class Turn: pass
class Lost: pass
class Shared: pass

class Node:
    def __init__(self, before):
        self.before = before

class Event:
    def __init__(self):
        self.data = {"a": 1}

class Session:
    def __init__(self):
        self.events = []

class Book:
    pending = []
    def __init__(self):
        self.others = []

head = None
by_name = {}
members = set()
counts = []
buffer = bytearray()
ring = collections.deque(maxlen=50)
weak = weakref.WeakSet()
sessions = {}
index = {}
book = Book()

@functools.lru_cache(None)
def remembered(number):
    return [number]

def kept(item, before=[]):
    before.append(item)

def closed():
    cell = {}
    def put(number):
        cell[number] = Entry()
    return put

put = closed()
count = int(sys.argv[1])

def fill():
    global head
    for number in range(20):
        sessions[number] = Session()
        sessions[number].events += [Event() for _ in range(count // 10)]
    for number in range(count):
        order = Order()
        Book.pending.append(order)
        weak.add(order)
        by_name[f"name {number}"] = Entry()
        members.add(Mate())
        head = Node(head)
        counts.append(1)
        ring.append(Turn())
        remembered(1_000_000 + number)
        kept(Entry())
        put(number)
        lost = Lost()
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(lost))
        shared = Shared()
        book.others.append(shared)
        index[number] = shared
    for number in range(count // 10):
        setattr(Plug, f"plug{number}", Plug())
    buffer.extend(bytes(count * 10_000))

fill()
mortmain.snapshot(sys.argv[2])
"""
# The holder, the type, how many more when 200 became 800, and what the sentence begins with.
HELD = (
    ("Book.pending[*]", "__main__.Order", 600, "Book.pending (list) keeps 800 Order alive, 600"),
    ("by_name[*]", "__main__.Entry", 600, "by_name (dict) keeps 800 Entry alive, 600 more"),
    ("members member", "__main__.Mate", 600, "members (set) keeps 800 Mate alive, 600 more"),
    ("head", "__main__.Node", 600, "head keeps a chain of 799 Node alive, each held by the next"),
    ("counts", "list", 600, "counts (list) has 600 more entries than in the first snapshot"),
    ("buffer", "bytearray", 0, "buffer (bytearray) is larger than in the first snapshot: "),
    ("Session.events[*]", "__main__.Event", 1200, "Session.events (list) keeps 1,600 Event alive"),
)


def taken(folder: Path, program: str, name: str, *words: str) -> str:
    """A snapshot of a process that runs a program, with a hash seed of its own; the file's name."""
    file = folder / "program.py"
    if not file.exists():
        file.write_text(harness.PRELUDE + program)
    done = subprocess.run(
        [sys.executable, file, *words, name],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": "random"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return name


def diff(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs the verb in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "mortmain", "diff", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def document(folder: Path, *words: str) -> dict[str, Any]:
    """What `--json` says: no leak, whatever it is, and by which way it was compared."""
    done = diff(folder, "--json", *words)
    assert (done.returncode, done.stderr) == (0, "")
    told: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(told, SCHEMA)
    assert told["watched"]["compared"] == "path shapes"
    assert told["watched"]["steps"] is None
    assert {finding["severity"] for finding in told["findings"]} <= {"note"}
    assert told["verdict"] in ("suspects", "clean")
    return told


def sentences(told: dict[str, Any]) -> list[str]:
    """All that is said."""
    return [finding["sentence"] for finding in told["findings"]]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the snapshots of three processes that hold 200, 400 and 800 of each."""
    folder = tmp_path_factory.mktemp("held")
    for count in ("200", "400", "800"):
        taken(folder, HOLDERS, f"{count}.mort", count)
    return folder


@pytest.fixture(scope="module")
def found(held: Path) -> dict[str, Any]:
    """What the three differ by."""
    return document(held, "200.mort", "400.mort", "800.mort")


@pytest.mark.names
@pytest.mark.parametrize(("reference", "kind", "more", "words"), HELD)
def test_held(found: dict[str, Any], reference: str, kind: str, more: int, words: str) -> None:
    """By which named reference it is held, what, and how many more."""
    for finding in found["findings"]:
        if finding["sentence"].startswith(words):
            assert finding["cut"]["references"] == [reference]
            assert (finding["type"], finding["grown_objects"]) == (kind, more)
            assert finding["kind"] == "growth"
            assert finding["retained_bytes"] > 0
            assert sum(step["guilty"] for step in finding["path"]) == 1
            return
    raise AssertionError(sentences(found))


@pytest.mark.names
def test_held_by_functions(found: dict[str, Any]) -> None:
    """Caches, defaults and closures are containers as others are."""
    told = sentences(found)
    for words in (
        "the cache of remembered() keeps 800 list alive, 600 more",
        "the default value of parameter `before` of kept() (list) keeps 800 Entry alive, 600 more",
        "the closure variable `cell` of closed.<locals>.put() (dict) keeps 800 Entry alive, 600",
    ):
        assert any(sentence.startswith(words) for sentence in told), told


@pytest.mark.names
def test_held_by_two(found: dict[str, Any]) -> None:
    """What two containers hold is one finding."""
    named = [finding for finding in found["findings"] if finding["type"] == "__main__.Shared"]
    assert len(named) == 1, sentences(found)
    holders = [*named[0]["cut"]["references"], *named[0]["also_held_by"]]
    assert sorted(holders) == ["book.others[*]", "index[*]"], named[0]


def test_held_by_c(found: dict[str, Any]) -> None:
    """References that nobody accounts for have no holder, and none is invented."""
    lost = [finding for finding in found["findings"] if finding["type"] == "__main__.Lost"]
    assert [finding["kind"] for finding in lost] == ["held by C"]
    assert (lost[0]["path"], lost[0]["cut"]["references"]) == ([], [])
    assert lost[0]["grown_objects"] == 600


@pytest.mark.names
def test_new_names(found: dict[str, Any]) -> None:
    """Ever new names of a namespace are told of together."""
    plugs = [finding for finding in found["findings"] if finding["type"] == "__main__.Plug"]
    assert [finding["grown_objects"] for finding in plugs] == [60]
    assert plugs[0]["sentence"].startswith("the namespace of class Plug keeps ")


@pytest.mark.names
def test_bounded_and_shadows(held: Path, found: dict[str, Any]) -> None:
    """A full ring is no more; weak references to what is told of stand behind it, under -v."""
    told = sentences(found)
    assert not any("Turn" in sentence for sentence in told), told
    text = diff(held, "200.mort", "400.mort", "800.mort").stdout
    assert "weak.data" not in text
    assert "NOTE  weak.data (set) keeps 800 ReferenceType" in diff(
        held, "-v", "200.mort", "400.mort", "800.mort"
    ).stdout.replace("\n    ", " ")


@pytest.mark.names
def test_words(held: Path) -> None:
    """It says what was compared, and that two processes tell little."""
    text = diff(held, "200.mort", "400.mort").stdout
    flat = " ".join(text.split())
    assert "Compared: 2 snapshots of different processes, by path shapes:" in flat
    assert "Note: two processes do not tell what grows from what one of them had more of" in flat
    assert "Watched" not in text
    assert "LEAK" not in text
    assert "every step" not in text
    assert "Cure" not in text


def test_less_is_not_told(held: Path) -> None:
    """The other way round there is less of everything; in the middle, not in each."""
    for words in (("800.mort", "400.mort"), ("200.mort", "800.mort", "400.mort")):
        told = document(held, *words)
        assert (told["verdict"], sentences(told)) == ("clean", []), words


def test_same_work(tmp_path: Path) -> None:
    """Processes that did the same differ by noise, and that is what is said."""
    names = [taken(tmp_path, HOLDERS, f"{number}.mort", "300") for number in range(4)]
    for number in range(1, 4):
        told = document(tmp_path, names[0], names[number])
        assert (told["verdict"], sentences(told)) == ("clean", [])
    text = diff(tmp_path, *names).stdout
    assert text.startswith("CLEAN  There is no more of anything: the snapshots differ by noise")


# Chance decides how much each part of the library has to do.
NOISE = """
import ast, asyncio, concurrent.futures, decimal, inspect, logging, random, re, sqlite3
import xml.etree.ElementTree as trees

chance = random.SystemRandom()

async def pause():
    await asyncio.gather(*(asyncio.sleep(0) for _ in range(chance.randint(1, 20))))

def work():
    for _ in range(chance.randint(5, 50)):
        json.loads(json.dumps({str(chance.random()): list(range(chance.randint(0, 9)))}))
        re.compile(f"a+b{chance.randint(0, 400)}")
        logging.getLogger(f"x{chance.randint(0, 3)}").debug("x")
        trees.fromstring("<a><b/></a>")
        decimal.Decimal(chance.random()).sqrt()
        inspect.signature(json.dumps)
        ast.parse("x = 1")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(len, ["a"] * chance.randint(1, 30)))
    asyncio.run(pause())
    sqlite3.connect(":memory:").close()

work()
mortmain.snapshot(sys.argv[1])
"""


def test_noise(tmp_path: Path) -> None:
    """Caches of the library fill as chance will have it: nothing to tell of, either way."""
    names = [taken(tmp_path, NOISE, f"{number}.mort") for number in range(4)]
    for before in names:
        for after in names:
            if before != after:
                told = diff(tmp_path, before, after)
                assert told.stdout.startswith("CLEAN  "), told.stdout


LATE = """
kept = []
if sys.argv[1] == "more":
    import wave, xml.dom.minidom
    kept += [Thing() for _ in range(300)]
mortmain.snapshot(sys.argv[2])
"""


@pytest.mark.names
def test_late_modules(tmp_path: Path) -> None:
    """What came with modules is one note, and hides nothing else."""
    names = [taken(tmp_path, LATE, f"{word}.mort", word) for word in ("less", "more")]
    told = document(tmp_path, *names)
    assert told["findings"][0]["cut"]["references"] == ["kept[*]"]
    assert diff(tmp_path, *names).stdout.count("SUSPECTS") == 1, sentences(told)
    assert told["notes"][0].startswith("only the last snapshot has the modules ")
    assert " hangs on what was loaded late " in told["notes"][0]


FORKED = """
orders = []

def worker(number):
    orders.extend(Thing() for _ in range(200 * number))
    mortmain.snapshot(f"{number}.mort")
    os._exit(0)

for number in range(1, 4):
    child = os.fork()
    if child == 0:
        worker(number)
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.names
def test_workers(tmp_path: Path) -> None:
    """Workers that a server forked have equal addresses and are processes of their own."""
    harness.run(tmp_path, FORKED)
    told = document(tmp_path, "1.mort", "2.mort", "3.mort")
    assert [(finding["type"], finding["cut"]["references"]) for finding in told["findings"]] == [
        ("__main__.Thing", ["orders[*]"])
    ]
    assert told["findings"][0]["grown_objects"] == 400


def refusal(folder: Path, names: Sequence[str]) -> str:
    """The line of a refusal."""
    done = diff(folder, *names)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.startswith("mortmain: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_refusals(tmp_path: Path) -> None:
    """Other programs have other names for everything."""
    taken(tmp_path, "mortmain.snapshot(sys.argv[1])\n", "a.mort")
    (tmp_path / "program.py").rename(tmp_path / "other.py")
    taken(tmp_path, "mortmain.snapshot(sys.argv[1])\n", "b.mort")
    done = subprocess.run([sys.executable, "other.py", "c.mort"], cwd=tmp_path, check=False)
    assert done.returncode == 0
    line = refusal(tmp_path, ["b.mort", "c.mort"])
    assert "b.mort is of program.py and c.mort of other.py: name snapshots of one program" in line
    data = bytearray((tmp_path / "b.mort").read_bytes())
    (tmp_path / "cut.mort").write_bytes(data[: len(data) // 2])
    assert "cut.mort: " in refusal(tmp_path, ["a.mort", "cut.mort"])


def test_fingerprints(held: Path, found: dict[str, Any], tmp_path: Path) -> None:
    """The same from run to run, and so are the words."""
    for count in ("200", "400", "800"):
        taken(tmp_path, HOLDERS, f"{count}.mort", count)
    again = document(tmp_path, "200.mort", "400.mort", "800.mort")

    def prints(told: dict[str, Any]) -> list[tuple[str, str]]:
        return sorted((each["fingerprint"], str(each["type"])) for each in told["findings"])

    assert prints(again) == prints(found)

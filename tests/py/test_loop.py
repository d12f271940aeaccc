"""`mortmain loop`: what grows is found with its holder, and nothing else is called a leak."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import harness
import mortmain
from mortmain import api

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "findings.schema.json").read_text())
GROWING = harness.PROGRAMS / "growing.py"
STEADY = harness.PROGRAMS / "steady.py"

# Function, type, what the sentence begins with, kind, role.
LEAKS = [
    ("class_dict", "growing.Item", r"Registry\.by_name \(dict\)", "growth", "registry"),
    ("class_list", "growing.Item", r"Registry\.items \(list\)", "growth", "list"),
    ("class_set", "growing.Item", r"Registry\.members \(set\)", "growth", "registry"),
    ("cached", "growing.Item", r"the cache of growing\.remembered\(\)", "growth", "cache"),
    ("closure", "growing.Item", r"growing\.hooks \(list\)", "growth", "callbacks"),
    ("chain", "growing.Node", r"growing\.head keeps a chain", "growth", "chain"),
    ("big_buffer", "bytearray", r"growing\.buffer \(bytearray\) grows", "growth", "log"),
    ("small_numbers", "list", r"growing\.counts \(list\) grows", "growth", "log"),
    ("replaced", "growing.Item", r"Registry\.log keeps", "growth", "log"),
    ("thread", "threading.Thread", r"threading\._active \(dict\)", "growth", "threads"),
    ("subscribed", "growing.View", r"growing\.bus\.listeners \(list\)", "growth", "callbacks"),
    ("stored_error", "growing.Item", r"growing\.errors \(list\)", "growth", "stored exception"),
    (
        "weak_that_leads_back",
        r"growing\.(Item|Value)",
        r"growing\.weak\.data \(dict\)",
        "weak container",
        "weak container",
    ),
    ("generators", "growing.Item", r"growing\.suspended \(list\)", "growth", "list"),
    ("open_files", "_io.TextIOWrapper", r"growing\.files \(list\)", "growth", "list"),
    ("coroutine", "growing.Item", r"Registry\.items \(list\)", "growth", "list"),
]
CLEAN = [
    "nothing",
    "garbage",
    "bounded_cache",
    "ring_buffer",
    "large_ring",
    "turnover",
    "teeth",
    "library",
    "coroutine",
]


def loop(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs the verb."""
    return subprocess.run(
        [sys.executable, "-m", "mortmain", "loop", *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **options,
    )


def document(*words: str | Path) -> tuple[int, dict[str, Any]]:
    """Status and JSON of the verb."""
    done = loop("--json", *words)
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    jsonschema.validate(told, SCHEMA)
    return done.returncode, told


def leftover(folder: Path) -> list[str]:
    """What stands in a folder that was given for temporary files."""
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(("function", "type", "sentence", "kind", "role"), LEAKS)
def test_leak(function: str, type: str, sentence: str, kind: str, role: str | None) -> None:
    """What grows, who keeps it, and what for."""
    status, told = document(f"{GROWING}:{function}")
    assert (status, told["verdict"]) == (1, "leak"), told["findings"]
    first = told["findings"][0]
    assert (first["severity"], first["kind"]) == ("leak", kind)
    assert re.fullmatch(type, first["type"])
    assert re.match(sentence, first["sentence"]), first["sentence"]
    assert first["cut"]["role"] == role
    assert sum(step["guilty"] for step in first["path"]) == 1
    assert told["watched"]["rounds"] >= 5
    assert told["watched"]["steps"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("function", CLEAN)
def test_clean(function: str) -> None:
    """Nothing grows."""
    status, told = document(f"{STEADY}:{function}")
    assert (status, told["verdict"]) == (0, "clean"), told["findings"]
    assert all(finding["severity"] == "note" for finding in told["findings"])


def test_report() -> None:
    """What is printed, in the width that was asked for; what a step prints is no part of it."""
    done = loop("--width", "70", f"{GROWING}:class_set")
    lines = done.stdout.splitlines()
    assert done.returncode == 1, done.stderr
    assert lines[0].startswith("LEAK  Registry.members (set) keeps ")
    assert max(len(line) for line in lines) <= 70
    assert "     ──>    member  Item   this reference; nothing else holds them" in lines
    assert any(re.match(r"Watched: [0-9,]+ steps in 8 rounds, ", line) for line in lines)
    done = loop(f"{STEADY}:garbage")
    assert done.returncode == 0
    assert done.stdout.startswith("CLEAN  Nothing grows.")
    assert "555555" in done.stderr
    assert "555555" not in done.stdout


def test_notes() -> None:
    """What settled is told under -v, behind the verdict."""
    done = loop("-v", f"{STEADY}:ring_buffer")
    assert done.returncode == 0
    assert done.stdout.startswith("CLEAN  Nothing grows.\n\nNOTE  steady.ring (deque) keeps ")
    assert "Cure" not in done.stdout


def test_cycle() -> None:
    """What waits for the collector is no leak."""
    status, told = document(f"{STEADY}:pair")
    assert (status, told["verdict"]) == (0, "waiting for gc")
    first = told["findings"][0]
    assert (first["kind"], first["severity"], first["type"]) == ("cycle", "note", "steady.Part")
    assert [step["edge"] for step in first["ring"]] == [".child", ".parent"]
    assert first["count"] == first["steps"] == first["grown_objects"]
    assert first["sentence"].endswith(", one more every step")


def test_class_for_every_call() -> None:
    """A class that every call makes is called one; nothing of it is to be made weak."""
    status, told = document(f"{STEADY}:local_class")
    assert (status, told["verdict"]) == (0, "waiting for gc")
    first = told["findings"][0]
    assert first["type"] == "class local_class.<locals>.Local"
    assert (first["fix"]["cure"], first["ring"]) == ("make-class-once", [])


def test_fingerprint() -> None:
    """The same from run to run."""
    first, second = (document(f"{GROWING}:class_list")[1]["findings"][0] for _ in range(2))
    assert first["fingerprint"] == second["fingerprint"]


def test_statement() -> None:
    """A statement, and what is done once before it."""
    status, told = document("-c", "items.append(object())", "-s", "import sys", "-s", "items = []")
    assert status == 1
    assert told["findings"][0]["sentence"].startswith("items (list) keeps ")
    status, told = document("-c", "sum(range(10))")
    assert (status, told["verdict"]) == (0, "clean")


def test_module(tmp_path: Path) -> None:
    """A module is imported from the working directory; a dotted function is found in it."""
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").touch()
    (tmp_path / "pack" / "part.py").write_text(
        "class Thing:\n    kept = []\n    @classmethod\n    def step(cls):\n"
        "        cls.kept.append(cls())\n"
    )
    done = loop("--json", "pack.part:Thing.step", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["findings"][0]["type"] == "pack.part.Thing"


def test_file_is_no_main(tmp_path: Path) -> None:
    """A file is loaded as a module of its name, finds its neighbours, and leaves no cache."""
    (tmp_path / "neighbour.py").write_text("x = 1\n")
    (tmp_path / "shop.py").write_text(
        "import os, sys, neighbour\n"
        "if __name__ == '__main__':\n    raise SystemExit('no')\n"
        "assert sys.modules['shop'].__dict__ is globals()\n"
        "assert sys.path[0] == os.path.dirname(__file__)\n"
        "assert sys._getframe().f_back is None\n"
        "def step():\n    assert sys._getframe().f_back is None\n"
    )
    done = loop("-q", "shop.py:step", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    cached = [file.name for file in (tmp_path / "__pycache__").glob("*")]
    assert not [name for name in cached if name.startswith("shop")]


def test_snapshots_are_kept(tmp_path: Path) -> None:
    """Files of -o say which rounds they are, and answer the same again."""
    folder = tmp_path / "kept"
    done = loop("-o", folder, "--json", f"{GROWING}:class_list")
    assert done.returncode == 1, done.stderr
    files = sorted(folder.iterdir())
    metas = [dict(harness.read(file).meta) for file in files]
    phases = [meta["phase"] for meta in metas]
    assert phases == ["early"] * 6 + ["late"] * 3 + ["garbage"]
    steps = [int(meta["steps"]) for meta in metas]
    assert steps == sorted(steps)
    lengths = [behind - before for before, behind in itertools.pairwise(steps)]
    early = lengths[0]
    assert lengths[:5] == [early] * 5
    assert lengths[6:8] == [early * 1382 // 1000, early * 1618 // 1000]
    for meta in metas:
        assert int(meta["rss_bytes"]) > 0
        assert int(meta["block_count"]) > 0
    found = api.grow(files)
    assert found.has_leak
    told = json.loads(done.stdout)
    # Where objects are made only the process itself knows.
    assert [bool(each.pop("sites")) for each in told["findings"]] == [True]
    known = json.loads(found.json())
    assert [each.pop("sites") for each in known["findings"]] == [[]]
    assert known == told
    # Two rounds alone cannot know what goes on.
    assert not api.grow(files[:3]).has_leak
    again = loop("-o", folder, f"{GROWING}:class_list")
    assert (again.returncode, again.stdout) == (2, "")
    assert "it is not empty" in again.stderr


def test_users_are_of_what_grows(tmp_path: Path) -> None:
    """Who uses what stands higher in the chain is not told as who uses what grows."""
    (tmp_path / "news.py").write_text(
        "class Topic:\n"
        "    def __init__(self):\n        self.hears = []\n"
        "    def tell(self):\n        for each in self.hears: each(1)\n"
        "class View:\n"
        "    def __init__(self):\n        self.seen = []\n        TOPIC.hears.append(self.add)\n"
        "    def add(self, what):\n        self.seen.append(what)\n"
        "TOPIC = Topic()\n"
        "View()\n"
        "def step():\n    TOPIC.tell()\n"
        "def more():\n    View()\n"
    )
    grown = loop("news.py:step", cwd=tmp_path).stdout
    assert "LEAK  View.seen (list) grows" in grown
    assert "Look at news.py:8:\n" in grown
    held = loop("news.py:more", cwd=tmp_path).stdout
    assert "used in Topic.__init__ (news.py:2), Topic.tell" in " ".join(held.split())


def test_grow_refuses(tmp_path: Path) -> None:
    """Growth is found inside one process, between two snapshots at least."""
    with pytest.raises(mortmain.MortmainError, match="two snapshots"):
        api.grow([])
    mortmain.snapshot(tmp_path / "one.mort")
    with pytest.raises(mortmain.MortmainError, match="two snapshots"):
        api.grow([tmp_path / "one.mort"])
    harness.run(tmp_path, "take()")
    with pytest.raises(mortmain.MortmainError, match="not of one process"):
        api.grow([tmp_path / "one.mort", tmp_path / harness.TAKEN])


ERRORS = [
    (["nowhere.py:step"], "cannot load 'nowhere.py': No such file or directory"),
    (["shop.py:nothing"], "has no 'nothing'; name one of its functions"),
    (["shop.py:raisess"], "mortmain: no raisess in shop.py; did you mean raises?\n"),
    (["shop.py:Shop.openn"], "mortmain: no Shop.openn in shop.py; did you mean Shop.open?\n"),
    (["shop.py:Shopp.open"], "mortmain: no Shopp.open in shop.py; did you mean Shop.open?\n"),
    (["shop.py:getcwdd"], "mortmain: no getcwdd in shop.py; did you mean getcwd?\n"),
    (["shop:raisess"], "mortmain: no raisess in shop; did you mean raises?\n"),
    (["shopp:raises"], "mortmain: no module shopp; did you mean shop?\n"),
    (["pack.shopp:raises"], "mortmain: no module pack.shopp; did you mean pack.shop?\n"),
    (["pakc.shop:raises"], "mortmain: no module pakc; did you mean pack?\n"),
    (["shopp.py:raises"], "No such file or directory; did you mean shop.py?\n"),
    (["needs:nothing"], "needs:nothing: it cannot be loaded: ModuleNotFoundError: No module named"),
    (["os:getpid", "--against", "shop.py:want"], "no want in shop.py; did you mean wants?\n"),
    (["shop.py:number"], "cannot be called; name a function"),
    (["shop.py:each"], "is a generator, of which a call runs nothing; name a function that goes"),
    (["shop.py:aeach"], "is a generator, of which a call runs nothing; name a function that goes"),
    (["shop.py"], "'shop.py' names no function"),
    (["shop.py:a b"], "names no function"),
    (["no.such.module:step"], "ModuleNotFoundError: No module named 'no'"),
    (["broken.py:step"], "SyntaxError: invalid syntax (broken.py, line 1)\n"),
    (["raising.py:step"], "ValueError: at import (raising.py:1, in <module>)"),
    (["shop.py:raises"], "call 3 of the step raised KeyError: 'x' (shop.py:8, in helper)"),
    (["shop.py:wants"], "call 1 of the step raised TypeError: wants() missing 1 required"),
    (["shop.py:leaves"], "call 1 of the step raised SystemExit: 3 (shop.py:12, in leaves)"),
    (["shop.py:gone"], "the step ended its process with status 7"),
    (["shop.py:killed"], "the step ended its process by signal 9"),
    (["shop.py:later"], "call 1 of the step raised OSError: two lines (shop.py:18, in later)"),
    ([], "name a function, as in shop.py:step"),
    (["-s", "x = 1", "shop.py:raises"], "-s is for the statement of -c"),
    (["-c", "x", "shop.py:raises"], "name a function, as in shop.py:step"),
    (["-c", "f("], "SyntaxError"),
    (["-c", "f()"], "call 1 of the step raised NameError: name 'f' is not defined"),
    (["-o", "shop.py", "shop.py:raises"], "cannot write to 'shop.py'"),
    (["--json=shop.py", "shop.py:raises"], "cannot write 'shop.py': it exists already"),
    (["-f", "shop.py:raises"], "-f overwrites the file of --json"),
]


@pytest.mark.parametrize(("words", "message"), ERRORS)
def test_error(tmp_path: Path, words: list[str], message: str) -> None:
    """One line, status 2, and nothing is left behind."""
    (tmp_path / "temporary").mkdir()
    (tmp_path / "broken.py").write_text("def step(:\n")
    (tmp_path / "raising.py").write_text("raise ValueError('at import')\n")
    (tmp_path / "shop.py").write_text(
        "import os, signal\n"
        "number = 1\n"
        "calls = []\n"
        "def raises():\n    calls.append(1)\n    if len(calls) == 3: helper()\n"
        "def helper():\n    {}['x']\n"
        "def wants(what):\n    pass\n"
        "def leaves():\n    raise SystemExit(3)\n"
        "def gone():\n    os._exit(7)\n"
        "def killed():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "async def later():\n    raise OSError('two\\nlines')\n"
        "def each():\n    yield calls.append(1)\n"
        "async def aeach():\n    yield calls.append(1)\n"
        "class Shop:\n    def open():\n        pass\n"
        "from os import getcwd\n"
    )
    (tmp_path / "needs.py").write_text("import shopp\n")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").touch()
    (tmp_path / "pack" / "shop.py").touch()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    done = loop(*words, cwd=tmp_path, env=environment)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert re.fullmatch(r"mortmain: [^\n]+\n", done.stderr), done.stderr
    assert message in done.stderr
    assert leftover(tmp_path / "temporary") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt(tmp_path: Path, number: signal.Signals) -> None:
    """An interrupt ends step and command, and nothing is left behind."""
    (tmp_path / "temporary").mkdir()
    (tmp_path / "shop.py").write_text(
        "import sys, time\ndef step():\n    print('begun', flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "mortmain", "loop", "shop.py:step"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert process.stderr.readline() == "begun\n"
        process.send_signal(number)
        assert process.wait(120) == -number
        assert (process.stdout.read(), process.stderr.read()) == ("", "")
    assert leftover(tmp_path / "temporary") == []


def test_second_interrupt_kills(tmp_path: Path) -> None:
    """A step that catches everything cannot hold on for ever."""
    (tmp_path / "shop.py").write_text(
        "import sys, time\ndef step():\n    while True:\n        try:\n"
        "            print('begun', flush=True)\n            time.sleep(600)\n"
        "        except BaseException:\n            pass\n"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "mortmain", "loop", "shop.py:step"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        for _ in range(2):
            assert process.stderr.readline() == "begun\n"
            process.send_signal(signal.SIGINT)
        assert process.wait(120) == -signal.SIGINT


def test_forked_children_end() -> None:
    """A child of the step that comes back as well takes no part."""
    status, told = document("-c", "pid = os.fork()\nif pid: os.waitpid(pid, 0)", "-s", "import os")
    assert (status, told["verdict"]) == (0, "clean")

"""Bad input: one clear line on standard error, status 2, no traceback, nothing half written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mortmain

STORE = """
class Dead:
    pass
class Item:
    pass
kept = [Item() for i in range(2)]
"""
PROGRAM = """
import ast, mortmain, store, other
class Store:
    pass
class Order:
    pass
HISTORY = [Order() for i in range(3)]
by_name = {"a": Order()}
mortmain.snapshot("a.mort")
mortmain.snapshot("keys.mort", keys=True)
"""
FORMS = "; give a type (shop.Order), a name (shop:cache[0]), or an address (0x7f12ab40)"
MADE = "give a file that mortmain.snapshot(path) made"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("errors")
    (folder / "store.py").write_text(STORE)
    (folder / "other.py").write_text(STORE)
    (folder / "shop1.py").write_text(PROGRAM)
    subprocess.run([sys.executable, "shop1.py"], cwd=folder, check=True)
    whole = (folder / "a.mort").read_bytes()
    (folder / "empty.mort").write_bytes(b"")
    (folder / "text.txt").write_bytes(b"no snapshot, but words\n")
    (folder / "cut.mort").write_bytes(whole[:-64])
    (folder / "damaged.mort").write_bytes(whole[:999] + b"?" + whole[1000:])
    (folder / "newer.mort").write_bytes(whole[:8] + b"\xff" + whole[9:])
    return folder


def run(
    folder: Path, *words: str | bytes | Path, shell: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    command: list[str | bytes | Path] = [sys.executable, "-m", "mortmain", *words]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, **more},
        timeout=60,
        check=False,
    )


def refused(folder: Path, *words: str | bytes | Path, shell: str = "") -> str:
    done = run(folder, *words, shell=shell)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.startswith("mortmain: ")
    assert done.stderr.endswith("\n")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr[len("mortmain: ") : -1]


def answer(folder: Path, *words: str | Path) -> str:
    done = run(folder, *words)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("Ordr", "no type or name 'Ordr' in a.mort; did you mean Order?"),
        ("order", "no type or name 'order' in a.mort; did you mean Order?"),
        ("HISTROY", "no type or name 'HISTROY' in a.mort; did you mean HISTORY?"),
        ("Quaternion", f"no type or name 'Quaternion' in a.mort{FORMS}"),
        (
            "shop1.Order",
            "no module 'shop1' in a.mort: the program itself is __main__; ask for __main__.Order",
        ),
        ("stroe:kept", "no module 'stroe' in a.mort; did you mean store?"),
        ("store.kepd", "'store' has no attribute 'kepd' in a.mort; did you mean store.kept?"),
        ("HISTORY[3]", "'HISTORY' has no item 3 in a.mort; its items are 0 to 2"),
        (
            "by_name[3]",
            "'by_name' is a dict, and no snapshot has keys that are numbers; "
            "ask for 'by_name' or for the type of what it holds",
        ),
        (
            "by_name['a']",
            "the keys of 'by_name' are not in a.mort; "
            "take it with mortmain.snapshot(path, keys=True)",
        ),
        ("", f"WHAT is empty{FORMS}"),
        ("*", f"'*' is no type, name or address{FORMS}"),
        ("-1", f"'-1' is no type, name or address{FORMS}"),
        ("[0]", f"'[0]' is no type, name or address{FORMS}"),
        ("0xyz", f"no type or name '0xyz' in a.mort{FORMS}"),
        ("HISTORY.", f"a name is missing behind 'HISTORY.'{FORMS}"),
    ],
)
def test_what(folder: Path, what: str, line: str) -> None:
    assert refused(folder, "why", "a.mort", what) == line


def test_what_in_other_bytes(folder: Path) -> None:
    assert "WHAT is no text" in refused(folder, "why", "a.mort", b"Ord\xff")
    heap = mortmain.Heap.open(folder / "a.mort")
    for what in ("a\0b", "\udcff", -1, 1 << 80, 5):
        with pytest.raises(mortmain.MortmainError):
            heap.why(what)


def test_keys(folder: Path) -> None:
    assert answer(folder, "why", "keys.mort", "by_name['a']").startswith(
        "1 reference: by_name['a']"
    )
    assert "no entry 'b'" in refused(folder, "why", "keys.mort", "by_name['b']")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("none.mort", f"none.mort: cannot open the file (No such file or directory); {MADE}"),
        ("text.txt", f"text.txt: it is no mortmain snapshot; {MADE}"),
        ("empty.mort", f"empty.mort: it is empty; {MADE}"),
        (".", f".: it is no regular file; {MADE}"),
        ("/dev/null", f"/dev/null: it is no regular file; {MADE}"),
        (
            "newer.mort",
            "newer.mort: it was written by a newer version of mortmain; "
            "read it with the version of mortmain that made it",
        ),
    ],
)
def test_file(folder: Path, file: str, line: str) -> None:
    assert refused(folder, "why", file, "Order") == line
    assert refused(folder, "verify", file) == line


def test_damage_is_said_once(folder: Path) -> None:
    for file in ("damaged.mort", "cut.mort"):
        line = refused(folder, "verify", file)
        assert line.startswith(f"{file}: damaged at byte ")
        assert line.endswith("; take the snapshot again")
        assert line.replace(file, "").count("damaged") == 1


def test_words(folder: Path) -> None:
    line = refused(folder, "why", "Order", "a.mort")
    assert line == "FILE comes first: mortmain why a.mort Order"
    assert refused(folder, "why", "--bad").startswith("there is no option '--bad'; ")
    assert refused(folder, "why", "--keys", "a.mort", "Order").startswith("there is no option")
    assert refused(folder, "--bad").startswith("there is no option '--bad'; ")
    assert "-f overwrites" in refused(folder, "why", "-f", "a.mort", "Order")
    assert "-f overwrites" in refused(folder, "verify", "-f", "a.mort", "--json")
    assert "required" in refused(folder, "why")
    assert "required" in refused(folder)
    assert "--json[=FILE]" in answer(folder, "why", "--help")


def test_json_file(folder: Path, tmp_path: Path) -> None:
    words = ["why", "a.mort", "Order"]
    line = refused(folder, *words, f"--json={tmp_path}/no/a.json")
    assert line.endswith("make the folder first")
    file = tmp_path / "a.json"
    file.write_text("mine")
    assert "exists already" in refused(folder, *words, f"--json={file}")
    assert file.read_text() == "mine"
    assert answer(folder, *words, f"--json={file}", "-f") == ""
    assert file.read_text().startswith("{")
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    refused(folder, *words, "--json=/dev/full", "-f")


def test_closed_streams(folder: Path) -> None:
    line = refused(folder, "why", "a.mort", "Order", shell=">&-")
    assert "standard output is closed" in line
    done = run(folder, "why", "a.mort", "Ordr", shell="2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")
    done = run(folder, "why", "--bad", shell="2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")
    done = run(folder, "why", "a.mort", "Ordr", shell="2>/dev/full")
    assert (done.returncode, done.stdout) == (2, "")
    assert answer(folder, "why", "a.mort", "Order", "--json=closed.json") == ""


@pytest.mark.parametrize("words", [["--help"], ["why", "--help"], ["-V"], ["verify", "a.mort"]])
def test_full_disk(folder: Path, words: list[str]) -> None:
    assert "No space left" in refused(folder, *words, shell=">/dev/full")


def test_interrupts(folder: Path) -> None:
    """At no moment after the command began is there a traceback."""
    script = "import sys, mortmain.__main__ as m; print('', flush=True); sys.exit(m.main())"
    for wait_ms in range(0, 60, 4):
        with subprocess.Popen(
            [sys.executable, "-c", script, "why", "a.mort", "Order"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(wait_ms / 1000)
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=60)
        assert error == ""
        assert process.returncode in (0, 130, -signal.SIGINT)


def test_own_class_wins(folder: Path) -> None:
    assert answer(folder, "why", "a.mort", "Store") == (
        "No __main__.Store is alive in this snapshot, but 1 ast.Store is.\n"
        "The class __main__.Store itself is there: ask for __main__:Store.\n"
    )
    assert answer(folder, "why", "a.mort", "ast.Store").startswith("1 reference to 1 ast.Store: ")
    assert "__main__.Store" in answer(folder, "why", "a.mort", "__main__:Store").splitlines()[0]


def test_no_instance(folder: Path) -> None:
    text = answer(folder, "why", "a.mort", "store.Dead")
    assert text == (
        "No store.Dead is alive in this snapshot.\n"
        "The class store.Dead itself is there: ask for store:Dead.\n"
    )
    assert answer(folder, "why", "a.mort", "Dead").startswith(
        "No Dead is alive in this snapshot.\n"
    )
    assert '"objects":0' in answer(folder, "why", "--json", "a.mort", "Dead").replace(" ", "")
    heap = mortmain.Heap.open(folder / "a.mort")
    assert str(heap.referrers("Dead")) == "No Dead is alive in this snapshot."
    assert heap.referrers("Dead").reference_count == 0


def test_several_types_of_a_name(folder: Path) -> None:
    lines = answer(folder, "why", "a.mort", "Item").splitlines()
    assert lines[0] == "4 Item: 2 other.Item, 2 store.Item"
    assert lines[2].startswith("4 references to 4 Item: ")


def test_snapshot_errors(tmp_path: Path) -> None:
    with pytest.raises(mortmain.MortmainError, match="make the folder first"):
        mortmain.snapshot(tmp_path / "no" / "a.mort")
    with pytest.raises(mortmain.MortmainError, match="give the path of a file"):
        mortmain.snapshot("/")


@pytest.mark.parametrize("thing", [None, True, 7, "", (), int, object, Ellipsis])
def test_live_objects_that_everybody_has(thing: object) -> None:
    try:
        assert "reference" in str(mortmain.refs(thing))
        assert str(mortmain.why(thing))
    except mortmain.MortmainError as error:
        assert "\n" not in str(error)


def test_version_and_print() -> None:
    assert mortmain.__version__[0].isdigit()
    assert answer(Path(), "--version") == f"mortmain {mortmain.__version__}\n"
    kept = [object()]
    assert not str(mortmain.why(kept[0])).endswith("\n")

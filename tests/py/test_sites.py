"""Where what grows was made: the line is named, nothing is invented, and nothing stays behind."""

from __future__ import annotations

import os
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import harness
from mortmain import api, sites, source
from test_held_by_c import SETUP
from test_loop import document, loop

PROGRAM = harness.PROGRAMS / "made.py"
LINES = PROGRAM.read_text().splitlines()


def line_of(text: str) -> int:
    """The one line of the program that says so."""
    (found,) = (number for number, line in enumerate(LINES, 1) if line.strip() == text)
    return found


def told(function: str, **options: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The first finding, and the lines that made its objects."""
    _, answer = document(f"{PROGRAM}:{function}", **options)
    first = answer["findings"][0]
    assert all(site["file"] and site["objects"] > 0 for site in first["sites"])
    return first, first["sites"]


def place(site: dict[str, Any]) -> tuple[str, int, str | None]:
    """Where a site is."""
    return site["file"], site["line"], site["function"]


def counts(stderr: str) -> dict[str, str]:
    """What the program says at its end."""
    (line,) = re.findall(r"^calls .*$", stderr, re.MULTILINE)
    words = line.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def test_one_line() -> None:
    """The line that made them is told, not the one that keeps them; then tracing is over."""
    done = loop(f"{PROGRAM}:one")
    assert done.returncode == 1, done.stderr
    number = line_of("return Item()")
    shown = rf"^      Made at \S*made\.py:{number} in make:\n\n          return Item\(\)\n\n      L"
    assert re.search(shown, done.stdout, re.MULTILINE), done.stdout
    end = counts(done.stderr)
    assert (end["on"], end["gaps"]) == ("False", "0")
    # No more than one round, and nothing else was traced.
    assert 0 < int(end["traced"]) <= 1000


def test_nothing_grows() -> None:
    """Then there is no further round."""
    done = loop(f"{PROGRAM}:nothing")
    assert done.returncode == 0, done.stdout
    assert "Made at" not in done.stdout
    assert counts(done.stderr)["traced"] == "0"


def test_several_lines() -> None:
    """Those that made most come first, with their share."""
    first, found = told("two")
    assert first["grown_objects"] > 0
    assert [place(site) for site in found] == [
        (str(PROGRAM), line_of("return Item()"), "make"),
        (str(PROGRAM), line_of("items.append(Item())"), "two"),
    ]
    assert [site["percent"] for site in found] == [75, 25]
    assert found[0]["objects"] == 3 * found[1]["objects"]
    assert all(site["called_at"] is None for site in found)


def test_library() -> None:
    """A library's line is told, and the program's own that led there."""
    first, found = told("parsed")
    assert first["type"] in ("dict", "list")
    assert len(found) == 1
    assert found[0]["file"].endswith("json/decoder.py")
    assert found[0]["function"].startswith("JSONDecoder.")
    called = found[0]["called_at"]
    assert place(called) == (
        str(PROGRAM),
        line_of("""documents.append(json.loads('{"name": ["value", 1.5]}'))"""),
        "parsed",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "type", "text"),
    [
        ("filled", "made.Row", "rows.append(Row([1]))"),
        ("linked", "made.Item", "node = Item()"),
    ],
)
def test_shapes(function: str, type: str, text: str) -> None:
    """Code without a file is passed over; a chain's end is where it grows."""
    first, found = told(function)
    assert first["type"] == type
    assert [place(site) for site in found] == [(str(PROGRAM), line_of(text), function)]
    assert found[0]["percent"] == 100


@pytest.mark.slow
def test_ring() -> None:
    """What waits for the collector was made somewhere, too."""
    first, found = told("ring")
    assert first["kind"] == "cycle"
    assert {place(site) for site in found} == {
        (str(PROGRAM), line_of("one, other = Item(), make()"), "ring"),
        (str(PROGRAM), line_of("return Item()"), "make"),
    }
    assert [site["percent"] for site in found] == [50, 50]


@pytest.mark.slow
def test_held_and_waiting() -> None:
    """Of what is held nothing is told that waits, and the other way about."""
    _, answer = document(f"{PROGRAM}:ring_and_one")
    held, waits = answer["findings"]
    assert (held["kind"], waits["kind"]) == ("growth", "cycle")
    assert [place(site)[2] for site in held["sites"]] == ["make"]
    assert sorted(str(place(site)[2]) for site in waits["sites"]) == ["make", "ring"]


def test_statement() -> None:
    """A statement has lines as well."""
    _, answer = document("-s", "kept = []", "-c", "kept.append([1, 2])")
    (site,) = answer["findings"][0]["sites"]
    assert place(site) == ("<stmt>", 1, None)


def test_text_of_a_statement() -> None:
    """What the compiler got from us is shown, of the setup too, and cut like any other line."""
    setup = "kept = []\ndef fill(more):\n    kept.append([1, more])"
    done = loop("-s", setup, "-c", "fill(1)")
    assert done.returncode == 1, done.stderr
    assert "      Made at <setup>:3 in fill" in done.stdout
    assert "\n          kept.append([1, more])\n" in done.stdout
    words = ["-c", "kept.append([1, 2, 3, 4, 5] + [6, 7])", "-s", "kept = []", "--width=45"]
    done = loop(*words)
    assert "\n          kept.append([1, 2, 3, 4, 5] + [6, …\n" in done.stdout, done.stdout
    assert done.stdout.endswith("\nWhat ends in … was cut, -v shows it whole\n")
    done = loop("-v", *words)
    assert "\n          kept.append([1, 2, 3, 4, 5] + [6,\n          7])\n" in done.stdout
    assert "…" not in done.stdout


def test_tracing_of_the_program() -> None:
    """Who traces already goes on tracing, as deep as before."""
    done = loop(f"{PROGRAM}:one", env=os.environ | {"PYTHONTRACEMALLOC": "3"})
    assert done.returncode == 1, done.stderr
    assert f":{line_of('return Item()')} in make:" in done.stdout
    end = counts(done.stderr)
    assert (end["on"], end["limit"]) == ("True", "3")


@pytest.mark.slow
def test_tracing_is_ended_by_the_step() -> None:
    """Then nothing is known, and all else stands."""
    first, found = told("stops")
    assert first["severity"] == "leak"
    assert found == []


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info < (3, 13), reason="nothing can listen before 3.13")
def test_listener_of_the_program() -> None:
    """What listens to the making of objects keeps its place."""
    done = loop(f"{PROGRAM}:heard")
    assert done.returncode == 1, done.stderr
    assert "listens 1\n" in done.stderr
    assert "Made at" not in done.stdout


def test_step_that_raises() -> None:
    """As in any other call."""
    done = loop(f"{PROGRAM}:fails")
    assert done.returncode == 2
    assert re.search(r": call \d+ of the step raised ValueError: traced \(made\.py:", done.stderr)
    assert done.stdout == ""


@pytest.mark.slow
@pytest.mark.parametrize("call", ["list()", "tuple()", "wide()", "large()", "token()"])
def test_forgotten_by_c(call: str, tmp_path: Path) -> None:
    """Where the call stands that forgets, and no other line, whether a snapshot shows it or not."""
    harness.build_extension(tmp_path, harness.PROGRAMS / "forgetful.c")
    setup = SETUP + "\ndef busy():\n    return [str(i) * 9 for i in range(99)]"
    step = f"text = ''.join(busy())\nkept = forgetful.{call}\ntext.encode()"
    first = harness.loop("-s", setup, "-c", step, cwd=tmp_path)[1]["findings"][0]
    assert first["kind"] == "held by C"
    (site,) = first["sites"]
    assert place(site) == ("<stmt>", 2, None)
    assert site["objects"] > 10


@pytest.mark.slow
def test_descriptors_are_of_the_step(tmp_path: Path) -> None:
    """Where a step has closed what it does not know, nothing is said into what it opens then."""
    out = tmp_path / "out"
    setup = "import os\nopened = False\nkept = []"
    step = (
        "kept.append([1])\n"
        "if not opened:\n"
        "    opened = True\n"
        "    os.closerange(3, 64)\n"
        f"    files = [open({str(out)!r}, 'a+') for _ in range(61)]"
    )
    done = loop("-s", setup, "-c", step)
    assert done.returncode == 1, done.stderr
    assert out.read_text() == ""


@pytest.mark.parametrize("size", [0, 1 << 20])
def test_process_is_gone(size: int, tmp_path: Path) -> None:
    """Its ends of the pipes may live on in whom the step has started: nobody waits for these."""
    talk = sites.Talk(str(tmp_path), lambda: None)  # type: ignore[arg-type, return-value]
    rows = [(0, 0, bytes(size))]
    talk.findings = types.SimpleNamespace(made=lambda *_, **__: rows)  # type: ignore[assignment]
    talk._waiting = False
    os.write(talk.for_step[1], b"s")
    assert talk.step(60, lambda: False)
    assert talk._sites == []
    talk.close_for_step()
    talk.close()


# So large that their pages go back to the system at once.
UNHEARD = [
    "big = bytes(1 << 26)\ntracemalloc.stop()\ndel big",
    "api.PyMem_Free(ctypes.c_void_p(new(ctypes.c_size_t(1 << 26))))",
]


@pytest.mark.slow
@pytest.mark.parametrize("step", UNHEARD, ids=["tracing ended", "another domain"])
def test_given_back_unheard(step: str, tmp_path: Path) -> None:
    """A block of which nobody knows that it is gone is not read."""
    harness.build_extension(tmp_path, harness.PROGRAMS / "forgetful.c")
    setup = SETUP + "\nimport ctypes, tracemalloc\napi = ctypes.pythonapi"
    setup += "\nnew = api.PyObject_Malloc\nnew.restype = ctypes.c_void_p"
    step = f"forgetful.list()\n{step}"
    first = harness.loop("-s", setup, "-c", step, cwd=tmp_path)[1]["findings"][0]
    assert first["kind"] == "held by C"
    assert bool(first["sites"]) == ("stop" not in step)


def test_many_lines(tmp_path: Path) -> None:
    """The first three are told, the rest are counted; what makes no sense is refused."""
    loop("-q", "-o", tmp_path / "kept", f"{PROGRAM}:one")
    found = api.grow(sorted((tmp_path / "kept").glob("*.mort")))
    rows = tuple(
        (0, 10 - at, (f"/a/b{at}.py", f"b{at}.py", at + 1, "f", "x = 1" if at else None), None)
        for at in range(7)
    )
    lines = found.with_sites(rows).render(60).splitlines()
    assert "      Made at b0.py:1 in f, 10 of 49 (20 %)." in lines
    assert "      and at b2.py:3 in f, 8 (16 %):" in lines
    assert "      and at 4 more lines." in lines
    assert "b3.py" not in "".join(lines)
    assert "b6.py:7 in f, 4 (8 %):" in found.with_sites(rows).render(60, verbose=True)
    line = rows[0][2]
    for row in ((99, 1, line, None), (0, 0, line, None)):
        with pytest.raises(ValueError, match="a site is of a finding"):
            found.with_sites((row,)).json()


def test_picked() -> None:
    """The first line that a file has, and the first that is the program's."""
    own = {"/own/a.py", "/own/b.py"}

    def place(files: tuple[str, ...]) -> int:
        return next((index for index, file in enumerate(files) if file in own), -1)

    ours = str(Path(sites.__file__))
    a, b, library = ("/own/a.py", 3), ("/own/b.py", 4), ("/lib/c.py", 5)
    assert sites._picked((a, library, b), place) == (a, None)
    assert sites._picked((library, a, b), place) == (library, a)
    assert sites._picked((library,), place) == (library, None)
    assert sites._picked((("<string>", 2), (ours, 7), b), place) == (b, None)
    assert sites._picked((library, ("<setup>", 2), a), place) == (library, ("<setup>", 2))
    assert sites._picked((library, a, ("<stmt>", 2)), place) == (library, a)
    assert sites._picked((("<unknown>", 0),), place) is None


def test_function_of_a_line(tmp_path: Path) -> None:
    """The innermost function or class, and none for what decorates it."""
    file = tmp_path / "functions.py"
    file.write_text(
        "import os\n"  # 1
        "def make(x): return x\n"
        "class Shop:\n"
        "    size = 3\n"
        "    @property\n"  # 5
        "    def door(self):\n"
        "        try:\n"
        "            match self:\n"
        "                case None:\n"
        "                    pass\n"  # 10
        "                case _:\n"
        "                    f = lambda: [\n"
        "                        x for x in ()]\n"
        "        except (OSError):\n"
        "            def inner(): pass\n"  # 15
        "        return os\n"
        "async def run():\n"
        "    pass\n"
    )
    functions = [getattr(source.line(str(file), number), "function", "") for number in range(1, 20)]
    door = "Shop.door"
    assert functions[:4] == [None, "make", "Shop", "Shop"]
    assert functions[4:9] == ["Shop", door, door, door, door]
    assert functions[9:14] == [door] * 5
    assert functions[14:18] == ["Shop.door.inner", door, "run", "run"]
    assert functions[18] is None  # the end of the file
    shown = source.line(str(file), 13)
    assert shown is not None
    assert shown.text == "x for x in ()]"
    assert source.line(str(file), 0) is None
    assert source.line(str(file), 99) is None
    file.write_text("def broken(:\n")
    broken = source.line(str(file), 1)
    assert broken is not None
    assert broken.function is None

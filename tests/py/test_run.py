"""`mortmain run`: a script cannot tell that it is watched, and what it leaves behind is told."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import jsonschema
import pytest

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "findings.schema.json").read_text())

SCRIPTS = {
    "plain": """
import sys
print("hi", sys.argv, __name__, sys.path[0], sys.getrecursionlimit())
print(sorted(sys.modules))
print(list(globals()), __doc__, __package__, __spec__ and __spec__.name)
""",
    "file": "import sys\nprint(__file__, sys.orig_argv[1:], __loader__)",
    "exit": "import sys\nprint(1)\nsys.exit()",
    "exit_status": "import sys\nsys.exit(3)",
    "exit_message": "import sys\nsys.exit('bad')",
    "exit_at_once": "import os\nprint('x', flush=True)\nos._exit(7)",
    "uncaught": "def f():\n    g()\ndef g():\n    raise ValueError('x')\nf()",
    "syntax": "def f(:\n    pass",
    "recursion": """
import sys
n = 0
def f():
    global n
    n += 1
    f()
try:
    f()
except RecursionError:
    print(n, sys.getrecursionlimit())
""",
    "stack": """
import sys, traceback
traceback.print_stack()
try:
    sys._getframe(1)
except ValueError as error:
    print(error)
print(sys._getframe().f_back)
""",
    "warnings": """
import warnings
def f():
    warnings.warn("w", stacklevel=2)
f()
warnings.warn("top", stacklevel=2)
""",
    "threads": """
import threading, time
def work():
    time.sleep(0.2)
    print("done")
threading.Thread(target=work).start()
print("main", threading.active_count(), threading.current_thread() is threading.main_thread())
""",
    "atexit": "import atexit\natexit.register(print, 'bye')\nprint('x')",
    "interrupt": "raise KeyboardInterrupt",
    "interrupt_by_signal": """
import os, signal, time
os.kill(os.getpid(), signal.SIGINT)
time.sleep(1)
""",
    "terminated": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "aborted": "import os, signal\nos.kill(os.getpid(), signal.SIGABRT)",
    "subprocess": """
import subprocess, sys
command = [sys.executable, "-c", "import sys; print(len(sys.modules))"]
print(subprocess.run(command, capture_output=True, text=True).stdout)
""",
    "multiprocessing": """
import multiprocessing as m
def f(x):
    return x * 2
if __name__ == "__main__":
    with m.get_context("spawn").Pool(1) as pool:
        print(pool.map(f, [1, 2]))
""",
    "deaths": """
class A:
    def __init__(self, n):
        self.n = n
    def __del__(self):
        print("del", self.n)
a = A(1)
b = A(2)
l = [A(i) for i in range(5)]
c = A(9)
c.c = c
del b
print("end")
""",
    "stdin": "import sys\nprint(sys.stdin.read(), sys.stdin.isatty())",
    "flags": """
import os, signal, sys
print(sys.flags, sys.stdout.line_buffering, os.listdir("/proc/self/fd"))
print([signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)])
""",
}

# Two processes write: the order of their lines is free.
FORKING = {
    "fork": """
import os
child = os.fork()
os.write(1, b"p\\n" if child else b"c\\n")
if child:
    print(os.waitpid(child, 0)[1])
""",
    "fork_and_fail": """
import os
child = os.fork()
if child:
    os.waitpid(child, 0)
raise ValueError("child" if child == 0 else "parent")
""",
}


def environment(**more: str) -> dict[str, str]:
    left = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    return {**left, "PYTHONDONTWRITEBYTECODE": "1", **more}


def started(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        input="in",
        text=True,
        timeout=120,
        check=False,
    )


def mortmain(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return started(folder, "-m", "mortmain", "run", *words, **more)


def masked(
    done: subprocess.CompletedProcess[str], *, is_sorted: bool = False
) -> tuple[object, ...]:
    texts = [re.sub(r"0x[0-9a-f]+", "0x...", text) for text in (done.stdout, done.stderr)]
    if is_sorted:
        texts = ["\n".join(sorted(text.split("\n"))) for text in texts]
    return (*texts, done.returncode)


@pytest.mark.parametrize("way", ["file", "module"])
@pytest.mark.parametrize("kind", [*SCRIPTS, *FORKING])
def test_unnoticed(tmp_path: Path, kind: str, way: str) -> None:
    (tmp_path / "script.py").write_text({**SCRIPTS, **FORKING}[kind] + "\n")
    words = ["-m", "script", "a", "-q"] if way == "module" else ["script.py", "a", "-q"]
    plain = started(tmp_path, *words)
    ours = mortmain(tmp_path, "-q", "-o", "taken.mort", *words)
    assert masked(ours, is_sorted=kind in FORKING) == masked(plain, is_sorted=kind in FORKING)
    untaken = plain.returncode in (-6, -9, -15, 7) or kind == "syntax"
    left = {"script.py"} if untaken else {"script.py", "taken.mort"}
    assert {each.name for each in tmp_path.iterdir()} == left


@pytest.mark.parametrize("way", ["folder", "archive", "package"])
def test_unnoticed_folder(tmp_path: Path, way: str) -> None:
    text = SCRIPTS["plain"] + "import other\nraise ValueError(other.x)\n"
    if way == "archive":
        with zipfile.ZipFile(tmp_path / "app", "w") as archive:
            archive.writestr("__main__.py", text)
            archive.writestr("other.py", "x = 1\n")
    else:
        (tmp_path / "app").mkdir()
        text = text.replace("import other", "from app import other") if way == "package" else text
        (tmp_path / "app" / "__main__.py").write_text(text)
        (tmp_path / "app" / "other.py").write_text("x = 1\n")
    words = ["-m", "app", "-m"] if way == "package" else ["app", "-m"]
    assert masked(mortmain(tmp_path, "-q", *words)) == masked(started(tmp_path, *words))


HOLDER = """
import sys
class Exam:
    pass
class Within:
    seen = {}
    def see(self):
        pass
for i in range(3):
    Within.seen[Exam()] = i
print(sys.argv[1:])
"""


@pytest.mark.names
def test_report(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(HOLDER)
    done = mortmain(tmp_path, "-o", "a.mort", "--json=a.json", "shop.py", "-q", "--json", "--", "x")
    assert (done.stdout, done.returncode) == ("['-q', '--json', '--', 'x']\n", 0)
    assert done.stderr.startswith("SUSPECTS  Within.seen keeps 3 Exam alive: ")
    assert "Look at shop.py:6" in done.stderr
    document = json.loads((tmp_path / "a.json").read_text())
    jsonschema.validate(document, SCHEMA)
    assert document["verdict"] == "suspects"
    assert document["findings"][0]["cut"]["references"] == ["Within.seen[key]"]
    told = started(tmp_path, "-m", "mortmain", "report", "a.mort")
    assert told.stdout == done.stderr
    narrow = mortmain(tmp_path, "--width=40", "shop.py", PYTHONIOENCODING="ascii")
    assert narrow.stderr.isascii()
    assert max(map(len, narrow.stderr.split("\n"))) <= 40


@pytest.mark.names
def test_report_after_exception(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(HOLDER + "raise ValueError('late')\n")
    done = mortmain(tmp_path, "shop.py")
    assert done.returncode == 1
    traceback, told = done.stderr.split("ValueError: late\n")
    assert traceback.startswith("Traceback")
    assert told.startswith("SUSPECTS  Within.seen keeps 3 Exam alive: ")


def test_quiet_and_silent(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text("print('x')\n")
    done = mortmain(tmp_path, "-q", "s.py")
    assert (done.stdout, done.stderr, done.returncode) == ("x\n", "", 0)
    closed = subprocess.run(
        [sys.executable, "-m", "mortmain", "run", "s.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: os.close(2),
        check=False,
    )
    assert (closed.stdout, closed.returncode) == (b"x\n", 0)


def test_reader_of_report_goes_away(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text("import sys\nprint('x')\nsys.exit(4)\n")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "mortmain", "run", "-o", "a.mort", "s.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=writing,
        check=False,
    )
    os.close(writing)
    assert (done.stdout, done.returncode) == (b"x\n", 4)
    assert {each.name for each in tmp_path.iterdir()} == {"a.mort", "s.py"}


def test_no_snapshot(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text("import os\nos._exit(5)\n")
    done = mortmain(tmp_path, "-o", "a.mort", "s.py")
    assert done.returncode == 5
    assert done.stderr == "mortmain: the script ended before a snapshot could be taken\n"
    assert [each.name for each in tmp_path.iterdir()] == ["s.py"]


def test_what_did_not_run_has_no_report(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("print('x')\nx = (\n")
    (tmp_path / "fine.py").write_text("raise SyntaxError('mine')\n")
    head = "mortmain: the script did not run: "
    for words, why in (
        (["bad.py"], "SyntaxError: '(' was never closed (bad.py, line 2)"),
        (["-m", "bad"], "SyntaxError: '(' was never closed (bad.py, line 2)"),
        (["-m", "nosuch"], "No module named nosuch"),
    ):
        done = mortmain(tmp_path, "-o", "a.mort", *words)
        assert (done.stdout, done.returncode) == ("", 1)
        assert done.stderr.endswith(f"\n{head}{why}\n"), done.stderr
        assert "CLEAN" not in done.stderr
        assert not (tmp_path / "a.mort").exists()
        quiet = mortmain(tmp_path, "-q", *words)
        assert quiet.stderr == done.stderr.removesuffix(f"{head}{why}\n")
    for words in (["fine.py"], ["-m", "fine"]):
        done = mortmain(tmp_path, *words)
        assert done.returncode == 1
        assert "SyntaxError: mine\n" in done.stderr
        assert head not in done.stderr


def refusal(folder: Path, *words: str) -> str:
    done = mortmain(folder, *words)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.startswith("mortmain: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_refusals(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text("print('x')\n")
    (tmp_path / "a").write_text("old")
    assert "No such file" in refusal(tmp_path, "none.py")
    assert "there is no script" in refusal(tmp_path)
    assert "exists already" in refusal(tmp_path, "-o", "a", "s.py")
    assert "exists already" in refusal(tmp_path, "--json=a", "s.py")
    assert "No such file" in refusal(tmp_path, "-o", "no/a.mort", "s.py")
    assert "--json=" in refusal(tmp_path, "--json", "s.py")
    assert "-o and --json" in refusal(tmp_path, "-f", "s.py")
    assert "--nothing" in refusal(tmp_path, "--nothing", "s.py")
    assert (tmp_path / "a").read_text() == "old"
    done = mortmain(tmp_path, "-qfoa", "s.py")
    assert (done.stdout, done.stderr, done.returncode) == ("x\n", "", 0)
    assert (tmp_path / "a").read_bytes() != b"old"
    assert {each.name for each in tmp_path.iterdir()} == {"a", "s.py"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_reaches_script(tmp_path: Path, number: signal.Signals) -> None:
    room = tmp_path / "room"
    room.mkdir()
    text = "import time\nprint('ready', flush=True)\ntime.sleep(60)\n"
    (tmp_path / "s.py").write_text(text)
    with subprocess.Popen(
        [sys.executable, "-m", "mortmain", "run", "s.py"],
        cwd=tmp_path,
        env=environment(TMPDIR=str(room)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        began = time.monotonic()
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert process.returncode == -number
    assert list(room.iterdir()) == []
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in told
    else:
        assert told == "mortmain: the script ended before a snapshot could be taken\n"


def test_script_changes_folder(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text("import os\nos.chdir('/')\n")
    done = mortmain(tmp_path, "-qo", "a.mort", "--json=a.json", "s.py")
    assert (done.stderr, done.returncode) == ("", 0)
    assert {each.name for each in tmp_path.iterdir()} == {"a.json", "a.mort", "s.py"}


def test_help_begins_with_loop_and_run(tmp_path: Path) -> None:
    text = started(tmp_path, "-m", "mortmain", "--help").stdout
    verbs = re.findall(r"^    (\w+) ", text, re.MULTILINE)
    assert verbs[:2] == ["loop", "run"]
    assert "SCRIPT" in mortmain(tmp_path, "--help").stdout

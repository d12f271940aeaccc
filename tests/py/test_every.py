"""`run --every`: what grows while a script runs, and that the script cannot tell."""

from __future__ import annotations

import json
import math
import re
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import harness
from mortmain import every

sys.path.insert(0, str(Path(__file__).parent))
from test_run import FORKING, SCHEMA, SCRIPTS, environment, masked, mortmain, started

# They last longer than some intervals, and look at what a watcher may change.
LASTING = {
    "sleeping": """
import select, signal, socket, sys, threading, time
def spent(call, *args):
    begin = time.monotonic()
    call(*args)
    return time.monotonic() - begin >= 0.4
a, b = socket.socketpair()
print(spent(time.sleep, 0.4), spent(select.select, [a], [], [], 0.4))
print(spent(threading.Event().wait, 0.4), spent(signal.sigtimedwait, [signal.SIGUSR1], 0.4))
timer = threading.Timer(0.4, b.send, [b"x"])
def receive():
    timer.start()
    a.recv(1)
print(spent(receive))
timer.join()
print(sorted(sys.modules), threading.active_count())
""",
    "signals": """
import os, signal, time
print([signal.getsignal(n) for n in signal.valid_signals() if n < 32])
print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
heard = []
signal.signal(signal.SIGALRM, lambda number, frame: heard.append(frame.f_code.co_name))
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
while len(heard) < 10:
    signal.pause()
signal.setitimer(signal.ITIMER_REAL, 0)
print(set(heard))
reading, writing = os.pipe()
os.set_blocking(writing, False)
os.set_blocking(reading, False)
signal.set_wakeup_fd(writing)
time.sleep(0.4)
try:
    print(os.read(reading, 9))
except BlockingIOError:
    print("nothing")
""",
    "children": """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGCHLD, lambda *ignored: print("SIGCHLD"))
time.sleep(0.4)
try:
    print(os.waitpid(-1, 0))
except ChildProcessError as error:
    print(error)
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
command = [sys.executable, "-c", "import time; time.sleep(0.3); print('child')"]
print(subprocess.run(command, capture_output=True, text=True))
print(os.listdir("/proc/self/fd"), os.listdir("/proc/self/task") == [str(os.getpid())])
if os.fork() == 0:
    time.sleep(0.3)
    os._exit(3)
print(os.wait()[1])
""",
    "busy": """
import sys, threading, time
end = time.monotonic() + 0.6
def work():
    kept = []
    while time.monotonic() < end:
        kept.append([object()])
threads = [threading.Thread(target=work) for _ in range(3)]
[each.start() for each in threads]
work()
[each.join() for each in threads]
print(len(sys._current_frames()), sys.getrecursionlimit())
""",
    "events": """
import asyncio, signal
async def main():
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR2, print, "USR2")
    for _ in range(20):
        await asyncio.sleep(0.02)
    print(len(asyncio.all_tasks()))
asyncio.run(main())
""",
    "another": """
import os, sys, time
time.sleep(0.3)
os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(0.4); print('another')"])
""",
    "failing": "import time\ntime.sleep(0.3)\nraise ValueError('late')",
    "killed_late": "import os, signal, time\ntime.sleep(0.3)\nos.kill(os.getpid(), 9)",
    "leaving_late": "import os, time\ntime.sleep(0.3)\nprint('x', flush=True)\nos._exit(4)",
}
# Grows until a file `stop` is there.
GROWING = """
import os, time

class Order:
    pass

class Book:
    pending = []

def work():
    Book.pending.extend(Order() for _ in range(10))

while True:
    work()
    time.sleep(0.01)
    if os.path.exists("stop"):
        break
print("end")
"""
LINE = re.compile(r"mortmain: \+[0-9,]+ Order in [0-9.]+ s, held by Book\.pending\n")


def begun(folder: Path, *words: str) -> subprocess.Popen[str]:
    """`run`, still running, with its streams in pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "mortmain", "run", *words],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    """The next lines on its standard error: waits for them."""
    assert process.stderr is not None
    return [process.stderr.readline() for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*LASTING, *SCRIPTS, *FORKING])
def test_unnoticed(tmp_path: Path, kind: str) -> None:
    """Streams, status, signals, modules, children, descriptors: as without us."""
    (tmp_path / "script.py").write_text({**SCRIPTS, **FORKING, **LASTING}[kind] + "\n")
    plain = started(tmp_path, "script.py", "a")
    ours = mortmain(tmp_path, "-q", "--every", "0.1", "script.py", "a")
    assert masked(ours, is_sorted=kind in FORKING) == masked(plain, is_sorted=kind in FORKING)
    assert [each.name for each in tmp_path.iterdir()] == ["script.py"]


@pytest.mark.names
def test_lines_and_findings(tmp_path: Path) -> None:
    """A line for each interval, and at the end what grew in all of them."""
    (tmp_path / "shop.py").write_text(GROWING)
    words = ["--every=0.4", "--json=a.json", "-o", "a.mort", "shop.py"]
    with begun(tmp_path, *words) as process:
        told = lines(process, 3)
        (tmp_path / "stop").touch()
        stdout, rest = process.communicate(timeout=240)
    assert (stdout, process.returncode) == ("end\n", 0)
    assert all(LINE.fullmatch(line) for line in told), told
    report = rest[rest.index("SUSPECTS") :]
    assert report.startswith("SUSPECTS  Book.pending (list) keeps ")
    assert "Watched: " in report
    document = json.loads((tmp_path / "a.json").read_text())
    jsonschema.validate(document, SCHEMA)
    assert document["verdict"] == "suspects"
    assert document["findings"][0]["type"] == "__main__.Order"
    assert document["watched"]["rounds"] >= 3
    assert {each.name for each in tmp_path.iterdir()} == {"a.json", "a.mort", "shop.py", "stop"}


@pytest.mark.slow
@pytest.mark.names
def test_snapshots_are_thinned(tmp_path: Path) -> None:
    """However long it runs, the rounds of the report are few and of one length."""
    (tmp_path / "shop.py").write_text(GROWING)
    with begun(tmp_path, "--every=0.1", "--json=a.json", "shop.py") as process:
        told = lines(process, 24)
        (tmp_path / "stop").touch()
        process.communicate(timeout=240)
    assert process.returncode == 0
    assert all(LINE.fullmatch(line) for line in told), told
    document = json.loads((tmp_path / "a.json").read_text())
    assert 3 <= document["watched"]["rounds"] <= 8
    assert document["findings"][0]["type"] == "__main__.Order"


# Makes orders until they weigh so much more, then waits to be stopped.
FILLING = """
import os, time

class Order:
    def __init__(self):
        self.text = bytes(10_000)

class Book:
    pending = []

for _ in range(6):
    Book.pending.extend(Order() for _ in range(1000))
    time.sleep(0.2)
while not os.path.exists("stop"):
    time.sleep(0.05)
"""


@pytest.mark.names
def test_size(tmp_path: Path) -> None:
    """With a size, a snapshot whenever memory has grown by it, and none while it stands still."""
    (tmp_path / "shop.py").write_text(FILLING)
    with begun(tmp_path, "--every=15M", "--json=a.json", "shop.py") as process:
        told = lines(process, 2)
        (tmp_path / "stop").touch()
        _, rest = process.communicate(timeout=240)
    assert process.returncode == 0
    assert all(LINE.fullmatch(line) for line in told), told
    # 60 MB come in steps of 15 at least.
    assert rest.count(" held by Book.pending\n") <= 2, rest
    document = json.loads((tmp_path / "a.json").read_text())
    jsonschema.validate(document, SCHEMA)
    assert document["findings"][0]["type"] == "__main__.Order"


def test_forked_children_are_counted(tmp_path: Path) -> None:
    """What the script forks is not watched, and that is said; other programs are no such thing."""
    (tmp_path / "s.py").write_text(
        "import os, subprocess, sys\n"
        "for number in range(3):\n"
        "    if os.fork() == 0:\n"
        "        if number == 2 and os.fork() == 0:\n"
        "            os._exit(0)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "subprocess.run([sys.executable, '-c', 'pass'])\n"
    )
    said = mortmain(tmp_path, "--every=60", "s.py").stderr
    line = (
        "mortmain: 3 processes that the script forked were not watched; mortmain.arm() does that\n"
    )
    assert said.count(line) == 1, said
    assert "forked" not in mortmain(tmp_path, "-q", "--every=60", "s.py").stderr


# Takes snapshots 0.mort .. N.mort: before each a letter says what happens.
MARKED = """
class Row:
    pass

class Registry:
    def __init__(self):
        self.rows = {}

    def add(self):
        self.rows[len(self.rows)] = Row()

registry, window, first = Registry(), [], True

def grow():
    for _ in range(40):
        registry.add()

def turn():
    global window
    window += [Row() for _ in range(40)]
    del window[:-40]

for number, letter in enumerate(" " + sys.argv[1]):
    {" ": turn, "g": grow, ".": turn}[letter]()
    _door.snapshot(f"{number}.mort")
"""


@pytest.mark.parametrize(
    ("story", "has_last", "told"),
    [
        ("ggggg", False, 5),
        ("gg.gg.gg", False, 6),  # it rested: in no three equal rounds there is no share of it
        (".gg.g.gg", False, 5),
        ("gg......", False, None),  # of the start
        ("ggggg...", False, None),  # a cache that is full
        ("........", False, None),  # entries come and go
        ("gg", True, 1),  # one interval, and the script's end
        ("g.", True, None),
        (".g", True, None),
        ("g", True, None),
    ],
)
def test_evidence(tmp_path: Path, story: str, has_last: bool, told: int | None) -> None:
    """What grew in most intervals is told at the end, and nothing else."""
    harness.run(tmp_path, MARKED, story)
    lines: list[str] = []
    every.page_make(str(tmp_path))
    watch = every.Every(math.inf, str(tmp_path), lines.append)
    count = len(story) + 1 - has_last
    shots = [
        every.Shot(tmp_path / f"{number}.mort", number * 2.0, number) for number in range(count)
    ]
    for shot in shots:
        watch._work.put(shot)
    files = watch.end()
    assert files == [str(shot.path) for shot in shots]
    found = watch.findings(files, str(tmp_path / f"{count}.mort") if has_last else None)
    holders = set() if found is None else found.holders
    assert holders == ({"registry.rows"} if told else set()), lines
    intervals = count - 1
    grew = story[:intervals].count("g")
    summary = f"in {grew} of {intervals} intervals: +{40 * grew} Row in {2 * grew} s"
    summary += ", held by registry.rows"
    assert lines[intervals:] == ([summary] if told and intervals > 1 else [])
    assert [line.startswith("+40 Row") for line in lines[:intervals]] == [
        letter == "g" for letter in story[:intervals]
    ]
    if told:
        assert found is not None
        assert "registry.rows (dict)" in str(found)
        assert not str(found).startswith("CLEAN")


def test_quiet(tmp_path: Path) -> None:
    """Nothing is said that was not asked for."""
    (tmp_path / "shop.py").write_text(GROWING)
    (tmp_path / "stop").touch()
    quiet = mortmain(tmp_path, "-q", "--every=0.1", "shop.py")
    assert (quiet.stdout, quiet.stderr) == ("end\n", "")


def test_short_script_has_the_usual_report(tmp_path: Path) -> None:
    """Where there was no time for three snapshots the report is the one of the end."""
    (tmp_path / "s.py").write_text("print('x')\n")
    done = mortmain(tmp_path, "--every", "60", "s.py")
    assert (done.stdout, done.returncode) == ("x\n", 0)
    assert done.stderr.startswith("CLEAN  Nothing looks forgotten.")


@pytest.mark.names
def test_ended_by_signal(tmp_path: Path) -> None:
    """A service that SIGTERM ends dies of it, and what grew is told all the same."""
    (tmp_path / "shop.py").write_text(GROWING)
    with begun(tmp_path, "--every", "0.3", "shop.py") as process:
        told = lines(process, 3)
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=240)
    assert process.returncode == -signal.SIGTERM
    assert all(LINE.fullmatch(line) for line in told), told
    assert "SUSPECTS  Book.pending (list) keeps " in rest
    assert rest.endswith("mortmain: the script ended before a snapshot could be taken\n")


@pytest.mark.names
@pytest.mark.parametrize(
    "call",
    ["time.sleep(600)", "select.select([r], [], [], 600)", "r.recv(1)", "waiting.wait(600)"],
)
def test_no_long_wait(tmp_path: Path, call: str) -> None:
    """In a call that has let go of the interpreter's lock a snapshot is taken at once."""
    (tmp_path / "s.py").write_text(
        "import select, socket, threading, time\nr, w = socket.socketpair()\n"
        f"waiting = threading.Event()\n{call}\n"
    )
    with begun(tmp_path, "--every", "0.3", "s.py") as process:
        told = lines(process, 2)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=240)
    assert process.returncode == -signal.SIGTERM
    assert all(re.match(r"mortmain: .* in [0-9.]+ s", line) for line in told), told


@pytest.mark.slow
def test_long_call(tmp_path: Path) -> None:
    """A call in C that keeps the interpreter's lock delays the snapshot, and that is said once."""
    (tmp_path / "s.py").write_text("print(sum(range(300_000_000)) > 0)\n")
    done = mortmain(tmp_path, "--every", "0.2", "s.py")
    assert (done.stdout, done.returncode) == ("True\n", 0)
    line = "mortmain: the snapshot waits: a long call keeps the interpreter busy\n"
    assert done.stderr.count(line) == 1, done.stderr


@pytest.mark.slow
def test_own_handler(tmp_path: Path) -> None:
    """A script that wants the signal for itself is asked once and not again."""
    (tmp_path / "s.py").write_text(
        "import os, signal, time\nheard = []\n"
        "signal.signal(signal.SIGURG, lambda *ignored: heard.append(1))\n"
        "while not os.path.exists('stop'):\n    time.sleep(0.05)\n"
        "print(len(heard) < 2, signal.getsignal(signal.SIGURG).__name__)\n"
    )
    with begun(tmp_path, "--every", "0.2", "s.py") as process:
        told = lines(process, 1)
        (tmp_path / "stop").touch()
        stdout, _ = process.communicate(timeout=240)
    assert (stdout, process.returncode) == ("True <lambda>\n", 0)
    assert told == ["mortmain: the script does not answer SIGURG: there are no more snapshots\n"], (
        told
    )


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon", "", "1K", "M", "-5M", "nanG"])
def test_refusals(tmp_path: Path, seconds: str) -> None:
    """No interval, one line, and the script does not run."""
    (tmp_path / "s.py").write_text("print('x')\n")
    done = mortmain(tmp_path, f"--every={seconds}", "s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"mortmain: argument --every: {seconds!r} is no number of seconds"
    )
    assert done.stderr.count("\n") == 1

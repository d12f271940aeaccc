"""`run --every`: what grows while a script runs, and that the script cannot tell."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

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
timer.start()
print(spent(a.recv, 1))
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
GROWING = """
import time

class Order:
    pass

class Book:
    pending = []

def work():
    Book.pending.extend(Order() for _ in range(10))

begin = time.monotonic()
while len(Book.pending) < 300 or time.monotonic() - begin < SECONDS:
    work()
    time.sleep(0.01)
print("end")
"""


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
    (tmp_path / "shop.py").write_text(GROWING.replace("SECONDS", "3"))
    done = mortmain(tmp_path, "--every=0.5", "--json=a.json", "-o", "a.mort", "shop.py")
    assert (done.stdout, done.returncode) == ("end\n", 0)
    line = r"^mortmain: \+[0-9,]+ Order in [0-9.]+ s, held by Book\.pending$"
    assert len(re.findall(line, done.stderr, re.MULTILINE)) >= 2, done.stderr
    report = done.stderr[done.stderr.index("SUSPECTS") :]
    assert report.startswith("SUSPECTS  Book.pending (list) keeps ")
    assert "Watched: " in report
    document = json.loads((tmp_path / "a.json").read_text())
    jsonschema.validate(document, SCHEMA)
    assert document["verdict"] == "suspects"
    assert document["findings"][0]["type"] == "__main__.Order"
    assert document["watched"]["rounds"] >= 2
    assert {each.name for each in tmp_path.iterdir()} == {"a.json", "a.mort", "shop.py"}
    quiet = mortmain(tmp_path, "-q", "--every=0.5", "shop.py")
    assert (quiet.stdout, quiet.stderr) == ("end\n", "")


def test_short_script_has_the_usual_report(tmp_path: Path) -> None:
    """Where there was no time for two snapshots the report is the one of the end."""
    (tmp_path / "s.py").write_text("print('x')\n")
    done = mortmain(tmp_path, "--every", "60", "s.py")
    assert (done.stdout, done.returncode) == ("x\n", 0)
    assert done.stderr.startswith("CLEAN  Nothing looks forgotten.")


@pytest.mark.names
def test_ended_by_signal(tmp_path: Path) -> None:
    """A service that SIGTERM ends dies of it, and what grew is told all the same."""
    text = GROWING.replace("SECONDS", "600").replace(
        "begin =", "print('ready', flush=True)\nbegin ="
    )
    (tmp_path / "shop.py").write_text(text)
    with subprocess.Popen(
        [sys.executable, "-m", "mortmain", "run", "--every", "0.3", "shop.py"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        told = [process.stderr.readline() for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        process.wait(120)
    assert process.returncode == -signal.SIGTERM
    assert all(line.startswith("mortmain: +") for line in told), told
    assert "SUSPECTS  Book.pending (list) keeps " in rest
    assert rest.endswith("mortmain: the script ended before a snapshot could be taken\n")


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
        "import signal, time\nheard = []\n"
        "signal.signal(signal.SIGURG, lambda *ignored: heard.append(1))\n"
        "begin = time.monotonic()\nwhile time.monotonic() - begin < 8:\n    time.sleep(0.05)\n"
        "print(len(heard) < 2, signal.getsignal(signal.SIGURG).__name__)\n"
    )
    done = mortmain(tmp_path, "--every", "0.2", "s.py")
    assert (done.stdout, done.returncode) == ("True <lambda>\n", 0)
    assert "mortmain: the script keeps SIGURG from us: there are no more snapshots\n" in done.stderr


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon", ""])
def test_refusals(tmp_path: Path, seconds: str) -> None:
    """No interval, one line, and the script does not run."""
    (tmp_path / "s.py").write_text("print('x')\n")
    done = mortmain(tmp_path, f"--every={seconds}", "s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"mortmain: argument --every: {seconds!r} is no number of seconds"
    )
    assert done.stderr.count("\n") == 1

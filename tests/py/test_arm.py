"""`mortmain.arm()`: workers that are not ours, watched from outside, and none the wiser."""

from __future__ import annotations

import collections
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import harness

# Grows until a file `stop` is there.
WORK = """
class Order:
    pass

class Book:
    pending = []

def work():
    while not os.path.exists("stop"):
        Book.pending.extend(Order() for _ in range(10))
        time.sleep(0.01)
"""


def started(folder: Path, program: str) -> subprocess.Popen[str]:
    """A program whose standard error is a pipe, with temporary files in a folder of its own."""
    (folder / "room").mkdir()
    (folder / "program.py").write_text(harness.PRELUDE + WORK + program)
    return subprocess.Popen(
        [sys.executable, "program.py"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder / "room")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.names
def test_workers(tmp_path: Path) -> None:
    """Each worker has its lines and its report; it finds no child, thread or descriptor."""
    with started(
        tmp_path,
        """
for number in range(2):
    if os.fork() == 0:
        files = os.listdir("/proc/self/fd")
        mortmain.arm(every=0.5)
        work()
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            assert os.listdir("/proc/self/fd") == files
            assert len(os.listdir("/proc/self/task")) == 1
            os._exit(0)
        os._exit(1)
print([os.wait()[1] for number in range(2)], flush=True)
""",
    ) as process:
        assert process.stderr is not None
        line = re.compile(
            r"mortmain\[(\d+)\]: \+[0-9,]+ Order in [0-9.]+ s, held by Book\.pending\n"
        )
        heard: collections.Counter[str] = collections.Counter()
        while len(heard) < 2 or min(heard.values()) < 2:
            said = process.stderr.readline()
            found = line.fullmatch(said)
            assert found is not None, said
            heard[found[1]] += 1
        (tmp_path / "stop").touch()
        told, said = process.communicate(timeout=240)
    assert told == "[0, 0]\n", said
    assert set(re.findall(r"^mortmain\[(\d+)\]: what grew:$", said, re.MULTILINE)) == set(heard)
    assert said.count("SUSPECTS  Book.pending (list) keeps ") == 2
    assert list((tmp_path / "room").iterdir()) == []


@pytest.mark.names
def test_signal(tmp_path: Path) -> None:
    """A signal takes a snapshot, the next one tells what grew; a forked child does nothing."""
    with started(
        tmp_path,
        """
import signal
mortmain.arm(signal=signal.SIGUSR2)
child = os.fork()
if child == 0:
    os.kill(os.getpid(), signal.SIGUSR2)
    os._exit(7)
assert os.waitpid(child, 0)[1] == 7 << 8
print("ready", flush=True)
for line in sys.stdin:
    Book.pending.extend(Order() for _ in range(50))
    print("more", flush=True)
""",
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        head = f"mortmain[{process.pid}]: "
        process.send_signal(signal.SIGUSR2)
        line = process.stderr.readline()
        assert line == f"{head}a first snapshot is there; the next one tells what grew since\n"
        for _ in range(2):
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "more\n"
            process.send_signal(signal.SIGUSR2)
            line = process.stderr.readline()
            assert line.startswith(f"{head}+50 Order in "), line
            assert line.endswith(" s, held by Book.pending\n"), line
        process.stdin.close()
        rest = process.stderr.read()
        assert process.wait(120) == 0, rest
    total, _, report = rest.partition("\n")
    assert total.startswith(f"{head}in 2 of 2 intervals: +100 Order in "), rest
    assert total.endswith(" s, held by Book.pending"), rest
    assert report.startswith(
        f"{head}what grew:\n\nSUSPECTS  Book.pending (list) keeps 100 Order alive"
    )
    assert list((tmp_path / "room").iterdir()) == []


APPLICATION = """
class Order:
    pass

class Book:
    pending = []

def app(environ, start_response):
    Book.pending.extend(Order() for _ in range(20))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]
"""
HOOK = """
def post_worker_init(worker):
    import mortmain
    mortmain.arm(every=0.5)
"""


def ask(port: int) -> bool:
    """One request. False while nobody listens yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
            return bool(answer.read() == b"done")
    except (urllib.error.URLError, ConnectionError):
        return False


@pytest.mark.slow
@pytest.mark.names
def test_gunicorn(tmp_path: Path) -> None:
    """Its prefork hook arms each worker with one line; the server serves and ends as ever."""
    if importlib.util.find_spec("gunicorn") is None:
        pytest.skip("gunicorn is not installed: requirements/test.txt has it")
    (tmp_path / "room").mkdir()
    (tmp_path / "shop.py").write_text(APPLICATION)
    (tmp_path / "hooks.py").write_text(HOOK)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-c", "hooks.py", "-w", "2", "--log-level"]
    command += ["warning", "-b", f"127.0.0.1:{port}", "shop:app"]
    line = re.compile(
        r"^mortmain\[\d+\]: \+[0-9,]+ Order in .* held by Book\.pending$", re.MULTILINE
    )
    said = tmp_path / "said"
    with (
        said.open("ab") as stream,
        subprocess.Popen(
            command,
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(tmp_path / "room")},
            stdout=subprocess.DEVNULL,
            stderr=stream,
        ) as server,
    ):
        answers = 0
        while server.poll() is None and len(line.findall(said.read_text())) < 5:
            answers += ask(port)
        server.terminate()
        assert server.wait(120) == 0, said.read_text()
    assert answers > 0
    # A reporter ends when it has told all; its folder goes last.
    begin = time.monotonic()
    while any((tmp_path / "room").glob("mortmain-*")) and time.monotonic() - begin < 120:
        time.sleep(0.05)
    told = said.read_text()
    assert "SUSPECTS  Book.pending (list) " in told
    assert "exited with code" not in told, told
    assert list((tmp_path / "room").glob("mortmain-*")) == []


def refusal(folder: Path, call: str) -> str:
    """What is raised, as one line."""
    return harness.run(
        folder,
        f"""
import signal
before = os.listdir("/proc/self/fd"), signal.getsignal(signal.SIGURG)
try:
    {call}
except (ValueError, mortmain.MortmainError) as error:
    print(type(error).__name__, error)
assert before == (os.listdir("/proc/self/fd"), signal.getsignal(signal.SIGURG))
""",
        env={"TMPDIR": str(folder)},
    )


def test_refusals(tmp_path: Path) -> None:
    """What cannot be is refused before anything has changed."""
    for call, why in (
        ("mortmain.arm()", "ValueError arm() needs every=SECONDS"),
        ("mortmain.arm(every=0)", "ValueError 0 is no number of seconds"),
        ("mortmain.arm(every='10M')", "ValueError '10M' is no number of seconds"),
        ("mortmain.arm(signal=signal.SIGTERM)", "ValueError signal 15 has another meaning"),
        ("mortmain.arm(signal=999)", "ValueError signal 999 has another meaning"),
        (
            "signal.signal(signal.SIGUSR1, print); mortmain.arm(signal=signal.SIGUSR1)",
            "ValueError the signal has a handler already",
        ),
        (
            "signal.signal(signal.SIGURG, print); before = before[0], print; mortmain.arm(every=9)",
            "MortmainError this process cannot be armed: ",
        ),
        (
            "sys.executable = '/nowhere/python'; mortmain.arm(every=9)",
            "MortmainError the process that asks for snapshots could not be started",
        ),
        (
            "mortmain.arm(every=99); mortmain.arm(every=99)",
            "MortmainError this process cannot be armed: ",
        ),
    ):
        assert refusal(tmp_path, call).startswith(why), call

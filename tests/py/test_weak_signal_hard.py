"""Signal and WeakMethod among hostile receivers, threads, interpreters and at the end."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import harness

PROGRAMS = Path(__file__).parent / "programs"


@pytest.mark.parametrize("seed", range(6))
def test_receivers_that_change_what_calls_them(seed: int) -> None:
    """A collection at every allocation; who is called is what a model says."""
    memory = "debug" if seed % 2 else "default"
    program = PROGRAMS / "weak_signal_hostile.py"
    assert harness.run_quiet(program, str(seed), "6000", PYTHONMALLOC=memory) == "done True True\n"


def test_threads() -> None:
    """Nothing raises, and what died is gone."""
    program = PROGRAMS / "weak_signal_threads.py"
    assert harness.run_quiet(program, "10000", PYTHONMALLOC="debug") == "[] 1 True\n"


def test_exit_with_live_signals() -> None:
    """Again and again: it ends, in silence."""
    for _ in range(5):
        assert harness.run_quiet(PROGRAMS / "weak_signal_exit.py") == "end\n"


def test_long_chains() -> None:
    """The death of the first lets go of all, one after the other, on a short stack."""
    code = """
    from mortmain.weak import Signal
    class Owner:
        pass
    inner = Signal()
    for _ in range(200_000):
        outer = Signal()
        outer.connect(inner.emit, weak=False)
        inner = outer
    del inner, outer
    signal, first = Signal(), Owner()
    owner = first
    for _ in range(200_000):
        following = Owner()
        signal.connect(lambda following=following: None, owner=owner)
        owner = following
    print(len(signal))
    del owner, following, first
    print(len(signal))
    """
    assert harness.run_quiet("-c", textwrap.dedent(code)) == "200000\n0\n"


IN_EACH = """
import gc
from mortmain.weak import Signal, WeakMethod
class Listener:
    changed = Signal(int)
    heard = 0
    def hear(self, *args):
        self.heard += 1
signal = Signal()
for turn in range(200):
    some = [Listener() for _ in range(30)]
    for one in some:
        signal.connect(one.hear)
        signal.connect(lambda *args, one=one: one.hear(), owner=one)
        one.changed.connect(one.hear)
        one.changed.emit(1)
        one.method = WeakMethod(one.hear, print)
    signal.emit(turn)
    assert all(one.heard == 3 for one in some)
    del some, one
    gc.collect()
    assert len(signal) == 0
left = Listener()
signal.connect(left.hear)
"""


@pytest.mark.skipif(
    sys.version_info < (3, 12), reason="each interpreter has its own GIL since 3.12"
)
def test_subinterpreters_with_their_own_lock(tmp_path: Path) -> None:
    """Two at a time: each has types of its own."""
    assert harness.run_in_interpreters(tmp_path, IN_EACH) == "6\n"


STEP = """
import gc
from mortmain.weak import Signal, WeakMethod

class Model:
    changed = Signal(int)

class Listener:
    def __init__(self, model):
        model.changed.connect(self.hear)
        signal.connect(lambda *args: self.hear(), owner=self)
        signal.connect(self.hear, sender=model, once=True)
        self.method = WeakMethod(self.hear, print)

    def hear(self, *args):
        self.last = args

signal, model = Signal(), Model()

def step():
    listeners = [Listener(model) for _ in range(20)]
    own = Model()
    own.changed.connect(lambda *args: own.changed)
    with signal.connected_to(print, sender=own), signal.muted():
        signal.emit(1)
    model.changed.emit(2)
    signal.send(model)
    signal.send_robust(own, word=3)
    assert len(signal) == 20
    listeners.clear()
    del own
    gc.collect()
    assert len(signal) == len(model.changed) == 0

def leak():
    listener = Listener(model)
    model.changed.connect(lambda *args: listener.hear(*args))
"""


@pytest.mark.slow
def test_our_own_tool_finds_nothing(tmp_path: Path) -> None:
    """`mortmain loop` over connecting, calling and dying; and it does find a lambda that holds."""
    program = tmp_path / "steps.py"
    program.write_text(STEP)
    loop = [sys.executable, "-m", "mortmain", "loop"]
    for step, status in (("step", 0), ("leak", 1)):
        command = [*loop, f"{program}:{step}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == status, done.stdout + done.stderr

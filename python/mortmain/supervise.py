"""The parent of a script that runs under `mortmain run`.

Knows: how to start a fresh interpreter that behaves as if it had been started plainly, and how to
end as its child ended. Must not know: what is in a snapshot.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mortmain.errors import MortmainError

if TYPE_CHECKING:
    from mortmain.every import Every
    from mortmain.sites import Talk

_WATCH_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Ended:
    """How the script ended: its status, negative for a signal; why there is no snapshot, or ''."""

    status: int
    failure: str


def run_script(
    script: str,
    arguments: Sequence[str],
    snapshot: str,
    *,
    module: bool = False,
    every: Every | None = None,
) -> Ended:
    """Run a script in a fresh interpreter, which writes a snapshot when the script's code ends.

    Args:
        script: A file, a folder or archive with a ``__main__``, or with ``module`` a module's name.
        arguments: What follows it in ``sys.argv``.
        snapshot: The file to write.
        module: Run as ``python -m`` does.
        every: Asks for more snapshots meanwhile.

    Returns:
        How it ended.

    Raises:
        MortmainError: It could not be started.
    """
    if module:
        kind, target, path0 = "module", script, _cwd()
        argv, original = ["-m", *arguments], ["-m", script, *arguments]
    else:
        kind, target, path0 = _locate(script)
        argv, original = [script, *arguments], [script, *arguments]
    flags = interpreter_flags()
    original = [sys.executable, *flags, *original]
    command = [sys.executable, *flags, str(Path(__file__).with_name("bootstrap.py"))]
    page = "" if every is None else every.page
    command += [_door_file(), kind, target, path0, snapshot, page]
    command += [str(len(original)), *original, *argv]
    with _signals_left_to_the_child() as child:
        process = subprocess.Popen(command, executable=sys.executable, close_fds=False)
        child.follow(process)
        status = _wait(process, None if every is None else lambda: every.step(process.pid))
    return Ended(status, _failure(snapshot))


def run_steps(
    kind: str,
    target: str,
    name: str,
    folder: str,
    watch: Callable[[], None] | None = None,
    *,
    overlay: str = "",
    talk: Talk | None = None,
) -> Ended:
    """Call a step in rounds in a fresh interpreter, which writes a snapshot after each.

    Args:
        kind: ``"file"``, ``"module"`` or ``"code"``.
        target: The file or module; of code the statement.
        name: A function of it; of code what is run once before.
        folder: Where the snapshots go, an empty folder.
        watch: Called again and again while it runs.
        overlay: A file with another text for one source file, as overlay.py reads it; ``""``: none.
        talk: Asks it where objects are made when its rounds are over.

    Returns:
        How it ended; a failure is one line.

    Raises:
        MortmainError: It could not be started.
    """
    target, path0 = step_place(kind, target)
    bootstrap = "bootstrap_overlay.py" if overlay else "bootstrap_loop.py"
    command = [sys.executable, *interpreter_flags(), str(Path(__file__).with_name(bootstrap))]
    command += [str(Path(__file__).with_name("overlay.py")), overlay] if overlay else []
    command += [_door_file(), kind, target, name, path0, folder]
    passed = () if talk is None else talk.for_step
    command += [",".join(map(str, passed))] if passed else []
    with _signals_left_to_the_child(impatient=True) as child:
        # What a step prints is no part of the answer.
        process = subprocess.Popen(
            command, executable=sys.executable, stdout=_stderr_or_nothing(), pass_fds=passed
        )
        child.follow(process)
        status = _wait(process, watch) if talk is None else _wait_and_talk(process, watch, talk)
    told = _told(Path(folder, "error"))
    if status < 0 and child.was_told:
        return Ended(-child.was_told, "")
    if status != 0 and not told:
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        told = f"the step ended its process {how}"
    return Ended(status, told)


def step_place(kind: str, target: str) -> tuple[str, str]:
    """Where a step is, absolute if it is in a file, and what comes first in its ``sys.path``."""
    path0 = _cwd()
    if kind != "file":
        return target, path0
    target = os.path.join(path0, target)  # noqa: PTH118 as Python itself makes it absolute
    return target, os.path.dirname(os.path.realpath(target))  # noqa: PTH120


def _stderr_or_nothing() -> int:
    try:
        os.fstat(2)
    except OSError:
        return subprocess.DEVNULL
    return 2


def _wait(process: subprocess.Popen[bytes], watch: Callable[[], None] | None) -> int:
    while watch is not None:
        watch()
        try:
            return process.wait(_WATCH_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    return process.wait()


def _wait_and_talk(
    process: subprocess.Popen[bytes], watch: Callable[[], None] | None, talk: Talk
) -> int:
    def is_alive() -> bool:
        return process.poll() is None

    talk.close_for_step()
    try:
        while is_alive() and talk.step(_WATCH_SECONDS, is_alive):
            if watch is not None:
                watch()
    finally:
        talk.close()
    return _wait(process, watch)


def interpreter_flags() -> list[str]:
    """The options that this interpreter was started with: ``python -X dev -m mortmain run ...``."""
    flags: list[str] = []
    words = iter(sys.orig_argv[1:])
    for word in words:
        if not word.startswith("-") or word in ("-m", "-c", "-", "--"):
            break
        flags.append(word)
        if word in ("-X", "-W", "--check-hash-based-pycs"):
            flags.append(next(words, ""))
    return flags


def _cwd() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 a text for sys.path
    except OSError as error:
        raise MortmainError(f"there is no working directory: {error.strerror}") from None


def _locate(script: str) -> tuple[str, str, str]:
    target = os.path.join(_cwd(), script)  # noqa: PTH118 as Python itself makes it absolute
    is_archive = not target.endswith(".py") and _is_archive(target)
    if Path(target).is_dir() or is_archive:
        return "path", target, target
    try:
        with open(target, "rb"):  # noqa: PTH123
            pass
    except OSError as error:
        raise MortmainError(
            f"cannot run {script!r}: {error.strerror}; name a script, or -m and a module"
        ) from None
    return "file", target, os.path.dirname(os.path.realpath(target))  # noqa: PTH120


def _is_archive(path: str) -> bool:
    import zipfile

    return zipfile.is_zipfile(path)


def _door_file() -> str:
    from mortmain import _door

    file = _door.__file__
    assert file is not None
    return file


def _failure(snapshot: str) -> str:
    told = _told(Path(f"{snapshot}.error"))
    if told or Path(snapshot).exists():
        return told
    return "the script ended before a snapshot could be taken"


def _told(error: Path) -> str:
    try:
        told = error.read_text(errors="replace").strip()
        error.unlink()
    except OSError:
        return ""
    return told


class _Child:
    """Whom signals are for: those that come before it is known wait for it."""

    def __init__(self, *, impatient: bool = False) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: list[int] = []
        self._impatient = impatient
        self._interrupts = 0
        self.was_told = 0

    def follow(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        while self._waiting:
            process.send_signal(self._waiting.pop(0))

    def tell(self, number: int, _frame: object) -> None:
        if self._process is None:
            self.was_told = number
            self._waiting.append(number)
        else:
            self._process.send_signal(self._meant(number))

    def pass_over(self, number: int, _frame: object) -> None:
        """A terminal has told the child as well; a second interrupt ends one that goes on."""
        if self._meant(number) == signal.SIGKILL and self._process is not None:
            self._process.kill()

    def _meant(self, number: int) -> int:
        self.was_told = number
        if not self._impatient or number != signal.SIGINT:
            return number
        self._interrupts += 1
        return signal.SIGKILL if self._interrupts > 1 else number


@contextmanager
def _signals_left_to_the_child(*, impatient: bool = False) -> Iterator[_Child]:
    """The script decides what a signal means: we live as long as it does.

    What a terminal sends reaches both of us; what is sent to us alone is passed on. Unlike
    SIG_IGN, a handler is not inherited by the script. `impatient`: the second interrupt kills.
    """
    child = _Child(impatient=impatient)
    of_terminal = child.pass_over if _is_in_foreground() else child.tell
    handlers = {signal.SIGINT: of_terminal, signal.SIGQUIT: of_terminal}
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        handlers[number] = child.tell
    for number in [each for each in handlers if signal.getsignal(each) == signal.SIG_IGN]:
        del handlers[number]
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield child
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_in_foreground() -> bool:
    """Does a terminal send its signals to our group?"""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def end_like(ended: Ended) -> int:
    """Exit status for a script's end; a script that a signal killed takes us along by the same."""
    if ended.status >= 0:
        return ended.status
    number = -ended.status
    with suppress(OSError, ValueError):  # one memory image is enough: the script's own
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with suppress(OSError):  # SIGKILL has no other meaning
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number  # a signal that cannot kill us

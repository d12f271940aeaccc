"""``mortmain.arm()``: what grows in a process that is not started by us, a server's worker for one.

Knows: how to make this process listen, and how to start the process that asks it.
Must not know: when it is asked, and what becomes of the answers: see reporter.py.
"""

from __future__ import annotations

import os
import shutil
import signal as signals
import subprocess
import sys
import tempfile

from mortmain import _door
from mortmain.errors import MortmainError as MortmainError

_SECONDS_LEAST = 0.1
# Whoever sends one of these wants the process to end, or to stop.
_FOR_OTHERS = frozenset(
    {
        *(signals.SIGTERM, signals.SIGINT, signals.SIGQUIT, signals.SIGKILL, signals.SIGSTOP),
        *(signals.SIGABRT, signals.SIGBUS, signals.SIGFPE, signals.SIGILL, signals.SIGSEGV),
        *(signals.SIGCHLD, signals.SIGPIPE, signals.SIGTSTP, signals.SIGURG),
    }
)


def arm(*, signal: int | None = None, every: float | None = None) -> None:
    """Watch this process while it runs, and tell on standard error what grows.

    For a server that forks its workers: one line in the hook that runs in each worker when it is
    ready, in gunicorn's configuration::

        def post_worker_init(worker):
            import mortmain
            mortmain.arm(every=60)

    A process of its own asks for the snapshots and reads them: a line for each, such as
    ``+412 Order in 60 s, held by Book.pending``, and a report when this process has ended. Here
    nothing is started but a copy for each snapshot, which the program cannot see; it stands still
    for the moment that making the copy takes. Requests come by SIGURG, which does nothing
    elsewhere; calls that the system can go on with are not interrupted. Children that are forked
    later are not watched: arm them too.

    Args:
        signal: Take a snapshot whenever this process gets the signal, such as ``signal.SIGUSR2``.
            It must have no handler, and must not be one that ends processes by custom.
        every: Seconds between two snapshots. With neither of both nothing would happen.

    Raises:
        ValueError: The arguments mean nothing, or the signal has a handler already.
        MortmainError: The process is armed already, has a handler for SIGURG, or the process that
            asks could not be started; nothing has changed.

    Example:
        >>> import mortmain
        >>> mortmain.arm()
        Traceback (most recent call last):
        ValueError: arm() needs every=SECONDS, signal=NUMBER, or both
    """
    if signal is None and every is None:
        raise ValueError("arm() needs every=SECONDS, signal=NUMBER, or both")
    is_number = isinstance(every, int | float)
    if every is not None and not (is_number and _SECONDS_LEAST <= every < 1e9):
        raise ValueError(f"{every!r} is no number of seconds from {_SECONDS_LEAST} on")
    if signal is not None and (signal in _FOR_OTHERS or signal not in signals.valid_signals()):
        raise ValueError(f"signal {int(signal)} has another meaning; take signal.SIGUSR2")
    folder = tempfile.mkdtemp(prefix="mortmain-")
    try:
        _listen(folder, 0 if signal is None else int(signal), every or 0.0)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _listen(folder: str, signal: int, every: float) -> None:
    from mortmain.every import page_make

    page = page_make(folder)
    try:
        _door.listen(page, signal)
    except OSError as error:
        raise MortmainError(f"this process cannot be armed: {error.strerror}") from None
    # It lets go of the process that we wait for, and so is no child of ours.
    command = [
        sys.executable,
        "-P",
        "-m",
        "mortmain.reporter",
        folder,
        str(os.getpid()),
        str(every),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        started = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=False,
        ).returncode
    except OSError:
        started = 1
    if started != 0:
        _door.unlisten()
        raise MortmainError(
            f"the process that asks for snapshots could not be started: {sys.executable}"
        )

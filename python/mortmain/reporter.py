"""Asks an armed process for snapshots and tells what grows, until that process has ended.

A program: arguments are the folder with the page, the number of the process, and the seconds
between two snapshots, 0 for none but those that a signal asks for. It is nobody's child, so that
no server finds a child that it never started, and no signal of a terminal reaches it.
"""

from __future__ import annotations

import math
import os
import select
import shutil
import sys

from mortmain.errors import MortmainError
from mortmain.every import Every, page_of

_STEP_MS = 100
_COLUMNS = 80


def main(folder: str, pid: int, interval: float) -> None:
    """Watch a process to its end, tell of it, and remove the folder."""

    def tell(line: str) -> None:
        _say(f"mortmain[{pid}]: {line}\n")

    try:
        every = Every(interval or math.inf, folder, tell, is_parent=False)
        _watch(every, folder, pid)
        found = every.findings(every.end())
        if found is not None:
            _say(f"mortmain[{pid}]: what grew:\n\n{found.render(_COLUMNS)}")
    except (MortmainError, MemoryError, OSError) as error:
        tell(f"no report: {error or 'out of memory'}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _watch(every: Every, folder: str, pid: int) -> None:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    waiting = select.poll()
    waiting.register(process, select.POLLIN)
    # Without its page nobody wants us any more.
    while not waiting.poll(_STEP_MS) and os.path.exists(page_of(folder)):  # noqa: PTH110
        every.step(pid)
    os.close(process)


def _say(text: str) -> None:
    """In one piece: other workers write to the same file."""
    rest = text.encode(errors="replace")
    try:
        while rest:
            rest = rest[os.write(2, rest) :]
    except OSError:
        pass  # nobody listens


if __name__ == "__main__":
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))

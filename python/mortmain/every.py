"""Snapshots of a script while it runs: asked for again and again, and what grew between them.

Knows: the page that it shares with the script (see ext/door/ask.c), when to ask, which snapshots
to keep, and in which intervals a holder grew. Must not know: how a snapshot is taken, how growth is
found.

All that takes long is done by a thread of its own: whoever supervises a script passes its signals
on meanwhile.
"""

from __future__ import annotations

import math
import mmap
import os
import queue
import signal
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mortmain.errors import MortmainError

if TYPE_CHECKING:
    from mortmain import _heap
    from mortmain.api import Findings

_PAGE_BYTES = 4096
_PATH_AT = 256
_OPAQUE_MAX = 8
_ASKED, _HEARD, _TAKEN, _CHILD, _ERRNO, _PAUSE, _ENDING, _STATUS, _ARMED, _TYPE = range(10)
_PROGRESS, _OPAQUE_COUNT, _OPAQUE, _WANTED, _FORKS = 10, 11, 12, 20, 21
_WALKED, _LOCK_TAKEN, _NO_FILE = 1, 2, 3
# A request that fails because something just changes is repeated after so long.
_AGAIN_SECONDS = 0.25
# One that failed for good, where no interval says when.
_ANOTHER_SECONDS = 60.0
# What an interpreter that does other things needs to take a snapshot.
_PATIENCE_SECONDS = 1.0
_DEAF_SECONDS = 5.0
_HANG_SECONDS = 60.0
# Snapshots that are kept; of large heaps fewer, because what is asked of them all takes memory.
_FILES_MAX = 9
_LARGE_FILES_MAX = 4
_LARGE_BYTES = 1 << 25
# Holders that are told of at the end.
_TOLD_MAX = 3


@dataclass(frozen=True, slots=True)
class Shot:
    """A snapshot: its file, and when it was asked for."""

    path: Path
    seconds: float
    number: int


@dataclass(frozen=True, slots=True)
class Interval:
    """What grew up to a snapshot: rows as of ``mortmain._heap.Findings.rows()``, by holder."""

    number: int
    seconds: float
    rows: dict[str, _heap._Row]


def page_of(folder: str) -> str:
    """The page's file in a folder."""
    return os.path.join(folder, "page")  # noqa: PTH118


def page_make(folder: str) -> str:
    """Make the page in an empty folder, and say what its file is called."""
    page = page_of(folder)
    with open(page, "xb") as file:  # noqa: PTH123
        file.truncate(_PAGE_BYTES)
    return page


class Every:
    """Asks a process for a snapshot again and again.

    Call :meth:`step` often while the process runs, and :meth:`end` when it has ended.

    Args:
        interval: Seconds between two snapshots; ``math.inf`` for none by time.
        growth_bytes: Take one, too, when the process is there, and whenever its resident memory has
            grown by so much since the last one; 0 for not.
        folder: A folder of our own with the page.
        tell: Takes lines for the user.
        verbose: Say how long each snapshot made the process stand still.
        is_parent: The process is a child of ours.
    """

    def __init__(
        self,
        interval: float,
        folder: str,
        tell: Callable[[str], None],
        *,
        verbose: bool = False,
        is_parent: bool = True,
        growth_bytes: int = 0,
    ) -> None:
        self._interval = interval
        self._growth_bytes = growth_bytes
        self._rss_bytes = -1  # at the last request
        self._folder = Path(folder)
        self._tell = tell
        self._verbose = verbose
        self._is_parent = is_parent
        self.page = page_of(folder)
        with open(self.page, "rb+") as file:  # noqa: PTH123
            self._words = mmap.mmap(file.fileno(), _PAGE_BYTES)
        self._due = time.monotonic() + interval
        self._asked_at = 0.0
        self._is_open = False  # a request stands
        self._child = 0
        self._progress = (0, 0.0)
        self._was_late = False
        self._is_deaf = False
        self._wanted = 0
        self._files = 0
        self._shots: list[Shot] = []
        self._intervals: list[Interval] = []
        self._stride = 1
        self._work: queue.SimpleQueue[Shot | None] = queue.SimpleQueue()
        self._is_busy = threading.Event()
        self._worker = threading.Thread(target=self._answer, daemon=True)
        self._worker.start()

    def step(self, pid: int) -> None:
        """Do what is to be done now. Never waits.

        Args:
            pid: The process, a child of ours that was not waited for.
        """
        now = time.monotonic()
        if self._child:
            self._watch_child(now)
        elif self._is_open:
            self._watch_request(pid, now)
        elif not self._is_busy.is_set() and not self._is_deaf and self._is_due(pid, now):
            self._ask(pid, now)

    def end(self) -> list[str]:
        """The process has ended: wait for the last line.

        Returns:
            Files of snapshots in equal distances, by time; the folder's owner removes them.
        """
        if self._is_open and not self._child and self._word(_TAKEN) == self._word(_ASKED):
            self._child = self._word(_CHILD)
        if self._child and not self._has_ended():
            with suppress(OSError):
                os.kill(self._child, signal.SIGKILL)
            with suppress(OSError):
                os.waitpid(self._child, 0)
        self._work.put(None)
        self._worker.join()
        for line in steady_lines(self._intervals):
            self._tell(line)
        forks = self._word(_FORKS)
        if forks and self._is_parent:
            they = "a process" if forks == 1 else f"{forks:,} processes"
            were = "was" if forks == 1 else "were"
            self._tell(
                f"{they} that the script forked {were} not watched; mortmain.arm() does that"
            )
        return [str(shot.path) for shot in self._shots if shot.number % self._stride == 0]

    def findings(self, files: Sequence[str], last: str | None = None) -> Findings | None:
        """What grew while the process ran.

        What grew in most intervals is told of by snapshots between which it did: in equal distances
        it may have rested once, and what has no share in a round is not told.

        Args:
            files: What :meth:`end` answered; they are still there.
            last: One more snapshot of the process, taken when its code had ended, or None.

        Returns:
            The findings; None where the snapshots are so few that they show whatever was used for
            the first time.
        """
        from mortmain import api

        steady = steady_holders(self._intervals)
        if len(files) == 2 and last is not None and steady:
            found = api.grow([*files, last])
            return found if found.holders & steady else None
        if len(files) < 3:
            return None
        found = api.grow(files)
        for holder in sorted(steady - found.holders):
            chosen = self._between(holder, files)
            other = api.grow(chosen) if len(chosen) > 2 else found
            if holder in other.holders:
                return other
        return found

    def _between(self, holder: str, files: Sequence[str]) -> list[str]:
        """Those of the files that end an interval in which it grew, and the first."""
        numbers = [each.number for each in self._intervals if holder in each.rows]
        chosen: list[Shot] = []
        for shot in self._shots:
            if str(shot.path) in files and (
                not chosen or any(chosen[-1].number < each <= shot.number for each in numbers)
            ):
                chosen.append(shot)
        return [str(shot.path) for shot in chosen]

    def _is_due(self, pid: int, now: float) -> bool:
        wanted = self._word(_WANTED)
        if wanted != self._wanted:
            self._wanted = wanted
            self._due = now
        return now >= self._due or (self._growth_bytes > 0 and self._has_grown(pid))

    def _has_grown(self, pid: int) -> bool:
        if not self._word(_ARMED):
            return False
        rss_bytes = _rss_bytes(pid)
        least = self._rss_bytes + self._growth_bytes if self._rss_bytes >= 0 else 0
        if rss_bytes < least:
            return False
        self._rss_bytes = rss_bytes
        return True

    def _word(self, place: int) -> int:
        value: int = struct.unpack_from("<Q", self._words, place * 8)[0]
        return value

    def _put(self, place: int, value: int) -> None:
        struct.pack_into("<Q", self._words, place * 8, value)

    def _ask(self, pid: int, now: float) -> None:
        if not self._word(_ARMED):
            return  # it has not begun yet, or its code has ended
        path = os.fsencode(self._folder / f"every{self._files}.mort")
        if len(path) >= _PAGE_BYTES - _PATH_AT:
            raise MortmainError(f"the path of the temporary folder is too long: {self._folder}")
        self._words[_PATH_AT : _PATH_AT + len(path) + 1] = path + b"\0"
        Path(os.fsdecode(path)).unlink(missing_ok=True)
        self._put(_ASKED, self._word(_ASKED) + 1)
        self._asked_at = now
        self._was_late = False
        self._is_open = True
        self._send(pid)

    def _send(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGURG)

    def _watch_request(self, pid: int, now: float) -> None:
        request = self._word(_ASKED)
        if self._word(_TAKEN) == request:
            self._child = self._word(_CHILD)
            self._progress = (0, now)
            if not self._child:
                self._fail(os.strerror(self._word(_ERRNO)), now)
            return
        waited = now - self._asked_at
        if self._word(_HEARD) != request:
            if waited > _DEAF_SECONDS and _state(pid) not in ("T", "t"):
                self._is_open = False
                self._is_deaf = True
                self._tell("the script does not answer SIGURG: there are no more snapshots")
        elif waited > _PATIENCE_SECONDS:
            if not self._was_late:
                self._was_late = True
                self._tell("the snapshot waits: a long call keeps the interpreter busy")
            self._send(pid)  # the lock may be free now

    def _watch_child(self, now: float) -> None:
        ended = self._has_ended()
        progress = self._word(_PROGRESS)
        if not ended and progress != self._progress[0]:
            self._progress = (progress, now)
        elif not ended and now - self._progress[1] > _HANG_SECONDS:
            with suppress(OSError):
                os.kill(self._child, signal.SIGKILL)
        if ended:
            self._child = 0
            self._judge(now)

    def _has_ended(self) -> bool:
        if not self._is_parent:
            return _state(self._child) in ("", "Z", "X")
        try:
            ended, _ = os.waitpid(self._child, os.WNOHANG)
        except ChildProcessError:
            return True
        return ended != 0

    def _judge(self, now: float) -> None:
        ending, status = self._word(_ENDING), self._word(_STATUS)
        if ending == _WALKED and status == 0:
            self._is_open = False
            self._due = self._asked_at + self._interval
            path = self._folder / f"every{self._files}.mort"
            shot = Shot(path, self._asked_at, self._files)
            self._files += 1
            self._is_busy.set()
            self._work.put(shot)
        elif ending == _LOCK_TAKEN or (ending == _WALKED and status == 6):
            # Another thread was faster, or a collection runs.
            self._is_open = False
            self._due = now + _AGAIN_SECONDS
        elif ending == _NO_FILE or (ending == _WALKED and self._word(_ERRNO)):
            self._fail(os.strerror(self._word(_ERRNO)), now)
        elif ending == 0 and self._learn():
            self._is_open = False
            self._due = now
        else:
            self._fail("the heap could not be read", now)

    def _learn(self) -> bool:
        """A type that made a copy crash is not looked into again."""
        kind, count = self._word(_TYPE), self._word(_OPAQUE_COUNT)
        if not kind or count == _OPAQUE_MAX:
            return False
        self._put(_OPAQUE + count, kind)
        self._put(_OPAQUE_COUNT, count + 1)
        return True

    def _fail(self, reason: str, now: float) -> None:
        self._is_open = False
        self._due = now + (self._interval if self._interval < math.inf else _ANOTHER_SECONDS)
        self._tell(f"no snapshot was taken: {reason}")

    def _answer(self) -> None:
        """What the worker does: a line for each snapshot."""
        while (shot := self._work.get()) is not None:
            try:
                self._say(shot)
            except (MortmainError, MemoryError, OSError) as error:
                self._tell(f"no answer to a snapshot: {error or 'out of memory'}")
            self._shots.append(shot)
            self._thin()
            self._is_busy.clear()

    def _say(self, shot: Shot) -> None:
        if not self._shots:
            if self._wanted:
                self._tell("a first snapshot is there; the next one tells what grew since")
            return
        from mortmain import _heap

        before = self._shots[-1]
        rows = _heap.grow([str(before.path), str(shot.path)]).rows()
        seconds = shot.seconds - before.seconds
        told = {row[6]: row for row in reversed(rows) if not row[2] and row[6] is not None}
        self._intervals.append(Interval(shot.number, seconds, told))
        line = growth_line(rows, seconds)
        if self._verbose:
            line += f" (pause {self._word(_PAUSE) / 1e6:.1f} ms)"
        self._tell(line)

    def _thin(self) -> None:
        """Keep snapshots in equal distances, and the last one for the next line."""
        last = self._shots[-1]
        is_large = last.path.stat().st_size > _LARGE_BYTES
        most = _LARGE_FILES_MAX if is_large else _FILES_MAX
        if sum(shot.number % self._stride == 0 for shot in self._shots) > most:
            self._stride *= 2
        kept = [shot for shot in self._shots if shot.number % self._stride == 0 or shot is last]
        for shot in self._shots:
            if shot not in kept:
                shot.path.unlink(missing_ok=True)
        self._shots = kept


def growth_line(rows: Sequence[_heap._Row], seconds: float) -> str:
    """What grew most, in one line: ``+412 Order in 20 s, held by Book.pending``.

    Args:
        rows: As of ``mortmain._heap.Findings.rows()``; instances of the program's own classes go
            before others.
        seconds: In which it grew.

    Returns:
        The line.

    Example:
        >>> row = ("growth", False, False, True, "shop.Order", 412, "Book.pending", None, ())
        >>> growth_line([row], 20)
        '+412 Order in 20 s, held by Book.pending'
        >>> growth_line([], 0.5)
        'nothing grew in 0.5 s'
    """
    shown = f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f}".removesuffix(".0") + " s"
    told = [row for row in rows if not row[2] and row[6] is not None]
    if not told:
        return f"nothing grew in {shown}"
    _, _, _, _, name, count, holder, _, _ = min(told, key=lambda row: not row[3])
    if not count or name is None:
        return f"{holder} grew in {shown}"
    return f"+{count:,} {name.rpartition('.')[2]} in {shown}, held by {holder}"


def steady_holders(intervals: Sequence[Interval]) -> set[str]:
    """Holders that grew in most intervals, and in half of the later ones at least.

    What a program fills at its start is not among them, nor a cache that filled and stopped.

    Example:
        >>> row = ("growth", False, False, True, "shop.Order", 4, "Book.pending", None, ())
        >>> grew, rested = Interval(1, 2.0, {"Book.pending": row}), Interval(1, 2.0, {})
        >>> steady_holders([grew, grew, rested, grew])
        {'Book.pending'}
        >>> steady_holders([grew, grew, grew, rested, rested])
        set()
    """
    later = intervals[len(intervals) // 2 :]
    return {
        holder
        for holder in {holder for each in intervals for holder in each.rows}
        if 2 * sum(holder in each.rows for each in intervals) > len(intervals)
        and 2 * sum(holder in each.rows for each in later) >= len(later)
    }


def steady_lines(intervals: Sequence[Interval]) -> list[str]:
    """What grew in most intervals, a line each: what they said of it, in all.

    Example:
        >>> row = ("growth", False, False, True, "shop.Order", 4, "Book.pending", None, ())
        >>> steady_lines([Interval(number, 2.0, {"Book.pending": row}) for number in range(3)])
        ['in 3 of 3 intervals: +12 Order in 6 s, held by Book.pending']
    """
    lines = []
    for holder in steady_holders(intervals) if len(intervals) > 1 else ():
        grew = [each for each in intervals if holder in each.rows]
        last = grew[-1].rows[holder]
        counts = [each.rows[holder][5] or 0 for each in grew if each.rows[holder][4] == last[4]]
        row = (*last[:5], sum(counts), *last[6:])
        line = growth_line([row], sum(each.seconds for each in grew))
        lines.append((-sum(counts), f"in {len(grew)} of {len(intervals)} intervals: {line}"))
    return [line for _, line in sorted(lines)[:_TOLD_MAX]]


def _rss_bytes(pid: int) -> int:
    """Resident memory of a process; -1 where there is none."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * mmap.PAGESIZE
    except (OSError, IndexError):
        return -1


def _state(pid: int) -> str:
    """What a process does, as a letter of the kernel's; ``""`` where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2][1:2]

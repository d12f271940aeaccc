"""Where what grows was made: the talk with a step's process behind its last round.

Knows: what to ask for, and how lines of source are called. Must not know: which objects a finding
speaks of, how a line is found out, how it is shown.

The process waits when its rounds are over. What is found in their snapshots says whether one more
round, with the lines noted that make objects, is worth it: one for what is held, one for what waits
for the collector. That round's snapshot says which objects are meant; the process, which stands
still until then, looks up their lines.
"""

from __future__ import annotations

import array
import marshal
import os
import select
import struct
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mortmain import _door, source
from mortmain.errors import MortmainError

if TYPE_CHECKING:
    from mortmain import _heap
    from mortmain.api import Findings

_SITES_MAX = 20
_LOOK_SECONDS = 0.5
_NOBODY = 0xFFFFFFFF
_OWN = str(Path(__file__).parent) + os.sep
# What mortmain itself gives to the compiler.
_GIVEN = ("<stmt>", "<setup>")

_Line = tuple[str, int]


class Talk:
    """The parent's end. What it found is in ``findings``, None where the talk did not come to it.

    Args:
        folder: Where the process writes its snapshots.
        judge: Reads them.
        given: Texts that no file has, by what the process calls them: ``{"<stmt>": "f()"}``.
    """

    def __init__(
        self, folder: str, judge: Callable[[], Findings], given: Mapping[str, str] | None = None
    ) -> None:
        self.findings: Findings | None = None
        self._given = given or {}
        self._folder = folder
        self._judge = judge
        self._todo: list[str] = []
        self._sites: list[_heap._Site] = []
        self._from_step, self._to_us = os.pipe()
        self._from_us, self._to_step = os.pipe()

    @property
    def for_step(self) -> tuple[int, int]:
        """Descriptors for the process: to read from, and to write to."""
        return self._from_us, self._to_us

    def close_for_step(self) -> None:
        """The process has its own by now."""
        os.close(self._from_us)
        os.close(self._to_us)

    def close(self) -> None:
        """The process sees the end of it."""
        os.close(self._from_step)
        os.close(self._to_step)

    def step(self, seconds: float, is_alive: Callable[[], bool]) -> bool:
        """Answer the process, if it says something within that time; False if it never will.

        Whom the step has started may have its ends of the pipes, so these do not tell that it ends.
        """
        self._is_alive = is_alive
        if not select.select([self._from_step], [], [], seconds)[0]:
            return True
        word = os.read(self._from_step, 1)
        with suppress(OSError, EOFError):
            if word == b"r":
                self._next()
            elif word == b"s":
                self._ask()
        return word != b""

    def _next(self) -> None:
        if self.findings is None:
            with suppress(MortmainError):  # who asks again will be told
                self.findings = self._judge()
            held, waiting = (False, False) if self.findings is None else self.findings.wanted
            self._todo = ["w"] * waiting + ["h"] * held
        self._waiting = self._todo[-1:] == ["w"]
        self._send((self._todo.pop() if self._todo else "e").encode())
        if self._sites and self.findings is not None:
            self.findings = self.findings.with_sites(tuple(sorted(self._sites, key=_rank)))

    def _ask(self) -> None:
        """Name the objects of the round that has just run, and take in their lines."""
        assert self.findings is not None
        path = Path(self._folder, "round")
        try:
            rows = self.findings.made(str(path), waiting=self._waiting)
        except (MortmainError, MemoryError):  # what was found stands without it
            rows = []
        finally:
            path.unlink(missing_ok=True)
        # First the objects that are known, then what is asked about whole types.
        rows.sort(key=lambda row: row[1] != 0)
        named = b"".join(addresses for _, type, addresses in rows if not type)
        question = [_word(len(named) // 8), named]
        for _, type, seen in rows:
            question += [_word(type), _word(len(seen) // 8), seen] if type else []
        asked = b"".join(question)
        self._send(_word(len(asked) // 8) + asked)
        (size,) = struct.unpack("=Q", self._receive(8))
        answer = marshal.loads(self._receive(size)) if size else ()
        if answer:
            lines, numbers, *lost = answer
            self._take(rows, lines, array.array("I", numbers), lost)

    def _take(
        self,
        rows: Sequence[tuple[int, int, bytes]],
        lines: Sequence[tuple[_Line, ...]],
        numbers: array.array[int],
        lost: list[bytes],
    ) -> None:
        """Bring the answer to each question to its finding."""
        assert self.findings is not None
        found: dict[int, array.array[int]] = {}
        at = 0
        for number, type, addresses in rows:
            own = found.setdefault(number, array.array("I"))
            if type:
                own.frombytes(lost.pop(0))
            else:
                own += numbers[at : at + len(addresses) // 8]
                at += len(addresses) // 8
        for number, own in found.items():
            self._sites += made_at(number, own, lines, self.findings.place, self._given)

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._wait([], [self._to_step])
            # So much does not block.
            view = view[os.write(self._to_step, view[: select.PIPE_BUF]) :]

    def _receive(self, count: int) -> bytes:
        parts = []
        while count > 0:
            self._wait([self._from_step], [])
            part = os.read(self._from_step, min(count, 1 << 20))
            if not part:
                raise EOFError("the step's process is gone")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _wait(self, readers: list[int], writers: list[int]) -> None:
        while not any(select.select(readers, writers, [], _LOOK_SECONDS)):
            if not self._is_alive():
                raise EOFError("the step's process is gone")


def here(found: _heap.Findings, path: str, numbers: Collection[int]) -> tuple[_heap._Site, ...]:
    """The lines that made what was found in this process, where its tracer of memory noted them.

    Args:
        found: What grew between snapshots of this process.
        path: The last one of them; the objects must still be alive.
        numbers: The findings to ask about.

    Returns:
        Rows as ``mortmain._heap.Findings.text()`` takes them; none where nothing is traced.
    """
    if _door.made_at(b"") is None:
        return ()
    rows: list[_heap._Site] = []
    for number, type, addresses in found.made(path, False, True):
        told = None if type or number not in numbers else _door.made_at(addresses)
        if told is not None:
            lines, indexes = told
            rows += made_at(number, array.array("I", indexes), lines, found.place, {})
    return tuple(sorted(rows, key=_rank))


def _word(number: int) -> bytes:
    return struct.pack("=Q", number)


def _rank(site: _heap._Site) -> tuple[int, int, _Line, _Line]:
    number, count, made, called = site
    caller = ("", 0) if called is None else (called[0], called[2])
    return number, -count, (made[0], made[2]), caller


def made_at(
    number: int,
    found: Sequence[int],
    lines: Sequence[tuple[_Line, ...]],
    place: Callable[[tuple[str, ...]], int],
    given: Mapping[str, str],
) -> list[_heap._Site]:
    """The lines that made the objects of one finding, those that made most.

    Args:
        number: The finding.
        found: Of each object the index of its lines; ``0xffffffff`` where nobody knows.
        lines: The line that made an object, then its callers.
        place: Says which of some files is the first of the program's own.
        given: Texts that no file has.

    Returns:
        Rows as ``mortmain._heap.Findings.text()`` takes them.
    """
    counts: Counter[tuple[_Line, _Line | None]] = Counter()
    for index, count in Counter(found).items():
        picked = None if index == _NOBODY else _picked(lines[index], place)
        if picked is not None:
            counts[picked] += count
    ranked = sorted(counts.items(), key=lambda row: (-row[1], row[0][0], row[0][1] or ("", 0)))
    return [
        (
            number,
            count,
            _shown(made, place((made[0],)) == 0, given),
            None if called is None else _shown(called, True, given),
        )
        for (made, called), count in ranked[:_SITES_MAX]
    ]


def _picked(
    stack: tuple[_Line, ...], place: Callable[[tuple[str, ...]], int]
) -> tuple[_Line, _Line | None] | None:
    """The line that made an object, and the program's own that led there, if that is another.

    Lines of code that no file has, as a dataclass makes them, tell nobody anything; our own are
    not the program's.
    """
    real = [
        (file, line)
        for file, line in stack
        if line > 0 and not file.startswith(_OWN) and (not file.startswith("<") or file in _GIVEN)
    ]
    if not real:
        return None
    files = tuple(file for file, _ in real)
    given = next((index for index, file in enumerate(files) if file in _GIVEN), len(files))
    own = place(files[:given])
    own = given if own < 0 else own
    return real[0], real[own] if 0 < own < len(real) else None


def _shown(line: _Line, is_own: bool, given: Mapping[str, str]) -> _heap._Line:
    """A line as it is told: where it is, in which function, what it says."""
    file, number = line
    text = given.get(file)
    told = source.line(file, number) if text is None else source.line_of(file, text, number)
    # Where libraries are installed nobody needs to read.
    short = "/".join(Path(file).parts[-2:])
    if told is None:
        return file, short, number, None, None
    is_own = is_own or file in given
    return file, told.shown_file if is_own else short, number, told.function, told.text or None

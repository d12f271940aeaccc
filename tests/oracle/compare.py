"""Compares the logs of one op program: equal, legitimately different, or wrong.

The legitimate differences are those of docs/heap.md. None is assumed: each has a proof in the logs,
without which the difference counts as wrong.

1. Order among survivors of an earlier collection (marking in place keeps the order of birth). The
   logs agree up to a collection, not the first, in which two hooks come in another order; both come
   on both sides, but for a callback whose owner has died by its turn. Without actions of hooks the
   lines of each collection must be the same as sets, and are compared so to the end; with actions,
   what the second hook meets is another heap from there on, and the rest is not compared.
   So it is with the order of the garbage list, for programs that take from it.
2. A callback whose owner died in an earlier callback of the same batch, or in Python 2 is trash
   itself: on_python.py knows, does not act, and says `~2`.
3. A weak reference that a finalizer made to trash: it says `~3 W`. Where one side empties it and
   the other does not, its liveness may differ until that collection is over.
4. A weak field inside trash: `~4`, where CPython has lost it and the harness went on without.
5. Chains of more than 50 objects: CPython puts off what lies deeper. Only kept programs have them,
   and say `# order: free`: all hooks must come on both sides, in whatever order.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

ORDER, DEAD_OWNER, WEAK_TO_TRASH, WEAK_IN_TRASH, DEEP = "1", "2", "3", "4", "5"
FREE_ORDER = "# order: free"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log."""

    text: str
    collection: int  # the number of the outermost collection it stands in, from 1; 0: in none
    past: int  # collections begun before

    @property
    def event(self) -> str:
        """Kind and number of a hook, without what it saw; empty for other lines."""
        words = self.text.split()
        return " ".join(words[:2]) if words[0] in ("fin", "cb", "dead") else ""

    @property
    def unordered(self) -> str:
        """The line, with the garbage list as a set."""
        words = self.text.split()
        return " ".join(sorted(words)) if words[0] == "kept" else self.text


@dataclass(frozen=True, slots=True)
class Log:
    """A program's log, without notes."""

    lines: tuple[Line, ...]
    notes: frozenset[str]
    emptied: tuple[tuple[int, int], ...]  # collection, weak reference: of notes `~3`


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison found."""

    is_sequence_equal: bool
    is_set_equal: bool
    legitimate: frozenset[str]
    wrong: str  # empty, or the first difference that none of the four explains

    @property
    def is_wrong(self) -> bool:
        """Is there a difference that must not be?"""
        return bool(self.wrong)


def parse(text: list[str]) -> Log:
    """Reads a log."""
    lines = []
    notes = set()
    emptied = []
    depth = collections = 0
    for line in text:
        if line.startswith("~"):
            notes.add(line[1])
            if line[1] == WEAK_TO_TRASH:
                emptied.append((collections, int(line.split()[1])))
            continue
        if line.startswith("<"):
            depth += 1
            collections += depth == 1
        lines.append(Line(line, collections if depth else 0, collections))
        depth -= line.startswith(">")
    return Log(tuple(lines), frozenset(notes), tuple(emptied))


def hide(line: Line, hidden: set[int]) -> Line:
    """A hook's line with `?` for the liveness of these weak references."""
    words = line.text.split()
    if not hidden or not line.event:
        return line
    bits = "".join("?" if i in hidden else bit for i, bit in enumerate(words[2]))
    return Line(" ".join([*words[:2], bits, *words[3:]]), line.collection, line.past)


def masked(log: Log, emptied: tuple[tuple[int, int], ...]) -> Log:
    """The log with `?` for the weak references that difference 3 lets differ."""
    if not emptied:
        return log
    weaks: dict[int, set[int]] = {}
    for collection, weak in emptied:
        weaks.setdefault(collection, set()).add(weak)

    lines = tuple(hide(line, weaks.get(line.collection, set())) for line in log.lines)
    return Log(lines, log.notes, log.emptied)


def texts(log: Log) -> list[str]:
    """The lines as text."""
    return [line.text for line in log.lines]


def by_collection(log: Log) -> list[list[Line]]:
    """The lines of each collection, and each other line alone."""
    groups: list[list[Line]] = []
    for line in log.lines:
        if not groups or line.collection == 0 or groups[-1][0].collection != line.collection:
            groups.append([])
        groups[-1].append(line)
    return groups


def as_set(group: list[Line], hidden: set[int]) -> list[str]:
    """A collection's lines in no order, without the liveness of some weak references."""
    return sorted(hide(line, hidden).unordered for line in group)


def are_sets_equal(ours: Log, theirs: Log) -> bool:
    """Has each collection the same lines, in whatever order?

    What dies by count in the midst of a collection (leaves, older objects) takes its weak
    references along when its turn comes: liveness that changes says no more than the order does.
    """
    a, b = by_collection(ours), by_collection(theirs)
    if len(a) != len(b):
        return False
    for mine, other in zip(a, b, strict=True):
        seen = [line.text.split()[2] for line in [*mine, *other] if line.event]
        changing = {i for i, bits in enumerate(zip(*seen, strict=False)) if len(set(bits)) > 1}
        hidden = changing if mine[0].collection else set()
        if as_set(mine, hidden) != as_set(other, hidden):
            return False
    return True


def in_any_order(log: Log) -> list[str]:
    """The hooks without what they saw, and the other lines."""
    return sorted(line.event or line.text for line in log.lines)


def has_actions(program: list[str]) -> bool:
    """Does any hook do something?"""
    for line in program:
        words = [*line.split(), "0", "0", "0", "0"]
        if (words[0] == "n" and words[2] == "1" and words[3] != "0") or (
            words[0] == "W" and words[3] != "0"
        ):
            return True
    return False


def first_difference(ours: Log, theirs: Log) -> int:
    """The index of the first line that differs."""
    pairs = zip(ours.lines, theirs.lines, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a.text != b.text), -1)


def is_swap(ours: Log, theirs: Log, at: int) -> bool:
    """Is the first difference that two hooks of one collection come in another order?"""
    if at < 0:
        return False
    a, b = ours.lines[at], theirs.lines[at]
    if a.past < 2 or not a.collection:
        return False
    if a.text.startswith("kept"):
        return a.unordered == b.unordered
    if not a.event or not b.event or a.event == b.event:
        return False

    def comes(log: Log, line: Line) -> bool:
        rest = {other.event for other in log.lines[at:] if other.collection == a.collection}
        # Or it is a callback whose owner died first there.
        words = line.text.split()
        return line.event in rest or (words[0] == "cb" and f"dead {words[-1]}" in rest)

    return comes(ours, b) and comes(theirs, a)


def describe(ours: Log, theirs: Log) -> str:
    """The first difference, in one line."""
    at = first_difference(ours, theirs)
    if at < 0:
        at = min(len(ours.lines), len(theirs.lines))
    a, b = (log.lines[at].text if at < len(log.lines) else "the end" for log in (ours, theirs))
    return f"line {at + 1}: here {a!r}, CPython {b!r}"


def compare(
    program: list[str], ours: list[str], theirs: list[str], *, in_place: bool, second: bool
) -> Verdict:
    """Compares two logs of a program.

    Args:
        program: its lines.
        ours: the log of the heap in C.
        theirs: the log of CPython, with its notes.
        in_place: whether ours was built to mark in place, so that difference 1 may be.
        second: whether one of the two empties weak references that finalizers made to trash, and
            the other does not, so that difference 3 may be.
    """
    a, b = parse(ours), parse(theirs)
    legitimate = {note for note in b.notes if note in (DEAD_OWNER, WEAK_IN_TRASH)}
    if second and texts(a) != texts(b) and b.emptied:
        bare = texts(a), texts(b)
        a, b = masked(a, b.emptied), masked(b, b.emptied)
        if bare != (texts(a), texts(b)):
            legitimate.add(WEAK_TO_TRASH)
    if texts(a) == texts(b):
        return Verdict(True, True, frozenset(legitimate), "")
    is_set_equal = are_sets_equal(a, b)
    if FREE_ORDER in program and in_any_order(a) == in_any_order(b):
        return Verdict(False, is_set_equal, frozenset({*legitimate, DEEP}), "")
    if not in_place or not is_swap(a, b, first_difference(a, b)):
        return Verdict(False, is_set_equal, frozenset(legitimate), describe(a, b))
    legitimate.add(ORDER)
    takes = "T" in {line[:1] for line in program} and any(
        line.text.startswith("kept") for line in a.lines
    )
    is_right = is_set_equal or takes or has_actions(program)
    return Verdict(False, is_set_equal, frozenset(legitimate), "" if is_right else describe(a, b))


def split_logs(output: str) -> dict[str, list[str]]:
    """The output of either interpreter: program name -> log."""
    logs: dict[str, list[str]] = {}
    current: list[str] = []
    for line in output.splitlines():
        if line.startswith("= "):
            current = logs.setdefault(line[2:], [])
        else:
            current.append(line)
    return logs


def events_of(log: list[str]) -> int:
    """How many hooks a log tells of."""
    kinds = Counter(re.match(r"\w*", line)[0] for line in log)  # type: ignore[index]
    return kinds["fin"] + kinds["cb"] + kinds["dead"]

"""Questions from Python.

Knows: how to ask the C modules, and how their answers look as frozen objects.
Must not know: how an answer is found or worded; nothing here prints.

An object that is asked about is held by the caller's variables, by ours, and by what the
interpreter needs for the call. None of these may count. So below a function's own variable only
*addresses* are passed on: at the moment of the snapshot no evaluation stack holds the object. The
frames of this package are marked as its own in the snapshot, and what a call holds beside its
variable is measured by a call of the same form on an object that nobody else holds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mortmain import _door, _heap
from mortmain.errors import MortmainError as MortmainError

if TYPE_CHECKING:
    from mortmain.cure import Fix
    from mortmain.cure_case import Facts

# Source is looked for as far as a person reads.
_SOURCES_MAX = 20

_Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a snapshot says of itself. ``incomplete`` is the reason, or None for a whole one."""

    runtime: str
    version: str
    door: str
    warning: str
    object_count: int
    reference_count: int
    type_count: int
    bytes: int
    file_bytes: int
    incomplete: str | None


@dataclass(frozen=True, slots=True)
class TypeTotal:
    """All objects of one type."""

    name: str
    object_count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Reference:
    """Direct references that have the same name; ``kind`` is a word like "module global"."""

    name: str
    kind: str
    count: int


@dataclass(frozen=True, slots=True, repr=False)
class References:
    """All direct references to an object.

    Attributes:
        reference_count: Strong references, those that no Python object accounts for included.
        unaccounted_count: References that no Python object accounts for.
        weak_count: Weak references; they keep nothing alive and are not in ``references``.
        references: The references by name.
    """

    reference_count: int
    unaccounted_count: int
    weak_count: int
    references: tuple[Reference, ...]
    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, repr=False)
class Why:
    """Who keeps something alive. ``str()`` of it is the answer for a terminal of 80 columns."""

    _answer: _heap.Answer
    _sources: tuple[_heap._Source, ...] = ()

    def render(self, width: int = 80, colour: bool = False, ascii: bool = False) -> str:
        """Word the answer.

        Args:
            width: Columns to fill, at least 40.
            colour: Use the escape sequences of a terminal.
            ascii: Use no character beyond ASCII but in names.

        Returns:
            Lines of text, each with its newline.
        """
        return self._answer.text(width=width, colour=colour, ascii=ascii, sources=self._sources)

    def json(self) -> str:
        """The answer as a JSON document."""
        return self._answer.json(sources=self._sources)

    def __str__(self) -> str:
        return self.render().rstrip("\n")

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True, repr=False)
class Findings:
    """What a snapshot has to tell. ``str()`` of it is the report for a terminal of 80 columns."""

    _findings: _heap.Findings
    _sources: tuple[_heap._Source, ...] = ()
    fixes: tuple[Fix, ...] = ()
    _sites: tuple[_heap._Site, ...] = ()

    @property
    def wanted(self) -> tuple[bool, bool]:
        """Is it worth a round to find out where what is held was made, and what waits?"""
        return self._findings.wanted()

    def made(self, path: str, *, waiting: bool) -> list[tuple[int, int, bytes]]:
        """Addresses of what was made in a further round.

        Args:
            path: The snapshot of that round.
            waiting: Of what waits for the collector, not of all else.

        Returns:
            The number of each finding, 0, and its objects' addresses, 8 bytes each; of what C code
            holds also the number, a type's address, and those of all objects of it that are seen.

        Raises:
            MortmainError: The file cannot be read.
        """
        return self._findings.made(path, waiting)

    def place(self, files: tuple[str, ...]) -> int:
        """Which of these source files is the first of the program's own, or -1."""
        return self._findings.place(files)

    def with_sites(self, sites: tuple[_heap._Site, ...]) -> Findings:
        """The same findings with lines that made their objects, in the order of findings."""
        return replace(self, _sites=sites)

    @property
    def holders(self) -> set[str]:
        """What keeps what is told of without ``-v``, as it is called: ``"Book.pending"``."""
        return {row[6] for row in self._findings.rows() if not row[2] and row[6] is not None}

    @property
    def steps(self) -> int:
        """How often the step was called while it was watched; -1 where nobody knows."""
        watched = json.loads(self.json())["watched"] or {}
        return int(watched.get("steps") or -1)

    def facts(self) -> tuple[Facts, ...]:
        """What a cure of each finding depends on."""
        from mortmain.cure_case import Facts

        return tuple(Facts(*row) for row in self._findings.cures())

    def render_against(
        self,
        after: Findings,
        names: tuple[str, str],
        width: int = 80,
        colour: bool = False,
        ascii: bool = False,
    ) -> str:
        """Word what grows here and what grows by another way of doing the same.

        Args:
            after: What was found of the other way.
            names: What to call both.
            width: Columns to fill, at least 40.
            colour: Use the escape sequences of a terminal.
            ascii: Use no character beyond ASCII but in names.

        Returns:
            Lines of text, each with its newline.
        """
        return self._findings.against_text(
            after._findings,
            *names,
            width=width,
            colour=colour,
            ascii=ascii,
            sites=self._sites,
            after_sites=after._sites,
        )

    def against_json(self, after: Findings, names: tuple[str, str]) -> str:
        """What grows here, and what grows by another way, as a JSON document."""
        return self._findings.against_json(
            after._findings, *names, sites=self._sites, after_sites=after._sites
        )

    def with_fixes(self, fixes: tuple[Fix, ...]) -> Findings:
        """The same findings with other cures."""
        rows = {row[0]: row for row in self._sources}
        for fix in fixes:
            number = fix.facts.number
            place = (fix.file, fix.line, fix.text)
            if fix.line == 0 and number in rows:
                place = rows[number][1:4]
            rows[number] = (number, *place, fix.row())
        return replace(self, _sources=tuple(rows.values()), fixes=fixes)

    @property
    def verdict(self) -> str:
        """The strongest verdict: ``"suspects"``, ``"waiting for gc"``, ``"clean"``."""
        return self._findings.verdict()

    @property
    def has_leak(self) -> bool:
        """Is one of them of severity leak?"""
        return self._findings.has_leak()

    def render(
        self, width: int = 80, colour: bool = False, ascii: bool = False, verbose: bool = False
    ) -> str:
        """Word the findings.

        Args:
            width: Columns to fill, at least 40.
            colour: Use the escape sequences of a terminal.
            ascii: Use no character beyond ASCII but in names.
            verbose: Show all of them, not the first three.

        Returns:
            Lines of text, each with its newline.
        """
        return self._findings.text(
            width=width,
            colour=colour,
            ascii=ascii,
            verbose=verbose,
            sources=self._sources,
            sites=self._sites,
        )

    def render_cycles(self, width: int = 80, colour: bool = False, ascii: bool = False) -> str:
        """Word the cycles alone, all of them.

        Args:
            width: Columns to fill, at least 40.
            colour: Use the escape sequences of a terminal.
            ascii: Use no character beyond ASCII but in names.

        Returns:
            Lines of text, each with its newline.
        """
        return self._findings.cycles_text(width=width, colour=colour, ascii=ascii)

    def cycles_json(self) -> str:
        """The cycles alone as a JSON document, by the same schema."""
        return self._findings.cycles_json()

    def json(self) -> str:
        """The findings as a JSON document."""
        return self._findings.json(sources=self._sources, sites=self._sites)

    def __str__(self) -> str:
        return self.render()

    def __repr__(self) -> str:
        return self.render()


@dataclass(frozen=True, slots=True)
class Heap:
    """A snapshot, read into memory and ready for questions."""

    path: str
    _heap: _heap.Heap

    @classmethod
    def open(cls, path: _Path) -> Heap:
        """Read a snapshot.

        Args:
            path: The ``.mort`` file.

        Returns:
            The heap. The file is not needed any more.

        Raises:
            MortmainError: The file cannot be read, or is not a whole snapshot.
        """
        return cls(os.fsdecode(path), _heap.Heap(path))

    def summary(self) -> Summary:
        """What the snapshot says of itself."""
        told = self._heap.summary()
        incomplete = None
        if told["incomplete_status"] != 0:
            incomplete = told["incomplete_reason"] or f"status {told['incomplete_status']}"
        return Summary(
            runtime=told["runtime"],
            version=told["version"],
            door=told["door"],
            warning=told["warning"],
            object_count=told["object_count"],
            reference_count=told["reference_count"],
            type_count=told["type_count"],
            bytes=told["bytes"],
            file_bytes=told["file_bytes"],
            incomplete=incomplete,
        )

    @property
    def warning(self) -> str:
        """What the snapshot warns of in one line, or ``""``."""
        return self._heap.warning()

    def types(self) -> tuple[TypeTotal, ...]:
        """All types that have objects, those with most bytes first."""
        return tuple(TypeTotal(*row) for row in self._heap.types())

    def render_types(
        self, width: int = 80, colour: bool = False, ascii: bool = False, verbose: bool = False
    ) -> str:
        """Count and bytes of each type as a table.

        Args:
            width: Columns to fill, at least 40.
            colour: Use the escape sequences of a terminal.
            ascii: Use no character beyond ASCII but in names.
            verbose: Show all of them, not the largest.

        Returns:
            Lines of text, each with its newline.
        """
        return self._heap.types_text(width=width, colour=colour, ascii=ascii, verbose=verbose)

    def types_json(self) -> str:
        """All types as a JSON document."""
        return self._heap.types_json()

    def render_tree(
        self, width: int = 80, colour: bool = False, ascii: bool = False, verbose: bool = False
    ) -> str:
        """What would go with what, the largest parts first, as a table.

        Args:
            width: Columns to fill, at least 40.
            colour: Use the escape sequences of a terminal.
            ascii: Use no character beyond ASCII but in names.
            verbose: Show smaller parts too.

        Returns:
            Lines of text, each with its newline.
        """
        return self._heap.tree_text(width=width, colour=colour, ascii=ascii, verbose=verbose)

    def tree_json(self, *, verbose: bool = False) -> str:
        """The same as a JSON document; with ``verbose``, with smaller parts too."""
        return self._heap.tree_json(verbose=verbose)

    def findings(self) -> Findings:
        """Who keeps the program's own objects alive, and what waits for the collector.

        Returns:
            The findings.
        """
        found = self._heap.findings()
        return Findings(found, _sources(found.scopes()[:_SOURCES_MAX], is_live=False))

    def why(self, what: str | int, *, verbose: bool = False) -> Why:
        """Ask who keeps something alive.

        Args:
            what: A type (``"shop.Exam"``), a dotted name (``"shop:Within._seen"``), or an address.
            verbose: Find more chains, and weak references too.

        Returns:
            The answer.

        Raises:
            MortmainError: There is no such thing in the snapshot.
        """
        return _why(self._heap.why(what, verbose=verbose), is_live=False)

    def referrers(self, what: str | int) -> References:
        """All direct references to something.

        Args:
            what: As for :meth:`why`.

        Returns:
            The references, by name.

        Raises:
            MortmainError: There is no such thing in the snapshot.
        """
        return _references(self._heap.why(what))


def grow(paths: Sequence[_Path]) -> Findings:
    """What grows between snapshots of one process.

    Args:
        paths: The ``.mort`` files, by time, two at least. What ``mortmain loop -o`` keeps says
            itself which rounds they are; of other files nothing is called a leak that a cache
            could be.

    Returns:
        The findings.

    Raises:
        MortmainError: A file cannot be read, or they are not of one process.

    Example:
        >>> grow([])
        Traceback (most recent call last):
        mortmain.errors.MortmainError: growth needs two snapshots of a process at least
    """
    found = _heap.grow([os.fsdecode(path) for path in paths])
    return cured(Findings(found, _sources(found.scopes()[:_SOURCES_MAX], is_live=False)))


def diff(paths: Sequence[_Path]) -> Findings:
    """What there is more of in the last of some snapshots.

    Snapshots of one process are compared by what was born in it, as by :func:`grow`. Those of
    different processes of one program are compared by path shapes: how many objects the same
    names lead to. Nothing that differs between processes is called a leak.

    Args:
        paths: The ``.mort`` files, two at least, in the order in which something is to have grown.

    Returns:
        The findings.

    Raises:
        MortmainError: A file cannot be read, or they are of different programs.

    Example:
        >>> diff([])
        Traceback (most recent call last):
        mortmain.errors.MortmainError: growth needs two snapshots of a process at least
    """
    found = _heap.diff([os.fsdecode(path) for path in paths])
    return cured(Findings(found, _sources(found.scopes()[:_SOURCES_MAX], is_live=False)))


def cured(findings: Findings, files: Sequence[str] = ()) -> Findings:
    """Look in the source for the cure of what grows.

    Args:
        findings: What ``grow()`` found.
        files: Where to look for functions of which a finding knows no more than a name.

    Returns:
        The same findings, with the cure that the source of each calls for, and its patch.
    """
    from mortmain import cure

    fixes = [
        cure.find(facts, files)
        for facts in findings.facts()[:_SOURCES_MAX]
        if facts.is_leak or facts.kind == "cycle"
    ]
    return findings.with_fixes(tuple(fix for fix in fixes if fix is not None))


def _why(answer: _heap.Answer, *, is_live: bool) -> Why:
    return Why(answer, _sources(answer.scopes(), is_live=is_live))


def _sources(scopes: Sequence[_heap._Scope], *, is_live: bool) -> tuple[_heap._Source, ...]:
    """Lines of source that make the holders."""
    if not scopes:
        return ()
    # Only who asks needs to read source, and what that takes is large.
    from mortmain import source

    sources = []
    for number, file, scope, name, anchors in scopes:
        found = source.find(file, scope, name, anchors, is_live)
        if found is not None:
            sources.append((number, found.shown_file, found.line, found.text))
    return tuple(sources)


def _references(answer: _heap.Answer) -> References:
    counts = answer.counts()
    return References(
        reference_count=counts["reference_count"],
        unaccounted_count=counts["unaccounted_count"],
        weak_count=counts["weak_count"],
        references=tuple(Reference(*row) for row in answer.references()),
        text=answer.head(),
    )


def _live_heap() -> _heap.Heap:
    descriptor, _ = _door.memory()
    try:
        return _heap.Heap(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _held(subject: object) -> int:
    return _door.references_held(id(subject))


def _held_by_call() -> int:
    # Nothing but the callee's variable holds this object, unless the way of calling holds it too.
    return _held(object()) - 1


def refs(obj: object) -> References:
    """All direct references to a live object, by name.

    Variables of the calling function, the argument itself and weak references are left out.

    Args:
        obj: The object.

    Returns:
        The references; ``str()`` of them is one line.

    Raises:
        MortmainError: The heap could not be read now.
    """
    address = id(obj)
    return _references(_live_heap().why(address, own=_held_by_call(), caller=True))


def why(obj: object) -> Why:
    """Who keeps a live object alive.

    Variables of the calling function, the argument itself and weak references are left out.

    Args:
        obj: The object.

    Returns:
        The answer; ``print()`` it, or take its ``json()``.

    Raises:
        MortmainError: The heap could not be read now.
    """
    address = id(obj)
    answer = _live_heap().why(address, own=_held_by_call(), caller=True)
    return _why(answer, is_live=True)

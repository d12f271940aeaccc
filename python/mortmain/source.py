"""Finds the line of a source file that makes a holder.

Knows: Python's syntax, by ast. Must not know: heaps, and how an answer looks.
"""

from __future__ import annotations

import ast
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_FILE_BYTES_MAX = 1 << 22

_Body = Sequence[ast.stmt]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a source file; ``shown_file`` is relative where that is shorter to say."""

    shown_file: str
    line: int
    text: str


def find(file: str, holder: str) -> Line | None:
    """Find where an attribute of a module or class is first assigned.

    Args:
        file: The module's source file.
        holder: A dotted name, like ``"Within._seen"`` or ``"shop.cache"``.

    Returns:
        The line, or None where the file is not there or does not say it in so many words.

    Example:
        >>> find("/nowhere/shop.py", "shop.cache") is None
        True
    """
    text = _read(file)
    if text is None:
        return None
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names = holder.split(".")
    # A module's own name may stand in front, of one or more parts.
    for start in range(len(names)):
        line = _find_in(tree.body, names[start:])
        if line is not None:
            return Line(_shown(file), line, text.splitlines()[line - 1].strip())
    return None


def _read(file: str) -> str | None:
    try:
        status = Path(file).stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _FILE_BYTES_MAX:
            return None
        return Path(file).read_text("utf-8")
    except (OSError, ValueError):
        return None


def _shown(file: str) -> str:
    try:
        relative = os.path.relpath(file)
    except (OSError, ValueError):
        return file
    return file if relative.startswith(os.pardir) else relative


def _find_in(body: _Body, names: list[str]) -> int | None:
    if len(names) > 1:
        for statement in _statements(body):
            if isinstance(statement, ast.ClassDef) and statement.name == names[0]:
                line = _find_in(statement.body, names[1:])
                if line is not None:
                    return line
        return None
    for statement in _statements(body):
        if names[0] in _assigned(statement):
            return statement.lineno
    return None


def _statements(body: _Body) -> Iterator[ast.stmt]:
    """All statements of one scope, those in blocks included."""
    for statement in body:
        yield statement
        for name in ("body", "orelse", "finalbody"):
            block = getattr(statement, name, None)
            if block and not isinstance(statement, ast.ClassDef | ast.FunctionDef):
                yield from _statements(block)


def _assigned(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    else:
        return
    for target in targets:
        for part in target.elts if isinstance(target, ast.Tuple) else [target]:
            if isinstance(part, ast.Name):
                yield part.id

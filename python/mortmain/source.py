"""Finds the line of a source file that makes an attribute of a module or class.

Knows: Python's syntax, by ast. Must not know: heaps, and how an answer looks.

The file may have changed since the program ran, or be another one of the same name: a snapshot can
come from anywhere. So nothing is said unless everything that the snapshot knows of the file's lines
is true of it. What is said is right, or nothing is said.
"""

from __future__ import annotations

import ast
import io
import os
import stat
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_FILE_BYTES_MAX = 1 << 22

_Scope = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_Anchors = Sequence[tuple[str, int]]

# What is inside of these belongs to a scope of its own.
_SCOPES = (
    ast.ClassDef,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a source file; ``shown_file`` is relative where that is shorter to say."""

    shown_file: str
    line: int
    text: str


def find(file: str, scope: str, name: str, anchors: _Anchors, is_live: bool = False) -> Line | None:
    """Find where an attribute of a module or class is first assigned.

    Args:
        file: The source file.
        scope: The class's qualified name, like ``"Outer.Inner"``; ``""`` for the module itself.
        name: The attribute.
        anchors: Functions and classes by their qualified names, with the first line that each had
            when the program ran, decorators included.
        is_live: The program is this process: without anchors the file is believed all the same.

    Returns:
        The line, or None where the file is not there, is not the one that ran, or does not say it
        in so many words.

    Example:
        >>> find("/nowhere/shop.py", "", "cache", [("add", 3)]) is None
        True
    """
    text = _read(file)
    if text is None or (not anchors and not is_live):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    starts, classes = _definitions(tree)
    if any(anchor not in starts for anchor in anchors):
        return None
    scopes: list[_Scope] = [tree] if scope == "" else list(classes.get(scope, ()))
    lines = text.split("\n")
    # Of two classes of one name nobody knows which was meant.
    number = _first_assignment(scopes[0], name) if len(scopes) == 1 else None
    if number is None or number > len(lines):
        return None
    return Line(_shown(file), number, lines[number - 1].strip())


def _read(file: str) -> str | None:
    """The text as the compiler sees it: decoded as the file says, lines ended by newlines."""
    try:
        # A pipe or device would wait for ever; files that the kernel makes up have no length.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= _FILE_BYTES_MAX:
                return None
            raw = stream.read(_FILE_BYTES_MAX + 1)
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        return raw.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, ValueError, SyntaxError, LookupError):
        return None


def _shown(file: str) -> str:
    try:
        relative = os.path.relpath(file)
    except (OSError, ValueError):
        return file
    return file if relative.startswith(os.pardir) else relative


def _definitions(tree: ast.Module) -> tuple[set[tuple[str, int]], dict[str, list[ast.ClassDef]]]:
    """All functions and classes by name: their first lines, and the classes themselves."""
    starts: set[tuple[str, int]] = set()
    classes: dict[str, list[ast.ClassDef]] = {}
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, prefix = waiting.pop()
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = prefix + child.name
                lines = [child.lineno, *(each.lineno for each in child.decorator_list)]
                starts.add((name, min(lines)))
                inner = name + "."
                if isinstance(child, ast.ClassDef):
                    classes.setdefault(name, []).append(child)
                else:
                    inner = name + ".<locals>."
            elif isinstance(child, ast.Lambda):
                inner = prefix + "<lambda>.<locals>."
            waiting.append((child, inner))
    return starts, classes


def _own_nodes(scope: _Scope) -> Iterator[ast.AST]:
    """Everything in the body of a scope that is not in a scope inside of it."""
    waiting: list[ast.AST] = list(scope.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))


def _first_assignment(scope: _Scope, name: str) -> int | None:
    """The first line on which the scope itself gives the name a value."""
    first: int | None = None
    valueless: set[int] = set()
    for node in _own_nodes(scope):
        if isinstance(node, ast.Global | ast.Nonlocal) and isinstance(scope, ast.ClassDef):
            if any(_mangled(each, scope) == name for each in node.names):
                return None
        elif isinstance(node, ast.AugAssign) or (
            isinstance(node, ast.AnnAssign) and node.value is None
        ):
            valueless.add(id(node.target))
        elif (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Store)
            and id(node) not in valueless
            and _mangled(node.id, scope) == name
            and (first is None or node.lineno < first)
        ):
            first = node.lineno
    return first


def _mangled(name: str, scope: _Scope) -> str:
    """The attribute that a name in the body of a scope becomes: ``__cache`` is private."""
    if not isinstance(scope, ast.ClassDef) or not name.startswith("__") or name.endswith("__"):
        return name
    owner = scope.name.lstrip("_")
    return f"_{owner}{name}" if owner else name

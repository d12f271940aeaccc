"""Finds the line of a source file that makes an attribute of a module, class or instance.

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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_FILE_BYTES_MAX = 1 << 22

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Scope = ast.Module | ast.ClassDef | _Function
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
    """Find where an attribute of a module, a class or its instances is first assigned.

    Args:
        file: The source file.
        scope: The class's qualified name, like ``"Outer.Inner"``; ``""`` for the module itself;
            ``"Outer.Inner()"`` for instances of the class: of what they are given nowhere in so
            many words, the line of the class is found.
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
    lines = text.split("\n")
    # Of two classes of one name nobody knows which was meant.
    if scope.endswith("()"):
        made = classes.get(scope.removesuffix("()"), ())
        number = _first_in_instances(tree, made[0], name) if len(made) == 1 else None
    else:
        scopes: list[_Scope] = [tree] if scope == "" else list(classes.get(scope, ()))
        number = _first_assignment(scopes[0], name) if len(scopes) == 1 else None
        if number is None and len(scopes) == 1 and isinstance(scopes[0], ast.ClassDef):
            number = _first_in_class(tree, scopes[0], name)
    if number is None or number > len(lines):
        return None
    return Line(_shown(file), number, lines[number - 1].strip())


@dataclass(frozen=True, slots=True)
class Place(Line):
    """One line, and the function or class that it is in by its qualified name; None: neither."""

    function: str | None


def line(file: str, number: int) -> Place | None:
    """A line of a source file that has just run, and the function that it is in.

    Args:
        file: The source file.
        number: The line, from 1.

    Returns:
        The line, or None where the file is not there or has no such line.

    Example:
        >>> line("/nowhere/shop.py", 3) is None
        True
    """
    text = _read(file)
    return None if text is None else line_of(_shown(file), text, number)


def line_of(shown: str, text: str, number: int) -> Place | None:
    """A line of a text, and the function that it is in.

    Args:
        shown: What to call the text.
        text: The source.
        number: The line, from 1.

    Returns:
        The line, or None where the text has no such line.

    Example:
        >>> line_of("<stmt>", "kept.append(1)", 1).text
        'kept.append(1)'
    """
    lines = text.split("\n")
    if not 1 <= number <= len(lines):
        return None
    return Place(shown, number, lines[number - 1].strip(), _function_at(text, number))


def _function_at(text: str, number: int) -> str | None:
    """The innermost function, else class, that a line is in; a lambda is part of what it is in."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            node: ast.AST = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names: list[str] = []
    below: Iterator[ast.AST] | None = ast.iter_child_nodes(node)
    while below is not None:
        inner = None
        for child in below:
            if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case) and _spans(
                child, number
            ):
                inner = child
        if isinstance(inner, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if number < inner.lineno:
                break  # a decorator is not in what it decorates
            names.append(inner.name)
        below = None if inner is None else ast.iter_child_nodes(inner)
    return ".".join(names) or None


def _spans(node: ast.AST, number: int) -> bool:
    """Is the line in the statement, decorators included?"""
    if isinstance(node, ast.match_case):
        first, last = node.pattern.lineno, node.body[-1].end_lineno
    elif isinstance(node, ast.stmt | ast.excepthandler):
        decorators = getattr(node, "decorator_list", ())
        first = min([node.lineno, *(each.lineno for each in decorators)])
        last = node.end_lineno
    else:
        return False
    return first <= number <= (last or first)


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


def own_nodes(scope: _Scope) -> Iterator[ast.AST]:
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
    for node in own_nodes(scope):
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


def _first_in_instances(tree: ast.Module, scope: ast.ClassDef, name: str) -> int:
    """The first line that gives instances of a class the attribute.

    That is one on which a method of the class or of a base of it in the file gives its first
    argument the attribute, and something else than None, if possible; else the only line on which
    somebody else does so; else the line that declares it, as dataclasses do, or the class's own.
    """
    family = _family(tree, scope)
    found = [given for each in family for given in _given_to_first(each, name)]
    declared = [node for each in family for node in _declared(each, name)]
    lines = [line for line, is_none in found if not is_none]
    if not lines and not any(_is_made_by_call(tree, scope, node) for node in declared):
        lines = _given_by_others(tree, family, name)
    lines = lines or [line for line, _ in found] or [node.lineno for node in declared]
    return min(lines, default=scope.lineno)


def _first_in_class(tree: ast.Module, scope: ast.ClassDef, name: str) -> int | None:
    """The first line that gives a class the attribute outside of its body.

    Class methods and metaclasses do that to their first argument, others call it by its name.
    """
    bases = _family(tree, scope)
    metas = [
        each
        for base in bases
        for keyword in base.keywords
        if keyword.arg == "metaclass"
        for made in _called(tree, keyword.value)
        for each in _family(tree, made)
    ]
    found = [given for meta in metas for given in _given_to_first(meta, name)]
    for each in bases:
        found += _given_to_first(each, name, is_class=True)
    found += [
        (node.lineno, is_none)
        for node, is_none in _stores(ast.walk(tree), name, scope)
        if isinstance(node.value, ast.Name) and node.value.id == scope.name
    ]
    return min((line for line, is_none in found if not is_none), default=None)


def _called(tree: ast.Module, expression: ast.expr) -> list[ast.ClassDef]:
    """The one class that the module itself calls so."""
    name = expression.id if isinstance(expression, ast.Name) else None
    named = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    return named if len(named) == 1 else []


def _family(tree: ast.Module, scope: ast.ClassDef) -> list[ast.ClassDef]:
    """A class and those that it inherits from, as far as they are in the file."""
    family = [scope]
    for each in family:
        for base in each.bases:
            # Of Field[int] the class is Field.
            bare = base.value if isinstance(base, ast.Subscript) else base
            family += [made for made in _called(tree, bare) if made not in family]
    return family


def _stores(
    nodes: Iterable[ast.AST], name: str, scope: ast.ClassDef
) -> list[tuple[ast.Attribute, bool]]:
    """Where an attribute of that name is given a value, and whether that is None."""
    parts = list(nodes)
    valueless: set[int] = set()
    nones: set[int] = set()
    for node in parts:
        if isinstance(node, ast.AugAssign) or (
            isinstance(node, ast.AnnAssign) and node.value is None
        ):
            valueless.add(id(node.target))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and _is_none(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            nones.update(map(id, targets))
    return [
        (node, id(node) in nones)
        for node in parts
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and id(node) not in valueless
        and _mangled(node.attr, scope) == name
    ]


def _is_none(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _methods(scope: ast.ClassDef) -> Iterator[tuple[_Function, str | None]]:
    """Methods, and what they call their first argument."""
    for method in scope.body:
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*method.args.posonlyargs, *method.args.args]
            yield method, arguments[0].arg if arguments else None


def _given_to_first(
    scope: ast.ClassDef, name: str, *, is_class: bool = False
) -> list[tuple[int, bool]]:
    """Lines on which a method gives its first argument the attribute; is it None?"""
    return [
        (node.lineno, is_none)
        for method, me in _methods(scope)
        if not is_class or _is_class_method(method)
        for node, is_none in _stores(own_nodes(method), name, scope)
        if isinstance(node.value, ast.Name) and node.value.id == me
    ]


def _is_class_method(method: _Function) -> bool:
    marks = [each.id for each in method.decorator_list if isinstance(each, ast.Name)]
    return method.name == "__init_subclass__" or "classmethod" in marks


def _given_by_others(tree: ast.Module, family: list[ast.ClassDef], name: str) -> list[int]:
    """The line on which what is not the first argument of a method is given the attribute.

    None if there are several, or other classes that have such an attribute.
    """
    lines: set[int] = set()
    scopes: list[tuple[_Scope, str | None]] = [(tree, None)]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            alien = node not in family and not any(each in family for each in _family(tree, node))
            if alien and (_given_to_first(node, name) or _declared(node, name)):
                return []
            scopes += _methods(node)
    scopes += [
        (node, None)
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for scope, me in scopes:
        for node, is_none in _stores(own_nodes(scope), name, family[0]):
            mine = isinstance(node.value, ast.Name) and node.value.id == me
            if not is_none and not mine:
                lines.add(node.lineno)
    return list(lines) if len(lines) == 1 else []


def _declared(scope: ast.ClassDef, name: str) -> list[ast.AnnAssign]:
    return [
        node
        for node in scope.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and _mangled(node.target.id, scope) == name
    ]


def _is_made_by_call(tree: ast.Module, scope: ast.ClassDef, declared: ast.AnnAssign) -> bool:
    """May the value of a field come from a call of the class: has it no default, or is it given?"""
    if not _is_none(declared.value) or not isinstance(declared.target, ast.Name):
        return True
    fields = [each.lineno for each in scope.body if isinstance(each, ast.AnnAssign)]
    before = sum(line < declared.lineno for line in fields)
    return any(
        len(call.args) > before
        or any(isinstance(each, ast.Starred) for each in call.args)
        or any(each.arg in (None, declared.target.id) for each in call.keywords)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == scope.name
    )


def _mangled(name: str, scope: _Scope) -> str:
    """The attribute that a name in the body of a scope becomes: ``__cache`` is private."""
    if not isinstance(scope, ast.ClassDef) or not name.startswith("__") or name.endswith("__"):
        return name
    owner = scope.name.lstrip("_")
    return f"_{owner}{name}" if owner else name

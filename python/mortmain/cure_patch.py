"""Changes to a source file, and the patch they make.

Knows: texts and unified diffs. Must not know: which cure it is.

A patch is made only where `git apply` takes it: of a file that is UTF-8 with plain line ends, and
whose changed form compiles.
"""

from __future__ import annotations

import ast
import difflib
import itertools
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mortmain.cure_source import Module

_STEP = "    "


@dataclass(frozen=True, slots=True)
class Edit:
    """The characters from ``begin`` to ``end`` become ``text``."""

    begin: int
    end: int
    text: str


def offset(module: Module, line: int, column: int) -> int:
    """Where a place that ast names is in the text; its columns are bytes of UTF-8."""
    lines = module.text.split("\n")
    before = sum(len(each) + 1 for each in lines[: line - 1])
    return before + len(lines[line - 1].encode()[:column].decode(errors="replace"))


def replace(module: Module, node: ast.expr | ast.stmt, text: str) -> Edit:
    """Put a text in the place of a node."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return Edit(
        offset(module, node.lineno, node.col_offset),
        offset(module, node.end_lineno, node.end_col_offset),
        text,
    )


def indent_of(module: Module, node: ast.stmt) -> str:
    """The blanks before a statement."""
    line = module.line(node.lineno)
    return line[: len(line) - len(line.lstrip())]


def stands_alone(module: Module, node: ast.stmt) -> bool:
    """Is nothing else on the lines of a statement?"""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    before = module.line(node.lineno).encode()[: node.col_offset].decode(errors="replace")
    after = module.line(node.end_lineno).encode()[node.end_col_offset :].decode(errors="replace")
    return before.strip() == "" and (after.strip() == "" or after.strip().startswith("#"))


def insert_before(module: Module, line: int, lines: Sequence[str]) -> Edit:
    """New lines before a line."""
    at = offset(module, line, 0)
    return Edit(at, at, "".join(each + "\n" for each in lines))


def insert_after(module: Module, node: ast.stmt, lines: Sequence[str]) -> Edit:
    """New lines behind a statement, with its indent."""
    assert node.end_lineno is not None
    at = offset(module, node.end_lineno, 0) + len(module.line(node.end_lineno))
    return Edit(at, at, "".join(f"\n{indent_of(module, node)}{each}" for each in lines))


def insert_above(module: Module, node: ast.stmt, text: str) -> Edit:
    """New lines before the statement of the module itself that a statement is in."""
    top: ast.stmt = node
    for each in module.up(node):
        if isinstance(each, ast.stmt):
            top = each
    place = offset(module, _first_line(top), 0)
    return Edit(place, place, text)


def delete(module: Module, node: ast.stmt) -> Edit:
    """The lines of a statement that stands alone."""
    assert node.end_lineno is not None
    begin = offset(module, node.lineno, 0)
    end = offset(module, node.end_lineno, 0) + len(module.line(node.end_lineno)) + 1
    return Edit(begin, min(end, len(module.text)), "")


def imported_as(module: Module, name: str) -> tuple[str | None, list[Edit]]:
    """What a module of the library is called in the file, and the import it may need.

    Args:
        module: The file.
        name: Like ``"weakref"``.

    Returns:
        The name, or None where it is taken by something else, and the edits.
    """
    if _is_hidden(module, name):
        return None, []
    for node in _first_imports(module):
        for alias in node.names:
            own = alias.asname or name
            if alias.name == name and not _is_bound_again(module, own):
                return own, []
    late = [
        alias
        for node in module.tree.body
        if isinstance(node, ast.Import)
        for alias in node.names
        if (alias.name, alias.asname) == (name, None)
    ]
    taken = any(
        (isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.arg) and node.arg == name)
        or (
            isinstance(node, ast.alias)
            and (node.asname or node.name) == name
            and not any(node is each for each in late)
        )
        or (isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name)
        for node in ast.walk(module.tree)
    )
    if taken:
        return None, []
    return name, [_import_edit(module, name)]


def _first_imports(module: Module) -> list[ast.Import]:
    """The imports that come before everything that may need them."""
    found = []
    for node in module.tree.body:
        if isinstance(node, ast.Import):
            found.append(node)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or (
            isinstance(node, ast.Assign | ast.AnnAssign)
            and any(isinstance(each, ast.Dict | ast.List | ast.Call) for each in ast.walk(node))
        ):
            break
    return found


def _is_bound_again(module: Module, name: str) -> bool:
    """Does the module give its own name to something else later, or delete it?"""
    return any(
        isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
        for node in ast.walk(module.tree)
        if module.function(node) is None
    )


def _is_hidden(module: Module, name: str) -> bool:
    """Would a script get a file of its folder instead of the library's?"""
    folder = Path(module.file).parent
    return (
        (folder / f"{name}.py").exists()
        and not (folder / "__init__.py").exists()
        and (Path(module.file).parent != Path(os.__file__).parent)
    )


def _import_edit(module: Module, name: str) -> Edit:
    """Among the plain imports at the top, by name; else before the first statement that works."""
    first: ast.stmt | None = None
    for number, node in enumerate(module.tree.body):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if number == 0 and is_text:
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue
        if isinstance(node, ast.Import) and node.names[0].name < name:
            first = node
            continue
        if isinstance(node, ast.Import) or first is not None:
            break
        if not isinstance(node, ast.ImportFrom):
            break
    if first is not None and stands_alone(module, first):
        return insert_after(module, first, [f"import {name}"])
    return _import_at_top(module, name)


def _import_at_top(module: Module, name: str) -> Edit:
    last: ast.stmt | None = None
    for number, node in enumerate(module.tree.body):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if (number == 0 and is_text) or is_future:
            last = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            return insert_before(module, node.lineno, [f"import {name}"])
        elif last is None:
            return insert_before(module, _first_line(node), [f"import {name}", ""])
        else:
            break
    if last is None or not stands_alone(module, last):
        return Edit(len(module.text), len(module.text), f"import {name}\n")
    return insert_after(module, last, ["", f"import {name}"])


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def body_start(module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Edit | None:
    """Where a function's own first line goes, behind what documents it; the text is empty."""
    first = function.body[0]
    documents = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    if documents and len(function.body) == 1:
        return None
    at = function.body[1] if documents else first
    if not stands_alone(module, at) and not hasattr(at, "body"):
        return None
    place = offset(module, _first_line(at), 0)
    return Edit(place, place, "")


def apply(module: Module, edits: Sequence[Edit]) -> str | None:
    """The changed text, or None where the edits meet or the result is no Python."""
    ordered = sorted(dict.fromkeys(edits), key=lambda edit: (edit.begin, edit.end))
    for before, after in itertools.pairwise(ordered):
        if after.begin < before.end:
            return None
    made = module.text
    for edit in reversed(ordered):
        made = made[: edit.begin] + edit.text + made[edit.end :]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(made, module.file, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return made if made != module.text else None


def diff(module: Module, after: str) -> str | None:
    """A unified diff, or None where the file is not what `git apply` would find."""
    try:
        raw = Path(module.file).read_bytes()
    except OSError:
        return None
    if raw != module.text.encode():
        return None  # other line ends, another encoding
    name = _relative(module.file)
    if not name.isprintable() or any(letter in name for letter in '"\\ \t'):
        return None
    lines = difflib.unified_diff(_lines(module.text), _lines(after), f"a/{name}", f"b/{name}", n=3)
    last = "\n\\ No newline at end of file\n"
    return "".join(line if line.endswith("\n") else line + last for line in lines)


def _lines(text: str) -> list[str]:
    lines = [f"{line}\n" for line in text.split("\n")]
    if lines[-1] == "\n":
        lines.pop()
    else:
        lines[-1] = lines[-1][:-1]
    return lines


def _relative(file: str) -> str:
    """From the working directory; else from where packages or a repository are; else its name."""
    path = Path(os.path.abspath(file))  # noqa: PTH100 links stay
    if path.is_relative_to(Path.cwd()):
        return path.relative_to(Path.cwd()).as_posix()
    for folder in path.parents:
        if folder.name in ("site-packages", "dist-packages"):
            return path.relative_to(folder).as_posix()
        if (folder / ".git").exists():
            return path.relative_to(folder).as_posix()
    return path.name

"""What a source file imports, and which files that is.

Knows: import statements and sys.path. Must not know: classes, cures. Nothing is imported.

The name of a module that is relative begins with as many dots as the statement has.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from mortmain.cure_source import Module

Origin = tuple[str, str]


def files_of(name: str, importer: Module | None = None) -> list[str]:
    """The source of a module, none or one; of a relative one, as another imports it."""
    bare = name.lstrip(".")
    level = len(name) - len(bare)
    parts = bare.split(".") if bare else []
    if not all(part.isidentifier() for part in parts) or not name:
        return []
    places = ["", *sys.path]
    if level:
        above = list(Path(importer.file).parents)[level - 1 : level] if importer else []
        places = [str(folder) for folder in above]
    for place in places:
        at = Path(place, *parts)
        modules = [at.with_name(f"{parts[-1]}.py")] if parts else []
        for file in (*modules, at / "__init__.py"):
            if file.is_file():
                return [str(file)]
    return []


def modules(module: Module) -> list[str]:
    """The modules that a file imports by their whole names, at its top or in a function."""
    found: list[str] = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            found.append(node.module)
    return list(dict.fromkeys(found))


def _origins(module: Module, name: str) -> Iterator[Origin]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    yield "." * node.level + (node.module or ""), alias.name


def origin(module: Module, name: str) -> Origin | None:
    """Module and name of what ``from ... import`` brings; none where that is not certain."""
    found = set(_origins(module, name))
    return next(iter(found)) if len(found) == 1 else None


def sources(module: Module, name: str) -> list[str]:
    """Files that a name may come from, by any ``from ... import`` of the file."""
    return [file for place, _ in _origins(module, name) for file in files_of(place, module)]


def module_called(module: Module, name: str) -> str | None:
    """The module that a name of the file is."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return alias.name
    found = origin(module, name)
    return None if found is None else found[0] + "." * (not found[0].endswith(".")) + found[1]


def has_star(module: Module) -> bool:
    """May any name of the file come from elsewhere?"""
    return any(
        alias.name == "*"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    )

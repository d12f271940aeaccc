"""What a misspelt function, file or module may have meant.

Knows: the names that a source file gives, and the files and modules that there are. Must not know:
what is done with a function. Nothing is imported.
"""

from __future__ import annotations

import ast
import difflib
import pkgutil
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from mortmain import cure_imports, cure_source, supervise

# What the process of a step says of a name that is not there, and the interpreter of a module.
_NO_NAME = re.compile(r".* has no '([^']*)'; name one of its functions", re.DOTALL)
_NO_MODULE = re.compile(r".*ModuleNotFoundError: No module named '([^']*)'", re.DOTALL)


def told(step: tuple[str, str, str], failure: str) -> str | None:
    """A better line for a step that could not be loaded.

    Args:
        step: Its kind, where it is and its name, as ``supervise.run_steps()`` takes it.
        failure: What its process said.

    Returns:
        ``"no stepp in shop.py; did you mean step?"``, or None where nothing is like it.
    """
    kind, target, name = step
    missing = _NO_NAME.fullmatch(failure)
    if missing is not None and missing[1] == name:
        meant = _function(kind, target, name)
        return None if meant is None else f"no {name} in {target}; did you mean {meant}?"
    unknown = _NO_MODULE.fullmatch(failure)
    # Else it is one that the module itself asks for.
    if kind == "module" and unknown is not None and f"{target}.".startswith(f"{unknown[1]}."):
        meant = _module(unknown[1])
        return None if meant is None else f"no module {unknown[1]}; did you mean {meant}?"
    return None


def file(path: str) -> str | None:
    """The file beside it that is called most like it, as it would have been given."""
    folder = Path(path).parent
    try:
        names = [each.name for each in folder.iterdir() if each.suffix == ".py"]
    except OSError:
        return None
    meant = _near(Path(path).name, names)
    return None if meant is None else str(folder / meant)


def _near(word: str, names: Iterable[str]) -> str | None:
    """The name that is most like it; the first by the alphabet of those that are equally so."""
    return next(iter(difflib.get_close_matches(word, sorted(set(names)), n=1)), None)


def _function(kind: str, target: str, name: str) -> str | None:
    files = [target] if kind == "file" else cure_imports.files_of(target)
    module = cure_source.read(files[0]) if files else None
    if module is None:
        return None
    # "Shop.add": each part is looked for in the class that the parts before it name.
    scope: ast.Module | ast.ClassDef = module.tree
    meant: list[str] = []
    for part in name.split("."):
        names = _names(scope)
        near = part if part in names else _near(part, names)
        if near is None:
            return None
        meant.append(near)
        inner = names[near]
        if isinstance(inner, ast.ClassDef):
            scope = inner
        elif len(meant) < name.count(".") + 1:
            return None  # what an object has, nobody knows
    return ".".join(meant) if meant != name.split(".") else None


def _names(scope: ast.Module | ast.ClassDef) -> dict[str, ast.stmt]:
    """What may be called in a module or class: functions, classes, and what is imported."""
    names: dict[str, ast.stmt] = {}
    for node in scope.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names[node.name] = node
        elif isinstance(node, ast.ImportFrom):
            names |= {each.asname or each.name: node for each in node.names}
    return names


def _module(name: str) -> str | None:
    """A module that there is: the last part of a name is looked for where the others lead."""
    parent, dot, last = name.rpartition(".")
    if dot:
        places = [str(Path(each).parent) for each in cure_imports.files_of(parent)]
    else:
        _, first = supervise.step_place("module", name)
        places = [first, *sys.path]
    names = {each.name for each in pkgutil.iter_modules(places)}
    near = _near(last, names if dot else names | sys.stdlib_module_names)
    return None if near is None else f"{parent}{dot}{near}"

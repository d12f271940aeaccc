"""Whether a file may see an attribute without naming it: as a part of its whole object.

Knows: the ways to get at all attributes of an object, or at one by a name that is made. Must not
know: which cure fits.

`json.dumps(vars(job))` needs a list to be a list, `pickle` no weak reference, and
`self.__dict__["lines"]` reads what no mention of `.lines` tells of. So every cure that changes what
an attribute is, or says that nobody reads it, asks here first.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from mortmain.cure_source import Module

_WHOLE = {
    "vars", "__dict__", "asdict", "astuple", "getmembers", "__getstate__", "__setstate__",
    "__reduce__", "__reduce_ex__", "__getattribute__", "__copy__", "__deepcopy__", "deepcopy",
    "model_dump",
}  # fmt: skip
_OF_MODULES = {"vars", "__dict__", "globals", "getmembers"}
_WRITERS = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "jsonpickle", "joblib", "shelve", "copy",
    "multiprocessing", "concurrent",
}  # fmt: skip
_BY_NAME = {"getattr", "hasattr", "setattr", "delattr", "attrgetter"}
# The same in the text of another file, of which no more is known.
_TEXT_OF_INSTANCES = re.compile(
    rf"\b({'|'.join(sorted(_WHOLE | _WRITERS - {'copy'}))}|copy\.copy)\b"
)


def in_others(module: Module, scope: str) -> re.Pattern[str]:
    """What tells of the same in the text of another file; scopes are those of as_a_whole().

    Of a module or a class it has to be named there: what is read of the other file's own, or of
    objects, has nothing of it.
    """
    if scope.endswith("()"):
        return _TEXT_OF_INSTANCES
    file = Path(module.file)
    place = file.parent.name if file.name == "__init__.py" else file.stem
    owner = re.escape(scope.rpartition(".")[2] or place)
    return re.compile(
        rf"\b(vars|getmembers|getattr)\(\s*([\w.]+\.)?{owner}\b|\b{owner}\.__dict__\b"
    )


def as_a_whole(module: Module, scope: str, name: str) -> bool:
    """Could the file read an attribute, or write it out, without its name?

    Args:
        module: The file.
        scope: ``""`` for a global of the module, else a class, or ``"Class()"`` for its instances.
        name: As the source writes it.
    """
    # What a class has for all is no part of what is written of an instance.
    of_instances = scope.endswith("()")
    words = _WHOLE if of_instances else _OF_MODULES
    return any(
        word in words or (of_instances and word in _WRITERS and is_import)
        for word, is_import in _words(module)
    ) or any(_by_name(call, name, scope) for call in _calls(module))


def _words(module: Module) -> Iterator[tuple[str, bool]]:
    """All names, and whether it is a module that is imported."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name):
            yield node.id, False
        elif isinstance(node, ast.Attribute):
            yield node.attr, False
        elif isinstance(node, ast.FunctionDef):
            yield node.name, False
        elif isinstance(node, ast.Import):
            yield from ((each.name.partition(".")[0], True) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0], True


def _calls(module: Module) -> Iterator[ast.Call]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _called(node) in _BY_NAME:
            yield node


def _called(call: ast.Call) -> str:
    """The last name of what is called; a chain of calls may be deeper than a walk can go."""
    func = call.func
    if isinstance(func, ast.Attribute):
        return func.attr
    return func.id if isinstance(func, ast.Name) else ""


def _by_name(call: ast.Call, name: str, scope: str) -> bool:
    """Does it ask for an attribute by this name, or by one that nobody knows?"""
    is_getter = _called(call) == "attrgetter"
    asked = call.args if is_getter else call.args[1:2]
    for each in asked:
        if not isinstance(each, ast.Constant):
            return scope != "" or is_getter
        last = str(each.value).rpartition(".")[2]
        # A private one has the name of its class in front: `_Job__lines`.
        if last == name or (name.startswith("__") and last.endswith(name)):
            return True
    return False

"""What takes an entry out again, as the source has it: a method of the holder, or of what is held.

Knows: the names that people give to such methods. Must not know: which cure a finding gets. What is
named was read: it takes something out of this very container, or is a method that an object has to
be done with it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from mortmain import cure_imports, cure_source
from mortmain.cure_case import Case
from mortmain.cure_source import Function

# How the opposite of a method that puts something in is called; the rest of the name stays.
_OPPOSITES = {
    "add": ("remove", "discard", "delete", "del", "drop"),
    "append": ("remove", "pop"),
    "attach": ("detach",),
    "bind": ("unbind",),
    "connect": ("disconnect",),
    "create": ("delete", "destroy"),
    "enter": ("leave", "exit"),
    "insert": ("remove", "delete"),
    "join": ("leave",),
    "listen": ("unlisten",),
    "on": ("off",),
    "open": ("close",),
    "push": ("pop",),
    "put": ("remove", "pop", "take"),
    "register": ("unregister", "deregister"),
    "set": ("unset", "delete", "del", "remove"),
    "start": ("stop",),
    "subscribe": ("unsubscribe",),
    "track": ("untrack",),
    "watch": ("unwatch",),
}
# What ends an object. The first that a class has is named.
_ENDS = ("unsubscribe", "disconnect", "unregister", "detach", "cancel", "close", "aclose", "stop",
         "shutdown", "terminate", "release", "dispose", "destroy")  # fmt: skip


def hint(case: Case) -> str | None:
    """What to call, or to write, so that an entry goes.

    Args:
        case: The finding beside its source.

    Returns:
        ``"Feed.unsubscribe() (shop.py:12) takes one out again"``, without the stop; None where the
        source has no such thing.
    """
    removers = _removers(case)
    end = _end(case)
    told = ""
    if end is not None:
        owner, method, file = end
        told = f"{owner.name}.{method.name}() ({_place(file, method)})"
        if method in removers or _calls(method, [each.name for each in removers]):
            return f"{told} takes it out again{_if_unused(case, method)}"
    if removers:
        owners = case.module.owner(removers[0])
        name = removers[0].name if owners is None else f"{owners.name}.{removers[0].name}"
        place = _place(case.module.file, removers[0])
        return f"{name}() ({place}) takes one out again{_if_unused(case, removers[0])}"
    opposite = _opposite(case)
    if opposite is not None:
        owner, method = opposite
        return f"{owner.name} has {method.name}() ({_place(case.module.file, method)})"
    return None if end is None else f"{told} could take it out again"


def _place(file: str, method: Function) -> str:
    return f"{cure_source.shown(file)}:{method.lineno}"


def _if_unused(case: Case, method: Function) -> str:
    return "" if case.calls_of(method.name) else ", and nothing in the file calls it"


def _removers(case: Case) -> list[Function]:
    """Functions that take something out, but for those that put it in; the likeliest first."""
    inserters = [use.function for use in case.of_kind("insert")]
    found: list[Function] = []
    for use in case.of_kind("remove"):
        function = use.function if use.method != "clear" and case.is_own(use) else None
        if function is None or function in inserters or function in found:
            continue
        if _may_be_called(case.module.file, function):
            found.append(function)
    likely = {name for each in inserters if each is not None for name in _opposites(each.name)}
    return sorted(found, key=lambda each: (each.name not in likely, each.lineno))


def _may_be_called(file: str, function: Function) -> bool:
    """Is it for users to call? What a library has for itself is not, nor what Python calls."""
    if function.name.startswith("__") and function.name.endswith("__"):
        return False
    is_library = bool({"site-packages", "dist-packages"} & set(Path(file).parts))
    is_library |= cure_source.is_stdlib(file)
    return not (is_library and function.name.startswith("_"))


def _opposites(name: str) -> Iterator[str]:
    bare = name.lstrip("_")
    lead = name[: len(name) - len(bare)]
    for word, others in _OPPOSITES.items():
        if bare == word or bare.startswith(f"{word}_"):
            for other in others:
                yield f"{lead}{other}{bare[len(word) :]}"


def _opposite(case: Case) -> tuple[ast.ClassDef, Function] | None:
    """A method beside the one that puts something in, and called as its opposite."""
    for use in case.of_kind("insert"):
        if use.owner is None or use.function is None:
            continue
        for name in _opposites(use.function.name):
            method = cure_source.method_of(use.owner, name)
            if method is not None and _may_be_called(case.module.file, method):
                return use.owner, method
    return None


def _end(case: Case) -> tuple[ast.ClassDef, Function, str] | None:
    """A method that ends what is held, its class and the file of it."""
    module_name, _, name = (case.facts.type or "").rpartition(".")
    modules = [case.module]
    if not case.module.classes(name):
        read = [cure_source.read(file) for file in cure_imports.files_of(module_name)]
        modules = [each for each in read if each is not None]
    for module in modules:
        owners = module.classes(name)
        for word in _ENDS if len(owners) == 1 else ():
            method = cure_source.method_of(owners[0], word)
            if method is not None and not _is_empty(method):
                return owners[0], method, module.file
    return None


def _is_empty(method: Function) -> bool:
    """Does it do nothing, as in a class to inherit from?"""
    return all(
        isinstance(each, ast.Pass | ast.Raise)
        or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
        for each in method.body
    )


def _calls(method: Function, names: Sequence[str]) -> bool:
    called = (node.func for node in ast.walk(method) if isinstance(node, ast.Call))
    return any(ast.unparse(each).rpartition(".")[2] in names for each in called)

"""Cures for what the containers and signals of mortmain.weak keep.

Knows: how they are made and connected, and what their paths look like in a finding. Must not know:
other containers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mortmain import cure_patch
from mortmain.cure_case import Answer, Case, Facts
from mortmain.cure_patch import Edit
from mortmain.cure_source import Module

_TABLES = ("WeakKeyDictionary", "WeakIdKeyDictionary")
_FUNCTION = re.compile(r"function (?P<name>.+) \((?P<file>[^()]+):(?P<line>\d+)\)")


def own_table(case: Case) -> Answer | None:
    """A value that leads back to its weak key: the stdlib's would be a dict inside of it."""
    if case.facts.kind != "weak container":
        return None
    if case.container == "EphemeronDict":
        return Answer("sweep", "weak container", case.line)
    if case.container not in _TABLES:
        return None
    cure = "sweep" if _has_no_room(case) else "ephemeron-dict"
    edits = [] if cure == "sweep" else _freed_by_the_collector(case)
    return Answer(cure, "weak container", case.line, (), tuple(edits))


def _freed_by_the_collector(case: Case) -> list[Edit]:
    """`ephemeron=True` wherever it is made; nothing where one of them is not understood."""
    edits = []
    for use in case.of_kind("define"):
        made = use.value
        if not isinstance(made, ast.Call) or made.args or made.keywords:
            return []
        name = case.shown(made.func)
        if name.rpartition(".")[2] != case.container:
            return []
        edits.append(cure_patch.replace(case.module, made, f"{name}(ephemeron=True)"))
    return edits


def _has_no_room(case: Case) -> bool:
    """Have the keys slots, none of which is for the values?"""
    name = (case.facts.type or "").rpartition(".")[2]
    slots = [
        ast.unparse(node.value)
        for owner in case.module.classes(name)
        for node in owner.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__slots__"
    ]
    return bool(slots) and not any("__ephemerons__" in each or "__dict__" in each for each in slots)


def is_receiver(facts: Facts) -> bool:
    """Does a signal keep somebody who is told, and what that leads to?"""
    return _receiver(facts) is not None


def _receiver(facts: Facts) -> str | None:
    """What was connected, as the path of the finding has it."""
    objects = [text for text, _, _ in facts.path]
    for at, text in enumerate(objects[:-2]):
        if text == "Signal" and objects[at + 1] == "Connection":
            return objects[at + 2]
    return None


def receiver_kept(facts: Facts, module: Module) -> Answer | None:
    """A function, a lambda or a partial without an owner is held as long as the signal."""
    receiver = _receiver(facts) or ""
    for call in _connects(module):
        if _is_of(call.args[0], receiver, module):
            return Answer("signal-owner", "callbacks", call.lineno)
    return None


def _connects(module: Module) -> Iterator[ast.Call]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            given = {each.arg for each in node.keywords}
            if node.func.attr == "connect" and not given & {"owner", "weak", None}:
                yield node


def _is_of(value: ast.expr, receiver: str, module: Module) -> bool:
    """Is it this receiver that a call connects?"""
    found = _FUNCTION.fullmatch(receiver)
    if found is None:
        name = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
        return receiver == "partial" and name.rpartition(".")[2] == "partial"
    if not module.file.endswith(found["file"]):
        return False
    if isinstance(value, ast.Lambda):
        return value.lineno == int(found["line"])
    return isinstance(value, ast.Name) and value.id == found["name"].rpartition(".")[2]

"""Cures for classes that are made with every call.

Knows: how a class inside a function looks. Must not know: who holds it.
"""

from __future__ import annotations

import ast
import textwrap

from mortmain import cure_patch
from mortmain.cure_case import Answer, Facts
from mortmain.cure_patch import Edit
from mortmain.cure_source import Module

_MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.Call)


def made_once(facts: Facts, module: Module) -> Answer | None:
    """A class inside a function that takes nothing from it: made once, it does as well."""
    found = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and isinstance(module.parents[node], ast.FunctionDef)
    ]
    last = (facts.held or facts.type or "").rpartition(".")[2]
    named = [node for node in found if last.endswith(node.name)]
    found = named or found
    if len(found) != 1:
        return None
    made = found[0]
    function = module.parents[made]
    assert isinstance(function, ast.FunctionDef)
    plain = Answer("make-class-once", "class", made.lineno)
    if not _is_apart(module, function, made) or _differs(made) or not _is_free(module, made):
        return plain
    first = min([made.lineno, *(each.lineno for each in made.decorator_list)])
    begin = cure_patch.offset(module, first, 0)
    end = cure_patch.offset(module, (made.end_lineno or 0) + 1, 0) if (
        made.end_lineno or 0
    ) < module.text.count("\n") + 1 else len(module.text)  # fmt: skip
    text = textwrap.dedent(module.text[begin:end]).rstrip("\n")
    edits: list[Edit] = [
        cure_patch.insert_above(module, function, f"{text}\n\n\n"),
        Edit(begin, end, ""),
    ]
    return Answer("make-class-once", "class", made.lineno, ("made-alike",), tuple(edits))


def _is_apart(module: Module, function: ast.FunctionDef, made: ast.ClassDef) -> bool:
    """Does it use nothing of the functions around it?"""
    around = [
        each
        for each in module.up(made)
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    ]
    if len(around) != 1 or len(function.body) == 1:
        return False
    names = {node.id for node in ast.walk(made) if isinstance(node, ast.Name)} - {made.name}
    if any(isinstance(node, ast.Nonlocal | ast.Global) for node in ast.walk(made)):
        return False
    inner = {node.arg for node in ast.walk(made) if isinstance(node, ast.arg)}
    taken = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    inside = {id(node) for node in ast.walk(made)}
    for node in ast.walk(function):
        if id(node) in inside or node is function:
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            taken.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            taken.add(node.name)
        elif isinstance(node, ast.alias):
            taken.add((node.asname or node.name).partition(".")[0])
    return not (names - inner) & taken and module.owner(function) is None


def _differs(made: ast.ClassDef) -> bool:
    """Would calls share what the class keeps for itself?"""
    for node in made.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            plain = all(
                isinstance(each, ast.Name) and each.id.startswith("_") and each.id.endswith("_")
                for each in targets
            )
            if not plain and isinstance(node.value, _MUTABLE) and not _is_value(node.value):
                return True
    return bool(made.decorator_list)


def _is_value(node: ast.expr | None) -> bool:
    """A call that makes what never changes."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) in (
        "bytes", "int", "float", "str", "tuple", "frozenset", "object",
    )  # fmt: skip


def _is_free(module: Module, made: ast.ClassDef) -> bool:
    """Is the name used for nothing else in the file, and nothing set on the class?"""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name == made.name and node is not made:
                return False
        elif isinstance(node, ast.Name) and node.id == made.name:
            if not isinstance(node.ctx, ast.Load):
                return False
            above = module.parents[node]
            if isinstance(above, ast.Attribute) and not isinstance(above.ctx, ast.Load):
                return False
        elif isinstance(node, ast.alias) and (node.asname or node.name) == made.name:
            return False
    return True

"""Cures for classes that are made with every call.

Knows: how a class inside a function looks. Must not know: who holds it.
"""

from __future__ import annotations

import ast
import builtins
import copy
import symtable
import textwrap
from collections.abc import Iterator

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
    if not _is_same(text, made):
        return plain
    edits: list[Edit] = [
        cure_patch.insert_above(module, function, f"{text}\n\n\n"),
        Edit(begin, end, ""),
    ]
    return Answer("make-class-once", "class", made.lineno, ("made-alike",), tuple(edits))


def _is_apart(module: Module, function: ast.FunctionDef, made: ast.ClassDef) -> bool:
    """Does it use nothing of the functions around it, and nothing that comes to be later?"""
    around = [
        each
        for each in module.up(made)
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    ]
    if len(around) != 1 or len(function.body) == 1 or module.owner(function) is not None:
        return False
    if any(isinstance(node, ast.Nonlocal | ast.Global) for node in ast.walk(made)):
        return False
    top = symtable.symtable(module.text, module.file, "exec")
    found = [
        (above, table)
        for above, table in _tables(top)
        if (table.get_type(), table.get_name(), table.get_lineno())
        == ("class", made.name, made.lineno)
    ]
    if len(found) != 1:
        return False
    above, table = found[0]
    if above.get_type() != "function":
        return False
    own = {each.get_name() for each in above.get_symbols() if each.is_local()} - {made.name}
    free = {
        each.get_name()
        for _, inner in [(above, table), *_tables(table)]
        for each in inner.get_symbols()
        if each.is_free()
    }
    # What is needed to make it, rather than to use it.
    needed = {each.get_name() for each in table.get_symbols() if each.is_global()}
    for base in (*made.bases, *made.keywords):
        needed |= {node.id for node in ast.walk(base) if isinstance(node, ast.Name)}
    there = _earlier(module, function) | set(dir(builtins)) | {"__name__", "__file__"}
    return not (free | needed) & own and needed <= there and not _runs(module, made)


def _runs(module: Module, made: ast.ClassDef) -> bool:
    """Is something called while the class is made, which would be called by the import instead?"""
    return any(
        isinstance(node, ast.Call) and not _is_value(node) and not _is_inner(module, node, made)
        for node in ast.walk(made)
    )


def _is_inner(module: Module, node: ast.Call, made: ast.ClassDef) -> bool:
    """Is it in the body of a function of the class?"""
    inner: ast.AST = node
    for each in module.up(node):
        if each is made:
            return False
        is_function = isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        if (is_function and inner in getattr(each, "body", [])) or isinstance(each, ast.Lambda):
            return True
        inner = each
    return False


def _tables(
    table: symtable.SymbolTable,
) -> Iterator[tuple[symtable.SymbolTable, symtable.SymbolTable]]:
    """All scopes in a scope, each behind the one that it is in."""
    for inner in table.get_children():
        yield table, inner
        yield from _tables(inner)


def _earlier(module: Module, function: ast.FunctionDef) -> set[str]:
    """Names that the module surely has before a function of it begins."""
    bound: set[str] = set()
    late: set[str] = set()
    for node in ast.walk(module.tree):
        inside = module.function(node) is not None or module.owner(node) is not None
        names: list[str] = []
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names = [node.name]
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names = [node.id]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.asname or alias.name.partition(".")[0] for alias in node.names]
        for name in () if inside else names:
            is_earlier = getattr(node, "lineno", 0) < function.lineno
            (bound if is_earlier else late).add(name)
    return bound - late


def _is_same(text: str, made: ast.ClassDef) -> bool:
    """Does the indent make no difference, but to what says what it is?"""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    return [_without_docs(each) for each in tree.body] == [_without_docs(made)]


def _without_docs(made: ast.stmt) -> str:
    copied = copy.deepcopy(made)
    for node in ast.walk(copied):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            ast.get_docstring(node) is not None
        ):
            node.body[0] = ast.Pass()
    return ast.dump(copied)


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

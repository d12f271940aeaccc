"""Other names of a container: a local variable, its bound method, `self` in a class of its own.

Knows: Python's syntax, by ast. Must not know: which cure fits.

`cache = self._cache` makes every later `cache` of the function another mention of the container,
if nothing else is ever bound to that name there. So it is with `put = self._cache.append`. In the
methods of a class that is a dict or a list itself, `self` is the container.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace

from mortmain.cure_source import Function, Module, Use, method_kind, use_of

_BASES = {
    "dict", "Dict", "list", "List", "set", "Set", "deque", "Deque", "OrderedDict", "defaultdict",
    "DefaultDict", "UserDict", "UserList", "MutableMapping", "WeakKeyDictionary",
    "WeakValueDictionary", "WeakSet",
}  # fmt: skip
_OF_BASE = {"__setitem__", "__getitem__", "__delitem__", "append", "add", "setdefault", "pop"}


def with_aliases(module: Module, found: Iterable[Use]) -> list[Use]:
    """The same uses, and those by the names that the container has in functions.

    A use that only gives it such a name is of kind ``alias``.
    """
    every: list[Use] = []
    for use in found:
        name = _named(module, use)
        if name is None:
            every.append(use)
            continue
        every.append(replace(use, kind="alias"))
        assert use.function is not None
        every += _mentions(module, use, name)
    return every


def _named(module: Module, use: Use) -> str | None:
    """The local variable that the container, or a method of it, is given to, and nothing else."""
    parent = module.parents[use.node]
    if isinstance(parent, ast.Attribute):
        parent = module.parents[parent]
    if use.kind != "other" or use.function is None or not isinstance(parent, ast.Assign):
        return None
    targets = parent.targets
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        return None
    name = targets[0].id
    arguments = use.function.args
    taken = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    taken += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    for node in ast.walk(use.function):
        if isinstance(node, ast.Global | ast.Nonlocal) and name in node.names:
            return None
        if isinstance(node, ast.arg) and node.arg == name:
            return None
        stored = (
            isinstance(node, ast.Name)
            and node.id == name
            and not isinstance(node.ctx, ast.Load)
            and node is not targets[0]
        )
        if stored:
            return None
    return None if any(each.arg == name for each in taken) else name


def _mentions(module: Module, use: Use, name: str) -> list[Use]:
    bound = isinstance(module.parents[use.node], ast.Attribute)
    assert use.function is not None
    found = []
    for node in ast.walk(use.function):
        if not isinstance(node, ast.Name) or node.id != name or not isinstance(node.ctx, ast.Load):
            continue
        if not bound:
            found.append(use_of(module, node))
            continue
        call = module.parents[node]
        if isinstance(call, ast.Call) and call.func is node:
            kind, method, key, value = method_kind(use.method, call)
            found.append(
                replace(use, kind=kind, method=method, key=key, value=value,
                        statement=module.statement(node), function=module.function(node))
            )  # fmt: skip
        else:
            found.append(replace(use, statement=module.statement(node)))
    return found


def own_class(module: Module, container: str) -> ast.ClassDef | None:
    """The class of the file that is a container itself, by its name."""
    found = [
        node
        for node in module.classes(container.rpartition(".")[2])
        if any(_bare(base) in _BASES for base in node.bases)
    ]
    return found[0] if len(found) == 1 else None


def _bare(base: ast.expr) -> str:
    bare = base.value if isinstance(base, ast.Subscript) else base
    return ast.unparse(bare).rpartition(".")[2]


def methods(owner: ast.ClassDef) -> set[str]:
    """What such a class does in its own way: callers do no more than call it."""
    return {node.name for node in owner.body if isinstance(node, ast.FunctionDef)}


def within(module: Module, owner: ast.ClassDef) -> list[Use]:
    """What the methods of such a class do with themselves."""
    found = []
    own = methods(owner)
    for method in owner.body:
        if not isinstance(method, ast.FunctionDef) or not method.args.args:
            continue
        if any(ast.unparse(each) in ("staticmethod", "classmethod")
               for each in method.decorator_list):  # fmt: skip
            continue
        me = method.args.args[0].arg
        for node in ast.walk(method):
            if isinstance(node, ast.Name) and node.id == me:
                found += _of_self(module, node, own)
            elif _is_super(node):
                found += _of_super(module, node, method)
    return found


def _of_self(module: Module, node: ast.Name, own: set[str]) -> list[Use]:
    parent = module.parents[node]
    if isinstance(parent, ast.Attribute) and parent.attr not in _OF_BASE - own:
        return []  # something else of the object
    return [use_of(module, node)]


def _is_super(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
    )


def _of_super(module: Module, node: ast.AST, method: Function) -> list[Use]:
    """`super().__setitem__(key, value)` puts in."""
    attribute = module.parents[node]
    call = module.parents.get(attribute)
    if not isinstance(attribute, ast.Attribute) or not isinstance(call, ast.Call):
        return []
    if attribute.attr != "__setitem__" or len(call.args) != 2:
        return []
    me = ast.Name(method.args.args[0].arg, ast.Load())
    ast.copy_location(me, attribute.value)
    statement = module.statement(call)
    return [Use("insert", me, statement, method, module.owner(method), "[]=", *call.args)]


def inner(module: Module, found: Iterable[Use]) -> list[Use]:
    """What is done with the containers in a container: `table[key]`, `table.setdefault(key, [])`.

    What is done with the outer one alone is of kind ``outer``, unless they may get out by it.
    """
    every: list[Use] = []
    for use in found:
        parent = module.parents[use.node]
        expression = parent if isinstance(parent, ast.Subscript) else module.parents[parent]
        gets = (use.kind, use.method) in (
            ("lookup", "[]"), ("lookup", "get"), ("insert", "setdefault"),
        )  # fmt: skip
        if gets and isinstance(expression, ast.Subscript | ast.Call):
            made = use_of(module, expression)
            every.append(replace(made, kind="outer") if made.kind == "size" else made)
        elif use.kind in ("define", "test", "size", "remove", "alias"):
            every.append(replace(use, kind="outer"))
        else:
            every.append(replace(use, kind="other"))
    return every

"""Cures for finalizers that keep the object they wait for: a method of it, or its owner.

Knows: how a method is registered to be called at the end. Must not know: who keeps such callbacks.

A weak method in its place would be dead when it is called: nothing would be cleaned up any more.
So the finalizer is handed what the method works on, and not the object, as a function of its own
that the method calls as well. That is written only where it is certain to do the same: where the
method uses nothing of the object but attributes that are set once, before the finalizer is made.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import textwrap
from dataclasses import dataclass

from mortmain import cure_bases, cure_patch, cure_source
from mortmain.cure_case import Answer, Facts
from mortmain.cure_patch import Edit
from mortmain.cure_source import Function, Module

_INTERPRETED = {"super", "__class__", "locals", "vars", "eval", "exec", "dir"}


def method_as_finalizer(facts: Facts, module: Module) -> Answer | None:
    """`weakref.finalize(self, self.close)`: the method keeps the object, which so never goes."""
    for call in _calls(module, "finalize"):
        if len(call.args) < 2 or not isinstance(call.args[0], ast.Name):
            continue
        func = method_called(call.args[1])
        root = func.value if isinstance(func, ast.Attribute) else None
        owner = module.owner(call)
        if not isinstance(root, ast.Name) or root.id != call.args[0].id or owner is None:
            continue
        if not cure_bases.is_ancestor(module, owner, facts.type or ""):
            continue
        plain = Answer("finalizer-apart", "finalizer", call.lineno)
        apart = _apart(module, owner, call, func) if len(call.args) == 2 else None
        if apart is None or call.keywords:
            return plain
        edits = [*apart.edits, cure_patch.replace(module, call.args[1], apart.call)]
        return Answer(plain.cure, plain.role, plain.line, ("runs-at-exit",), tuple(edits))
    return None


def method_at_exit(facts: Facts, module: Module) -> Answer | None:
    """`atexit.register(self.close)`: until the exit, each object that was ever made."""
    for call in _calls(module, "register"):
        statement = module.statement(call)
        owner = module.owner(call)
        if ast.unparse(call.func) != "atexit.register" or not call.args or owner is None:
            continue
        func = method_called(call.args[0])
        root = func.value if isinstance(func, ast.Attribute) else None
        if not isinstance(root, ast.Name):
            continue
        if cure_source.resolve(module, root, module.function(call)) != "self":
            continue
        if not cure_bases.is_ancestor(module, owner, facts.type or ""):
            continue
        plain = Answer("finalizer-apart", "finalizer", call.lineno)
        alone = isinstance(statement, ast.Expr) and statement.value is call
        single = len(call.args) == 1 and not call.keywords
        weakref, edits = cure_patch.imported_as(module, "weakref")
        apart = _apart(module, owner, call, func) if alone and single else None
        if apart is None or weakref is None or "atexit.unregister" in module.text:
            return plain
        if cure_bases.can_be_weak(module, owner) is not True:
            return plain
        edits += [
            *apart.edits,
            cure_patch.replace(module, call.func, f"{weakref}.finalize"),
            cure_patch.replace(module, call.args[0], f"{root.id}, {apart.call}"),
        ]
        return Answer(plain.cure, plain.role, plain.line, ("runs-at-exit",), tuple(edits))
    return None


def _calls(module: Module, name: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name
    ]


def method_called(value: ast.expr) -> ast.expr:
    """The method that a function without arguments does nothing but call."""
    if isinstance(value, ast.Lambda) and isinstance(value.body, ast.Call):
        call = value.body
        empty = not ast.unparse(value.args)
        if empty and not call.args and not call.keywords:
            return call.func
    return value


# ---- the method, as a function of what it works on -----------------------------------------------


@dataclass(frozen=True, slots=True)
class _Apart:
    """The edits that make the function, and what the finalizer is to be handed."""

    edits: tuple[Edit, ...]
    call: str


def _apart(module: Module, owner: ast.ClassDef, call: ast.Call, func: ast.expr) -> _Apart | None:
    """A function that does what the method does, above the class; None where it would differ."""
    if not isinstance(func, ast.Attribute) or owner not in module.tree.body:
        return None
    method = cure_source.method_of(owner, func.attr)
    if not isinstance(method, ast.FunctionDef) or not _is_simple(module, owner, method):
        return None
    words = _attributes(method)
    if words is None or not all(_is_set_once(module, owner, call, each) for each in words):
        return None
    name = f"_{method.name.strip('_')}_of_{_lowered(owner.name)}"
    given = [each.lstrip("_") for each in words]
    if name in module.text or len(set(given)) < len(given) or not all(given):
        return None
    names = {node.id for node in ast.walk(method) if isinstance(node, ast.Name)}
    if set(given) & names or any(_is_keyword(each) for each in given):
        return None
    own = method.args.args[0].arg
    text = _as_function(module, method, name, dict(zip(words, given, strict=True)))
    if text is None:
        return None
    handed = [f"{own}.{each}" for each in words]
    edits = (
        cure_patch.insert_above(module, owner, text),
        _delegating(module, method, f"{name}({', '.join(handed)})"),
    )
    root = ast.unparse(func.value)
    return _Apart(edits, ", ".join([name, *(f"{root}.{each}" for each in words)]))


def _lowered(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip("_")).lower()


def _is_keyword(name: str) -> bool:
    return keyword.iskeyword(name) or name in ("self", "cls") or hasattr(builtins, name)


def _is_simple(module: Module, owner: ast.ClassDef, method: ast.FunctionDef) -> bool:
    """Does it take the object alone, and does nobody else have a method of its own for it?"""
    taken = method.args
    plain = [*taken.posonlyargs, *taken.kwonlyargs, taken.vararg, taken.kwarg]
    if len(taken.args) != 1 or any(plain) or method.decorator_list or cure_bases.is_vast(module):
        return False
    if method.name.startswith("__") or any(
        isinstance(node, ast.Yield | ast.YieldFrom | ast.Await | ast.Nonlocal)
        or (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef)
            and node is not method)
        or (isinstance(node, ast.Name) and node.id in _INTERPRETED)
        for node in ast.walk(method)
    ):  # fmt: skip
        return False
    # A subclass may clean up more: that is called as long as it is the method of the object.
    others = re.compile(rf"^\s+(async\s+)?def\s+{re.escape(method.name)}\b", re.MULTILINE)
    subclass = re.compile(rf"^\s*class\s+\w+\(.*\b{re.escape(owner.name)}\b", re.MULTILINE)
    texts = list(cure_bases.texts(module, owner.name))
    return not any(subclass.search(text) and len(others.findall(text)) > (at == 0)
                   for at, text in enumerate(texts))  # fmt: skip


def _attributes(method: ast.FunctionDef) -> list[str] | None:
    """What it reads of the object; None where it does something else with it."""
    own = method.args.args[0].arg
    found: dict[str, None] = {}
    reads = {
        node.value: node
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and node.attr[:2] == "__" != node.attr[-2:]:
            return None  # a private name is spelled otherwise outside of the class
        if not isinstance(node, ast.Name) or node.id != own:
            continue
        if node not in reads or reads[node].attr.startswith("__"):
            return None
        found[reads[node].attr] = None
    return list(found)


def _is_set_once(module: Module, owner: ast.ClassDef, call: ast.Call, name: str) -> bool:
    """Is an attribute set before the finalizer is made, and never again?"""
    function = module.function(call)
    statement = module.statement(call)
    if function is None or function.name != "__init__" or statement not in function.body:
        return False
    stores = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr == name
        and not isinstance(node.ctx, ast.Load)
    ]  # fmt: skip
    if len(stores) != 1 or cure_source.method_of(owner, name) is not None:
        return False
    made = module.statement(stores[0])
    is_plain = isinstance(made, ast.Assign | ast.AnnAssign) and made in function.body
    if not is_plain or made.lineno >= statement.lineno or "setattr(" in module.text:
        return False
    value = made.value if isinstance(made, ast.Assign | ast.AnnAssign) else None
    if value is None or _names(function, value) or _is_given_the_object(module, owner, name):
        return False  # it may lead back to the object
    word = re.escape(name)
    again = re.compile(rf"\.\s*{word}\s*(=[^=]|[-+|&*/]=)|\bdel\b[^\n]*\.{word}\b")
    return not any(again.search(text) for text in list(cure_bases.texts(module, owner.name))[1:])


def _is_given_the_object(module: Module, owner: ast.ClassDef, name: str) -> bool:
    """Is the object handed to a method of the attribute, or kept in it?"""
    for node in ast.walk(owner):
        function = module.function(node)
        if function is None or not (isinstance(node, ast.Attribute) and node.attr == name):
            continue
        statement = module.statement(node)
        parts = [statement] if not hasattr(statement, "body") else []
        bare = [
            each
            for part in parts
            for each in ast.walk(part)
            if isinstance(each, ast.Name)
            and _names(function, each)
            and not isinstance(module.parents[each], ast.Attribute)
        ]
        if bare and "finalize" not in ast.unparse(statement):
            return True
    return False


def _names(function: Function, value: ast.AST) -> bool:
    """Is the object itself somewhere in it?"""
    own = function.args.args[0].arg if function.args.args else ""
    return any(isinstance(node, ast.Name) and node.id == own for node in ast.walk(value))


def _as_function(
    module: Module, method: ast.FunctionDef, name: str, words: dict[str, str]
) -> str | None:
    """The text of the function."""
    own = method.args.args[0].arg
    begin = cure_patch.offset(module, method.body[0].lineno, 0)
    last = method.body[-1]
    end = cure_patch.offset(module, last.end_lineno or 0, 0)
    end += len(module.line(last.end_lineno or 0))
    if method.body[0].lineno == method.lineno:
        return None  # all on one line
    text = module.text[begin:end]
    edits = [
        cure_patch.replace(module, node, words[node.attr])
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == own
    ]
    for edit in sorted(edits, key=lambda each: each.begin, reverse=True):
        text = text[: edit.begin - begin] + edit.text + text[edit.end - begin :]
    body = textwrap.indent(textwrap.dedent(text), "    ")
    returns = "" if method.returns is None else f" -> {ast.unparse(method.returns)}"
    made = f"def {name}({', '.join(words.values())}){returns}:\n{body}\n"
    try:
        parsed = ast.parse(made).body[0]
    except (SyntaxError, IndexError):
        return None
    expected = textwrap.dedent(ast.unparse(_renamed(method, words)))
    assert isinstance(parsed, ast.FunctionDef)
    same = ast.unparse(ast.Module(parsed.body, [])) == expected
    return f"{made}\n\n" if same else None


def _renamed(method: ast.FunctionDef, words: dict[str, str]) -> ast.Module:
    """The body of the method, with names for the attributes."""
    own = method.args.args[0].arg

    class Names(ast.NodeTransformer):
        """Attributes of the object become names."""

        def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
            """One of them, or another one."""
            if isinstance(node.value, ast.Name) and node.value.id == own:
                return ast.Name(words[node.attr], node.ctx)
            return self.generic_visit(node)

    parsed = ast.parse(ast.unparse(ast.Module(method.body, [])))
    made = Names().visit(parsed)
    assert isinstance(made, ast.Module)
    return made


def _delegating(module: Module, method: ast.FunctionDef, call: str) -> Edit:
    """The body of the method, which is now a call; what documents it stays."""
    first = method.body[0]
    documents = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    start = method.body[1] if documents and len(method.body) > 1 else first
    last = method.body[-1]
    returns = any(isinstance(node, ast.Return) and node.value is not None
                  for node in ast.walk(method))  # fmt: skip
    text = f"return {call}" if returns else call
    if documents and len(method.body) == 1:
        return cure_patch.insert_after(module, first, [text])
    begin = cure_patch.replace(module, start, "").begin
    return Edit(begin, cure_patch.replace(module, last, "").end, text)

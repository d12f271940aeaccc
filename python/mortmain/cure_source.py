"""How a source file uses the container that holds too much.

Knows: Python's syntax, by ast. Must not know: heaps, and which cure fits.

A name is taken for the container wherever it could be: what is not understood is a use of an
unknown kind, and with one of these nothing that depends on all uses is said.
"""

from __future__ import annotations

import ast
import os
import re
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mortmain import source

Function = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SIBLINGS_MAX = 300
_LIBRARY = re.compile(r"python3\.\d+t?")

_INSERTS = {"append", "add", "appendleft", "insert", "put", "put_nowait", "extend", "update"}
_INSERTS |= {"setdefault", "register"}
_REMOVES = {"pop", "popitem", "popleft", "remove", "discard", "clear", "get_nowait"}
_VIEWS = {"values", "items", "keys"}
_READERS = {"len", "bool", "iter", "list", "tuple", "set", "sorted", "sum", "any", "all", "min"}
_READERS |= {"max", "enumerate", "frozenset", "reversed"}


@dataclass(frozen=True, slots=True)
class Use:
    """One mention: ``kind`` is define, insert, remove, lookup, test, iterate, size, alias or other.

    ``node`` is the container as that place writes it.
    """

    kind: str
    node: ast.expr
    statement: ast.stmt
    function: Function | None
    owner: ast.ClassDef | None
    method: str = ""
    key: ast.expr | None = None
    value: ast.expr | None = None


@dataclass(slots=True)
class Module:
    """A source file that was parsed."""

    file: str
    text: str
    tree: ast.Module
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    def up(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node is in, the nearest first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement that a node is in, or is."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def function(self, node: ast.AST) -> Function | None:
        """The function that a node is in."""
        return next((each for each in self.up(node) if isinstance(each, _FUNCTIONS)), None)

    def owner(self, node: ast.AST) -> ast.ClassDef | None:
        """The class that a node is in."""
        return next((each for each in self.up(node) if isinstance(each, ast.ClassDef)), None)

    def line(self, number: int) -> str:
        """A line of the file."""
        return self.text.split("\n")[number - 1]

    def classes(self, name: str) -> list[ast.ClassDef]:
        """All classes of a name, nested ones by the last part of it."""
        return [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ClassDef) and node.name == name
        ]


def read(file: str) -> Module | None:
    """Parse a file, or None where that cannot be done."""
    text = source._read(file)
    if text is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    module = Module(file, text, tree)
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            module.parents[child] = node
    return module


def matches(module: Module, anchors: tuple[tuple[str, int], ...]) -> bool:
    """Is it the file that ran, as far as anybody knows?"""
    starts, _ = source._definitions(module.tree)
    return all(anchor in starts for anchor in anchors)


def spelled(module: Module, scope: str, attribute: str) -> str:
    """How the source writes an attribute: a private one without its class."""
    last = scope.removesuffix("()").rpartition(".")[2].lstrip("_")
    prefix = f"_{last}__"
    return attribute[len(prefix) - 2 :] if last and attribute.startswith(prefix) else attribute


def uses(module: Module, scope: str, name: str) -> list[Use]:
    """Everything that the file does with what could be the container.

    Args:
        module: The file.
        scope: ``""`` for a global of the module, else a class, or ``"Class()"`` for its instances.
        name: As the source writes it.

    Returns:
        The uses, by line.
    """
    found = [
        use_of(module, node)
        for node in ast.walk(module.tree)
        if _names(module, node, scope, name) and isinstance(node, ast.Name | ast.Attribute)
    ]
    return sorted(found, key=lambda use: (use.node.lineno, use.node.col_offset))


def _names(module: Module, node: ast.AST, scope: str, name: str) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == name and not (scope == "" and _is_of_another(module, node))
    if not isinstance(node, ast.Name) or node.id != name:
        return False
    function = module.function(node)
    if scope == "":
        return function is None or not is_local(function, name)
    return function is None and module.owner(node) is not None


def _is_of_another(module: Module, node: ast.Attribute) -> bool:
    """Is it of what the file imports as a module, or of an object?"""
    root = ast.unparse(node.value)
    if resolve(module, node.value, module.function(node)) == "self":
        return True  # an object of the file has it, which is no module
    return any(
        root in (alias.asname, alias.name) if isinstance(each, ast.Import) else False
        for each in ast.walk(module.tree)
        if isinstance(each, ast.Import)
        for alias in each.names
    ) or any(
        isinstance(each, ast.Import)
        and any(alias.name.startswith(f"{root}.") for alias in each.names)
        for each in module.tree.body
    )


def is_local(function: Function, name: str) -> bool:
    """Is a name bound in a function, rather than in its module?"""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    if any(each.arg == name for each in every):
        return True
    stored = False
    for node in ast.walk(function):
        if isinstance(node, ast.Global) and name in node.names:
            return False
        stored |= isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
    return stored


def use_of(module: Module, node: ast.expr) -> Use:
    """What is done with the container at a node that mentions it."""
    kind, method, key, value = _kind(module, node)
    return Use(
        kind,
        node,
        module.statement(node),
        module.function(node),
        module.owner(node),
        method,
        key,
        value,
    )


_Kind = tuple[str, str, ast.expr | None, ast.expr | None]


def _kind(module: Module, node: ast.expr) -> _Kind:
    """What is done with it; where something is put in: by which method, the key and the value."""
    parent = module.parents[node]
    context = getattr(node, "ctx", None)
    if isinstance(context, ast.Store):
        return _stored(parent, node)
    if isinstance(context, ast.Del):
        return "other", "", None, None
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return _subscripted(module, parent)
    if isinstance(parent, ast.Attribute):
        return _called(module, parent)
    if isinstance(parent, ast.Call) and node in parent.args:
        reads = isinstance(parent.func, ast.Name) and parent.func.id in _READERS
        kind = "size" if reads and ast.unparse(parent.func) in ("len", "bool") else "iterate"
        return (kind if reads else "other"), "", None, None
    if isinstance(parent, ast.For | ast.AsyncFor | ast.comprehension) and parent.iter is node:
        return "iterate", "", None, None
    if isinstance(parent, ast.Compare) and node in parent.comparators:
        inside = all(isinstance(each, ast.In | ast.NotIn) for each in parent.ops)
        return ("test" if inside else "other"), "", parent.left, None
    if isinstance(parent, ast.If | ast.While | ast.IfExp) and parent.test is node:
        return "size", "", None, None
    if isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not):
        return "size", "", None, None
    return "other", "", None, None


def _stored(parent: ast.AST, node: ast.expr) -> _Kind:
    if isinstance(parent, ast.Assign) and node in parent.targets and len(parent.targets) == 1:
        return "define", "", None, parent.value
    if isinstance(parent, ast.AnnAssign):
        return "define", "", None, parent.value
    return "other", "", None, None


def _subscripted(module: Module, parent: ast.Subscript) -> _Kind:
    if isinstance(parent.slice, ast.Slice):
        return "other", "", None, None
    if isinstance(parent.ctx, ast.Del):
        return "remove", "del", parent.slice, None
    if isinstance(parent.ctx, ast.Load):
        return "lookup", "[]", parent.slice, None
    above = module.parents[parent]
    if isinstance(above, ast.Assign) and parent in above.targets:
        return "insert", "[]=", parent.slice, above.value
    if isinstance(above, ast.AugAssign):
        return "insert", "[]+=", parent.slice, None
    return "other", "", parent.slice, None


def _called(module: Module, parent: ast.Attribute) -> _Kind:
    call = module.parents[parent]
    if not isinstance(call, ast.Call) or call.func is not parent:
        return "other", parent.attr, None, None
    return method_kind(parent.attr, call)


def method_kind(method: str, call: ast.Call) -> _Kind:
    """What a call of a method of the container does."""
    first = call.args[0] if call.args else None
    if method in _INSERTS:
        if method == "setdefault" and len(call.args) == 2:
            return "insert", method, first, call.args[1]
        return "insert", method, None, call.args[-1] if call.args else None
    if method in _REMOVES:
        return "remove", method, first, None
    if method == "get":
        return "lookup", method, first, None
    if method in _VIEWS:
        return "iterate", method, None, None
    return "other", method, None, None


def resolve(module: Module, expression: ast.expr | None, function: Function | None) -> str:
    """What an expression is, in a word.

    Returns:
        self, param, id, created, class, callable, task, constant, tuple, caught, or other.
    """
    expression = value_of(expression, function)
    if isinstance(expression, ast.Name) and function is not None:
        return _name_kind(module, expression.id, function)
    if isinstance(expression, ast.Call):
        return _call_kind(expression)
    if isinstance(expression, ast.Lambda):
        return "callable"
    if isinstance(expression, ast.Constant | ast.JoinedStr | ast.BinOp):
        return "constant"
    if isinstance(expression, ast.Tuple):
        return "tuple"
    if isinstance(expression, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp):
        return "created"
    if isinstance(expression, ast.Attribute) and isinstance(expression.value, ast.Name):
        owner = module.owner(function) if function is not None else None
        is_own = function is not None and _name_kind(module, expression.value.id, function)
        if owner is not None and is_own == "self" and method_of(owner, expression.attr) is not None:
            return "callable"
    return "other"


def is_stable(key: ast.expr | None) -> bool:
    """Is it the same, evaluated twice?"""
    return key is not None and not any(
        isinstance(node, ast.Call | ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr)
        for node in ast.walk(key)
    )


def value_of(expression: ast.expr | None, function: Function | None) -> ast.expr | None:
    """What a local variable was set to, if that happens once."""
    if not isinstance(expression, ast.Name) or function is None:
        return expression
    name = expression.id
    stores = sum(
        isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
        for node in ast.walk(function)
    )
    sets = [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    ]
    return sets[0] if len(sets) == stores == 1 else expression


def _name_kind(module: Module, name: str, function: Function) -> str:
    arguments = [*function.args.posonlyargs, *function.args.args]
    is_method = isinstance(module.parents.get(function), ast.ClassDef)
    static = any(ast.unparse(each) == "staticmethod" for each in function.decorator_list)
    if is_method and not static and arguments and arguments[0].arg == name:
        of_class = any(ast.unparse(each) == "classmethod" for each in function.decorator_list)
        of_class |= function.name in ("__new__", "__init_subclass__", "__class_getitem__")
        return "class" if of_class else "self"
    if any(each.arg == name for each in [*arguments, *function.args.kwonlyargs]):
        return "param"
    for node in ast.walk(function):
        if isinstance(node, _FUNCTIONS) and node is not function and node.name == name:
            return "callable"
        if isinstance(node, ast.ClassDef) and node.name == name:
            return "class"
        if isinstance(node, ast.ExceptHandler) and node.name == name:
            return "caught"
    return "other"


def _call_kind(call: ast.Call) -> str:
    name = ast.unparse(call.func).rpartition(".")[2]
    if name == "id":
        return "id"
    if name in ("create_task", "ensure_future", "submit", "run_coroutine_threadsafe"):
        return "task"
    return "type" if name == "type" else "created"


def method_of(owner: ast.ClassDef, name: str) -> Function | None:
    """The function of a class that has this name."""
    return next(
        (node for node in owner.body if isinstance(node, _FUNCTIONS) and node.name == name), None
    )


def _bare(base: ast.expr) -> str:
    """`Base` of `shop.Base[int]`"""
    plain = base.value if isinstance(base, ast.Subscript) else base
    return ast.unparse(plain).rpartition(".")[2]


def are_related(module: Module, one: str, other: str) -> bool:
    """Is a class of the file one of both, or below both, as far as its bases are in the file?"""
    bases = {
        node.name: {_bare(base) for base in node.bases}
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }
    for name in bases:
        above, left = {name}, [name]
        while left:
            new = bases.get(left.pop(), set()) - above
            above |= new
            left += new
        if {one, other} <= above:
            return True
    return False


def used_elsewhere(module: Module, scope: str, name: str) -> bool:
    """Do other files of the same package mention it?"""
    pattern = rf"\.\s*{re.escape(name)}\b"
    if scope == "":
        pattern += rf"|\bimport\b[^\n]*\b{re.escape(name)}\b"
    word = re.compile(pattern)
    return any(text is None or word.search(text) for text, _ in _others(module))


def seen_elsewhere(module: Module, word: re.Pattern[str]) -> bool:
    """Is it in the text of another file that imports this one, as far as they are read?"""
    return any(is_user and (text is None or word.search(text)) for text, is_user in _others(module))


def _others(module: Module) -> Iterator[tuple[str | None, bool]]:
    """Files that may use this one, and whether they import it; None: there are more than that."""
    top = Path(module.file).parent
    while (top / "__init__.py").exists() and top.parent != top:
        top = top.parent
    is_package = (Path(module.file).parent / "__init__.py").exists()
    folder = Path(module.file).parent
    if is_package:
        parts = Path(module.file).parent.relative_to(top).parts
        folder = top / parts[0] if parts else folder
    files = folder.rglob("*.py") if is_package else folder.glob("*.py")
    # A package is imported by its folder's name, or by a dot.
    at_top = Path(module.file).name == "__init__.py"
    name = Path(module.file).resolve().parent.name if at_top else Path(module.file).stem
    for count, file in enumerate(files):
        if count == _SIBLINGS_MAX:
            yield None, True
            return
        is_user = imported_in(str(file), name) or (at_top and imported_in(str(file), "."))
        if is_package or is_user:
            yield "" if file.samefile(module.file) else source._read(str(file)) or "", is_user


def imported_in(file: str, name: str) -> bool:
    """Does a file import a module of this name, as far as a glance tells?"""
    text = source._read(file) or ""
    last = r"\bfrom\s+\.+\s+import\b" if name == "." else rf"\b{re.escape(name)}\b"
    return re.search(last if name == "." else rf"\b(import|from)\b[^\n]*{last}", text) is not None


def position(module: Module, function: Function, name: str) -> int:
    """Which argument of a call becomes a parameter; -1 = none by its place."""
    arguments = [each.arg for each in [*function.args.posonlyargs, *function.args.args]]
    is_method = isinstance(module.parents.get(function), ast.ClassDef)
    static = any(ast.unparse(each) == "staticmethod" for each in function.decorator_list)
    if name not in arguments:
        return -1
    return arguments.index(name) - (is_method and not static)


def argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    """What a call hands over for a parameter."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    return call.args[place] if 0 <= place < len(call.args) else None


def is_stdlib(file: str) -> bool:
    """Is it of the standard library, which nobody patches?"""
    place = Path(file)
    if {"site-packages", "dist-packages"} & set(place.parts):
        return False
    found = {sysconfig.get_paths()["stdlib"], str(Path(ast.__file__).parent)}
    if any(
        place.is_relative_to(each) for each in found | {os.path.realpath(each) for each in found}
    ):
        return True
    # Another interpreter's, as the one that was looked at.
    return any(
        _LIBRARY.fullmatch(each.name) and each.parent.name in ("lib", "lib64", "Lib")
        and (each / "sysconfig.py").exists()
        for each in place.parents
    )  # fmt: skip


def shown(file: str) -> str:
    """A file's name, relative where that is shorter to say."""
    return source._shown(file)


def mentions(file: str, word: re.Pattern[str]) -> bool:
    """Is it somewhere in the text of a file?"""
    return word.search(source._read(file) or "") is not None

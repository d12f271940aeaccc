"""Cures for what functions keep: caches of functools, defaults of parameters.

Knows: how their source looks. Must not know: containers that have a name of their own.
"""

from __future__ import annotations

import ast
import itertools
import re
from dataclasses import replace

from mortmain import cure_memos, cure_patch, cure_source
from mortmain.cure_case import BOUND, Answer, Case
from mortmain.cure_patch import Edit
from mortmain.cure_source import Function

_FUNCTION = re.compile(r"function (?P<name>\S+) \((?P<file>[^()]+):(?P<line>\d+)\)")
_VARIABLE = re.compile(r"closure variable (?P<name>\w+)")
_PARAMETER = re.compile(r"default of (?P<name>\w+)")


def _cached(case: Case) -> Function | None:
    """The function whose cache it is."""
    names = []
    for text, edge, _ in case.facts.path:
        if text == "_lru_cache_wrapper":
            break
        if text not in ("staticmethod", "classmethod"):
            names.append((text, (edge or "").removeprefix(".")))
    else:
        return None
    if not names:
        return None
    text, name = names[-1]
    found = [
        node
        for node in ast.walk(case.module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name == name
        and _cache_decorator(node) is not None
    ]
    if text.startswith("class "):
        last = text.removeprefix("class ").split(" ")[0].rpartition(".")[2]
        found = [node for node in found if _owner_name(case, node) == last]
    else:
        found = [node for node in found if _owner_name(case, node) is None]
    return found[0] if len(found) == 1 else None


def _owner_name(case: Case, node: ast.AST) -> str | None:
    parent = case.module.parents[node]
    return parent.name if isinstance(parent, ast.ClassDef) else None


def _cache_decorator(function: Function) -> ast.expr | None:
    for each in function.decorator_list:
        name = ast.unparse(each.func if isinstance(each, ast.Call) else each)
        if name.rpartition(".")[2] in ("cache", "lru_cache"):
            return each
    return None


def _without_self(function: Function) -> bool:
    return any(
        ast.unparse(each) in ("staticmethod", "classmethod") for each in function.decorator_list
    )


def cached_method(case: Case) -> Answer | None:
    """An lru_cache on a method keeps every `self`: the object itself can keep what it remembers."""
    function = _cached(case)
    if function is None or _owner_name(case, function) is None or _without_self(function):
        return None
    owner = case.module.parents[function]
    assert isinstance(owner, ast.ClassDef)
    plain = Answer("cache-on-instance", "cache", function.lineno)
    arguments = function.args
    names = [each.arg for each in [*arguments.posonlyargs, *arguments.args]]
    unusual = arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs
    has_slots = any(isinstance(each, ast.Name) and each.id == "__slots__" for each in
                    ast.walk(owner))  # fmt: skip
    asked = re.search(rf"\b{function.name}\s*\.\s*(cache_\w+|__wrapped__)", case.module.text)
    inner = f"_{function.name.lstrip('_')}_uncached"
    if (
        unusual
        or has_slots
        or asked
        or not names
        or len(function.decorator_list) != 1
        or isinstance(function, ast.AsyncFunctionDef)
        or inner in case.module.text
        or _compares_by_value(owner)
    ):
        return plain
    return Answer(
        "cache-on-instance", "cache", function.lineno, (),
        tuple(_on_instance(case, function, names, inner)),
    )  # fmt: skip


def _compares_by_value(owner: ast.ClassDef) -> bool:
    """Would equal objects share what is remembered? So are dataclasses, unless told otherwise."""
    defined = cure_source.method_of(owner, "__eq__") or cure_source.method_of(owner, "__hash__")
    return bool(defined or owner.decorator_list or owner.keywords)


def _on_instance(case: Case, function: Function, names: list[str], inner: str) -> list[Edit]:
    module = case.module
    decorator = function.decorator_list[0]
    blank = module.line(function.lineno)[: function.col_offset]
    me, rest = names[0], names[1:]
    key = f"({', '.join(rest)}{',' if len(rest) == 1 else ''})"
    declared = ast.unparse(function.args)
    returned = f" -> {case.shown(function.returns)}" if function.returns is not None else ""
    cache = f"_{function.name.lstrip('_')}_cache"
    lines = [
        f"def {function.name}({declared}){returned}:",
        f'    cache = {me}.__dict__.setdefault("{cache}", {{}})',
        f"    if {key} not in cache:",
        f"        cache[{key}] = {me}.{inner}({', '.join(rest)})",
        f"    return cache[{key}]",
    ]
    text = "\n".join([lines[0], *(blank + each for each in lines[1:]), ""])
    begin = cure_patch.offset(module, decorator.lineno, decorator.col_offset) - 1
    end = cure_patch.offset(module, decorator.end_lineno or 0, decorator.end_col_offset or 0)
    name_at = cure_patch.offset(module, function.lineno, function.col_offset)
    name_at = module.text.index(function.name, name_at + len("def"))
    return [
        Edit(begin, end, text),
        Edit(name_at, name_at + len(function.name), inner),
    ]


def cached_function(case: Case) -> Answer | None:
    """A cache without a bound."""
    function = _cached(case)
    if function is None:
        return _wrapped(case)
    decorator = _cache_decorator(function)
    assert decorator is not None
    line = function.lineno
    makes = any(
        isinstance(node, ast.Return)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).rpartition(".")[2].lstrip("_")[:1].isupper()
        for node in ast.walk(function)
    )
    # Who is handed the same instance each time relies on that.
    if makes or len(function.decorator_list) != 1 + _without_self(function):
        return Answer("bound-cache", "cache", line)
    edits = _with_bound(case, decorator)
    return cure_memos.replace_edits(
        Answer("bound-cache", "cache", line), edits, ("computed-again",)
    )


def _wrapped(case: Case) -> Answer | None:
    """`parsed = lru_cache(maxsize=None)(parse)`"""
    names = [
        (edge or "").removeprefix(".")
        for (_, edge, _), (text, _, _) in itertools.pairwise(case.facts.path)
        if text == "_lru_cache_wrapper"
    ]
    for node in case.module.tree.body:
        value = node.value if isinstance(node, ast.Assign) else None
        if not isinstance(node, ast.Assign) or not isinstance(value, ast.Call):
            continue
        if [ast.unparse(each) for each in node.targets] != names or len(value.args) != 1:
            continue
        made = value.func
        called = made.func if isinstance(made, ast.Call) else made
        argument = value.args[0]
        is_class = ast.unparse(argument).rpartition(".")[2].lstrip("_")[:1].isupper()
        if ast.unparse(called).rpartition(".")[2] not in ("cache", "lru_cache"):
            continue
        plain = Answer("bound-cache", "cache", node.lineno)
        edits = [] if is_class else _with_bound(case, made)
        return cure_memos.replace_edits(plain, edits, ("computed-again",))
    return None


def _with_bound(case: Case, decorator: ast.expr) -> list[Edit]:
    """`lru_cache` with a size in the place of what has none."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    written = case.shown(called)
    if isinstance(decorator, ast.Call):
        typed = [each for each in decorator.keywords if each.arg == "typed"]
        more = "".join(f", typed={ast.unparse(each.value)}" for each in typed)
        text = f"{written}(maxsize={BOUND}{more})"
        return [cure_patch.replace(case.module, decorator, text)]
    head, dot, _ = written.rpartition(".")
    edits = [cure_patch.replace(case.module, decorator, f"{head}{dot}lru_cache(maxsize={BOUND})")]
    if dot:
        return edits
    imports = [
        node
        for node in case.module.tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "functools"
    ]
    names = [alias.name for node in imports for alias in node.names]
    if len(imports) != 1 or written not in names:
        return []
    if "lru_cache" not in names:
        last = imports[0].names[-1]
        at = cure_patch.offset(case.module, last.end_lineno or 0, last.end_col_offset or 0)
        edits.append(Edit(at, at, ", lru_cache"))
    return edits


def _memo_of(case: Case, function: Function, name: str) -> Answer | None:
    """A memo that only one function and what is in it can see."""
    nodes = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id == name
    ]  # fmt: skip
    uses = [cure_source.use_of(case.module, node) for node in nodes]
    inner = replace(case, name=name, scope="<locals>", uses=tuple(uses))
    return cure_memos.memo(inner) if uses else None


def attribute_of_function(case: Case) -> Answer | None:
    """`look_up.cache = {}`: a memo that a function carries."""
    for (text, edge, _), (_, _, guilty) in itertools.pairwise(case.facts.path):
        found = _FUNCTION.fullmatch(text)
        name = (edge or "").removeprefix(".")
        if found is None or not guilty or not (edge or "").startswith("."):
            continue
        if not case.module.file.endswith(found["file"]):
            continue
        owner = found["name"].rpartition(".")[2]
        uses = [
            use
            for use in cure_source.uses(case.module, "", name)
            if isinstance(use.node, ast.Attribute)
        ]
        if any(ast.unparse(use.node).split(".")[-2:-1] != [owner] for use in uses):
            return None
        return cure_memos.memo(replace(case, name=name, scope="", uses=tuple(uses)))
    return None


def closure(case: Case) -> Answer | None:
    """A decorator's own memo: a dict that the wrapper refers to."""
    for (text, edge, _), (_, _, guilty) in itertools.pairwise(case.facts.path):
        found = _FUNCTION.fullmatch(text)
        variable = _VARIABLE.fullmatch(edge or "")
        if found is None or variable is None or not guilty:
            continue
        if not case.module.file.endswith(found["file"]):
            continue
        for node in ast.walk(case.module.tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            outer = case.module.function(node)
            if first == int(found["line"]) and outer is not None:
                return _memo_of(case, outer, variable["name"])
    return None


def mutable_default(case: Case) -> Answer | None:
    """`def f(item, seen=[])`: one list for all calls."""
    for text, edge, _ in case.facts.path:
        function_text = _FUNCTION.fullmatch(text)
        parameter = _PARAMETER.fullmatch(edge or "")
        if function_text is None or parameter is None:
            continue
        for node in ast.walk(case.module.tree):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.name == (function_text["name"].rpartition(".")[2])
            ):
                answer = _default_of(case, node, parameter["name"])
                if answer is not None:
                    return answer
    return None


def _default_of(case: Case, function: Function, name: str) -> Answer | None:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args]
    pairs = list(zip(reversed(every), reversed(arguments.defaults), strict=False))
    pairs += [
        (each, value)
        for each, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=False)
        if value is not None
    ]
    for each, value in pairs:
        if each.arg == name and isinstance(value, ast.List | ast.Dict | ast.Call | ast.Set):
            guarded = any(
                isinstance(node, ast.Compare)
                and any(isinstance(c, ast.Name) and c.id == name for c in node.comparators)
                for node in ast.walk(function)
            )
            if guarded:
                plain = Answer("bound-cache", "cache", function.lineno)
                return _memo_of(case, function, name) or plain
            at = cure_patch.body_start(case.module, function)
            blank = " " * function.body[-1].col_offset
            line = value.lineno
            if at is None:
                return Answer("mutable-default", "mutable default", line)
            text = f"{blank}if {name} is None:\n{blank}    {name} = {case.shown(value)}\n"
            edits = [cure_patch.replace(case.module, value, "None"), Edit(at.begin, at.end, text)]
            if each.annotation is not None:
                shown = f"{case.shown(each.annotation)} | None"
                edits.append(cure_patch.replace(case.module, each.annotation, shown))
            return Answer("mutable-default", "mutable default", line, (), tuple(edits))
    return None

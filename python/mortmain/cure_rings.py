"""Cures for rings: which reference to make weak, which variable to drop.

Knows: the shapes of rings and how their source looks. Must not know: containers.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from mortmain import cure_bases, cure_patch, cure_source, cure_tables, source
from mortmain.cure_case import Answer, Case
from mortmain.cure_patch import Edit
from mortmain.cure_source import Function

_FRAME = re.compile(r"frame of (?P<name>.+) \((?P<file>[^()]+):(?P<line>\d+)\)")
_LOCAL = re.compile(r"local (?P<name>\w+)")


def exception_in_a_local(case: Case) -> Answer | None:
    """Exception -> traceback -> frame -> local -> exception."""
    for text, edge, _ in case.facts.ring:
        frame = _FRAME.fullmatch(text)
        local = _LOCAL.fullmatch(edge or "")
        if frame is not None and local is not None:
            if not case.module.file.endswith(frame["file"]):
                return None
            function = _function(case, frame["name"], int(frame["line"]))
            return None if function is None else _dropped(case, function, local["name"])
    return None


def _function(case: Case, name: str, line: int) -> Function | None:
    last = name.rpartition(".")[2]
    found = [
        node
        for node in ast.walk(case.module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name == last
        and min([node.lineno, *(each.lineno for each in node.decorator_list)])
        <= line
        <= (node.end_lineno or node.lineno)
    ]
    return found[0] if len(found) == 1 else None


def _dropped(case: Case, function: Function, name: str) -> Answer | None:
    """Drop it where it is raised; keep it without its traceback where it is not."""
    module = case.module
    raises = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name) and node.exc.id == name
    ]
    stores = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        and any(isinstance(each, ast.Name) and each.id == name for each in node.targets)
    ]
    line = stores[0].lineno if stores else function.lineno
    edits: list[Edit] = []
    for node in raises:
        if _is_used_later(case, node, function, name) or not cure_patch.stands_alone(module, node):
            return Answer("drop-local", "exception and frame", line)
        text = ast.get_source_segment(module.text, node) or ""
        blank = cure_patch.indent_of(module, node)
        lines = f"try:\n{blank}    {text}\n{blank}finally:\n{blank}    del {name}"
        edits.append(cure_patch.replace(module, node, lines))
    if not raises:
        for store in stores:
            value = store.value
            if isinstance(value, ast.Name) and _is_caught(case, value):
                text = f"{value.id}.with_traceback(None)"
                edits.append(cure_patch.replace(module, value, text))
    edits = edits or _kept_by_attribute(case, function)
    return Answer("drop-local", "exception and frame", line, (), tuple(edits))


def _kept_by_attribute(case: Case, function: Function) -> list[Edit]:
    """`self.error = error`, whose traceback leads to `self` again: without it, nothing does.

    Not where somebody raises it later, or tells its traceback.
    """
    nodes = list(ast.walk(case.module.tree))
    again = [node for node in nodes if isinstance(node, ast.Raise) and node.exc is not None]
    if any(isinstance(each, ast.Attribute) for node in again for each in ast.walk(node)):
        return []
    told = {"traceback", "exc_info", "exception", "__traceback__"}
    if any({getattr(node, "id", None), getattr(node, "attr", None)} & told for node in nodes):
        return []
    named = {edge for _, edge, _ in case.facts.ring}
    return [
        cure_patch.replace(case.module, node.value, f"{node.value.id}.with_traceback(None)")
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Name)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Attribute)
        and f".{node.targets[0].attr}" in named
        and _is_caught(case, node.value)
    ]


def _is_used_later(case: Case, node: ast.Raise, function: Function, name: str) -> bool:
    """Could somebody read the variable after it was raised: a handler, a loop, what comes below?"""
    around = _within(case, node, function)
    if any(isinstance(each, ast.For | ast.AsyncFor | ast.While) for each in around):
        return True
    if not any(isinstance(each, ast.Try) for each in around):
        return False
    return any(
        isinstance(each, ast.Name) and each.id == name and each.lineno > node.lineno
        for each in ast.walk(function)
    )


def _within(case: Case, node: ast.AST, function: Function) -> list[ast.AST]:
    found = []
    for each in case.module.up(node):
        if each is function:
            break
        found.append(each)
    return found


def _is_caught(case: Case, value: ast.Name) -> bool:
    return any(
        isinstance(each, ast.ExceptHandler) and each.name == value.id
        for each in case.module.up(value)
    )


def reference_to_the_owner(case: Case) -> Answer | None:
    """`child.parent`: a property that holds it weakly, so that nobody else need change."""
    if case.facts.cure != "weak-parent" or not case.scope.endswith("()"):
        return None
    lines = [
        "value = self.{slot}",
        "return value() if isinstance(value, {weakref}.ref) else value",
    ]
    stored = [
        "try:",
        "    self.{slot} = {weakref}.ref(value)",
        "except TypeError:",
        "    self.{slot} = value  # None, or what has no room for weak references",
    ]
    return _property(case, "weak-parent", lines, stored)


def method_of_its_own(case: Case) -> Answer | None:
    """`timer.on_due = self.ring`: the object holds itself by its own method."""
    if case.facts.cure != "weak-method" or not case.scope.endswith("()"):
        return None
    if not case.facts.ring:
        return None
    if not _leads_to_a_method(case):
        return Answer("weak-method", None, case.line)  # a list of methods is no method
    lines = [
        "value = self.{slot}",
        "return value() if isinstance(value, {weakref}.WeakMethod) else value",
    ]
    stored = [
        'own = getattr(value, "__self__", None) is self',
        "self.{slot} = {weakref}.WeakMethod(value) if own else value",
    ]
    return _property(case, "weak-method", lines, stored)


def _leads_to_a_method(case: Case) -> bool:
    """Is the method itself the value of the attribute?"""
    steps = case.facts.ring
    return all(
        steps[(at + 1) % len(steps)][0] == "method"
        for at, (_, edge, _) in enumerate(steps)
        if cure_source.spelled(case.module, case.scope, (edge or "").removeprefix(".")) == case.name
    )


def _property(case: Case, cure: str, read: list[str], stored: list[str]) -> Answer | None:
    """A property in the class that holds the attribute, before its first method."""
    module = case.module
    owner = _class(case)
    line = case.line
    plain = Answer(cure, None, line)
    if owner is None:
        return plain
    home = cure_bases.home_of_slot(module, owner, case.name)
    if home is not None:
        # What a base has the slot for, it has for all its instances.
        owner = home[1]
        if home[0] is not module:
            return plain
    if cure == "weak-parent":
        room = _room(case, owner)
        if room is None:
            return plain
        if _stored_otherwise(owner):
            return replace(plain, edits=tuple(_weakly(case, owner, room)))
        if room:
            return plain
    if not _may_have_property(case, owner):
        return plain
    first = next(
        (node for node in owner.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)),
        None,
    )
    weakref, edits = cure_patch.imported_as(module, "weakref")
    slot = f"_{case.name.lstrip('_')}_ref"
    if first is None or weakref is None or slot in module.text:
        return plain
    words = {"slot": slot, "weakref": weakref}
    blank = cure_patch.indent_of(module, first)
    name = case.name
    lines = [
        "@property",
        f"def {name}(self):",
        *(f"    {each.format(**words)}" for each in read),
        "",
        f"@{name}.setter",
        f"def {name}(self, value):",
        *(f"    {each.format(**words)}" for each in stored),
        "",
    ]
    start = min([first.lineno, *(each.lineno for each in first.decorator_list)])
    made = [f"{blank}{each}" if each else "" for each in lines]
    edits.append(cure_patch.insert_before(module, start, made))
    return Answer(cure, None, line, (), tuple(edits))


_IN_SLOT = '''

def {name}(slot):
    """An attribute of a class with slots, whose value is held weakly."""

    def read(self):
        value = slot.__get__(self)
        return value() if isinstance(value, {weakref}.ref) else value

    def write(self, value):
        try:
            slot.__set__(self, {weakref}.ref(value))
        except TypeError:
            slot.__set__(self, value)  # None, or what has no room for weak references

    return property(read, write)


{owner}.{attribute} = {name}({owner}.{attribute})'''
_IN_DICT = '''

def {name}(attribute):
    """An attribute of a class, whose value is held weakly."""

    def read(self):
        try:
            value = self.__dict__[attribute]
        except KeyError:
            raise AttributeError(attribute) from None
        return value() if isinstance(value, {weakref}.ref) else value

    def write(self, value):
        try:
            self.__dict__[attribute] = {weakref}.ref(value)
        except TypeError:
            self.__dict__[attribute] = value  # None, or what has no room for weak references

    return property(read, write)


{owner}.{attribute} = {name}("{attribute}")'''


def _room(case: Case, owner: ast.ClassDef) -> list[Edit] | None:
    """What makes room for weak references in whom the attribute leads to; None: there can be none.

    Nothing is to be done where there is room. It depends on the bases, which may be in other files.
    So may whom it leads to: a base whose methods set the attribute needs room as well.
    """
    steps = case.facts.ring
    at = next((number for number, (_, _, back) in enumerate(steps) if back), None)
    target = "" if at is None else steps[(at + 1) % len(steps)][0]
    found = cure_bases.class_named(case.module, target)
    if found is None or cure_bases.can_be_weak(*found) is None:
        return None
    above = cure_bases.lineage(*found)
    edits: list[Edit] = []
    for module, each in [] if above is None else above[0]:
        needed = each is found[1] or (each is not owner and _mentions(each, case.name))
        if not needed or cure_bases.can_be_weak(module, each):
            continue
        room = cure_tables.with_weak_slot(case, each.name) if module is case.module else None
        if room is None or (edits and each is not found[1]):
            return None
        edits.append(room)
    return edits


def _mentions(owner: ast.ClassDef, name: str) -> bool:
    """Is there an attribute of this name, or its name, in the class?"""
    return any(
        (isinstance(node, ast.Attribute) and node.attr == name)
        or (isinstance(node, ast.Constant) and node.value == name)
        for node in ast.walk(owner)
    )


def _stored_otherwise(owner: ast.ClassDef) -> bool:
    """Has it slots, or is it a dataclass? A property in its body would be in the way of these."""
    return cure_bases.has_slots(owner) or cure_bases.dataclass_of(owner) is not None


def _weakly(case: Case, owner: ast.ClassDef, room: list[Edit]) -> list[Edit]:
    """A property that the class is given when it is made."""
    module, name = case.module, "_weakly"
    plain = not owner.decorator_list or cure_bases.dataclass_of(owner) is not None
    if name in module.text or case.is_seen_as_a_whole() or owner.keywords or not plain:
        return []
    if owner not in module.tree.body or case.name.startswith("__"):
        return []
    in_slot = cure_bases.has_slots(owner)
    if in_slot and case.name not in (cure_bases.slots_of(owner) or ()):
        return []
    weakref, edits = cure_patch.imported_as(module, "weakref")
    if weakref is None or not cure_bases.is_free(module, owner, case.name):
        return []
    words = {"name": name, "weakref": weakref, "owner": owner.name, "attribute": case.name}
    text = (_IN_SLOT if in_slot else _IN_DICT).format(**words)
    return [*edits, *room, cure_patch.insert_after(module, owner, text.split("\n"))]


def _is_run_at_once(case: Case, node: ast.AST, owner: ast.ClassDef) -> bool:
    """Is it no part of the body of a function?"""
    inner = node
    for each in case.module.up(node):
        if each is owner:
            return True
        is_function = isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        if (is_function and inner in getattr(each, "body", ())) or isinstance(each, ast.Lambda):
            return False
        inner = each
    return True


def _class(case: Case) -> ast.ClassDef | None:
    found = case.module.classes(case.scope.removesuffix("()").rpartition(".")[2])
    return found[0] if len(found) == 1 else None


def _may_have_property(case: Case, owner: ast.ClassDef) -> bool:
    """No dataclass, no slots, and nothing else in the class or its bases has the name."""
    if owner.decorator_list or owner.keywords or case.name.startswith("__"):
        return False
    for node in source.own_nodes(owner):
        if isinstance(node, ast.Name) and node.id in ("__slots__", case.name):
            return False
    deleted = any(
        isinstance(use.node, ast.Attribute) and isinstance(use.node.ctx, ast.Del)
        for use in case.uses
    )
    # The body of the class is run with the property in it: what it calls the same is another thing.
    named = any(
        isinstance(node, ast.Name) and node.id == case.name and _is_run_at_once(case, node, owner)
        for node in ast.walk(owner)
    )
    if deleted or case.is_seen_as_a_whole() or named:
        return False
    return cure_bases.is_free(case.module, owner, case.name)

"""The rules for memos: what is remembered of the past need not be all of it.

Knows: how a memo looks, wherever it is kept. Must not know: in which order it is asked (cure.py).
A bound changes nothing that a function answers: what is not there any more is computed again.
"""

from __future__ import annotations

import ast
import re

from mortmain import cure_alias, cure_patch, cure_source
from mortmain.cure_case import BOUND, Answer, Case
from mortmain.cure_patch import Edit
from mortmain.cure_source import Use

PLAIN = {"str", "int", "float", "bytes", "tuple", "dict", "list", "complex", "datetime", "bool"}

_EMPTY = {
    "list", "dict", "set", "bytearray", "deque", "defaultdict", "Counter", "OrderedDict",
}  # fmt: skip


def memo(case: Case) -> Answer | None:
    """What is computed when it is not there yet: computed again, it need not be kept for ever."""
    inserts = list(case.of_kind("insert"))
    if not (case.container == "dict" or _own_dict(case)) or not inserts:
        return None
    if not all(_is_guarded(case, each) for each in inserts):
        return None
    if any(_is_history(case, each) for each in inserts):
        return None
    if any(_has_id(each) for each in inserts):
        return None  # the state of an object that may be there: nobody computes that again
    named = re.search(r"cache|memo", f"{case.name} {case.container}", re.I) is not None
    data = case.facts.held in PLAIN and not any(_makes_instance(use.value) for use in inserts)
    if not (named or data):
        return None  # what has a state of its own must not be made twice
    plain = Answer("bound-cache", "cache", case.line)
    # Who else looks something up relies on its being there.
    others = [
        use
        for use in case.of_kind("lookup", "iterate", "remove", "size", "other")
        if not any(use.function is each.function for each in inserts)
    ]
    dropped = [use for use in others if not (use.kind == "remove" and use.method == "clear")]
    edits = [] if dropped else _evictions(case, inserts)
    return replace_edits(plain, edits, ("computed-again",))


def _has_id(insert: Use) -> bool:
    """Is the key made of the id of an object?"""
    key = cure_source.value_of(insert.key, insert.function)
    parts = [cure_source.value_of(each, insert.function)
             for each in (key.elts if isinstance(key, ast.Tuple) else [key])]  # fmt: skip
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func) == "id"
        for each in parts
        if each is not None
        for node in ast.walk(each)
    )


def flyweights(case: Case) -> Answer | None:
    """One object for each key, made when it is asked for: who uses one keeps it.

    Only where a second one would be as the first: what is set in it when it is made, and plain.
    """
    inserts = list(case.of_kind("insert"))
    fits = case.container == "dict" and case.edge != "[key]" and case.facts.can_be_weak
    owners = case.module.classes((case.facts.held or "").rpartition(".")[2])
    if not fits or not inserts or len(owners) != 1 or not case.only("lookup", "test"):
        return None
    functions = [use.function for use in case.uses if use.kind != "define"]
    if any(each is not inserts[0].function for each in functions):
        return None
    if not all(_is_guarded(case, use) and _is_held(use) for use in inserts):
        return None
    if any(_has_id(use) for use in inserts) or not _is_plain(case, owners[0], inserts[0]):
        return None
    return Answer("weak-value-dictionary", "cache", case.line)


def _is_held(insert: Use) -> bool:
    """Has the function another name for it, so that a weak value lasts until it is handed back?"""
    if insert.method == "setdefault":
        return isinstance(insert.statement, ast.Return)
    targets = insert.statement.targets if isinstance(insert.statement, ast.Assign) else []
    return isinstance(insert.value, ast.Name) or any(isinstance(each, ast.Name) for each in targets)


_VALUES = {"str", "int", "float", "bytes", "tuple", "frozenset", "bool"}


def _is_plain(case: Case, owner: ast.ClassDef, insert: Use) -> bool:
    """Are its attributes set when it is made, to what has no state of its own, and never again?"""
    made = [cure_source.method_of(owner, "__init__"), cure_source.method_of(owner, "__new__")]
    makers = [*(each for each in made if each is not None), insert.function]
    stores = [
        node
        for node in ast.walk(case.module.tree)
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
    ]
    own = {node.attr for node in stores if case.module.function(node) in makers}
    for node in stores:
        statement = case.module.statement(node)
        if case.module.function(node) not in makers:
            if node.attr in own or case.module.owner(node) is owner:
                return False
        elif not _sets_a_value(statement):
            return False
    return not owner.decorator_list


def _sets_a_value(statement: ast.stmt) -> bool:
    """`self.cents = str(cents)`: as far as the source tells, nothing that changes later."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return False
    return not any(
        isinstance(each, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)
        or (isinstance(each, ast.Call) and ast.unparse(each.func) not in _VALUES)
        for each in ast.walk(statement.value)
    )


def _own_dict(case: Case) -> bool:
    owner = cure_alias.own_class(case.module, case.container)
    return owner is not None and any("ict" in ast.unparse(base) for base in owner.bases)


def _is_guarded(case: Case, insert: Use) -> bool:
    """Is it put in only where it is not there yet, by a function that hands it back?"""
    function = insert.function
    if function is None:
        return False
    asked = insert.method == "setdefault" or any(
        use.kind in ("lookup", "test") and use.function is function for use in case.uses
    )
    answers = any(
        isinstance(node, ast.Return) and node.value is not None for node in ast.walk(function)
    )
    words = ("created", "constant", "tuple", "other")
    return asked and answers and case.word(insert.value, insert) in words


def _is_history(case: Case, insert: Use) -> bool:
    """Is it made of what the dict had, or empty, for others to fill? Nobody computes that again."""
    value = insert.value
    if isinstance(value, ast.Name) and not _is_filled(insert, value.id):
        value = cure_source.value_of(value, insert.function)
    if value is None:
        return False
    if any(use.node is node for node in ast.walk(value) for use in case.uses):
        return True
    if isinstance(value, ast.Call):
        name = ast.unparse(value.func).rpartition(".")[2]
        return name in _EMPTY and (not value.args or name == "defaultdict")
    return isinstance(value, ast.List | ast.Dict) and not ast.unparse(value).strip("[]{}")


def _is_filled(insert: Use, name: str) -> bool:
    """Does the function that puts it in do more with a variable than that, and to hand it back?"""
    assert insert.function is not None
    return any(
        isinstance(each, ast.Name) and each.id == name and each is not insert.value
        for node in ast.walk(insert.function)
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Call)
        for each in (node.args if isinstance(node, ast.Call) else [node.value])
    )


def _makes_instance(value: ast.expr | None) -> bool:
    """Is a class called, as far as its name tells?"""
    if not isinstance(value, ast.Call):
        return False
    name = ast.unparse(value.func).rpartition(".")[2].lstrip("_")
    return name[:1].isupper()


def replace_edits(plain: Answer, edits: list[Edit], checked: tuple[str, ...]) -> Answer:
    """The same answer with edits, if there are some."""
    if not edits:
        return plain
    return Answer(plain.cure, plain.role, plain.line, checked, tuple(edits))


def _evictions(case: Case, inserts: list[Use]) -> list[Edit]:
    edits = []
    for use in inserts:
        known = use.method in ("[]=", "setdefault")
        if not known or not cure_patch.stands_alone(case.module, use.statement):
            return []
        table = case.shown(use.node)
        lines = [
            f"if len({table}) > {BOUND}:",
            f"    {table}.pop(next(iter({table})), None)",
        ]
        if not isinstance(use.statement, ast.Return):
            edits.append(cure_patch.insert_after(case.module, use.statement, lines))
            continue
        blank = cure_patch.indent_of(case.module, use.statement)
        lines = [blank + each for each in lines]
        edits.append(cure_patch.insert_before(case.module, use.statement.lineno, lines))
    return edits


def computed_by_itself(case: Case) -> Answer | None:
    """A dict of a class of its own, whose `__missing__` computes what is not there yet."""
    owner = cure_alias.own_class(case.module, case.container)
    inserts = list(case.of_kind("insert"))
    method = None if owner is None else cure_source.method_of(owner, "__missing__")
    if owner is None or method is None or not inserts:
        return None
    named = re.search(r"cache|memo", f"{case.name} {owner.name}", re.I) is not None
    makes = any(_makes_instance(use.value) for use in inserts)
    if not named and (case.facts.held not in PLAIN or makes):
        return None
    plain = Answer("bound-cache", "cache", case.line)
    others = case.of_kind("iterate", "remove", "size", "other", "test")
    if any(use.function is not method or _is_history(case, use) for use in inserts) or any(others):
        return plain
    if cure_source.used_elsewhere(case.module, case.scope, case.name):
        return plain
    return replace_edits(plain, _evictions(case, inserts), ("computed-again",))

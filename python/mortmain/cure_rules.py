"""The rules: what a container is for, and what to write instead.

Knows: roles, and the cure of each. Must not know: in which order they are asked (cure.py).

Each answers None where it is not the one; else a cure, with edits if it is understood how to make
it. The bound that is written is the one that functools.lru_cache has by itself.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from mortmain import cure_patch, cure_source
from mortmain.cure_case import BOUND, Answer, Case
from mortmain.cure_patch import Edit
from mortmain.cure_source import Use

_PLAIN = {"str", "int", "float", "bytes", "tuple", "dict", "list", "complex", "datetime", "bool"}
_KEEPS_ALIVE = re.compile(r"keep|alive|refs?$|references|pin(ned)?$", re.I)
_TELLS = re.compile(r"traceback|exc_info|\.exception\(")
_LOG = re.compile(r"log|histor|recent|trace|stat|sample|event|metric|timing|record|audit", re.I)
_OBSERVERS = re.compile(
    r"observ|listen|subscri|callback|handler|watch|receiv|hook|sink|slots?$|signal", re.I
)


# ---- what is held says it -----------------------------------------------------------------------


def weak_container(case: Case) -> Answer | None:
    """A weak key whose value leads back to it."""
    if case.facts.kind != "weak container":
        return None
    return Answer("ephemeron", "weak container", case.line)


def stored_exception(case: Case) -> Answer | None:
    """An exception keeps its traceback, that the frames, and these all their variables."""
    if case.facts.cure != "drop-exception" or not case.uses:
        return None
    module = case.module
    raised = [node for node in ast.walk(module.tree) if isinstance(node, ast.Raise)]
    edits: list[Edit] = []
    line = case.line
    is_list = False
    for use in case.of_kind("insert", "define"):
        handler = _handler(case, use)
        if handler is None or not isinstance(use.value, ast.Name):
            continue
        again = any(each in ast.walk(handler) for each in raised)
        again |= _TELLS.search(ast.unparse(handler)) is not None
        if again or any(isinstance(each.exc, ast.Attribute) for each in raised):
            return Answer("drop-exception", "stored exception", line)
        text = f"{use.value.id}.with_traceback(None)"
        edits.append(cure_patch.replace(module, use.value, text))
        line = use.node.lineno if use.kind == "define" else line
        is_list |= use.kind == "insert"
    if is_list:
        edits += _bounded(case)
    checked = ("not-raised-later",) if edits else ()
    return Answer("drop-exception", "stored exception", line, checked, tuple(edits))


def _handler(case: Case, use: Use) -> ast.ExceptHandler | None:
    for each in case.module.up(use.node):
        if isinstance(each, ast.ExceptHandler) and isinstance(use.value, ast.Name):
            return each if each.name == use.value.id else None
    return None


def dead_references(case: Case) -> Answer | None:
    """Weak references whose objects are gone stay in a plain container."""
    if case.facts.held not in ("ReferenceType", "weakref", "ref", "WeakMethod"):
        return None
    if case.facts.role != "weak references" and case.facts.cure != "weak-set":
        return None
    edits: list[Edit] = []
    method = "discard" if case.container in ("set", "WeakSet") else "remove"
    for use in case.of_kind("insert"):
        call = use.value
        ok = isinstance(call, ast.Call) and len(call.args) == 1 and not call.keywords
        if not ok or use.method not in ("append", "add", "appendleft") or call is None:
            return Answer("weak-set", "weak references", case.line)
        assert isinstance(call, ast.Call)
        if ast.unparse(call.func).rpartition(".")[2] not in ("ref", "WeakMethod"):
            return Answer("weak-set", "weak references", case.line)
        text = f"{case.shown(call.func)}({case.shown(call.args[0])}, "
        text += f"{case.shown(use.node)}.{method})"
        edits.append(cure_patch.replace(case.module, call, text))
    return Answer("weak-reference-callback", "weak references", case.line, (), tuple(edits))


def keyed_by_id(case: Case) -> Answer | None:
    """`table[id(obj)] = value`: the entry stays when the object goes."""
    inserts = [use for use in case.of_kind("insert") if use.method == "[]="]
    if not inserts or any(case.word(use.key, use) != "id" for use in inserts):
        return None
    plain = Answer("weak-key-by-id", "side table", case.line)
    weakref, edits = cure_patch.imported_as(case.module, "weakref")
    for use in inserts:
        key = use.key
        if not isinstance(key, ast.Call) or not isinstance(key.args[0], ast.Name):
            return plain
        same = isinstance(use.value, ast.Name) and use.value.id == key.args[0].id
        if same or weakref is None or not cure_patch.stands_alone(case.module, use.statement):
            return plain
        shown, table = case.shown(key.args[0]), case.shown(use.node)
        blank = cure_patch.indent_of(case.module, use.statement)
        lines = [
            f"{blank}if id({shown}) not in {table}:",
            f"{blank}    {weakref}.finalize({shown}, {table}.pop, id({shown}), None)",
        ]
        edits.append(cure_patch.insert_before(case.module, use.statement.lineno, lines))
    return Answer("weak-key-by-id", "side table", case.line, (), tuple(edits))


def callbacks(case: Case) -> Answer | None:
    """Bound methods that are called back: weak, if somebody else keeps who they belong to."""
    inserts = list(case.of_kind("insert"))
    words = [case.word(use.value, use) for use in inserts]
    is_method = case.facts.held == "method"
    if not is_method and not (inserts and all(word == "callable" for word in words)):
        return None
    plain = Answer("unsubscribe", "callbacks", case.line)
    kept = bool(inserts) and all(case.comes_kept(use) for use in inserts)
    weakref, edits = cure_patch.imported_as(case.module, "weakref")
    known = case.only("iterate", "size", "remove")
    if not is_method or not kept or not known or weakref is None:
        return plain
    if case.container not in ("list", "set"):
        return plain
    for use in case.uses:
        made = _weak_callback(case, use, weakref)
        if made is None:
            return plain
        edits += made
    return Answer("weak-method", "callbacks", case.line, ("uses-known",), tuple(edits))


def _weak_callback(case: Case, use: Use, weakref: str) -> list[Edit] | None:
    """The edits for one use; None where it is not understood."""
    module = case.module
    if use.kind == "insert" and use.method in ("append", "add") and use.value is not None:
        gone = "remove" if use.method == "append" else "discard"
        table = case.shown(use.node)
        text = f"{weakref}.WeakMethod({case.shown(use.value)}, {table}.{gone})"
        return [cure_patch.replace(module, use.value, text)]
    if use.kind == "remove" and use.method in ("remove", "discard") and use.key is not None:
        text = f"{weakref}.WeakMethod({case.shown(use.key)})"
        return [cure_patch.replace(module, use.key, text)]
    if use.kind == "iterate" and use.method == "":
        table = case.shown(use.node)
        text = f"[each for each in [ref() for ref in {table}] if each is not None]"
        return [cure_patch.replace(module, use.node, text)]
    if use.kind == "define":
        return _declared_weak(case, use, weakref)
    return [] if use.kind == "size" else None


def _declared_weak(case: Case, use: Use, weakref: str) -> list[Edit]:
    statement = use.statement
    if not isinstance(statement, ast.AnnAssign):
        return []
    declared = statement.annotation
    if not isinstance(declared, ast.Subscript):
        return []
    text = f"{weakref}.WeakMethod[{case.shown(declared.slice)}]"
    return [cure_patch.replace(case.module, declared.slice, text)]


# ---- dicts --------------------------------------------------------------------------------------


def side_table(case: Case) -> Answer | None:
    """Something about each of the instances that somebody else owns: weak keys.

    An entry is found by its key alone, so whoever could ask for it has the key. A dict that is
    gone through, counted or emptied from its ends owns what it holds.
    """
    if case.edge != "[key]":
        return None
    inserts = list(case.of_kind("insert"))
    words = {case.word(use.key, use) for use in inserts}
    if not inserts or not words <= {"self", "param"}:
        return None
    if any(use.method not in ("[]=", "setdefault") for use in inserts):
        return None
    taken = [use for use in case.of_kind("remove") if use.method not in ("del", "pop")]
    if taken or not case.only("lookup", "test", "remove"):
        return None
    if not case.facts.by_identity:
        return Answer("ephemeron", "side table", case.line) if case.facts.leads_back else None
    if case.facts.leads_back or any(_same(use.key, use.value) for use in inserts):
        return Answer("ephemeron", "side table", case.line)
    weakref, edits = cure_patch.imported_as(case.module, "weakref")
    checked = ["can-be-weak", "by-identity", "value-apart", "uses-known"]
    if not case.facts.can_be_weak:
        slots = _with_weak_slot(case)
        checked[0] = "slot-added"
        if slots is None:
            return Answer("ephemeron", "side table", case.line)
        edits.append(slots)
    if weakref is None or not _is_plain_dict(case):
        return Answer("weak-key-dictionary", "side table", case.line)
    made = f"{weakref}.WeakKeyDictionary"
    edits += case.redefined(f"{made}()", made)
    return Answer("weak-key-dictionary", "side table", case.line, tuple(checked), tuple(edits))


def _is_plain_dict(case: Case) -> bool:
    return all(
        isinstance(use.value, ast.Dict)
        or (use.value is not None and ast.unparse(use.value) == "dict()")
        for use in case.definitions()
    )


def _same(one: ast.expr | None, other: ast.expr | None) -> bool:
    return one is not None and other is not None and ast.dump(one) == ast.dump(other)


def _with_weak_slot(case: Case) -> Edit | None:
    """`__slots__` of the class of what is held, with room for weak references."""
    found = case.module.classes(case.facts.held or "")
    if len(found) != 1:
        return None
    for node in found[0].body:
        if not isinstance(node, ast.Assign) or ast.unparse(node.targets[0]) != "__slots__":
            continue
        value = node.value
        if isinstance(value, ast.Constant):
            return cure_patch.replace(
                case.module, value, f'({case.shown(value)}, "__weakref__")'
            )  # fmt: skip
        if isinstance(value, ast.Tuple | ast.List):
            names = ", ".join([*(case.shown(each) for each in value.elts), '"__weakref__"'])
            alone = not value.elts and isinstance(value, ast.Tuple)
            shown = f"({names},)" if alone else f"({names})"
            return cure_patch.replace(case.module, value, shown)
    return None


def classes(case: Case) -> Answer | None:
    """Classes that are registered: nothing but making them once helps."""
    inserts = list(case.of_kind("insert"))
    if not inserts or any(case.word(use.value, use) != "class" for use in inserts):
        return None
    return Answer("remove-when-done", "registry", case.line)


def instances(case: Case) -> Answer | None:
    """Every instance enters itself: weak, if whoever makes one keeps it."""
    inserts = list(case.of_kind("insert"))
    if not inserts or case.edge == "[key]":
        return None
    if any(case.word(use.value, use) != "self" for use in inserts):
        return None
    plain = Answer("remove-when-done", "registry", case.line)
    receivers = [_root(use.node) for use in inserts]
    foreign = any(
        isinstance(root, ast.Name)
        and use.function is not None
        and cure_source.resolve(case.module, root, use.function) == "param"
        for root, use in zip(receivers, inserts, strict=True)
    )
    kept = all(case.comes_kept(use) for use in inserts)
    kept = kept and not any(_works_on(case, use) for use in case.of_kind("iterate"))
    weakref, edits = cure_patch.imported_as(case.module, "weakref")
    if foreign or not kept or weakref is None:
        return plain
    if not (case.facts.can_be_weak and case.facts.by_identity):
        return plain
    if case.container == "dict":
        makers = [case.module.function(call) for call in _makes(case, inserts)]
        asked = [
            use
            for use in case.of_kind("lookup")
            if use.method != "get" or use.function not in makers
        ]
        if asked or not case.only("lookup", "test", "iterate", "size") or not _is_plain_dict(case):
            return plain
        made, cure = f"{weakref}.WeakValueDictionary", "weak-value-dictionary"
    else:
        if not case.only("iterate", "size", "test") or case.container not in ("list", "set"):
            return plain
        made, cure = f"{weakref}.WeakSet", "weak-set"
        edits += case.renamed("append", "add")
    edits += case.redefined(f"{made}()", made)
    checked = ("can-be-weak", "by-identity", "not-taken-out", "uses-known")
    return Answer(cure, "registry of instances", case.line, checked, tuple(edits))


def _works_on(case: Case, use: Use) -> bool:
    """Does who goes through it call methods of what is in it? Then it may be why they live."""
    for each in case.module.up(use.node):
        if isinstance(each, ast.For | ast.AsyncFor):
            names = {node.id for node in ast.walk(each.target) if isinstance(node, ast.Name)}
            return _calls_methods(each, names)
        if isinstance(each, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            names = {
                node.id
                for generator in each.generators
                for node in ast.walk(generator.target)
                if isinstance(node, ast.Name)
            }
            return _calls_methods(each, names)
        if isinstance(each, ast.stmt):
            break
    return use.method == "" and not isinstance(case.module.parents[use.node], ast.Call)


def _calls_methods(scope: ast.AST, names: set[str]) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in names
        for node in ast.walk(scope)
    )


def _makes(case: Case, inserts: list[Use]) -> list[ast.Call]:
    """Calls of the classes whose instances enter themselves."""
    owners = [case.module.owner(use.node) for use in inserts]
    return [call for owner in owners if owner is not None for call in case.calls_of(owner.name)]


def _root(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node


def tasks(case: Case) -> Answer | None:
    """Tasks and futures: each takes itself out when it is done."""
    inserts = list(case.of_kind("insert"))
    if not inserts or any(case.word(use.value, use) != "task" for use in inserts):
        return None
    plain = Answer("done-callback", "tasks", case.line)
    edits: list[Edit] = []
    for use in inserts:
        known = use.method in ("append", "add") and case.only("size", "test")
        if not known or not cure_patch.stands_alone(case.module, use.statement):
            return plain
        table = case.shown(use.node)
        gone = "remove" if use.method == "append" else "discard"
        assert use.value is not None
        name = use.value.id if isinstance(use.value, ast.Name) else "task"
        lines = [f"{name}.add_done_callback({table}.{gone})"]
        if not isinstance(use.value, ast.Name):
            if re.search(r"\btask\b", case.module.text):
                return plain
            blank = cure_patch.indent_of(case.module, use.statement)
            first = f"{blank}{name} = {case.shown(use.value)}"
            edits.append(cure_patch.insert_before(case.module, use.statement.lineno, [first]))
            edits.append(cure_patch.replace(case.module, use.value, name))
        edits.append(cure_patch.insert_after(case.module, use.statement, lines))
    return Answer("done-callback", "tasks", case.line, ("uses-known",), tuple(edits))


def memo(case: Case) -> Answer | None:
    """What is computed when it is not there yet: computed again, it need not be kept for ever."""
    inserts = list(case.of_kind("insert"))
    if case.container != "dict" or not inserts:
        return None
    guarded = all(
        any(
            use.kind in ("lookup", "test") and use.function is each.function
            for use in case.uses
        )
        and case.word(each.value, each) in ("created", "constant", "tuple", "other")
        and each.function is not None
        and any(isinstance(node, ast.Return) and node.value is not None
                for node in ast.walk(each.function))
        for each in inserts
    )  # fmt: skip
    named = re.search(r"cache|memo", case.name, re.I) is not None
    data = case.facts.held in _PLAIN and not any(_makes_instance(use.value) for use in inserts)
    if not guarded or not (named or data):
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
        if use.method != "[]=" or not cure_patch.stands_alone(case.module, use.statement):
            return []
        table = case.shown(use.node)
        lines = [
            f"if len({table}) > {BOUND}:",
            f"    del {table}[next(iter({table}))]",
        ]
        edits.append(cure_patch.insert_after(case.module, use.statement, lines))
    return edits


# ---- lists and sets -----------------------------------------------------------------------------


def shared_by_instances(case: Case) -> Answer | None:
    """`items = []` in a class, filled by `self.items`: each instance was meant to have its own."""
    if case.scope == "" or case.scope.endswith("()"):
        return None
    inserts = list(case.of_kind("insert"))
    defined = case.definitions()
    through_self = all(
        isinstance(use.node, ast.Attribute) and case.word(use.node.value, use) == "self"
        for use in case.uses
        if use.kind != "define"
    )
    if (
        not inserts
        or not through_self
        or len(defined) != 1
        or len(list(case.of_kind("define"))) != 1
    ):
        return None
    statement = defined[0].statement
    owner = case.module.parents[statement]
    if not isinstance(owner, ast.ClassDef) or owner.decorator_list:
        return None
    # Who asks whether something is in it means that of all instances.
    if any(case.of_kind("test")) or not isinstance(defined[0].value, ast.List | ast.Dict):
        return None
    # One that is there for good would grow in its own list as well.
    if not any(case.module.function(call) for call in case.calls_of(owner.name)):
        return None
    assert defined[0].value is not None
    init = cure_source.method_of(owner, "__init__")
    line = f"self.{case.name} = {case.shown(defined[0].value)}"
    plain = Answer("attribute-in-init", "shared class attribute", case.line)
    if not cure_patch.stands_alone(case.module, statement):
        return plain
    if init is not None:
        at = cure_patch.body_start(case.module, init)
        if at is None or not init.args.args or init.args.args[0].arg != "self":
            return plain
        blank = " " * init.body[-1].col_offset
        edits = [
            cure_patch.delete(case.module, statement),
            Edit(at.begin, at.end, f"{blank}{line}\n"),
        ]
    elif owner.bases or owner.keywords:
        return plain
    else:
        blank = cure_patch.indent_of(case.module, statement)
        text = f"def __init__(self):\n{blank}    {line}"
        edits = [cure_patch.replace(case.module, statement, text)]
    return Answer(plain.cure, plain.role, plain.line, (), tuple(edits))


def observers(case: Case) -> Answer | None:
    """Objects that want to be told: weak, if whoever subscribes one keeps it."""
    told = case.facts.role in ("observers", "callbacks") or _OBSERVERS.search(case.name)
    inserts = list(case.of_kind("insert"))
    if not told or not inserts:
        return None
    plain = Answer("unsubscribe", "observers", case.line)
    kept = all(case.comes_kept(use) for use in inserts)
    weakref, edits = cure_patch.imported_as(case.module, "weakref")
    known = case.only("iterate", "size", "test", "remove")
    taken = any(use.method not in ("remove", "discard") for use in case.of_kind("remove"))
    viewed = any(use.method for use in case.of_kind("iterate"))
    fits = case.facts.can_be_weak and case.facts.by_identity
    if not kept or weakref is None or not known or taken or viewed or not fits:
        return plain
    if any(use.method not in ("append", "add") for use in inserts):
        return plain
    if case.container not in ("list", "set") or case.facts.held in ("function", "method"):
        return plain
    made = f"{weakref}.WeakSet"
    edits += case.redefined(f"{made}()", made) + case.renamed("append", "add")
    checked = ("can-be-weak", "by-identity", "not-taken-out", "uses-known")
    return Answer("weak-set", "observers", case.line, checked, tuple(edits))


def _bounded(case: Case) -> list[Edit]:
    """A deque in the place of a list that is only added to and gone through."""
    inserts = list(case.of_kind("insert"))
    if any(use.method not in ("append", "extend") for use in inserts):
        return []
    if not case.only("iterate", "size", "test") or case.container not in ("list", "deque"):
        return []
    collections, edits = cure_patch.imported_as(case.module, "collections")
    if collections is None:
        return []
    made = f"{collections}.deque"
    return edits + case.redefined(f"{made}(maxlen={BOUND})", made)


def log(case: Case) -> Answer | None:
    """Plain data in a list that nothing takes out again: a log, and its end is enough."""
    if (case.facts.held or "") not in _PLAIN or case.container not in ("list", "deque"):
        return None
    if any(case.of_kind("remove")) or not any(case.of_kind("insert")):
        return None
    # What is gone through, or handed to somebody, may be wanted to its last entry.
    if not case.only("size", "test") and not _LOG.search(case.name):
        return None
    plain = Answer("bound-log", "log", case.line)
    return replace_edits(plain, _bounded(case), ("plain-data", "not-taken-out"))


def never_read(case: Case) -> Answer | None:
    """Things are put in, and nobody ever looks: they need not be put in."""
    inserts = list(case.of_kind("insert"))
    text = case.module.text
    if not inserts or not case.only() or _KEEPS_ALIVE.search(case.name):
        return None
    if case.facts.held in ("function", "method", "Task", "Future", "Thread", "Timer"):
        return None
    if re.search(r"\b(weakref|ctypes|cffi)\b", text):
        return None
    is_private = case.name.startswith("_")
    if not is_private and (Path(case.module.file).parent / "__init__.py").exists():
        return None  # of a package: programs that use it may look
    plain = Answer("make-local", "never read", case.line)
    edits = []
    for use in inserts:
        edit = _without(case, use)
        if edit is None:
            return plain
        edits.append(edit)
    return replace_edits(plain, edits, ("not-read",))


def _without(case: Case, use: Use) -> Edit | None:
    """The statement without what puts something in: the value alone, where it does something."""
    statement, value = use.statement, use.value
    if use.method not in ("append", "add", "appendleft", "[]=") or value is None:
        return None
    if not cure_patch.stands_alone(case.module, statement):
        return None
    if isinstance(statement, ast.Assign):
        if len(statement.targets) != 1:
            return None
    elif (
        not isinstance(statement, ast.Expr)
        or statement.value is not (case.module.parents[case.module.parents[use.node]])
    ):
        return None
    if any(isinstance(node, ast.Call) for node in ast.walk(use.key)) if use.key else False:
        return None
    if any(isinstance(node, ast.Call | ast.Await) for node in ast.walk(value)):
        return cure_patch.replace(case.module, statement, case.shown(value))
    parent = case.module.parents[statement]
    alone = any(getattr(parent, name, None) == [statement] for name in ("body", "orelse"))
    if alone or not hasattr(parent, "body"):
        return cure_patch.replace(case.module, statement, "pass")
    return cure_patch.delete(case.module, statement)


def owner(case: Case) -> Answer | None:
    """Only this container owns them: a weak one would be empty at once."""
    if case.facts.cure is None or not case.uses:
        return None
    cure = case.facts.cure
    if cure.startswith("weak-"):
        cure = (
            "unsubscribe" if case.facts.role in ("callbacks", "observers") else "remove-when-done"
        )
    if cure != "remove-when-done":
        return None
    return Answer("remove-when-done", None, case.line)

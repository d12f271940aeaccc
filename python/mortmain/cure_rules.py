"""The rules: what a container is for, and what to write instead.

Knows: roles, and the cure of each. Must not know: in which order they are asked (cure.py).

Each answers None where it is not the one; else a cure, with edits if it is understood how to make
it. The bound that is written is the one that functools.lru_cache has by itself.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from mortmain import cure_alias, cure_memos, cure_patch, cure_source, cure_tables
from mortmain.cure_case import BOUND, Answer, Case
from mortmain.cure_patch import Edit
from mortmain.cure_source import Use

_KEEPS_ALIVE = re.compile(r"keep|alive|refs?$|references|pin(ned)?$", re.I)
_TELLS = re.compile(r"traceback|exc_info|\.exception\(")
_LOG = re.compile(r"log|histor|recent|trace|stat|sample|event|metric|timing|record|audit", re.I)
_OBSERVERS = re.compile(
    r"observ|listen|subscri|callback|handler|watch|receiv|hook|sink|slots?$|signal", re.I
)


# ---- what is held says it -----------------------------------------------------------------------


def threads(case: Case) -> Answer | None:
    """A thread is in the library's own table as long as it runs."""
    objects, edges, _ = zip(*case.facts.path, strict=True) if case.facts.path else ((), (), ())
    if objects[:1] != ("module threading",) or edges[:1] != ("._active",):
        return None
    return Answer("end-thread", "threads", case.line)


def raised_again(case: Case) -> Answer | None:
    """An exception that was made once and is raised each time: each adds to its traceback."""
    steps = case.facts.path
    at = next((number for number, (_, _, guilty) in enumerate(steps) if guilty), 0)
    if case.facts.cure != "drop-link" or at == 0 or steps[at][1] != "traceback":
        return None
    name = (steps[at - 1][1] or "").removeprefix(".")
    module = case.module
    raised = [
        node.exc
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Name | ast.Attribute)
        and (node.exc.id if isinstance(node.exc, ast.Name) else node.exc.attr) == name
    ]
    if not name.isidentifier() or not raised:
        return None
    edits = [
        cure_patch.replace(module, each, f"{case.shown(each)}.with_traceback(None)")
        for each in raised
    ]
    return Answer("raise-new", "exception", raised[0].lineno, (), tuple(edits))


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


def callbacks(case: Case) -> Answer | None:
    """Bound methods that are called back: weak, if somebody else keeps who they belong to."""
    inserts = list(case.of_kind("insert"))
    words = [case.word(use.value, use) for use in inserts]
    is_method = case.facts.held == "method"
    if not is_method and not (inserts and all(word == "callable" for word in words)):
        return None
    plain = Answer("unsubscribe", "callbacks", case.line or _handed_over(case))
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


def _handed_over(case: Case) -> int:
    """The only line that hands a method of the held object to anybody; 0 where there is none."""
    owners = case.module.classes((case.facts.type or "").rpartition(".")[2])
    methods = {
        node.name for each in owners for node in each.body if isinstance(node, ast.FunctionDef)
    }
    bound = [
        node
        for node in ast.walk(case.module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in methods
        and isinstance(node.ctx, ast.Load)
        and getattr(case.module.parents[node], "func", None) is not node
    ]
    handed = [node for node in bound if isinstance(case.module.parents[node], ast.Call)]
    return handed[0].lineno if len(owners) == 1 and len(bound) == len(handed) == 1 else 0


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
    return [] if use.kind in ("size", "outer", "alias") else None


def _declared_weak(case: Case, use: Use, weakref: str) -> list[Edit]:
    statement = use.statement
    if not isinstance(statement, ast.AnnAssign):
        return []
    declared = statement.annotation
    if not isinstance(declared, ast.Subscript):
        return []
    text = f"{weakref}.WeakMethod[{case.shown(declared.slice)}]"
    return [cure_patch.replace(case.module, declared.slice, text)]


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
        known = case.only("lookup", "test", "iterate", "size", "remove") and _only_drop(case)
        if asked or not known or not cure_tables.is_plain_dict(case):
            return plain
        made, cure = f"{weakref}.WeakValueDictionary", "weak-value-dictionary"
    else:
        known = case.only("iterate", "size", "test", "remove") and _only_drop(case)
        popped = any(use.method in ("pop", "del") for use in case.of_kind("remove"))
        if not known or popped or case.container not in ("list", "set"):
            return plain
        made, cure = f"{weakref}.WeakSet", "weak-set"
        edits += case.renamed("append", "add")
    edits += case.redefined(f"{made}()", made)
    checked = ("can-be-weak", "by-identity", "not-taken-out", "uses-known")
    return Answer(cure, "registry of instances", case.line, checked, tuple(edits))


def _only_drop(case: Case) -> bool:
    """Is nothing taken out but by itself, to be dropped?"""
    owners = [use.owner for use in case.of_kind("insert")]
    return all(
        use.method in ("pop", "del", "remove", "discard")
        and isinstance(use.statement, ast.Expr | ast.Delete)
        and use.owner in owners
        for use in case.of_kind("remove")
    )


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
    if any(_has_callback(case, use) for use in inserts):
        # Those that are still there were never done: there is nothing to add.
        taken_out = all(_has_callback(case, use, takes_out=True) for use in inserts)
        cure = "finish-task" if taken_out else "remove-when-done"
        return Answer(cure, "tasks", case.line)
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


def _has_callback(case: Case, use: Use, takes_out: bool = False) -> bool:
    """Is a function told when the task is done; one that takes it out of the container?"""
    value = use.value
    table = ast.unparse(use.node)
    removers = {f"{table}.{name}" for name in ("discard", "remove")}
    for node in ast.walk(use.function or case.module.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        told = node.func.attr == "add_done_callback"
        if told and value is not None and ast.dump(node.func.value) == ast.dump(value):
            given = ast.unparse(node.args[0]) if node.args else ""
            if not takes_out or given in removers:
                return True
    return False


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
    own = cure_alias.own_class(case.module, case.container)
    is_list = own is not None and any("ist" in ast.unparse(base) for base in own.bases)
    if case.container not in ("list", "deque") and not is_list:
        return None
    if (case.facts.held or "") not in cure_memos.PLAIN:
        return None
    if any(case.of_kind("remove")) or not any(case.of_kind("insert")):
        return None
    # Who writes the object out wants a list, and all of it.
    if case.is_seen_as_a_whole():
        return None
    # What is gone through, or handed to somebody, may be wanted to its last entry.
    if not case.only("size", "test") and not _LOG.search(f"{case.name} {case.container}"):
        return None
    plain = Answer("bound-log", "log", case.line)
    edits = _bounded(case) or _trimmed(case)
    return cure_memos.replace_edits(plain, edits, ("plain-data", "not-taken-out"))


def _trimmed(case: Case) -> list[Edit]:
    """The oldest go after each that is put in: the list stays a list."""
    inserts = list(case.of_kind("insert"))
    if case.container == "deque" or any(use.method not in ("append", "extend") for use in inserts):
        return []
    known = ("define", "insert", "alias", "iterate", "size", "test")
    if not all(use.kind in known or _is_of_the_end(case, use) for use in case.uses):
        return []
    if cure_source.used_elsewhere(case.module, case.scope, case.name):
        return []
    edits = []
    for use in inserts:
        if not cure_patch.stands_alone(case.module, use.statement):
            return []
        lines = [f"del {case.shown(use.node)}[:-{BOUND}]"]
        edits.append(cure_patch.insert_after(case.module, use.statement, lines))
    return edits


def _is_of_the_end(case: Case, use: Use) -> bool:
    """`log[-1]`, `log[-10:]`"""
    parent = case.module.parents[use.node]
    if not isinstance(parent, ast.Subscript) or not isinstance(parent.ctx, ast.Load):
        return False
    index = parent.slice
    if isinstance(index, ast.Slice):
        if index.upper is not None or index.step is not None or index.lower is None:
            return False
        index = index.lower
    try:
        return -BOUND <= int(ast.literal_eval(index)) < 0
    except (ValueError, TypeError, SyntaxError):
        return False


def never_read(case: Case) -> Answer | None:
    """Things are put in, and nobody ever looks: they need not be put in."""
    inserts = list(case.of_kind("insert"))
    text = case.module.text
    if not inserts or not case.only() or _KEEPS_ALIVE.search(case.name):
        return None
    if any(_is_answered(case, use) for use in inserts):
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
    return cure_memos.replace_edits(plain, edits, ("not-read",))


def _is_answered(case: Case, use: Use) -> bool:
    """Is what the call that puts something in hands back used: `return table.setdefault(key, [])`?

    None is all that the others hand back.
    """
    call = case.module.parents[case.module.parents[use.node]]
    is_call = isinstance(call, ast.Call) and use.method not in ("[]=", "[]+=")
    if not is_call or use.method in ("append", "add", "appendleft", "extend", "update", "insert"):
        return False
    return not isinstance(case.module.parents[call], ast.Expr)


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

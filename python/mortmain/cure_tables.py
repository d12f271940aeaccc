"""The rules for dicts, and for sets that are only asked: what to write instead.

Knows: roles, and the cure of each. Must not know: in which order they are asked (cure.py).
"""

from __future__ import annotations

import ast
import re

from mortmain import cure_bases, cure_memos, cure_patch, cure_source
from mortmain.cure_case import Answer, Case
from mortmain.cure_patch import Edit
from mortmain.cure_source import Use


def weak_container(case: Case) -> Answer | None:
    """A weak key whose value leads back to it."""
    if case.facts.kind != "weak container":
        return None
    return _on_keys(case, "weak container")


_ON_KEYS = '''class {name}({base}):
    """Keeps each value in its key: both go together, though the value leads back to the key."""

    def _names(self, key):
        plain = type(key).__eq__ is object.__eq__ and type(key).__hash__ is object.__hash__
        names = getattr(key, "__dict__", None) if plain else None
        return names if isinstance(names, dict) else None

    def __getitem__(self, key):
        names = self._names(key)
        if names is None:
            return super().__getitem__(key)
        owner, value = names.get("{slot}", (None, None))
        if owner != id(key):
            raise KeyError(key)
        return value

    def __setitem__(self, key, value):
        names = self._names(key)
        if names is None:
            super().__setitem__(key, value)
        else:
            names["{slot}"] = (id(key), value)

    def __delitem__(self, key):
        names = self._names(key)
        if names is None:
            super().__delitem__(key)
        else:
            self[key]
            del names["{slot}"]

    def __contains__(self, key):
        return self.get(key, self) is not self

    def get(self, key, default=None):
        try:
            return self[key]
        except (KeyError, TypeError):
            return default

    def setdefault(self, key, default=None):
        if key not in self:
            self[key] = default
        return self[key]


'''


def _on_keys(case: Case, role: str) -> Answer:
    """Keep the values of a table that is there for good in its keys, if it is only asked by key."""
    plain = Answer("ephemeron", role, case.line)
    module = case.module
    name, slot = "_OnKeys", f"_{case.name.strip('_')}_value"
    used = [use for use in case.uses if use.kind not in ("define", "test")]
    known = {
        ("insert", "[]="),
        ("insert", "setdefault"),
        ("lookup", "[]"),
        ("lookup", "get"),
        ("remove", "del"),
    }
    defined = case.definitions()
    if case.scope.endswith("()") or len(defined) != 1:
        return plain
    if name in module.text or slot in module.text:
        return plain
    made = defined[0].value
    if any((use.kind, use.method) not in known for use in used) or not case.only(
        "lookup", "test", "remove"
    ):
        return plain
    weakref, edits = cure_patch.imported_as(module, "weakref")
    base = f"{weakref}.WeakKeyDictionary"
    if isinstance(made, ast.Call) and case.shown(made.func).endswith("WeakKeyDictionary"):
        base, edits = case.shown(made.func), []
    elif weakref is None or not is_plain_dict(case) or not case.facts.can_be_weak:
        return plain
    text = _ON_KEYS.format(name=name, base=base, slot=slot)
    edits.append(cure_patch.insert_above(module, defined[0].statement, text))
    edits += case.redefined(f"{name}()", base)
    return Answer("ephemeron", role, case.line, ("found-by-key", "uses-known"), tuple(edits))


def keyed_by_id(case: Case) -> Answer | None:
    """`table[id(obj)] = value`: the entry stays when the object goes."""
    inserts = [use for use in case.of_kind("insert") if use.method in ("[]=", "setdefault")]
    if not inserts or any(case.word(use.key, use) != "id" for use in inserts):
        return None
    if all(case.word(use.value, use) == "self" for use in inserts):
        return None  # it has the object itself
    plain = Answer("weak-key-by-id", "side table", case.line)
    kept = [use for use in inserts if _keeps_whose_id(case, use)]
    if any(_is_whose_id(use) for use in kept):
        # The dict owns them: their finalizers would never run.
        is_class = case.facts.cure == "make-class-once"
        return Answer("make-class-once" if is_class else "remove-when-done", None, case.line)
    if kept or any(_can_be_weak(case, use) is False for use in inserts):
        return Answer("keep-in-object", "side table", case.line)
    weakref, edits = cure_patch.imported_as(case.module, "weakref")
    for use in inserts:
        key = use.key
        if not isinstance(key, ast.Call) or not isinstance(key.args[0], ast.Name):
            return plain
        if weakref is None or not cure_patch.stands_alone(case.module, use.statement):
            return plain
        shown, table = case.shown(key.args[0]), case.shown(use.node)
        blank = cure_patch.indent_of(case.module, use.statement)
        lines = [
            f"{blank}if id({shown}) not in {table}:",
            f"{blank}    {weakref}.finalize({shown}, {table}.pop, id({shown}), None)",
        ]
        edits.append(cure_patch.insert_before(case.module, use.statement.lineno, lines))
    return Answer("weak-key-by-id", "side table", case.line, (), tuple(edits))


def _whose_id(use: Use) -> ast.expr | None:
    """`obj` of `id(obj)`"""
    key = cure_source.value_of(use.key, use.function)
    return key.args[0] if isinstance(key, ast.Call) and len(key.args) == 1 else None


def _is_whose_id(use: Use) -> bool:
    """`table[id(obj)] = obj`"""
    return _same(_whose_id(use), use.value)


def _keeps_whose_id(case: Case, use: Use) -> bool:
    """Does the value lead to the object, as far as the source and the finding tell?"""
    whose = _whose_id(use)
    value = cure_source.value_of(use.value, use.function)
    if whose is None or value is None:
        return False
    for part in (use.value, value):
        if part is not None and any(_same(each, whose) for each in ast.walk(part)):
            return True
    is_self = case.word(whose, use) == "self" and use.owner is not None
    last = (case.facts.type or "").rpartition(".")[2]
    return is_self and use.owner is not None and last == use.owner.name


def _can_be_weak(case: Case, use: Use) -> bool | None:
    """Can the object under whose id it is be waited for? None: nobody knows."""
    whose = _whose_id(use)
    if whose is None or use.owner is None or case.word(whose, use) != "self":
        return None
    return cure_bases.can_be_weak(case.module, use.owner)


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
    if case.facts.held in cure_memos.PLAIN:
        return None  # who has an equal one finds the entry as well
    if not case.facts.by_identity:
        return Answer("ephemeron", "side table", case.line) if case.facts.leads_back else None
    if case.facts.leads_back or any(_same(use.key, use.value) for use in inserts):
        return _on_keys(case, "side table")
    weakref, edits = cure_patch.imported_as(case.module, "weakref")
    checked = ["can-be-weak", "by-identity", "value-apart", "uses-known"]
    if not case.facts.can_be_weak:
        slots = with_weak_slot(case, case.facts.held or "")
        checked[0] = "slot-added"
        if slots is None:
            return None
        edits.append(slots)
    if weakref is None or not is_plain_dict(case):
        return Answer("weak-key-dictionary", "side table", case.line)
    made = f"{weakref}.WeakKeyDictionary"
    edits += case.redefined(f"{made}()", made)
    return Answer("weak-key-dictionary", "side table", case.line, tuple(checked), tuple(edits))


def is_plain_dict(case: Case) -> bool:
    """Is a dict made wherever the container is made?"""
    return all(
        isinstance(use.value, ast.Dict)
        or (use.value is not None and ast.unparse(use.value) == "dict()")
        for use in case.definitions()
    )


def _same(one: ast.AST | None, other: ast.AST | None) -> bool:
    return one is not None and other is not None and ast.dump(one) == ast.dump(other)


def with_weak_slot(case: Case, name: str) -> Edit | None:
    """`__slots__` of a class, with room for weak references."""
    found = case.module.classes(name)
    if len(found) != 1 or not cure_bases.may_get_room(case.module, found[0]):
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


_UNTIL_DUE = '''def {name}(table, key, later, when, call, *arguments):
    """A timer for a table, which takes itself out again once it is due."""

    def due():
        nonlocal timer
        own, timer = timer, None
        try:
            call(*arguments)
        finally:
            if table.get(key) is own:
                del table[key]

    timer = later(when, due)
    return timer


'''


def timers(case: Case) -> Answer | None:
    """Timers by a key: each takes itself out when it is due."""
    inserts = list(case.of_kind("insert"))
    if case.facts.held not in ("TimerHandle", "Handle") or not inserts:
        return None
    plain = Answer("done-callback", "timers", case.line)
    name = "_until_due"
    edits: list[Edit] = []
    for use in inserts:
        call = use.value
        if use.method != "[]=" or not isinstance(call, ast.Call) or name in case.module.text:
            return plain
        later = call.func
        starred = any(isinstance(each, ast.Starred) for each in call.args[:2])
        if not isinstance(later, ast.Attribute) or later.attr not in ("call_later", "call_at"):
            return plain
        if len(call.args) < 2 or call.keywords or starred or not cure_source.is_stable(use.key):
            return plain
        if not _may_be_missing(case):
            return plain
        assert use.key is not None
        words = [case.shown(use.node), case.shown(use.key), case.shown(later)]
        text = f"{name}({', '.join([*words, *(case.shown(each) for each in call.args)])})"
        edits.append(cure_patch.replace(case.module, call, text))
    first = cure_patch.insert_above(case.module, inserts[0].statement,
                                    _UNTIL_DUE.format(name=name))  # fmt: skip
    return Answer(plain.cure, plain.role, plain.line, ("uses-known",), (first, *edits))


def _may_be_missing(case: Case) -> bool:
    """Does everybody who asks for an entry reckon with there being none?"""
    for use in case.uses:
        call = case.module.parents[case.module.parents[use.node]]
        has_default = isinstance(call, ast.Call) and len(call.args) == 2
        asks = (use.kind, use.method) in (("lookup", "[]"), ("remove", "del"))
        asks |= use.kind == "remove" and use.method == "pop" and not has_default
        guarded = any(
            each.function is use.function and each.key is not None and use.key is not None
            and ast.dump(each.key) == ast.dump(use.key)
            for each in case.of_kind("test")
        )  # fmt: skip
        if (asks and not guarded) or use.kind == "other":
            return False
    return True


_ASKED = {"items", "values", "keys", "get", "copy", "count", "index", "discard"}
_READERS = {"len", "list", "tuple", "set", "sorted", "sum", "any", "all", "bool", "frozenset"}


def looked_up(case: Case) -> Answer | None:
    """A defaultdict keeps what it is merely asked for."""
    defined = [use.value for use in case.of_kind("define") if use.value is not None]
    if case.container != "defaultdict" or not defined:
        return None
    made = {
        ast.unparse(each.args[0])
        for each in defined
        if isinstance(each, ast.Call) and len(each.args) == 1 and not each.keywords
        and ast.unparse(each.func).rpartition(".")[2] == "defaultdict"
    }  # fmt: skip
    factory = next(iter(made), "")
    if len(made) != 1 or not all(part.isidentifier() for part in factory.split(".")):
        return None
    looked = [use for use in case.of_kind("lookup") if use.method == "[]"]
    written = {
        (use.function, ast.dump(use.key))
        for use in looked
        if use.key is not None and not _only_read(case, use)
    }
    edits = []
    for use in looked:
        key = use.key
        if key is None or isinstance(key, ast.Constant) or not cure_source.is_stable(key):
            continue
        if not _only_read(case, use) or (use.function, ast.dump(key)) in written:
            continue
        table, shown = case.shown(use.node), case.shown(key)
        text = f"({table}[{shown}] if {shown} in {table} else {factory}())"
        if isinstance(key, ast.Tuple) and not shown.startswith("("):
            text = f"({table}[{shown}] if ({shown}) in {table} else {factory}())"
        edits.append(cure_patch.replace(case.module, _subscript(case, use), text))
    if not edits:
        return None
    return Answer("look-up-apart", "registry", case.line, ("asked-only",), tuple(edits))


def _subscript(case: Case, use: Use) -> ast.expr:
    parent = case.module.parents[use.node]
    assert isinstance(parent, ast.Subscript)
    return parent


def _only_read(case: Case, use: Use) -> bool:
    """Would a new one, which nobody keeps, do as well here?"""
    node = _subscript(case, use)
    parent = case.module.parents[node]
    if isinstance(parent, ast.Attribute):
        call = case.module.parents[parent]
        if not isinstance(call, ast.Call) or call.func is not parent:
            return False
        return parent.attr in _ASKED or (parent.attr == "pop" and len(call.args) == 2)
    if isinstance(parent, ast.Call) and node in parent.args:
        return isinstance(parent.func, ast.Name) and parent.func.id in _READERS
    if isinstance(parent, ast.For | ast.AsyncFor | ast.comprehension):
        return parent.iter is node
    if isinstance(parent, ast.Compare):
        return all(isinstance(each, ast.In | ast.NotIn) for each in parent.ops)
    return isinstance(parent, ast.If | ast.While) and parent.test is node


def taken_out(case: Case) -> Answer | None:
    """What was taken out stays in a variable, and an exception keeps the frame with it."""
    kept = any(text == "traceback" or text.startswith("frame ") for text, _, _ in case.facts.path)
    if not kept and case.facts.cure != "drop-link":
        return None
    edits = []
    line = case.line
    for use in case.of_kind("remove"):
        function, statement = use.function, use.statement
        if function is None or not isinstance(statement, ast.Assign):
            continue
        target = statement.targets[0]
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        for each in names:
            if isinstance(each, ast.Name):
                last = _last_use(case, function, statement, each.id)
                if last is not None:
                    edits.append(cure_patch.insert_after(case.module, last, [f"del {each.id}"]))
                    line = statement.lineno
    if not edits:
        return None
    return Answer("drop-taken", "cache", line, ("not-used-again",), tuple(edits))


def _last_use(
    case: Case, function: cure_source.Function, taken: ast.stmt, name: str
) -> ast.stmt | None:
    """The statement of the same block after which nothing reads a variable, but something waits."""
    module = case.module
    block: list[ast.stmt] = next(
        (
            getattr(module.parents[taken], field)
            for field in ("body", "orelse", "finalbody")
            if taken in (getattr(module.parents[taken], field, None) or [])
        ),
        [],
    )
    if any(isinstance(each, ast.For | ast.AsyncFor | ast.While) for each in module.up(taken)):
        return None
    last = taken
    for node in ast.walk(function):
        if not isinstance(node, ast.Name) or node.id != name or node.lineno <= taken.lineno:
            continue
        inside = next((each for each in (node, *module.up(node)) if each in block), None)
        if not isinstance(node.ctx, ast.Load) or not isinstance(inside, ast.stmt):
            return None
        last = inside if inside.lineno > last.lineno else last
    waits = any(
        isinstance(node, ast.Await | ast.Raise | ast.Yield | ast.Call)
        and node.lineno > (last.end_lineno or last.lineno)
        for node in ast.walk(function)
    )
    nested = any(
        isinstance(
            node, ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef | ast.GeneratorExp
        )  # each looks later than it stands
        and node is not function
        and any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(node))
        for node in ast.walk(function)
    )
    ends = isinstance(last, ast.Return | ast.Raise) or not cure_patch.stands_alone(module, last)
    declared = any(
        isinstance(node, ast.Global | ast.Nonlocal) and name in node.names
        for node in ast.walk(function)
    )
    return last if waits and not nested and not ends and not declared else None


KEEPS_ALIVE = re.compile(r"keep|alive|live|refs?$|references|pin(ned)?$", re.I)
_DOES_SOMETHING = {"Task", "Future", "Thread", "Timer", "function", "method", "Process"}


def membership(case: Case) -> Answer | None:
    """A set that is only asked whether something is in it: who could ask has the thing itself."""
    inserts = list(case.of_kind("insert"))
    if case.container not in ("set", "list") or not inserts or not any(case.of_kind("test")):
        return None
    if not (case.facts.can_be_weak and case.facts.by_identity):
        return None
    if case.facts.held in _DOES_SOMETHING or not case.only("test", "remove"):
        return None
    if any(use.method not in ("remove", "discard") for use in case.of_kind("remove")):
        return None
    words = {case.word(use.value, use) for use in inserts}
    by_one = all(use.method in ("add", "append") for use in inserts)
    if not words <= {"self", "param", "other"} or not by_one or KEEPS_ALIVE.search(case.name):
        return None
    if "self" in words and not all(case.comes_kept(use) for use in inserts):
        return None  # what enters itself may live by that alone
    weakref, edits = cure_patch.imported_as(case.module, "weakref")
    if weakref is None:
        return None
    made = f"{weakref}.WeakSet"
    edits += case.renamed("append", "add") + case.redefined(f"{made}()", made)
    checked = ("can-be-weak", "by-identity", "asked-only", "uses-known")
    return Answer("weak-set", "membership", case.line, checked, tuple(edits))

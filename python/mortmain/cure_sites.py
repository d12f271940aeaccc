"""Cures for what the standard library keeps: the code that put it there is the one to change.

Knows: who keeps what, by the path of a finding, and how the source looks that hands it over.
Must not know: containers of the program.

The holder itself is in nobody's hands: a logger's handlers, finalizers, the source lines of
linecache, interned strings, a registry of warnings, the calls of a mock. So the file of the step is
searched for who fills it, then the modules that it imports, and the packages of these.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mortmain import cure_classes, cure_finalizers, cure_imports, cure_patch, cure_source, cure_weak
from mortmain.cure_case import BOUND, Answer, Facts
from mortmain.cure_patch import Edit
from mortmain.cure_source import Module, is_stable

_FILES_MAX = 4000

Site = Callable[[Facts, Module], Answer | None]


def find(facts: Facts, files: Sequence[str]) -> tuple[Module, Answer] | None:
    """Find who fills what nobody can edit.

    Args:
        facts: The finding.
        files: Those of the step.

    Returns:
        The source and the cure; the first one with a patch, else the first one. None where it is
        no such holder, or nobody was found.
    """
    first = None
    for pattern, rule, own_only in _rules(facts):
        for module in _sources(facts, files, pattern, own_only):
            answer = rule(facts, module)
            if answer is not None and answer.edits:
                return module, answer
            first = first or (None if answer is None else (module, answer))
    return first


def _rules(facts: Facts) -> Iterator[tuple[str, Site, bool]]:
    """What to search for, what to do where it is found, and whether only the step's files count."""
    if facts.kind == "cycle":
        if facts.cure == "make-class-once":
            yield r"\bclass\b", cure_classes.made_once, True
        return
    objects = [text for text, _, _ in facts.path]
    edges = [edge for _, edge, _ in facts.path]
    if "class finalize" in objects and "._registry" in edges:
        yield r"\bfinalize\(", cure_finalizers.method_as_finalizer, False
    if any((edge or "").startswith("atexit callback") for edge in edges):
        yield r"\batexit\.register\(", cure_finalizers.method_at_exit, False
    if objects[:1] == ["module threading"] and edges[0] == "._active":
        yield r"Thread\b", threads_run, True
    if objects[:1] == ["interpreter"] and re.search(r"(before|after)_fork", edges[0] or ""):
        yield r"\bregister_at_fork\(", at_fork, False
    if len(objects) == 2 and objects[1] == "list" and objects[0].startswith("module "):
        name = re.escape(f"{objects[0].removeprefix('module ')}{edges[0]}")
        yield rf"\b{name}\.(append|insert)\(", added_again, False
    if cure_weak.is_receiver(facts):
        yield r"\.connect\(", cure_weak.receiver_kept, False
    # A logger has its name behind it: Logger 'shop.orders'.
    if any(each.partition(" ")[0] == "Logger" for each in objects) and ".handlers" in edges:
        yield r"\.addHandler\(", handler_again, False
    if objects[:1] == ["module linecache"] and edges[0] == ".cache":
        yield r"linecache\.cache\[", source_lines, False
    if objects[:1] == ["interned strings"]:
        yield r"\bintern\(", interned, True
    if ".__warningregistry__" in edges:
        yield r"\bwarn\(", warnings_of_data, False
    if "._mock_mock_calls" in edges or "._mock_call_args_list" in edges:
        yield r"\bMock\b|Mock\(", recorded_calls, True
    if facts.cure == "make-class-once":
        yield r"\bclass\b", cure_classes.made_once, True


def _sources(facts: Facts, files: Sequence[str], pattern: str, own_only: bool) -> Iterator[Module]:
    word = re.compile(pattern)
    seen: set[str] = set()
    for file in _places(facts, files, own_only):
        if file in seen or len(seen) == _FILES_MAX:
            continue
        seen.add(file)
        if not cure_source.mentions(file, word):
            continue
        module = cure_source.read(file)
        if module is not None:
            yield module


def _places(facts: Facts, files: Sequence[str], own_only: bool) -> Iterator[str]:
    own = [file for file in files if Path(file).is_file()]
    yield from own
    yield from (file for file in (facts.file,) if file and not cure_source.is_stdlib(file))
    if own_only:
        return
    tops: list[Path] = []
    held = (facts.type or "").rpartition(".")[0]
    read = [module for module in map(cure_source.read, own) if module is not None]
    for name in [held, *(name for module in read for name in cure_imports.modules(module))]:
        found = cure_imports.files_of(name) or cure_imports.files_of(name.rpartition(".")[0])
        for file in found:
            if not cure_source.is_stdlib(file):
                yield file
        for file in cure_imports.files_of(name.partition(".")[0]):
            top = Path(file).parent
            is_package = Path(file).name == "__init__.py"
            if is_package and top not in tops and not cure_source.is_stdlib(file):
                tops.append(top)
    for top in tops:
        yield from (str(file) for file in sorted(top.rglob("*.py")))


# ---- lists of the library -----------------------------------------------------------------------


def added_again(facts: Facts, module: Module) -> Answer | None:
    """The same thing, put into a list of the library with every call."""
    text, edge, _ = facts.path[0]
    holder = f"{text.removeprefix('module ')}{edge}"
    for call in [*_calls(module, "append"), *_calls(module, "insert")]:
        statement, function = module.statement(call), module.function(call)
        if not isinstance(call.func, ast.Attribute) or ast.unparse(call.func.value) != holder:
            continue
        if function is None or not call.args or not _is_fixed(module, function, call.args[-1]):
            continue
        plain = Answer("add-once", "registry", call.lineno)
        alone = isinstance(statement, ast.Expr) and statement.value is call
        written = ast.get_source_segment(module.text, statement) or ""
        if not alone or not cure_patch.stands_alone(module, statement) or "\n" in written:
            return plain
        blank = cure_patch.indent_of(module, statement)
        shown = ast.get_source_segment(module.text, call.args[-1]) or ""
        guard = f"if {shown} not in {holder}:"
        edit = cure_patch.replace(module, statement, f"{guard}\n{blank}    {written}")
        return Answer("add-once", "registry", call.lineno, ("made-alike",), (edit,))
    return None


# ---- threads and forks --------------------------------------------------------------------------


def threads_run(facts: Facts, module: Module) -> Answer | None:
    """Threads that never end: where they are made."""
    lines = {call.lineno for call in _calls(module, "Thread")}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and any(
            ast.unparse(base).endswith("Thread") for base in node.bases
        ):
            lines.add(node.lineno)
    # One of several may be another one: the line is told only where it is the only one.
    return Answer("end-thread", "threads", lines.pop()) if len(lines) == 1 else None


def at_fork(facts: Facts, module: Module) -> Answer | None:
    """`os.register_at_fork(after_in_child=self.reset)`: nothing takes that out again."""
    calls = list(_calls(module, "register_at_fork"))
    return Answer("register-once", "callbacks", calls[0].lineno) if len(calls) == 1 else None


def _calls(module: Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name:
            yield node


# ---- handlers of loggers ------------------------------------------------------------------------


def handler_again(facts: Facts, module: Module) -> Answer | None:
    """A handler that is made alike with every call, and added to the same logger."""
    held = (facts.type or "").rpartition(".")[2]
    for call in _calls(module, "addHandler"):
        statement = module.statement(call)
        function = module.function(call)
        if function is None or len(call.args) != 1 or not isinstance(call.func, ast.Attribute):
            continue
        made = _made(function, call.args[0])
        if made is None or ast.unparse(made.func).rpartition(".")[2] != held:
            continue
        if not _is_alike(module, function, made):
            return Answer("remove-handler", "handlers", call.lineno)
        plain = Answer("add-once", "handlers", call.lineno)
        logger = call.func.value
        alone = isinstance(statement, ast.Expr) and statement.value is call
        if not alone or not cure_patch.stands_alone(module, statement):
            return plain
        if not _is_one(module, function, logger):
            return plain
        blank = cure_patch.indent_of(module, statement)
        shown, text = ast.unparse(logger), ast.get_source_segment(module.text, statement) or ""
        if "\n" in text:
            return plain
        guard = f"if not any(type(each) is {ast.unparse(made.func)} for each in {shown}.handlers):"
        edit = cure_patch.replace(module, statement, f"{guard}\n{blank}    {text}")
        return Answer("add-once", "handlers", call.lineno, ("made-alike",), (edit,))
    return None


def _made(function: cure_source.Function, value: ast.expr) -> ast.Call | None:
    found = cure_source.value_of(value, function)
    return found if isinstance(found, ast.Call) else None


def _is_alike(module: Module, function: cure_source.Function, made: ast.Call) -> bool:
    """Does nothing that differs from call to call go into it?"""
    values = [*made.args, *(each.value for each in made.keywords)]
    return all(_is_fixed(module, function, each) for each in values)


def _is_fixed(module: Module, function: cure_source.Function, value: ast.expr) -> bool:
    root = value
    while isinstance(root, ast.Attribute):
        root = root.value
    if isinstance(root, ast.Constant):
        return True
    return isinstance(root, ast.Name) and not cure_source.is_local(function, root.id)


def _is_one(module: Module, function: cure_source.Function, logger: ast.expr) -> bool:
    """Can the logger be asked for twice?"""
    if is_stable(logger):
        return True
    made = logger if isinstance(logger, ast.Call) else None
    asked = made is not None and ast.unparse(made.func).rpartition(".")[2] == "getLogger"
    return asked and made is not None and _is_alike(module, function, made)


# ---- source lines -------------------------------------------------------------------------------


def source_lines(facts: Facts, module: Module) -> Answer | None:
    """Code that was made of a text: its lines stay in linecache when it goes."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target = node.targets[0]
        if not isinstance(target, ast.Subscript) or not isinstance(target.slice, ast.Name):
            continue
        function = module.function(node)
        if ast.unparse(target.value) != "linecache.cache" or function is None:
            continue
        plain = Answer("forget-source", "cache", node.lineno)
        name = target.slice.id
        compiled = any(
            any(isinstance(each, ast.Name) and each.id == name for each in call.args)
            for call in _calls(module, "compile")
            if module.function(call) is function
        )
        returns = [each for each in ast.walk(function) if isinstance(each, ast.Return)]
        made = {each.value.id for each in returns if isinstance(each.value, ast.Name)}
        weakref, edits = cure_patch.imported_as(module, "weakref")
        stored = {each.id for each in ast.walk(function)
                  if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load)}  # fmt: skip
        if not compiled or weakref is None or len(made) != 1 or not made <= stored:
            return plain
        for each in returns:
            if each.lineno < node.lineno:
                continue
            if not isinstance(each.value, ast.Name) or not cure_patch.stands_alone(module, each):
                return plain
            text = f"{weakref}.finalize({each.value.id}, linecache.cache.pop, {name}, None)"
            line = cure_patch.indent_of(module, each) + text
            edits.append(cure_patch.insert_before(module, each.lineno, [line]))
        return Answer("forget-source", "cache", node.lineno, ("goes-with-it",), tuple(edits))
    return None


# ---- strings, warnings, mocks -------------------------------------------------------------------


def interned(facts: Facts, module: Module) -> Answer | None:
    """`sys.intern` of what is made of data."""
    calls = [
        call
        for call in _calls(module, "intern")
        if len(call.args) == 1
        and not isinstance(call.args[0], ast.Constant)
        and module.function(call) is not None
    ]
    if not calls:
        return None
    plain = Answer("not-interned", "interned strings", calls[0].lineno)
    for node in ast.walk(module.tree):
        by_identity = isinstance(node, ast.Compare) and any(
            isinstance(each, ast.Is | ast.IsNot) for each in node.ops
        )
        if by_identity and not any(isinstance(each, ast.Constant) for each in ast.walk(node)):
            return plain
    edits = []
    for call in calls:
        shown = ast.get_source_segment(module.text, call.args[0]) or ""
        edits.append(cure_patch.replace(module, call, f"({shown})"))
    return Answer(plain.cure, plain.role, plain.line, ("not-compared",), tuple(edits))


def warnings_of_data(facts: Facts, module: Module) -> Answer | None:
    """A warning whose text differs from call to call: each stays in the module's registry."""
    holder = facts.holder or ""
    stem = Path(module.file).stem if Path(module.file).stem != "__init__" else ""
    if stem and f"{stem}.__warningregistry__" not in holder:
        return None
    edits = []
    line = 0
    for call in _calls(module, "warn"):
        statement = module.statement(call)
        if not call.args or isinstance(call.args[0], ast.Constant):
            continue
        if module.function(call) is None or ast.unparse(call.func) not in ("warnings.warn", "warn"):
            continue
        # With another stack level it is a registry of whoever calls.
        if len(call.args) > 2 or any(each.arg == "stacklevel" for each in call.keywords):
            continue
        line = line or call.lineno
        alone = isinstance(statement, ast.Expr) and statement.value is call
        if not alone or not cure_patch.stands_alone(module, statement):
            return Answer("bound-warnings", "registry", line)
        lines = [
            f'if len(globals().get("__warningregistry__", ())) > {BOUND}:',
            '    globals()["__warningregistry__"].clear()',
        ]
        edits.append(cure_patch.insert_after(module, statement, lines))
    if not line:
        return None
    return Answer("bound-warnings", "registry", line, (), tuple(edits))


_READ_OF_A_MOCK = re.compile(r"called?$|call_|calls$|assert_|has_calls|_mock")


def recorded_calls(facts: Facts, module: Module) -> Answer | None:
    """A mock of a module that is called for ever, and nobody asks what it was given."""
    names = [
        target.id
        for node in module.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).rpartition(".")[2].endswith("Mock")
        for target in node.targets
        if isinstance(target, ast.Name) and f".{target.id}" in [edge for _, edge, _ in facts.path]
    ]  # fmt: skip
    if len(names) != 1:
        return None
    edits: list[Edit] = []
    line = 0
    for use in cure_source.uses(module, "", names[0]):
        if use.kind == "define":
            line = use.node.lineno
            continue
        plain = Answer("reset-mock", "mock", line)
        chain = [each.attr for each in module.up(use.node) if isinstance(each, ast.Attribute)]
        called = any(isinstance(each, ast.Call) and use.node not in each.args
                     for each in module.up(use.node))  # fmt: skip
        if not called or use.function is None or any(map(_READ_OF_A_MOCK.search, chain)):
            return plain
        statement = use.statement
        plain_kind = isinstance(statement, ast.Expr | ast.Assign)
        if not plain_kind or not cure_patch.stands_alone(module, statement):
            return plain
        lines = [f"{names[0]}.reset_mock()"]
        edits.append(cure_patch.insert_after(module, statement, lines))
    if cure_source.used_elsewhere(module, "", names[0]):
        edits = []
    checked = ("not-read",) if edits else ()
    return Answer("reset-mock", "mock", line, checked, tuple(edits))

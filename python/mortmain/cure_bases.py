"""What a class has from its bases, read from source: room for weak references, slots, methods.

Knows: how slots and bases are written, and where they are imported from. Must not know: cures.

An answer is certain or None: a second slot ``__weakref__`` keeps a module from being imported, and
a property that hides one of a base changes what the class does.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from mortmain import cure_imports, cure_source, source
from mortmain.cure_source import Module

_CLASSES_MAX = 100
_ANCESTORS_MAX = 300
_FILES_MAX = 1000
# Of typing: they are no classes of a file everywhere, and have no slots of their own.
_EMPTY = ("typing.Generic", "typing.Protocol", "abc.ABC")

Found = tuple[Module, ast.ClassDef]


def lineage(module: Module, owner: ast.ClassDef) -> tuple[list[Found], list[type]] | None:
    """A class and all that it inherits from: those that are read, and those that are built in.

    Returns:
        The class itself first; None where one of them cannot be told with certainty.
    """
    found: list[Found] = [(module, owner)]
    built: list[type] = []
    for place, each in found:
        if len(found) > _CLASSES_MAX or not _is_plainly_made(place, each):
            return None
        for base in each.bases:
            bare = base.value if isinstance(base, ast.Subscript) else base
            known = _base(place, bare)
            if known is None:
                return None
            if isinstance(known, type):
                built.append(known)
            elif not any(known[1] is other for _, other in found):
                found.append(known)
    return found, built


def _is_plainly_made(module: Module, owner: ast.ClassDef) -> bool:
    """Is it what its body says: no metaclass but of abc, no decorator that makes another one?"""
    for keyword in owner.keywords:
        word = ast.unparse(keyword.value).rpartition(".")[2]
        if keyword.arg != "metaclass" or word not in ("ABCMeta", "_ProtocolMeta"):
            return False
    known = ("final", "total_ordering", "runtime_checkable", "dataclass")
    for each in owner.decorator_list:
        call = each.func if isinstance(each, ast.Call) else each
        if ast.unparse(call).rpartition(".")[2] not in known:
            return False
    return len([other for other in module.classes(owner.name) if _is_top(module, other)]) <= 1


def _is_top(module: Module, owner: ast.ClassDef) -> bool:
    return owner in module.tree.body


def _base(module: Module, base: ast.expr) -> Found | type | None:
    """What a base is; a class of a builtin module is taken from this interpreter."""
    name, _, last = ast.unparse(base).rpartition(".")
    if not last.isidentifier():
        return None
    if not name:
        own = module.classes(last)
        if own:
            return (module, own[0]) if len(own) == 1 and _is_top(module, own[0]) else None
        if _is_bound(module, last):
            return None
        origin = cure_imports.origin(module, last)
        if origin is None:
            built = getattr(builtins, last, None)
            return built if isinstance(built, type) and not cure_imports.has_star(module) else None
        name, last = origin
    else:
        name = cure_imports.module_called(module, name) or ""
    if f"{name}.{last}" in _EMPTY:
        return object
    return _in_file(name, module, last)


def _is_bound(module: Module, name: str) -> bool:
    """Is it something else than an import of the module?"""
    return any(
        (isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.FunctionDef) and node.name == name)
        for node in ast.walk(module.tree)
        if module.function(node) is None
    )


def _in_file(name: str, module: Module, last: str) -> Found | None:
    """The one class of a module that has this name, or that it imports in its turn."""
    waiting = [(name, module, last)]
    for seen, (origin, importer, each) in enumerate(waiting):
        if seen > _CLASSES_MAX:
            return None
        for file in cure_imports.files_of(origin, importer):
            parsed = cure_source.read(file)
            if parsed is None:
                return None
            own = parsed.classes(each)
            if own:
                single = len(own) == 1 and _is_top(parsed, own[0]) and not _is_bound(parsed, each)
                return (parsed, own[0]) if single else None
            further = cure_imports.origin(parsed, each)
            if further is not None:
                waiting.append((further[0], parsed, further[1]))
    return None


def is_ancestor(module: Module, owner: ast.ClassDef, type_name: str) -> bool:
    """Is a class the one of this name, or does that one inherit from it, as far as files tell?"""
    place, _, name = type_name.rpartition(".")
    stem = Path(module.file).stem
    if owner.name == name and (
        not place or place.rpartition(".")[2] in (stem, Path(module.file).parent.name)
    ):
        return True
    waiting = [(file, name) for file in cure_imports.files_of(place)] + [(module.file, name)]
    seen = set(waiting)
    for file, each in waiting:
        if Path(file) == Path(module.file) and each == owner.name:
            return True
        parsed = module if file == module.file else cure_source.read(file)
        if parsed is None:
            continue
        for found in parsed.classes(each):
            for base in found.bases:
                bare = base.value if isinstance(base, ast.Subscript) else base
                last = ast.unparse(bare).rpartition(".")[2]
                for next_file in [file, *cure_imports.sources(parsed, last)]:
                    if (next_file, last) not in seen and len(seen) < _ANCESTORS_MAX:
                        seen.add((next_file, last))
                        waiting.append((next_file, last))
    return False


# ---- slots --------------------------------------------------------------------------------------


def dataclass_of(owner: ast.ClassDef) -> str | None:
    """What makes it a dataclass, as it is written."""
    made = [ast.unparse(each) for each in owner.decorator_list]
    is_one = len(made) == 1 and re.fullmatch(r"(dataclasses\.)?dataclass(\(.*\))?", made[0])
    return made[0] if is_one else None


def slots_of(owner: ast.ClassDef) -> tuple[str, ...] | None:
    """The slots of its own; none means that there are none named, or that they are not plain.

    Whether there are some at all is what has_slots() says.
    """
    if "slots=True" in (dataclass_of(owner) or ""):
        weak = ("__weakref__",) if "weakref_slot=True" in (dataclass_of(owner) or "") else ()
        fields = [node.target for node in owner.body if isinstance(node, ast.AnnAssign)]
        return (*(each.id for each in fields if isinstance(each, ast.Name)), *weak)
    values = [
        node.value
        for node in ast.walk(owner)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id == "__slots__"
    ]
    if len(values) != 1 or values[0] is None:
        return None
    value = values[0]
    items = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    names = [
        each.value
        for each in items
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    return tuple(names) if len(names) == len(items) else None


def has_slots(owner: ast.ClassDef) -> bool:
    """Has the class slots, by its body or as a dataclass?"""
    named = any(
        isinstance(node, ast.Name) and node.id == "__slots__" and isinstance(node.ctx, ast.Store)
        for node in source.own_nodes(owner)
    )
    return named or "slots=True" in (dataclass_of(owner) or "")


def can_be_weak(module: Module, owner: ast.ClassDef) -> bool | None:
    """Can instances be referred to weakly? None where that cannot be told."""
    found = lineage(module, owner)
    if found is None:
        return None
    classes, built = found
    if any(each.__weakrefoffset__ for each in built):
        return True
    sure = True
    for _, each in classes:
        names = slots_of(each) if has_slots(each) else ("__weakref__",)
        if names is None:
            sure = False
        elif "__weakref__" in names:
            return not any(other.__itemsize__ for other in built) or None
    return False if sure else None


def may_get_room(module: Module, owner: ast.ClassDef) -> bool:
    """Would `__slots__` with one more, `__weakref__`, do no harm: here, in bases and subclasses?"""
    found = lineage(module, owner)
    if found is None or can_be_weak(module, owner) is not False or not has_slots(owner):
        return False
    if any(each.__itemsize__ for each in found[1]) or slots_of(owner) is None or is_vast(module):
        return False
    # Who has one already, takes the slots of another class, or changes the class of an object.
    harm = re.compile(r"__weakref__|\.\s*__slots__|__class__\s*=[^=]")
    return not any(harm.search(text) for text in texts(module, owner.name))


def texts(module: Module, name: str) -> Iterator[str]:
    """The file, and those that may know it and mention a class of it."""
    yield module.text
    word = re.compile(rf"\b{re.escape(name)}\b")
    for file in _beside(module):
        text = source._read(file) or ""
        if word.search(text):
            yield text


def is_vast(module: Module) -> bool:
    """Are there more files than are read? Then nobody knows what they do with a class."""
    return len(_around(module)) > _FILES_MAX


def _around(module: Module) -> list[Path]:
    """The files of the same package, or else of the folder; one more than are read at most."""
    folder = Path(module.file).parent
    is_package = (folder / "__init__.py").exists()
    while (folder.parent / "__init__.py").exists() and is_package:
        folder = folder.parent
    files = folder.rglob("*.py") if is_package else folder.glob("*.py")
    return list(itertools.islice(files, _FILES_MAX + 1))


def _beside(module: Module) -> Iterator[str]:
    """The files of the same package; without one, those in the folder that import the file."""
    is_package = (Path(module.file).parent / "__init__.py").exists()
    stem = Path(module.file).stem
    for file in _around(module)[:_FILES_MAX]:
        known = is_package or cure_source.imported_in(str(file), stem)
        if known and not file.samefile(module.file):
            yield str(file)


# ---- names --------------------------------------------------------------------------------------


def home_of_slot(module: Module, owner: ast.ClassDef, name: str) -> Found | None:
    """Which class, this one or a base, has the slot of a name."""
    found = lineage(module, owner)
    classes = [] if found is None else found[0]
    return next((each for each in classes
                 if has_slots(each[1]) and name in (slots_of(each[1]) or ())), None)  # fmt: skip


def is_free(module: Module, owner: ast.ClassDef, name: str) -> bool:
    """Would a property of a name hide nothing that bases have, and be asked by everybody?"""
    found = lineage(module, owner)
    if found is None or any(hasattr(each, name) for each in found[1]):
        return False
    hooks = ("__setattr__", "__getattribute__", "__delattr__")
    bare = (object, BaseException, Exception, dict, list, set)
    if any(getattr(each, hook) is not getattr(object, hook) for each in found[1]
           if each not in bare for hook in hooks):  # fmt: skip
        return False
    taken = {
        node.name
        for _, each in found[0]
        for node in each.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    return not taken & {name, *hooks}


def class_named(module: Module, name: str) -> Found | None:
    """The one class of a name in the file, among what it imports, or in the files beside it."""
    own = module.classes(name)
    if own:
        return (module, own[0]) if len(own) == 1 else None
    origin = cure_imports.origin(module, name)
    if origin is not None:
        return _in_file(origin[0], module, origin[1])
    word = re.compile(rf"^class {re.escape(name)}\b", re.MULTILINE)
    found = []
    for file in _beside(module):
        if cure_source.mentions(file, word):
            parsed = cure_source.read(file)
            found += [] if parsed is None else [(parsed, each) for each in parsed.classes(name)]
    return found[0] if len(found) == 1 else None

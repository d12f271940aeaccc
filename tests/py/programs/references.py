"""Compares every reference of a snapshot of this process with what gc.get_referents says.

Usage: references.py SNAPSHOT READHEAP [small]
Prints JSON: counts, and differences by (direction, type, name of the reference).
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import functools
import gc
import importlib
import importlib.util
import io
import itertools
import json
import pkgutil
import sys
import threading
import types
import warnings
from pathlib import Path

HIDDEN, GUESSED, WEAK, BORROWED = 64, 128, 16, 32
SKIPPED = (
    "test",
    "idlelib",
    "turtledemo",
    "lib2to3",
    "this",
    "antigravity",
    "__phello__",
    "tkinter",
)


def import_much() -> list[object]:
    """Most modules of the standard library, and the syntax trees of some of them."""
    import ast

    kept: list[object] = []
    for module in pkgutil.iter_modules([str(Path(ast.__file__).parent)]):
        if module.name.startswith(SKIPPED) or module.name in ("__main__", "turtle", "pty"):
            continue
        with contextlib.suppress(BaseException), contextlib.redirect_stdout(io.StringIO()):
            kept.append(importlib.import_module(module.name))
    for source in sorted(Path(ast.__file__).parent.glob("*.py"))[:60]:
        kept += [ast.parse(source.read_bytes())]
    return kept


class Slotted:
    """Slots, one of them empty."""

    __slots__ = ("__weakref__", "full", "hollow")
    full: object


class Plain:
    """Attributes."""

    one: object
    two: object


class Listed(list):  # type: ignore[type-arg]
    """A list with attributes."""

    extra: object


class Mapped(collections.defaultdict):  # type: ignore[type-arg]
    """A dict's subclass's subclass."""

    extra: object


class Failed(OSError):
    """An exception with attributes."""

    extra: object


def generator(value: object) -> object:
    """Suspended with a local."""
    inner = [value]
    yield inner


async def coroutine(value: object) -> object:
    """Never awaited to the end."""
    return value


def odd_objects() -> list[object]:
    """One of each kind that is easily got wrong."""
    slotted = Slotted()
    slotted.full = [1]
    plain = Plain()
    plain.one, plain.two = [1], {"k": [2]}
    shown = Plain()
    shown.one = [3]
    _ = shown.__dict__
    odd = Plain()
    odd.__dict__ = {"one": [4], 5: 6}  # type: ignore[dict-item]
    listed = Listed([[1], [2]])
    listed.extra = [3]
    mapped = Mapped(list, k=[1])
    mapped.extra = [4]
    running = generator([5])
    next(running)  # type: ignore[call-overload]
    waiting = coroutine([6])
    failed = Failed(2, "no", "file")
    try:
        raise failed from ValueError([7])
    except Failed as error:
        failed = error
    failed.extra = [8]
    ordered = collections.OrderedDict(a=[1], b=[2])
    del ordered["a"]
    ordered["c"] = [3]
    holes = {str(i): [i] for i in range(20)}
    for i in range(0, 20, 3):
        del holes[str(i)]
    members = {(i,) for i in range(30)}
    members.discard((3,))
    partial = functools.partial(print, [1], end=[2])
    counter = collections.Counter("hello")
    chained = itertools.chain([[1]], [[2]])
    local = threading.local()
    local.x = [9]
    view = memoryview(bytearray(5))
    structure = type("Struct", (ctypes.Structure,), {"_fields_": [("o", ctypes.py_object)]})()
    structure.o = [1]
    return [
        slotted, plain, shown, odd, listed, mapped, running, waiting, failed, ordered, holes,
        members, partial, counter, chained, local, types.SimpleNamespace(a=[1]),
        types.MappingProxyType({"k": [1]}), collections.deque([[1], [2]], 5),
        view, structure, ctypes.py_object([1]), ctypes.c_int(5), property(partial), iter([[1]]),
        {1: [2]}.values(), slice([1]),
        type("Made", (Listed,), {"__slots__": ("more",)})(),
    ]  # fmt: skip


def referents(objects: list[object]) -> dict[int, tuple[int, tuple[int, ...]]]:
    """Address of the type, if it is a heap type, and what the collector sees, by address.

    Nothing here may change an object that was there before: a Counter would, in its ABCs' caches.
    """
    heap_type = 1 << 9
    result = {}
    for each in objects:
        kind = type(each)
        counted = id(kind) if kind.__flags__ & heap_type else 0
        result[id(each)] = counted, tuple(map(id, gc.get_referents(each)))
    return result


def main() -> None:
    """Build, take, compare, print."""
    warnings.simplefilter("ignore")
    path, reader = sys.argv[1], sys.argv[2]
    kept = odd_objects()
    if "small" not in sys.argv:
        kept.append(import_much())
    spec = importlib.util.spec_from_file_location("readheap", reader)
    assert spec is not None and spec.loader is not None
    readheap = importlib.util.module_from_spec(spec)
    sys.modules["readheap"] = readheap
    spec.loader.exec_module(readheap)
    from mortmain import _door

    gc.collect()
    gc.disable()
    objects = gc.get_objects()
    taken = _door.snapshot(path, force=True, in_process="in-process" in sys.argv)
    expected = referents(objects)
    names = {id(each): type(each).__name__ for each in objects}
    with Path(path).open("rb") as file:
        heap = readheap.Heap(file.read())
    sys.stdout.write(json.dumps(compare(heap, expected, names, objects, {**taken})))
    sys.stdout.flush()
    del kept


def field_name(heap: object, source: int, naming: int, argument: int) -> str:
    """A short name for a reference."""
    kind = heap.types[heap.objects[source].type]  # type: ignore[attr-defined]
    if naming == 3:
        return next((n for w, n, _ in kind.fields if w == argument), f"+{argument * 8:#x}")
    if naming == 8:
        return str(heap.names[argument])  # type: ignore[attr-defined]
    return ["index", "key", "value", "word", "inline", "member", "local"][naming]


def compare(
    heap: object,
    expected: dict[int, tuple[int, tuple[int, ...]]],
    names: dict[int, str],
    objects: list[object],
    taken: dict[str, object],
) -> dict[str, object]:
    """Differences by direction, type and name."""
    differences: collections.Counter[str] = collections.Counter()
    own = {id(objects), id(expected), id(names)}
    compared = references = 0
    by_address = {each.address: i for i, each in enumerate(heap.objects)}
    for address, (kind, addresses) in expected.items():
        if address in own:
            continue
        wanted = collections.Counter(addresses)
        if wanted[kind]:
            wanted[kind] -= 1
        wanted = +wanted
        if address not in by_address:
            differences[f"object\t{names[address]}\t"] += 1
            continue
        source = by_address[address]
        found: collections.Counter[int] = collections.Counter()
        called: dict[int, str] = {}
        for target, naming, flags, argument in heap.edges[source]:  # type: ignore[attr-defined]
            if flags & (HIDDEN | GUESSED | WEAK | BORROWED):
                continue
            to = heap.objects[target].address  # type: ignore[attr-defined]
            found[to] += 1
            called[to] = field_name(heap, source, naming, argument)
        compared += 1
        references += sum(wanted.values())
        if found == wanted:
            continue
        for to, count in (wanted - found).items():
            differences[f"missing\t{names[address]}\t{called.get(to, names.get(to, '?'))}"] += count
        for to, count in (found - wanted).items():
            differences[f"extra\t{names[address]}\t{called[to]}"] += count
    return {
        "compared": compared,
        "references": references,
        "unreadable": taken["unreadable"],
        "door": taken["door"],
        "warning": taken["warning"],
        "differences": dict(differences.most_common()),
    }


if __name__ == "__main__":
    main()

"""Makes each holder of holders.tsv, takes two snapshots, and says why each held object lives.

Usage: holders.py FOLDER
Prints JSON: by holder, the chains of ``why`` without and with the keys of data dictionaries.
Each holder is a global of this module named like its function, and holds one object of a class of
its own, which nothing else holds.
"""

from __future__ import annotations

import collections
import contextvars
import ctypes
import functools
import itertools
import json
import queue
import sys
import threading
import types
import weakref
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple

Maker = Callable[[type], object]
MAKERS: dict[str, Maker] = {}


def holder(name: str) -> Callable[[Maker], Maker]:
    """Enters a function under the name of its row."""

    def enter(maker: Maker) -> Maker:
        MAKERS[name] = maker
        return maker

    return enter


class Plain:
    """Attributes."""


class Slotted:
    """A slot."""

    __slots__ = ("__weakref__", "slot")
    slot: object


@holder("instance attribute (inline)")
def instance(kind: type) -> object:
    made = Plain()
    made.attr = kind()  # type: ignore[attr-defined]
    return made


@holder("instance attribute (materialised __dict__)")
def materialised(kind: type) -> object:
    made = Plain()
    made.attr = kind()  # type: ignore[attr-defined]
    _ = made.__dict__
    return made


@holder("__slots__")
def slots(kind: type) -> object:
    made = Slotted()
    made.slot = kind()
    return made


@holder("list index")
def list_index(kind: type) -> object:
    return [1, kind()]


@holder("dict value")
def dict_value(kind: type) -> object:
    return {"k": kind()}


@holder("dict key")
def dict_key(kind: type) -> object:
    return {kind(): 1}


@holder("dict value, non-str key")
def dict_other_key(kind: type) -> object:
    return {(1, 2): kind()}


@holder("set member")
def set_member(kind: type) -> object:
    return {kind()}


@holder("deque")
def deque(kind: type) -> object:
    return collections.deque([1, kind()])


@holder("defaultdict")
def defaultdict(kind: type) -> object:
    return collections.defaultdict(list, k=kind())


@holder("OrderedDict")
def ordered_dict(kind: type) -> object:
    return collections.OrderedDict(k=kind())


@holder("closure cell")
def closure(kind: type) -> object:
    v = kind()
    return lambda: v


@holder("function default")
def default(kind: type) -> object:
    def f(x: object = kind()) -> object:
        return x

    return f


@holder("generator local")
def generator(kind: type) -> object:
    def suspended() -> Iterator[int]:
        loc = kind()
        yield 1
        del loc

    made = suspended()
    next(made)
    return made


@types.coroutine
def pause() -> Iterator[None]:
    """What the coroutine waits for."""
    yield


@holder("coroutine local")
def coroutine(kind: type) -> object:
    async def suspended() -> None:
        loc = kind()
        await pause()
        del loc

    made: Coroutine[Any, Any, None] = suspended()
    made.send(None)
    return made


@holder("exception's frame local")
def exception(kind: type) -> object:
    def f() -> None:
        inner = kind()
        raise ValueError(str(type(inner)))

    try:
        f()
    except ValueError as error:
        return error
    return None


@holder("functools.partial argument")
def partial(kind: type) -> object:
    return functools.partial(print, kind())


@holder("bound method")
def bound_method(kind: type) -> object:
    def f(self: object) -> object:
        return self

    return types.MethodType(f, kind())


@holder("lru_cache entry")
def lru_cache(kind: type) -> object:
    @functools.lru_cache
    def f(number: int) -> object:
        return (number, kind())[1]

    f(1)
    return f


@holder("contextvar in a Context")
def context(kind: type) -> object:
    cv: contextvars.ContextVar[object] = contextvars.ContextVar("cv")
    made = contextvars.Context()
    made.run(cv.set, kind())
    return made


@holder("itertools.repeat")
def repeat(kind: type) -> object:
    return itertools.repeat(kind())


class Target:
    """What the weak reference refers to."""


TARGET = Target()


@holder("weakref callback")
def weakref_callback(kind: type) -> object:
    return weakref.ref(TARGET, functools.partial(print, kind()))


@holder("SimpleQueue")
def simple_queue(kind: type) -> object:
    made: queue.SimpleQueue[object] = queue.SimpleQueue()
    made.put(kind())
    return made


@holder("class attribute")
def class_attribute(kind: type) -> object:
    class Holder:
        classattr = kind()

    return Holder


@holder("module global")
def module_global(kind: type) -> object:
    made = types.ModuleType("made")
    made.glob = kind()  # type: ignore[attr-defined]
    return made


@holder("property")
def property_getter(kind: type) -> object:
    return property(functools.partial(print, kind()))


@holder("mappingproxy")
def mappingproxy(kind: type) -> object:
    return types.MappingProxyType({"k": kind()})


@holder("list iterator")
def list_iterator(kind: type) -> object:
    return iter([kind()])


@holder("dict view")
def dict_view(kind: type) -> object:
    return {"k": kind()}.values()


@holder("ctypes py_object")
def py_object(kind: type) -> object:
    return ctypes.py_object(kind())


class NT(NamedTuple):
    """Two fields."""

    x: int
    y: object


@holder("named tuple")
def named_tuple(kind: type) -> object:
    return NT(1, kind())


@holder("threading.local")
def thread_local(kind: type) -> object:
    made = threading.local()

    def fill() -> None:
        made.x = kind()
        ready.set()
        stop.wait()

    ready = threading.Event()
    thread = threading.Thread(target=fill, name="T", daemon=True)
    thread.start()
    ready.wait()
    return made


@holder("WeakKeyDictionary value")
def weak_key_dictionary(kind: type) -> object:
    made: weakref.WeakKeyDictionary[object, object] = weakref.WeakKeyDictionary()
    made[TARGET] = kind()
    return made


stop = threading.Event()


def main() -> None:
    """Make, take, ask."""
    import mortmain

    folder = Path(sys.argv[1])
    for number, maker in enumerate(MAKERS.values()):
        kind = type(f"Held{number}", (), {"__module__": "__main__"})
        globals()[f"made_by_{maker.__name__}"] = maker(kind)
    answers: dict[str, list[object]] = {name: [] for name in MAKERS}
    for keys in (False, True):
        path = folder / f"holders-{keys}.mort"
        mortmain.snapshot(path, keys=keys)
        heap = mortmain.Heap.open(path)
        for number, name in enumerate(MAKERS):
            answers[name].append(json.loads(heap.why(f"__main__.Held{number}").json()))
    stop.set()
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()

"""Functions that make something grow inside an object of C. See test_growth_buffers.py."""

from __future__ import annotations

import array
import codecs
import concurrent.futures
import contextvars
import functools
import io
import itertools
import sys
import threading
import types
import xml.etree.ElementTree


class Item:
    """What is kept."""


lines = itertools.count()
text = io.StringIO()
data = io.BytesIO()
numbers = array.array("i")
trail: contextvars.ContextVar[tuple[Item, ...]] = contextvars.ContextVar("trail", default=())
other = contextvars.ContextVar("other", default=0)
other.set(1)
parser = xml.etree.ElementTree.XMLPullParser(["end"])
parser.feed("<stream>")
gate = threading.Event()
pool = concurrent.futures.ThreadPoolExecutor(1)


def stringio() -> None:
    """A text that is never read."""
    text.write(f"line number {next(lines)} of a text that nobody reads\n")


def bytesio() -> None:
    """The same in bytes."""
    data.write(b"x" * 100)


def growing_array() -> None:
    """An array that nobody empties."""
    numbers.extend([1] * 25)


def context() -> None:
    """A tuple that is made anew in a context."""
    trail.set((*trail.get(), Item()))


def thread() -> None:
    """A thread that waits for ever."""
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def new_modules() -> None:
    """A module under ever another name."""
    name = f"plugin_{next(lines)}"
    sys.modules[name] = types.ModuleType(name)


def new_globals() -> None:
    """A global under ever another name."""
    globals()[f"result_{next(lines)}"] = Item()


def codec_search() -> None:
    """A list that only the interpreter has."""
    item = Item()

    def search(name: str) -> codecs.CodecInfo | None:
        return None if item is not None else codecs.lookup(name)

    codecs.register(search)


def elements() -> None:
    """The root of a document that does not end, which only the parser has."""
    parser.feed("<message/>")
    for _ in parser.read_events():
        pass


def queue() -> None:
    """Work for a worker that is stuck: its queue is an attribute, and a callback's default, too."""
    if not pool._threads:
        pool.submit(gate.wait)
        threading._register_atexit(gate.set)  # type: ignore[attr-defined]
    pool.submit(id, Item())


def variables() -> None:
    """A context variable for each instance."""
    contextvars.ContextVar("own").set(Item())


@functools.lru_cache(maxsize=6000)
def priced(key: int) -> Item:
    """A cache that is bounded."""
    return Item()


def price() -> None:
    """Fills that cache, and then replaces its entries."""
    priced(next(lines))

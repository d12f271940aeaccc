"""Functions that make something grow inside an object of C. See test_growth_buffers.py."""

from __future__ import annotations

import array
import contextvars
import io
import itertools
import threading


class Item:
    """What is kept."""


lines = itertools.count()
text = io.StringIO()
data = io.BytesIO()
numbers = array.array("i")
trail: contextvars.ContextVar[tuple[Item, ...]] = contextvars.ContextVar("trail", default=())
other = contextvars.ContextVar("other", default=0)
other.set(1)


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

"""Words of the standard library's objects of C have the names of what they hold."""

from __future__ import annotations

import asyncio
import contextvars
from pathlib import Path

import mortmain


class Thing:
    """What is held."""


def edges(tmp_path: Path) -> set[str]:
    """The last steps to the only Thing."""
    path = tmp_path / "words.mort"
    mortmain.snapshot(path)
    heap = mortmain.Heap.open(path)
    said = str(heap.why(f"{__name__}.Thing"))
    return set(said.split())


def test_token(tmp_path: Path) -> None:
    """What a context variable had before."""
    variable: contextvars.ContextVar[Thing | None] = contextvars.ContextVar("variable")
    variable.set(Thing())
    token = variable.set(None)
    assert ".old_value" in edges(tmp_path)
    del token


def test_future(tmp_path: Path) -> None:
    """What a future gives."""
    loop = asyncio.new_event_loop()
    future: asyncio.Future[Thing] = loop.create_future()
    future.set_result(Thing())
    try:
        assert "._result" in edges(tmp_path)
    finally:
        loop.close()

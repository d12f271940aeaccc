"""Things whose life is over beside things that are at work, and what a snapshot says of each.

Usage: lives.py SNAPSHOT READHEAP
Prints JSON: for each name the number that the fact about its status has, or null.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib.util
import io
import json
import logging
import mmap
import socket
import subprocess
import sys
import tarfile
import threading
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STATUS = 7
kept: dict[str, object] = {}


class MyThread(threading.Thread):
    """A thread with something of its own."""

    mine = 0


class MyFile(io.FileIO):
    """A file with something of its own."""


async def at_once() -> int:
    """Is done at once."""
    return 5


async def fails() -> None:
    """Is done by an exception."""
    raise ValueError(3)


async def waits() -> None:
    """Is never done."""
    await asyncio.Event().wait()


def numbers() -> Iterator[int]:
    """A generator."""
    yield 1


async def tasks() -> None:
    """Futures and tasks, done and not."""
    names = {"task done": at_once(), "task failed": fails()}
    made: dict[str, asyncio.Task[Any]] = {k: asyncio.create_task(v) for k, v in names.items()}
    made["task cancelled"] = asyncio.create_task(waits())
    await asyncio.sleep(0)
    made["task cancelled"].cancel()
    await asyncio.wait(made.values())
    made["task failed"].exception()
    loop = asyncio.get_running_loop()
    kept["future open"] = loop.create_future()
    done = kept["future done"] = loop.create_future()
    assert isinstance(done, asyncio.Future)
    done.set_result(None)
    kept.update(made)


def pairs(name: str, closed: Any, opened: Any) -> None:
    """Two of a kind, of which one is closed."""
    closed.close()
    kept[f"{name} closed"] = closed
    kept[f"{name} open"] = opened


def build() -> None:
    """Everything but what needs a thread."""
    null = Path("/dev/null")
    pairs("file", null.open("rb", 0), null.open("rb", 0))
    pairs("own file", MyFile("/dev/null"), MyFile("/dev/null"))
    pairs("buffered", null.open("rb"), null.open("wb"))
    pairs("text", null.open(), null.open("w"))
    pairs("around bytes", io.TextIOWrapper(io.BytesIO(b"a")), io.TextIOWrapper(io.BytesIO(b"a")))
    pairs("bytes", io.BytesIO(), io.BytesIO())
    pairs("string", io.StringIO(), io.StringIO("abc"))
    pairs("socket", socket.socket(), socket.socket())
    pairs("map", mmap.mmap(-1, 4096), mmap.mmap(-1, 4096))
    pairs("handler", logging.NullHandler(), logging.NullHandler())
    pairs("zip", zipfile.ZipFile(io.BytesIO(), "w"), zipfile.ZipFile(io.BytesIO(), "w"))
    pairs("tar", tarfile.TarFile(None, "w", io.BytesIO()), tarfile.TarFile(None, "w", io.BytesIO()))
    loop = asyncio.new_event_loop()
    pairs("loop", asyncio.new_event_loop(), loop)
    kept["task open"] = loop.create_task(waits())
    loop.call_soon(loop.stop)
    loop.run_forever()
    try:
        import sqlite3
    except ImportError:
        pass
    else:
        pairs("database", sqlite3.connect(":memory:"), sqlite3.connect(":memory:"))
    finished, suspended = numbers(), numbers()
    kept["generator finished"], kept["generator open"] = finished, suspended
    list(finished)
    next(suspended)
    coroutine = waits()
    coroutine.close()
    kept["coroutine finished"], kept["coroutine open"] = coroutine, waits()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        result = pool.submit(int)
    kept["pool closed"], kept["result finished"] = pool, result
    kept["result open"] = concurrent.futures.Future[int]()
    kept["process ended"] = process = subprocess.Popen([sys.executable, "-c", "0"])
    process.wait()
    kept["frame finished"] = frame()
    kept["frame running"] = sys._getframe(1)


def frame() -> types.FrameType:
    """The frame of this call."""
    return sys._getframe()


def main() -> None:
    """Build, take, print."""
    path, reader = sys.argv[1], sys.argv[2]
    spec = importlib.util.spec_from_file_location("readheap", reader)
    assert spec is not None and spec.loader is not None
    readheap = importlib.util.module_from_spec(spec)
    sys.modules["readheap"] = readheap
    spec.loader.exec_module(readheap)
    from mortmain import _door

    asyncio.run(tasks())
    build()
    gate = threading.Event()
    # First, so that it has no identity that another one had.
    kept["thread running"] = running = MyThread(target=gate.wait)
    kept["thread unborn"] = threading.Thread(target=gate.wait)
    kept["thread ended"] = ended = threading.Thread(target=int)
    kept["own thread ended"] = own = MyThread(target=int)
    kept["thread unseen"] = unseen = threading.Thread(target=int)
    for thread in (running, ended, own, unseen):
        thread.start()
    ended.join()
    own.join()
    # Nobody asks the thread itself: only the list of threads shows that it has gone.
    while unseen.ident in sys._current_frames():
        pass
    kept["thread main"] = threading.main_thread()
    _door.snapshot(path, force=True)
    names = {id(value): name for name, value in kept.items()}
    gate.set()
    with Path(path).open("rb") as file:
        heap = readheap.Heap(file.read())
    told: dict[str, int | None] = dict.fromkeys(kept)
    for number, fact, value in heap.facts:
        address = heap.objects[number].address
        if fact == STATUS and address in names:
            told[names[address]] = value
    sys.stdout.write(json.dumps(told))
    sys.stdout.flush()


if __name__ == "__main__":
    main()

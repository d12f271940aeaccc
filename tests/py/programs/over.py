"""Functions that keep something whose life is over, one way each. See test_growth_lives.py."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path


class Item:
    """What is kept."""


loop = asyncio.new_event_loop()
jobs: list[asyncio.Task[object]] = []
files: list[object] = []
threads: list[threading.Thread] = []

waiting: list[object] = []


async def nothing() -> None:
    """Is done at once."""


async def result() -> Item:
    """Has a result."""
    return Item()


def finished_tasks() -> None:
    """Tasks that nobody throws away."""
    jobs.append(loop.create_task(nothing()))
    loop.run_until_complete(jobs[-1])


def results() -> None:
    """What they gave back."""
    jobs.append(loop.create_task(result()))
    loop.run_until_complete(jobs[-1])


def closed_files() -> None:
    """Files that were closed as they should."""
    with Path("/dev/null").open() as file:
        files.append(file)


def ended_threads() -> None:
    """Threads that were joined."""
    thread = threading.Thread(target=int)
    threads.append(thread)
    thread.start()
    thread.join()


def pending() -> None:
    """Futures of which nobody knows."""
    waiting.append(loop.create_future())

"""Leaks whose words are easily got wrong: which reference keeps them, and what that is called."""

from __future__ import annotations

import contextvars
import threading
from typing import Any


class Thing:
    """What grows."""

    def __init__(self) -> None:
        self.data = b"x" * 100


class Link:
    """Of a list that is linked both ways; alone it is the sentinel."""

    def __init__(self) -> None:
        self.before: Link = self
        self.after: Link = self


class Job(Link):
    """What stands in the list."""


class Jobs:
    """The list: it has nothing but the sentinel."""

    def __init__(self) -> None:
        self.sentinel = Link()


jobs = Jobs()


def both_ways() -> None:
    """Puts a job in front of the sentinel, which the first and the last of them refer to."""
    job = Job()
    job.before, job.after = jobs.sentinel.before, jobs.sentinel
    jobs.sentinel.before.after = job
    jobs.sentinel.before = job


class Failed(Exception):
    """Has the one before for a cause."""


last_error: Failed | None = None


def causes() -> None:
    """Each error is raised from the one before."""
    global last_error
    try:
        raise Failed from last_error
    except Failed as error:
        error.__traceback__ = None
        last_error = error


def branches() -> None:
    """Things in the tree that a context is: no thing leads to another one."""
    contextvars.ContextVar("thing").set(Thing())


def make_limiter() -> Any:
    """A function that has its entries in a closure."""
    attempts: dict[str, list[Thing]] = {}

    def check(user: str) -> None:
        attempts.setdefault(user, []).append(Thing())

    return check


limiter = make_limiter()


def closure() -> None:
    """The list is an entry of what the closure has."""
    limiter("ann")


asked = threading.Semaphore(0)
answered = threading.Semaphore(0)


def worker() -> None:
    """Has what it did in a variable."""
    history = []
    while True:
        asked.acquire()
        history.append(Thing())
        answered.release()


thread = threading.Thread(target=worker, daemon=True)


def running() -> None:
    """One more in the variable of a function that runs."""
    if not thread.is_alive():
        thread.start()
    asked.release()
    answered.acquire()

"""What goes wrong, said in one line."""

from __future__ import annotations


class MortmainError(Exception):
    """Something could not be done: the message says what, where, why, and what to do next."""

    __slots__ = ()

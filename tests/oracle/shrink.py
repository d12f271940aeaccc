"""Makes a failing program small: delta debugging over its lines.

Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002: take out halves,
then quarters, and so on to single lines, as long as the rest still fails. All candidates of a round
are tried in one batch, since starting a side costs more than running a hundred programs.
"""

from __future__ import annotations

from collections.abc import Callable

# For each program: does it still fail?
Fails = Callable[[list[list[str]]], list[bool]]


def shrink(lines: list[str], fails: Fails) -> list[str]:
    """The smallest program found that fails; no single line of it can be left out."""
    parts = 2
    while len(lines) > 1:
        size = -(-len(lines) // parts)
        starts = range(0, len(lines), size)
        rests = [lines[:start] + lines[start + size :] for start in starts]
        failing = [rest for rest, does in zip(rests, fails(rests), strict=True) if does]
        if failing:
            lines = min(failing, key=len)
            parts = max(parts - 1, 2)
        elif size == 1:
            break
        else:
            parts = min(2 * parts, len(lines))
    return lines

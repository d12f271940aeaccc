"""Tries a cure: the step runs with the patched source in an import overlay.

Knows: how to run a step with another text for one source file, and what proves a cure.
Must not know: which cure it is.

A cure is proven if nothing of what it is for grows any more, nothing else has begun to grow, and
the step answers what it answered before. Everything else withdraws it. The source on disk is never
touched.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mortmain import supervise
from mortmain.api import Findings
from mortmain.cure import Fix
from mortmain.cure_case import Facts

_CALLS = 300
_CALL_SECONDS = 5
_PATIENCE_SECONDS = 300
_TRIED_MAX = 3

_Step = tuple[str, str, str]
_Watch = Callable[[str], Findings | None]


def try_fixes(findings: Findings, step: _Step, watch: _Watch) -> Findings:
    """Try the patches of the first findings, each alone.

    Args:
        findings: What was found without them.
        step: Its kind, where it is and its name, as supervise.run_steps() takes it.
        watch: Runs the step with the overlay in a file, and answers what grows; None where it
            could not be run to its end.

    Returns:
        The same findings, whose patches are proven or withdrawn.
    """
    fixes = []
    plain: list[list[str]] = []
    tried = 0
    for fix in findings.fixes:
        if fix.after is None or tried == _TRIED_MAX:
            fixes.append(fix if fix.after is None else replace(fix, patch=None, after=None))
            continue
        tried += 1
        with tempfile.TemporaryDirectory(prefix="mortmain-") as folder:
            overlay = _overlay(folder, fix)
            if not plain:
                plain = [_outcomes(step, folder, "") for _ in range(2)]
            fixes.append(_tried(fix, findings, plain, _outcomes(step, folder, overlay), watch,
                                overlay))  # fmt: skip
    return findings.with_fixes(tuple(fixes))


def _overlay(folder: str, fix: Fix) -> str:
    assert fix.after is not None
    path = Path(folder, "overlay")
    where = os.path.realpath(fix.path).encode("utf-8", "surrogateescape")
    path.write_bytes(where + b"\n" + fix.after.encode())
    return str(path)


def _tried(
    fix: Fix,
    findings: Findings,
    plain: Sequence[list[str]],
    changed: list[str],
    watch: _Watch,
    overlay: str,
) -> Fix:
    before = (fix.facts.grown, fix.facts.steps)
    if not _answers_the_same(plain, changed):
        return fix.withdrawn((*before, -1, -1))
    after = watch(overlay)
    if after is None:
        return fix.withdrawn((*before, -1, -1))
    left = _left(fix.facts, findings.facts(), after.facts())
    grown = sum(max(each.grown, 1) for each in left)
    waits = fix.facts.kind == "cycle"
    counts = (*before, grown, fix.facts.steps if waits else after.steps)
    if left:
        return fix.withdrawn(counts)
    return replace(fix, proven=True, tried=counts)


def _left(cured: Facts, before: Sequence[Facts], after: Sequence[Facts]) -> list[Facts]:
    """What grows although it should not: the same still, or something that did not before."""
    known = {_key(each) for each in before if each.number != cured.number}
    return [
        each
        for each in after
        if _key(each) not in known
        and (each.is_leak or (cured.kind == "cycle" and each.kind == "cycle"))
    ]


def _key(facts: Facts) -> tuple[object, ...]:
    ring = tuple((text, edge) for text, edge, _ in facts.ring)
    return facts.kind, facts.type, facts.holder, ring


def _answers_the_same(plain: Sequence[list[str]], changed: list[str]) -> bool:
    """Where two plain runs agree, the changed one must; where they do not, it must be alike."""
    count = min(len(changed), *(len(each) for each in plain))
    if count == 0:
        return False
    for one, other, new in zip(*(each[:count] for each in plain), changed[:count], strict=True):
        if one == other and new != one:
            return False
        if one != other and new.split(" ", 1)[0] not in (one.split(" ")[0], other.split(" ")[0]):
            return False
    return True


def _outcomes(step: _Step, folder: str, overlay: str) -> list[str]:
    """What the step answers, call by call; none where it cannot be told."""
    kind, target, name = step
    target, path0 = supervise.step_place(kind, target)
    out = Path(folder, "outcomes")
    own = Path(__file__)
    command = [sys.executable, *supervise.interpreter_flags()]
    command += [str(own.with_name("bootstrap_outcomes.py")), str(own.with_name("overlay.py"))]
    command += [overlay, kind, target, name, path0, str(out), str(_CALLS), str(_CALL_SECONDS)]
    try:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        return out.read_text(encoding="utf-8", errors="replace").splitlines()
    except (OSError, subprocess.TimeoutExpired):
        return []
    finally:
        out.unlink(missing_ok=True)

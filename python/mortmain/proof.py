"""Tries a cure: the step runs with the patched source in an import overlay.

Knows: how to run a step with another text for one source file, and what proves a cure.
Must not know: which cure it is.

A cure is proven if nothing of what it is for grows any more, nothing else has begun to grow, the
step answers what it answered before, and no function that the patch leaves alone is never called
any more that was called before, at the exit at the latest: what cleans up still does. Everything
else withdraws it. The source on disk is never touched.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class _Told:
    """What the step answers, and which functions of the files were called, if that is known."""

    answers: list[str]
    called: set[tuple[str, str]] | None


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
    plain: list[_Told] = []
    tried = 0
    files = sorted({os.path.realpath(fix.path) for fix in findings.fixes if fix.after is not None})
    for fix in findings.fixes:
        if fix.after is None or tried == _TRIED_MAX:
            fixes.append(fix if fix.after is None else replace(fix, patch=None, after=None))
            continue
        tried += 1
        with tempfile.TemporaryDirectory(prefix="mortmain-") as folder:
            overlay = _overlay(folder, fix)
            if not plain:
                plain = [_outcomes(step, folder, "", files) for _ in range(2)]
            changed = _outcomes(step, folder, overlay, files)
            fixes.append(_tried(fix, findings, plain, changed, watch, overlay))
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
    plain: Sequence[_Told],
    changed: _Told,
    watch: _Watch,
    overlay: str,
) -> Fix:
    before = (fix.facts.grown, fix.facts.steps)
    if not _answers_the_same([each.answers for each in plain], changed.answers):
        return fix.withdrawn((*before, -1, -1))
    if _never_called(fix, plain, changed):
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


def _never_called(fix: Fix, plain: Sequence[_Told], changed: _Told) -> set[str]:
    """Functions that the patch leaves as they are, and that nobody calls any more."""
    if changed.called is None or any(each.called is None for each in plain):
        return set()
    file = os.path.realpath(fix.path)
    before = set.intersection(*(each.called or set() for each in plain))
    gone = {name for place, name in before - changed.called if place == file}
    try:
        old = _functions(Path(fix.path).read_text(encoding="utf-8"), fix.path)
        new = _functions(fix.after or "", fix.path)
    except (OSError, ValueError, SyntaxError):
        return set()
    # A method with a name of Python's own is called by whatever container there is.
    return {
        name
        for name in gone
        if name in new and old.get(name) == new[name] and not name.endswith(("__", ">"))
    }


def _functions(text: str, file: str) -> dict[str, tuple[object, ...]]:
    """What each function of a source does, wherever it stands."""
    found: dict[str, tuple[object, ...]] = {}
    waiting = [compile(text, file, "exec", dont_inherit=True)]
    for code in waiting:
        waiting += [each for each in code.co_consts if isinstance(each, types.CodeType)]
        plain = [repr(each) for each in code.co_consts if not isinstance(each, types.CodeType)]
        found[code.co_qualname] = (code.co_code, code.co_names, code.co_varnames, tuple(plain))
    return found


def _outcomes(step: _Step, folder: str, overlay: str, files: Sequence[str]) -> _Told:
    """What the step answers, call by call, and what it calls; none where it cannot be told."""
    kind, target, name = step
    target, path0 = supervise.step_place(kind, target)
    out, calls = Path(folder, "outcomes"), Path(folder, "outcomes.called")
    own = Path(__file__)
    command = [sys.executable, *supervise.interpreter_flags()]
    command += [str(own.with_name("bootstrap_outcomes.py")), str(own.with_name("overlay.py"))]
    command += [overlay, kind, target, name, path0, str(out), str(_CALLS), str(_CALL_SECONDS)]
    command += files
    try:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        answers = out.read_text(encoding="utf-8", errors="replace").splitlines()
        return _Told(answers, _called(calls))
    except (OSError, subprocess.TimeoutExpired):
        return _Told([], None)
    finally:
        out.unlink(missing_ok=True)
        calls.unlink(missing_ok=True)


def _called(calls: Path) -> set[tuple[str, str]] | None:
    """Files and functions; None where the process did not come to its exit."""
    if not calls.exists():
        return None
    lines = calls.read_text(encoding="utf-8", errors="replace").splitlines()
    return {(place, name) for place, _, name in (line.rpartition("\t") for line in lines)}

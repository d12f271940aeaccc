"""``mortmain loop --try-fix``: the cure that the source calls for, tried before it is shown.

Knows: how a step is run again with a patch. Must not know: which cure it is, and what proves it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mortmain.api import Findings

Step = tuple[str, str, str]


def cured(
    findings: Findings, step: Step, watch: Callable[[str, str], Findings | None] | None
) -> Findings:
    """Look for the cures of what grows.

    Args:
        findings: What grows.
        step: Its kind, where it is, and its name there.
        watch: Runs the step again, into a folder, with an overlay; None: nothing is tried.

    Returns:
        The findings with their cures.
    """
    from mortmain import api

    told = api.cured(findings, _files(step))
    if watch is None or not any(fix.patch for fix in told.fixes):
        return told
    from mortmain import proof

    return proof.try_fixes(told, step, lambda overlay: _again(watch, overlay))


def _again(watch: Callable[[str, str], Findings | None], overlay: str) -> Findings | None:
    folder = tempfile.mkdtemp(prefix="mortmain-")
    try:
        return watch(folder, overlay)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _files(step: Step) -> list[str]:
    """The step's own file, where it can be told without importing anything."""
    from mortmain import cure_imports

    kind, target, _ = step
    if kind == "file":
        return [target]
    if kind == "module":
        return cure_imports.files_of(target)
    return []

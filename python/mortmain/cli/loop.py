"""``mortmain loop FILE.py:FUNC``: call it, and find what grows with every call.

The step runs in a process of its own, where nothing but the step makes anything grow; what it
prints goes to standard error. The exit status is 1 if something leaks.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mortmain.cli import STATUS_OK, interrupt, output
from mortmain.errors import MortmainError

if TYPE_CHECKING:
    from mortmain.api import Findings
    from mortmain.sites import Talk
    from mortmain.supervise import Ended

_STATUS_LEAK = 1


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "loop",
        help="call a function again and again and tell what grows",
        usage="mortmain loop [OPTION ...] FILE.py:FUNC | MODULE:FUNC | -c STATEMENT [-s SETUP]",
        description="Calls a function without arguments in rounds, with a snapshot between them, "
        "and tells what grows with every call, and which reference keeps it. A coroutine is run "
        "to its end. Exit status: 1 if something leaks, else 0.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "target", metavar="TARGET", nargs="?", help="shop.py:step, or package.module:step"
    )
    parser.add_argument(
        "-c", metavar="STATEMENT", dest="statement", help="what to do again and again instead"
    )
    parser.add_argument(
        "-s",
        metavar="SETUP",
        dest="setup",
        action="append",
        help="what to do once before the statement; more than once: one line each",
    )
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", help="keep the snapshots in a new or empty folder"
    )
    parser.add_argument(
        "--try-fix",
        action="store_true",
        help="try each patch, with the source on disk untouched, and show what is proven",
    )
    parser.add_argument(
        "--against",
        metavar="TARGET",
        help="call another function as well, and tell what grows by each; the exit status is "
        "that of this one",
    )
    output.add_json(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="no report")
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show all, not the first three, and patches whole, for git apply",
    )
    output.add_terminal(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Call it, answer, and say by the exit status whether something leaks."""
    from mortmain import sites, supervise

    output.check(arguments)
    _check(arguments)
    step = _step(arguments)
    if arguments.against is not None:
        return _against(step, arguments)
    findings = None
    with interrupt.Raises():
        folder = _folder(arguments.output)
        try:
            talk = sites.Talk(folder, lambda: _findings(folder), _given(step))
            ended = _watch(step, folder, quiet=arguments.quiet, talk=talk)
            if ended.status == 0 and not ended.failure:
                findings = _cured(talk.findings or _findings(folder), step, arguments)
        finally:
            if findings is None or arguments.output is None:
                shutil.rmtree(folder, ignore_errors=True)
    if findings is None:
        if ended.failure:
            shown = arguments.target if arguments.statement is None else "-c"
            raise _refusal(step, shown, ended.failure)
        return supervise.end_like(ended)
    _answer(findings, arguments)
    return _STATUS_LEAK if findings.has_leak else STATUS_OK


def _against(step: tuple[str, str, str], arguments: argparse.Namespace) -> int:
    """Call another one too, and tell of both; the exit status is that of the other one."""
    if arguments.statement is not None or arguments.try_fix or arguments.output is not None:
        raise MortmainError(
            "--against tells of two functions: name both, without -c, -o and --try-fix"
        )
    other = _function(arguments.against)
    names = (arguments.target, arguments.against)
    with interrupt.Raises():
        before, after = (
            _once(each, name, quiet=arguments.quiet)
            for each, name in zip((step, other), names, strict=True)
        )
    if arguments.json is not None:
        output.write_json(before.against_json(after, names), arguments)
    elif not arguments.quiet:
        shown = (output.width(arguments, sys.stdout), output.has_colour(arguments, sys.stdout))
        output.write(before.render_against(after, names, *shown, output.is_ascii(sys.stdout)))
    return _STATUS_LEAK if after.has_leak else STATUS_OK


def _once(step: tuple[str, str, str], name: str, *, quiet: bool) -> Findings:
    """Run one, and keep nothing."""
    from mortmain import sites

    folder = _folder(None)
    try:
        talk = sites.Talk(folder, lambda: _findings(folder), _given(step))
        ended = _watch(step, folder, quiet=quiet, talk=talk)
        if ended.status != 0 or ended.failure:
            how = ended.failure or f"it was ended by signal {-ended.status}"
            raise _refusal(step, name, how)
        return talk.findings or _findings(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refusal(step: tuple[str, str, str], shown: str, failure: str) -> MortmainError:
    """What could not be called, and what may have been meant."""
    from mortmain.cli import nearest

    better = nearest.told(step, failure)
    return MortmainError(f"{shown}: {failure}" if better is None else better)


def _given(step: tuple[str, str, str]) -> dict[str, str]:
    """Texts that the compiler gets from us, by what it calls them."""
    kind, target, name = step
    return {"<stmt>": target, "<setup>": name} if kind == "code" else {}


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be written before anything is called."""
    path = arguments.json
    if path not in (None, "-") and not arguments.force and os.path.lexists(path):
        raise MortmainError(
            f"cannot write {path!r}: it exists already; choose another name, or use --force"
        )


def _step(arguments: argparse.Namespace) -> tuple[str, str, str]:
    """What is to be called: its kind, where it is, and its name there."""
    if (arguments.statement is None) == (arguments.target is None):
        raise MortmainError("name a function, as in shop.py:step, or give a statement with -c")
    if arguments.statement is not None:
        return "code", arguments.statement, "\n".join(arguments.setup or ())
    if arguments.setup is not None:
        raise MortmainError("-s is for the statement of -c; give both")
    return _function(arguments.target)


def _function(target: str) -> tuple[str, str, str]:
    """A function of a file or a module."""
    place, _, name = target.rpartition(":")
    if not place or not all(part.isidentifier() for part in name.split(".")):
        raise MortmainError(f"{target!r} names no function; give one, as in shop.py:step")
    if not place.endswith(".py") and "/" not in place:
        return "module", place, name
    if not place.endswith(".py"):
        raise MortmainError(f"cannot load {place!r}: it does not end with .py")
    try:
        with open(place, "rb"):  # noqa: PTH123
            pass
    except OSError as error:
        raise MortmainError(f"cannot load {place!r}: {error.strerror}; {_instead(place)}") from None
    return "file", place, name


def _instead(place: str) -> str:
    """What to do about a file that is not there."""
    from mortmain.cli import nearest

    meant = nearest.file(place)
    if meant is not None:
        return f"did you mean {meant}?"
    return "name a file and a function, as in shop.py:step"


def _folder(kept: str | None) -> str:
    """An empty folder for the snapshots."""
    try:
        if kept is None:
            return tempfile.mkdtemp(prefix="mortmain-")
        Path(kept).mkdir(exist_ok=True)
        if any(Path(kept).iterdir()):
            raise MortmainError(f"cannot write to {kept!r}: it is not empty; choose a new folder")
        return os.path.abspath(kept)  # noqa: PTH100 a link is kept
    except OSError as error:
        raise MortmainError(
            f"cannot write to {kept or tempfile.gettempdir()!r}: {error.strerror}; "
            "choose another folder with -o"
        ) from None


def _watch(
    step: tuple[str, str, str],
    folder: str,
    *,
    quiet: bool,
    overlay: str = "",
    talk: Talk | None = None,
) -> Ended:
    """Run it, and show on a terminal how far it is."""
    from mortmain import supervise

    if quiet or sys.stderr is None or not sys.stderr.isatty():
        return supervise.run_steps(*step, folder, overlay=overlay, talk=talk)
    shown = -1

    def show() -> None:
        nonlocal shown
        count = sum(name.endswith(".mort") for name in os.listdir(folder))  # noqa: PTH208
        if count != shown:
            shown = count
            sys.stderr.write(f"\r\x1b[Kmortmain: snapshots taken: {count}")
            sys.stderr.flush()

    try:
        return supervise.run_steps(*step, folder, show, overlay=overlay, talk=talk)
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _findings(folder: str) -> Findings:
    from mortmain import api

    return api.grow(sorted(str(file) for file in Path(folder).glob("*.mort")))


def _cured(
    findings: Findings, step: tuple[str, str, str], arguments: argparse.Namespace
) -> Findings:
    """What the source calls for, tried if that was asked for."""
    from mortmain.cli import trying

    def watch(folder: str, overlay: str) -> Findings | None:
        ended = _watch(step, folder, quiet=arguments.quiet, overlay=overlay)
        return _findings(folder) if ended.status == 0 and not ended.failure else None

    return trying.cured(findings, step, watch if arguments.try_fix else None)


def _answer(findings: Findings, arguments: argparse.Namespace) -> None:
    if arguments.json is not None:
        output.write_json(findings.json(), arguments)
    elif not arguments.quiet:
        output.write(
            findings.render(
                output.width(arguments, sys.stdout),
                output.has_colour(arguments, sys.stdout),
                output.is_ascii(sys.stdout),
                arguments.verbose,
            )
        )

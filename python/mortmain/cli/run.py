"""``mortmain run SCRIPT``: run it as plain Python would, and tell what it leaves behind.

Everything behind SCRIPT or MODULE belongs to the script. The report goes to standard error, when
the script has ended; the exit status is the script's.
"""

from __future__ import annotations

import argparse
import errno
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mortmain.cli import interrupt, output
from mortmain.errors import MortmainError

if TYPE_CHECKING:
    from mortmain.every import Every

_WITH_VALUE = ("-o", "--output", "--every", "--width")
_SECONDS_LEAST = 0.1
_BYTES_LEAST = 1 << 16
_SIZES = {"K": 10, "M": 20, "G": 30}


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "run",
        help="run a script and tell what it leaves behind",
        usage="mortmain run [OPTION ...] SCRIPT | -m MODULE [ARGUMENT ...]",
        description="Runs a script as Python does, takes a snapshot when its code has ended, and "
        "reports on standard error. What follows SCRIPT or MODULE belongs to the script.",
        allow_abbrev=False,
    )
    parser.add_argument("-m", metavar="MODULE", dest="module", help="run a module by its name")
    parser.add_argument("-o", "--output", metavar="FILE", help="keep the snapshot (.mort)")
    parser.add_argument(
        "-f", "--force", action="store_true", help="overwrite FILE of -o and --json if it exists"
    )
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON too")
    parser.add_argument(
        "--every",
        metavar="SECONDS|SIZE",
        type=_pace,
        help="take snapshots while it runs too, tell in a line each what grew, and report on that; "
        "with a SIZE, as in 100M, whenever its memory has grown by so much",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no report")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show all, not the first three"
    )
    output.add_terminal(parser)
    parser.set_defaults(run=run, cycles=False, tree=False, types=False, growing=None)


def _pace(text: str) -> tuple[float, int]:
    """Seconds, else a size that memory grows by.

    Args:
        text: ``"20"``, ``"0.5"``, ``"100M"``.

    Returns:
        Seconds between two snapshots, and bytes; of these, the one that was not meant is infinite
        or 0.

    Example:
        >>> _pace("0.5"), _pace("100M")
        ((0.5, 0), (inf, 104857600))
    """
    shift = _SIZES.get(text[-1:].upper(), 0)
    try:
        number = float(text[:-1] if shift else text)
    except ValueError:
        number = 0.0
    if shift and _BYTES_LEAST <= number * (1 << shift) < 1 << 60:
        return math.inf, int(number * (1 << shift))
    if shift or not _SECONDS_LEAST <= number < 1e9:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of seconds from {_SECONDS_LEAST} on, and no size from 64K on, "
            "such as 100M"
        )
    return number, 0


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tell the verb's own words from the script's.

    Args:
        words: What follows ``run``.

    Returns:
        Our options, and SCRIPT with its arguments; the name of a module stays among the options.

    Example:
        >>> split(["-q", "-o", "a.mort", "shop.py", "-q"])
        (['-q', '-o', 'a.mort'], ['shop.py', '-q'])
        >>> split(["-qm", "shop", "--json"])
        (['-qm', 'shop'], ['--json'])
    """
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--":
            return list(words[:at]), list(words[at + 1 :])
        if not word.startswith("-") or word == "-":
            break
        at += 1
        if word.startswith("--"):
            at += word in _WITH_VALUE
            continue
        letters = word[1:].lstrip("fqvhV")
        if letters[:1] == "m":
            at += letters == "m"
            break
        at += letters == "o"
    return list(words[:at]), list(words[at:])


def run(arguments: argparse.Namespace) -> int:
    """Run the script, report, and end as it ended."""
    from mortmain import supervise

    words: list[str] = arguments.words
    is_module = arguments.module is not None
    if not is_module and not words:
        raise MortmainError("there is no script; name one: mortmain run SCRIPT")
    _check(arguments)
    script = arguments.module if is_module else words.pop(0)
    with interrupt.Raises():
        folder = _temporary(arguments.output)
        try:
            taken = Path(folder, "taken.mort")
            every = _every(folder, arguments)
            try:
                ended = supervise.run_script(
                    script, words, str(taken), module=is_module, every=every
                )
            finally:
                files = every.end() if every is not None else []
            failures = [ended.failure] if ended.failure else []
            if every is not None and (arguments.json is not None or not arguments.quiet):
                last = None if ended.failure else str(taken)
                failures += _told(lambda: _grown(every, files, last, arguments))
            failures += _answer(None if ended.failure else taken, arguments)
            if not arguments.quiet:
                for failure in failures:
                    output.complain(failure)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return supervise.end_like(ended)


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be written before the script is run."""
    if arguments.json in ("", "-"):
        raise MortmainError(
            "standard output is the script's: write --json=FILE, as in --json=report.json"
        )
    if arguments.force and arguments.json is None and arguments.output is None:
        raise MortmainError("-f overwrites the files of -o and --json: give one of them")
    # The script may change the working directory.
    for name in ("output", "json"):
        path = getattr(arguments, name)
        if path is None:
            continue
        if Path(path).is_dir():
            raise MortmainError(f"cannot write {path!r}: it is a folder; name a file in it")
        if not arguments.force and os.path.lexists(path):
            raise MortmainError(
                f"cannot write {path!r}: it exists already; choose another name, or use --force"
            )
        setattr(arguments, name, os.path.abspath(path))  # noqa: PTH100 a link is kept


def _temporary(kept: str | None) -> str:
    """A folder for the snapshot: beside the file that it will be, or where such things belong."""
    place = None if kept is None else os.path.dirname(kept)  # noqa: PTH120 a text for tempfile
    try:
        return tempfile.mkdtemp(prefix=".mortmain-" if place else "mortmain-", dir=place)
    except OSError as error:
        raise MortmainError(
            f"cannot write {kept or tempfile.gettempdir()!r}: {error.strerror}; "
            "choose another place with -o"
        ) from None


def _every(folder: str, arguments: argparse.Namespace) -> Every | None:
    if arguments.every is None:
        return None
    from mortmain.every import Every, page_make

    page_make(folder)

    def tell(line: str) -> None:
        if not arguments.quiet:
            output.complain(line)

    interval, growth_bytes = arguments.every
    return Every(interval, folder, tell, verbose=arguments.verbose, growth_bytes=growth_bytes)


def _grown(
    every: Every, files: Sequence[str], last: str | None, arguments: argparse.Namespace
) -> None:
    arguments.growing = every.findings(files, last)


def _answer(taken: Path | None, arguments: argparse.Namespace) -> list[str]:
    """Do all that was asked for; the script's status stands, so failures are only told."""
    failures = []
    for step in (_report, _write_json, _keep):
        failures += _told(partial(step, taken, arguments))
    return failures


def _told(step: Callable[[], None]) -> list[str]:
    """Why it could not be done, in a line, or nothing."""
    try:
        step()
    except MortmainError as error:
        return [str(error)]
    except MemoryError:
        return ["out of memory; free some and try again"]
    except OSError as error:
        return [f"cannot write the report: {error.strerror}; write it elsewhere"]
    return []


def _report(taken: Path | None, arguments: argparse.Namespace) -> None:
    if arguments.quiet or sys.stderr is None:
        return
    from mortmain import api
    from mortmain.cli.report import render

    if arguments.growing is not None:
        text = arguments.growing.render(
            output.width(arguments, sys.stderr),
            output.has_colour(arguments, sys.stderr),
            output.is_ascii(sys.stderr),
            arguments.verbose,
        )
    elif taken is not None:
        heap = api.Heap.open(taken)
        output.warn(heap.warning)
        text = render(heap, arguments, sys.stderr)
    else:
        return
    output.write(text, sys.stderr)
    sys.stderr.flush()


def _write_json(taken: Path | None, arguments: argparse.Namespace) -> None:
    if arguments.json is None:
        return
    from mortmain import api

    if arguments.growing is not None:
        output.write_json(arguments.growing.json(), arguments)
    elif taken is not None:
        output.write_json(api.Heap.open(taken).findings().json(), arguments)


def _keep(taken: Path | None, arguments: argparse.Namespace) -> None:
    if arguments.output is None or taken is None:
        return
    try:
        if not arguments.force and os.path.lexists(arguments.output):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        taken.replace(arguments.output)
    except OSError as error:
        raise MortmainError(
            f"cannot write {arguments.output!r}: {error.strerror}; choose another name"
        ) from None

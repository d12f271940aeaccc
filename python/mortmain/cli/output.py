"""Where a verb's answer goes: options that several verbs share, and what they mean."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TextIO

from mortmain.cli import interrupt
from mortmain.errors import MortmainError


def add_file(parser: argparse.ArgumentParser) -> None:
    """Add the snapshot to read."""
    parser.add_argument("file", metavar="FILE", help="a snapshot (.mort)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json[=FILE]`` and ``-f``."""
    parser.add_argument(
        "--json",
        metavar="FILE",
        nargs="?",
        const="-",
        help="answer as JSON, on standard output or into FILE (--json=FILE)",
    )
    parser.add_argument(
        "-f", "--force", action="store_true", help="overwrite FILE of --json if it exists"
    )


def add_terminal(parser: argparse.ArgumentParser) -> None:
    """Add ``--no-color`` and ``--width``."""
    parser.add_argument("--no-color", action="store_true", help="no colour (also: NO_COLOR)")
    add_width(parser)


def add_width(parser: argparse.ArgumentParser) -> None:
    """Add ``--width``."""
    parser.add_argument(
        "--width", metavar="COLUMNS", type=_columns, help="width of the text; else the terminal's"
    )


def _columns(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 40 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no width between 40 and 1000")
    return int(text)


def check(arguments: argparse.Namespace) -> None:
    """Refuse options that mean nothing together, before any work is done."""
    if arguments.force and arguments.json in (None, "-"):
        raise MortmainError("-f overwrites the file of --json: give both, as in --json=FILE -f")
    if arguments.json == "":
        raise MortmainError("--json= has no file; give --json=FILE, or --json alone")


def has_colour(arguments: argparse.Namespace, stream: TextIO | None) -> bool:
    """Only a terminal that was not told otherwise gets colour."""
    if arguments.no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream is not None and stream.isatty()


def is_ascii(stream: TextIO | None) -> bool:
    """Can a stream show nothing but ASCII?"""
    try:
        "\u2500\u2026".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeError, LookupError):
        return True
    return False


def width(arguments: argparse.Namespace, stream: TextIO | None) -> int:
    """Columns to fill."""
    if arguments.width is not None:
        return int(arguments.width)
    columns = shutil.get_terminal_size((0, 0)).columns  # of COLUMNS, or of standard output
    if columns == 0 and stream is not None:
        try:
            columns = os.get_terminal_size(stream.fileno()).columns
        except (OSError, ValueError):
            columns = 0
    return max(40, columns or 80)


def warn(warning: str) -> None:
    """Pass a snapshot's own warning on, in one line that is no part of the answer."""
    if warning:
        complain(f"warning: {warning}")


def complain(message: str) -> None:
    """Print one line on standard error, if there is one."""
    try:
        if sys.stderr is not None:
            sys.stderr.write(f"mortmain: {message}\n")
            sys.stderr.flush()
    except OSError:
        _silence(sys.stderr)


def _silence(stream: TextIO | None) -> None:
    """What could not be written is not tried again at exit: that would change the status."""
    if stream is None:
        return
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):
        pass


def write(text: str, stream: TextIO | None = None) -> None:
    """Print a text that ends with its own newline, whatever the terminal can show."""
    out = sys.stdout if stream is None else stream
    if out is None:
        raise MortmainError("cannot write the output: standard output is closed; open it")
    reconfigure = getattr(out, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    out.write(text if text.endswith("\n") else text + "\n")


def write_json(text: str, arguments: argparse.Namespace) -> None:
    """Write a JSON text where ``--json`` says."""
    if arguments.json == "-":
        write(text)
        return
    path = Path(arguments.json)
    text = text if text.endswith("\n") else text + "\n"
    try:
        with interrupt.Raises():
            _write_file(path, text, force=arguments.force)
    except FileExistsError:
        raise MortmainError(
            f"cannot write {str(path)!r}: it exists already; choose another name, or use --force"
        ) from None
    except FileNotFoundError:
        raise MortmainError(
            f"cannot write {str(path)!r}: No such file or directory; make the folder first"
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise MortmainError(f"cannot write {str(path)!r}: {reason}; choose another place") from None


def _write_file(path: Path, text: str, *, force: bool) -> None:
    """Write all of a file or none of it. What is no regular file is written as it stands."""
    if force and path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    # An existing file is replaced by a whole one; a new one has its name at once, so that
    # nobody else can take it, and goes away if it cannot be finished.
    target = path.resolve()
    made = target.with_name(f".{target.name}.{os.getpid()}") if force else path
    file = made.open("x", encoding="utf-8")
    try:
        with file:
            file.write(text)
        if force:
            made.replace(target)
    except BaseException:
        made.unlink(missing_ok=True)
        raise

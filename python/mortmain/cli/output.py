"""Where a verb's answer goes: options that several verbs share, and what they mean."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

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


def has_colour(arguments: argparse.Namespace) -> bool:
    """Only a terminal that was not told otherwise gets colour."""
    if arguments.no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty()


def is_ascii() -> bool:
    """Can standard output show nothing but ASCII?"""
    try:
        "\u2500\u2026".encode(sys.stdout.encoding or "ascii")
    except (UnicodeError, LookupError):
        return True
    return False


def width(arguments: argparse.Namespace) -> int:
    """Columns to fill."""
    chosen: int | None = arguments.width
    return max(40, shutil.get_terminal_size().columns) if chosen is None else chosen


def warn(warning: str) -> None:
    """Pass a snapshot's own warning on, in one line that is no part of the answer."""
    if warning:
        print(f"mortmain: warning: {warning}", file=sys.stderr)


def write(text: str) -> None:
    """Print a text that ends with its own newline, whatever the terminal can show."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def write_json(text: str, arguments: argparse.Namespace) -> None:
    """Write a JSON text where ``--json`` says."""
    if arguments.json == "-":
        write(text)
        return
    path = Path(arguments.json)
    try:
        with path.open("w" if arguments.force else "x", encoding="utf-8") as file:
            file.write(text if text.endswith("\n") else text + "\n")
    except FileExistsError:
        raise MortmainError(
            f"cannot write {str(path)!r}: it exists already; choose another name, or use --force"
        ) from None
    except OSError as error:
        raise MortmainError(f"cannot write {str(path)!r}: {error.strerror}") from None

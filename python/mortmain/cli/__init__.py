"""The command ``mortmain``: one file per verb, and here what they share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from mortmain.errors import MortmainError

STATUS_OK = 0
STATUS_COULD_NOT = 2
STATUS_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(STATUS_COULD_NOT, f"{self.prog}: {message}; see {self.prog} --help\n")


class _Version(argparse.Action):
    """Prints the version, which is looked up only when it is asked for."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("mortmain")
        except PackageNotFoundError:  # used from a folder, never installed
            number = "of unknown version"
        print(f"mortmain {number}")
        parser.exit(STATUS_OK)


def _parser() -> argparse.ArgumentParser:
    from mortmain.cli import verify, why

    parser = _Parser(
        prog="mortmain",
        description="Finds what keeps Python objects alive.",
        epilog="Take a snapshot with mortmain.snapshot('heap.mort') inside the program.",
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action=_Version, nargs=0, help="show the version")
    verbs = parser.add_subparsers(
        metavar="VERB", required=True, dest="verb", parser_class=_Parser, title="verbs"
    )
    for module in (why, verify):
        module.add_to(verbs)
    return parser


def _with_bare_json(argv: Sequence[str]) -> list[str]:
    """Make ``--json`` mean ``--json=-``, so that it never takes the next word for its file."""
    end = argv.index("--") if "--" in argv else len(argv)
    return ["--json=-" if word == "--json" and i < end else word for i, word in enumerate(argv)]


def _quiet_stdout() -> None:
    """Send what is left in stdout's buffer nowhere: whoever read it is gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The words after the program's name; those of the process by default.

    Returns:
        The exit status: 0, 2 when it could not be done, 130 when interrupted.
    """
    try:
        arguments = _parser().parse_args(_with_bare_json(sys.argv[1:] if argv is None else argv))
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except MortmainError as error:
        print(f"mortmain: {error}", file=sys.stderr)
        return STATUS_COULD_NOT
    except KeyboardInterrupt:
        return STATUS_INTERRUPTED
    except BrokenPipeError:
        _quiet_stdout()
        return STATUS_OK
    except MemoryError:
        print("mortmain: out of memory; free some and try again", file=sys.stderr)
        return STATUS_COULD_NOT
    except OSError as error:
        print(f"mortmain: cannot write the output: {error.strerror}", file=sys.stderr)
        return STATUS_COULD_NOT
    return status

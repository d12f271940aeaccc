"""What the verbs share: the parser, and how an outcome becomes a status and one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from mortmain.cli import STATUS_COULD_NOT, STATUS_OK, output
from mortmain.errors import MortmainError


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise MortmainError(f"{message}; see {self.prog} --help")

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        # An unknown option is named before anything is said of words that are missing.
        has_verbs = self._subparsers is not None
        for word in args or ():
            if word == "--" or (has_verbs and not word.startswith("-")):
                break
            if word.startswith("--") and word.split("=")[0] not in self._option_string_actions:
                self.error(f"there is no option {word!r}")
        return super().parse_known_args(args, namespace)

    def print_help(self, file: object = None) -> None:
        # argparse's own swallows what goes wrong.
        output.write(self.format_help())

    def format_help(self) -> str:
        # The word behind --json is never its file: see with_bare_json().
        told = super().format_help().replace("--json [FILE]", "--json[=FILE]")
        return told.replace("--json FILE ", "--json=FILE ")


class _Version(argparse.Action):
    """Prints the version, which is looked up only when it is asked for."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> NoReturn:
        import mortmain

        output.write(f"mortmain {mortmain.__version__}")
        parser.exit(STATUS_OK)


def _parser() -> argparse.ArgumentParser:
    from mortmain.cli import diff, loop, report, run, verify, why

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
    for module in (loop, run, why, report, diff, verify):
        module.add_to(verbs)
    return parser


def _with_bare_json(argv: Sequence[str]) -> list[str]:
    """Make ``--json`` mean ``--json=-``, so that it never takes the next word for its file."""
    end = argv.index("--") if "--" in argv else len(argv)
    return ["--json=-" if word == "--json" and i < end else word for i, word in enumerate(argv)]


def _own_words(argv: Sequence[str]) -> tuple[Sequence[str], list[str]]:
    """Tell our words from those of a script that is to be run: these are never looked at."""
    if not argv or argv[0] != "run":
        return argv, []
    from mortmain.cli.run import split

    own, words = split(argv[1:])
    return ["run", *own], words


def _quiet_stdout() -> None:
    """Send what is left in stdout's buffer nowhere, so that the interpreter's end is silent."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass  # no file is behind it


def _complain(message: str) -> int:
    output.complain(message)
    return STATUS_COULD_NOT


def _answer(argv: Sequence[str]) -> int:
    try:
        own, words = _own_words(argv)
        arguments = _parser().parse_args(_with_bare_json(own))
        arguments.words = words
        status: int = arguments.run(arguments)
    except SystemExit as end:  # --help and --version
        status = end.code if isinstance(end.code, int) else STATUS_OK
    if sys.stdout is not None:
        sys.stdout.flush()
    return status


def run(argv: Sequence[str]) -> int:
    """Run the command line; KeyboardInterrupt alone comes through."""
    try:
        return _answer(argv)
    except MortmainError as error:
        return _complain(str(error))
    except BrokenPipeError:
        _quiet_stdout()
        return STATUS_OK
    except MemoryError:
        return _complain("out of memory; free some and try again")
    except OSError as error:
        _quiet_stdout()
        return _complain(
            f"cannot write the output: {error.strerror}; make room, or write it elsewhere"
        )

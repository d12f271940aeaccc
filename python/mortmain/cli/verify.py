"""``mortmain verify FILE``: is a snapshot whole, and what is in it."""

from __future__ import annotations

import argparse
import sys

from mortmain.cli import output


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "verify",
        help="check that a snapshot is whole",
        description="Reads a snapshot, checks all of it, and says what is in it.",
        allow_abbrev=False,
    )
    output.add_file(parser)
    output.add_json(parser)
    output.add_width(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Answer. A file that is no whole snapshot is a failure, also when it is told as JSON."""
    from mortmain import _heap

    output.check(arguments)
    if arguments.json is not None:
        is_snapshot, text, warning = _heap.verify_json(arguments.file)
        output.warn(warning)
        output.write_json(text, arguments)
        return 0 if is_snapshot else 2
    text, warning = _heap.verify(
        arguments.file, width=output.width(arguments, sys.stdout), ascii=output.is_ascii(sys.stdout)
    )
    output.warn(warning)
    output.write(text)
    return 0

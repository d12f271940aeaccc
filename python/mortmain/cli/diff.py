"""``mortmain diff A B [C...]``: what there is more of in later snapshots.

Snapshots of one process tell what was born in it; those of different processes are compared by path
shapes: how many objects the same names lead to. Either way they know nothing of what the program
did between them, so nothing is called a leak that may be a cache: the verdict is "suspects", and a
note says what would tell.
"""

from __future__ import annotations

import argparse
import sys

from mortmain.cli import output
from mortmain.errors import MortmainError


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "diff",
        help="what grew between snapshots",
        usage="mortmain diff [OPTION ...] FILE FILE [FILE ...]",
        description="Tells what was made after the first snapshot and is still held in the last, "
        "and which reference keeps it: with more than two, what was made between each of them. "
        "Snapshots of one process stand by time, the oldest first. Snapshots of different "
        "processes of one program are compared by path shapes, that is, by how many objects the "
        "same names lead to; name them in the order in which something is to have grown.",
        allow_abbrev=False,
    )
    parser.add_argument("files", metavar="FILE", nargs="*", help="a snapshot (.mort)")
    output.add_json(parser)
    output.add_terminal(parser)
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show all, not the first three"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Answer."""
    from mortmain import api

    output.check(arguments)
    if len(arguments.files) < 2:
        raise MortmainError("name two snapshots of one program or more, the oldest first")
    findings = api.diff(arguments.files)
    if arguments.json is not None:
        output.write_json(findings.json(), arguments)
        return 0
    output.write(
        findings.render(
            output.width(arguments, sys.stdout),
            output.has_colour(arguments, sys.stdout),
            output.is_ascii(sys.stdout),
            arguments.verbose,
        )
    )
    return 0

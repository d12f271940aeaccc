"""``mortmain why FILE WHAT``: who keeps it alive."""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from mortmain.cli import output
from mortmain.errors import MortmainError


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "why",
        help="who keeps an object alive",
        description="Shows all direct references to an object and the chains that keep it alive.",
        allow_abbrev=False,
    )
    output.add_file(parser)
    parser.add_argument(
        "what",
        metavar="WHAT",
        help="a type (shop.Exam: its objects), a name (shop:Within._seen; shop:Exam is the class "
        "itself), or an address (0x7f...)",
    )
    output.add_json(parser)
    output.add_terminal(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="show more")
    parser.set_defaults(run=run)


def _check_order(file: str, what: str) -> None:
    """Say so if the two words look swapped."""
    if not os.path.exists(file) and os.path.isfile(what):  # noqa: PTH110, PTH113 (any bytes)
        raise MortmainError(f"FILE comes first: mortmain why {shlex.quote(what)} {file}")


def run(arguments: argparse.Namespace) -> int:
    """Answer."""
    from mortmain.api import Heap

    output.check(arguments)
    _check_order(arguments.file, arguments.what)
    heap = Heap.open(arguments.file)
    output.warn(heap.warning)
    answer = heap.why(arguments.what, verbose=arguments.verbose)
    if arguments.json is not None:
        output.write_json(answer.json(), arguments)
    else:
        output.write(
            answer.render(
                width=output.width(arguments, sys.stdout),
                colour=output.has_colour(arguments, sys.stdout),
                ascii=output.is_ascii(sys.stdout),
            )
        )
    return 0

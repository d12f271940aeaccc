"""``mortmain report FILE``: what deserves attention in a snapshot."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, TextIO

from mortmain.cli import output

if TYPE_CHECKING:
    from mortmain.api import Heap


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "report",
        help="what deserves attention in a snapshot",
        description="Shows who keeps the program's own objects alive, and what waits for the "
        "collector.",
        allow_abbrev=False,
    )
    output.add_file(parser)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--cycles", action="store_true", help="all cycles, and nothing else")
    instead.add_argument("--tree", action="store_true", help="what would go with what instead")
    instead.add_argument(
        "--types", action="store_true", help="count and bytes of each type instead"
    )
    output.add_json(parser)
    output.add_terminal(parser)
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show all, not the first three"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Answer."""
    from mortmain.api import Heap

    output.check(arguments)
    heap = Heap.open(arguments.file)
    output.warn(heap.warning)
    if arguments.json is not None:
        output.write_json(_json(heap, arguments), arguments)
    else:
        output.write(render(heap, arguments, sys.stdout))
    return 0


def render(heap: Heap, arguments: argparse.Namespace, stream: TextIO | None) -> str:
    """The report as it reads on a stream."""
    width = output.width(arguments, stream)
    colour = output.has_colour(arguments, stream)
    ascii = output.is_ascii(stream)
    if arguments.cycles:
        return heap.findings().render_cycles(width, colour, ascii)
    if arguments.tree:
        return heap.render_tree(width, colour, ascii, arguments.verbose)
    if arguments.types:
        return heap.render_types(width, colour, ascii, arguments.verbose)
    return heap.findings().render(width, colour, ascii, arguments.verbose)


def _json(heap: Heap, arguments: argparse.Namespace) -> str:
    if arguments.cycles:
        return heap.findings().cycles_json()
    if arguments.tree:
        return heap.tree_json(verbose=arguments.verbose)
    return heap.types_json() if arguments.types else heap.findings().json()

"""``mortmain why FILE WHAT``: who keeps it alive."""

from __future__ import annotations

import argparse

from mortmain.cli import output


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
        help="a type (shop.Exam), an address (0x7f...), or a dotted name (shop:Within._seen)",
    )
    output.add_json(parser)
    output.add_terminal(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="show more")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Answer."""
    from mortmain.api import Heap

    heap = Heap.open(arguments.file)
    output.warn(heap.warning)
    answer = heap.why(arguments.what, verbose=arguments.verbose)
    if arguments.json is not None:
        output.write_json(answer.json(), arguments)
    else:
        output.write(
            answer.render(
                width=output.width(arguments),
                colour=output.has_colour(arguments),
                ascii=output.is_ascii(),
            )
        )
    return 0

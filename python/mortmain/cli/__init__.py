"""The command ``mortmain``: one file per verb, and here where it begins and how it ends.

Little is imported before :func:`main` runs, so that an interrupt finds it ready.
"""

from __future__ import annotations

# The module typing would be most of what an import costs. Type checkers know this name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Sequence

STATUS_OK = 0
STATUS_COULD_NOT = 2
STATUS_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The words after the program's name; those of the process by default.

    Returns:
        The exit status: 0, 2 when it could not be done, 130 when interrupted.
    """
    try:
        import sys

        from mortmain.cli.command import run

        return run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        return STATUS_INTERRUPTED

"""``python -m mortmain``, and where the command begins."""

from __future__ import annotations

import sys

from mortmain import cli
from mortmain.cli import interrupt

interrupt.ends_the_process()


def main() -> int:
    """Run the command line of this process; answers the exit status."""
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())

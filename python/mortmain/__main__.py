"""``python -m mortmain``, and where the command begins.

While nothing is there that could catch it, an interrupt ends the process as it ends any other
program: without a traceback.
"""

from __future__ import annotations

import signal
import sys

_INTERRUPTS = signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _catch(*, interrupts: bool) -> None:
    if _INTERRUPTS:
        handler = signal.default_int_handler if interrupts else signal.SIG_DFL
        signal.signal(signal.SIGINT, handler)


def main() -> int:
    """Run the command line of this process; answers the exit status."""
    try:
        _catch(interrupts=True)
        from mortmain import cli

        return cli.main()
    except KeyboardInterrupt:
        return 130
    finally:
        _catch(interrupts=False)


_catch(interrupts=False)
if __name__ == "__main__":
    sys.exit(main())

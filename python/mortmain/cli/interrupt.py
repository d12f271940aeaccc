"""What an interrupt (SIGINT) does to the command.

It ends the process as it ends any other program, at once and without a traceback: the handler of
Python's own would wait for a long answer in C to end, and is lost where nobody can catch what it
raises, in the callback of a weak reference for one. Only while something would be left half
written does it raise KeyboardInterrupt.
"""

from __future__ import annotations

import signal

# The module typing would be most of what an import costs. Type checkers know this name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from types import TracebackType


def ends_the_process() -> None:
    """Let an interrupt end the process, unless whoever started us has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


class Raises:
    """While this lasts, an interrupt raises KeyboardInterrupt: what was begun can be undone."""

    def __enter__(self) -> None:
        self._is_ours = signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        if self._is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_ours:
            signal.signal(signal.SIGINT, signal.SIG_DFL)

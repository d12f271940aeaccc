"""The same timer, whose default is no bound method of its own: counting frees it."""

from __future__ import annotations

import gc
from collections.abc import Callable


class Timer:
    """Calls something when it is due."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.on_due: Callable[[], int] | None = None
        self.log = bytearray(64 * 1024)

    def __del__(self) -> None:
        self.log.clear()

    def ring(self) -> int:
        """Call it; the default is its time."""
        return self.seconds if self.on_due is None else self.on_due()


def main() -> None:
    """Let some timers ring."""
    gc.disable()
    print(sum(Timer(seconds).ring() for seconds in range(20)))


if __name__ == "__main__":
    main()

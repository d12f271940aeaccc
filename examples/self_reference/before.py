"""An object that holds itself: its callback is a method of its own.

Counting never frees it; only the cyclic collector does, which this program has switched off.
"""

from __future__ import annotations

import gc
from collections.abc import Callable


class Timer:
    """Calls something when it is due."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.on_due: Callable[[], int] = self.ring
        self.log = bytearray(64 * 1024)

    def __del__(self) -> None:
        self.log.clear()

    def ring(self) -> int:
        """What to call by default."""
        return self.seconds


def main() -> None:
    """Let some timers ring."""
    gc.disable()
    print(sum(Timer(seconds).on_due() for seconds in range(20)))


if __name__ == "__main__":
    main()

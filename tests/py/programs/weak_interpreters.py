"""Runs a text in six interpreters with locks of their own, two at a time; prints how many ended.

Usage: weak_interpreters.py FILE
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

import mortmain.weak  # noqa: F401 - the main interpreter has it too

done = []


def work(code: str) -> None:
    """Three, one after the other."""
    for _ in range(3):
        one = interpreters.create()
        failed = interpreters.run_string(one, code)
        assert failed is None, failed
        interpreters.destroy(one)
        done.append(one)


def main() -> None:
    """Two threads."""
    code = Path(sys.argv[1]).read_text()
    threads = [threading.Thread(target=work, args=(code,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(len(done))


if __name__ == "__main__":
    main()

"""The same families, whose children know their parent weakly: counting frees each at once."""

from __future__ import annotations

import gc
import weakref


class Child:
    """A part of a job, with the memory that it works in."""

    def __init__(self, parent: Parent) -> None:
        self.parent = weakref.ref(parent)
        self.work = bytearray(256 * 1024)

    def __del__(self) -> None:
        self.work.clear()


class Parent:
    """A job that is split into parts."""

    def __init__(self, parts: int) -> None:
        self.children = [Child(self) for _ in range(parts)]

    def run(self) -> int:
        """Do all parts."""
        return sum(len(child.work) for child in self.children)


def main() -> None:
    """Run some jobs, each of which is done when it returns."""
    gc.disable()
    done = sum(Parent(parts=4).run() for _ in range(10))
    print(f"10 jobs worked in {done >> 20} MiB, one after the other.")


if __name__ == "__main__":
    main()

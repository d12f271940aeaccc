"""The same cache, which forgets a picture as soon as nobody looks at it."""

from __future__ import annotations

import weakref


class Picture:
    """Something large, made from a file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pixels = bytes(4096)


class Gallery:
    """Loads pictures, each of them once."""

    cache: weakref.WeakValueDictionary[str, Picture] = weakref.WeakValueDictionary()

    @classmethod
    def load(cls, name: str) -> Picture:
        """Load a picture, or take the one that is loaded already."""
        picture = cls.cache.get(name)
        if picture is None:
            picture = cls.cache[name] = Picture(name)
        return picture


def show(name: str) -> int:
    """Show a picture; afterwards nobody looks at it."""
    return len(Gallery.load(name).pixels)


def main() -> None:
    """Show all of them."""
    shown = sum(show(f"picture {number}") for number in range(2_000))
    print(f"{shown:,} bytes shown.")


if __name__ == "__main__":
    main()

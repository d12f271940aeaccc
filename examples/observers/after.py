"""The same thermometer, which lets go of whoever does not look any more."""

from __future__ import annotations

import weakref


class Display:
    """Shows a temperature while a window is open."""

    def __init__(self) -> None:
        self.shown = 0.0

    def update(self, degrees: float) -> None:
        """Show it."""
        self.shown = degrees


class Thermometer:
    """Tells its observers what it measures."""

    def __init__(self) -> None:
        self.observers: weakref.WeakSet[Display] = weakref.WeakSet()

    def attach(self, observer: Display) -> None:
        """Tell this one too."""
        self.observers.add(observer)

    def measure(self, degrees: float) -> None:
        """Tell all of them."""
        for observer in self.observers:
            observer.update(degrees)


thermometer = Thermometer()


def open_window() -> float:
    """Open a window, look at the temperature, and close it."""
    display = Display()
    thermometer.attach(display)
    thermometer.measure(21.5)
    return display.shown


def main() -> None:
    """Look again and again."""
    print({open_window() for _ in range(1_000)})


if __name__ == "__main__":
    main()

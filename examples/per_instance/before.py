"""A descriptor that keeps one value for each instance, in a dict of its own."""

from __future__ import annotations


class Celsius:
    """A temperature that is never below absolute zero."""

    def __init__(self) -> None:
        self.values: dict[object, float] = {}

    def __get__(self, instance: object, owner: type) -> float:
        return self.values[instance]

    def __set__(self, instance: object, value: float) -> None:
        self.values[instance] = max(value, -273.15)


class Sample:
    """One measurement."""

    temperature = Celsius()

    def __init__(self, temperature: float) -> None:
        self.temperature = temperature


def main() -> None:
    """Only the warmest is of interest."""
    print(max(Sample(number / 10).temperature for number in range(5_000)))


if __name__ == "__main__":
    main()

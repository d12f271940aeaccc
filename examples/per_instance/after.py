"""The same descriptor, which keeps each value in the instance that it belongs to."""

from __future__ import annotations


class Celsius:
    """A temperature that is never below absolute zero."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type) -> float:
        value: float = vars(instance)[self.name]
        return value

    def __set__(self, instance: object, value: float) -> None:
        vars(instance)[self.name] = max(value, -273.15)


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

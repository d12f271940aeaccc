"""The same, with the list where it is needed: it goes when the function returns."""

from __future__ import annotations


class Person:
    """Somebody who was invited."""

    def __init__(self, name: str) -> None:
        self.name = name


def invite(name: str, people: list[Person]) -> int:
    """Write a letter; afterwards nobody needs the person."""
    person = Person(name)
    people.append(person)
    return len(f"Dear {person.name}")


def main() -> None:
    """Invite."""
    people: list[Person] = []
    written = sum(invite(f"guest {number}", people) for number in range(10_000))
    print(f"{written:,} letters of ink.")


if __name__ == "__main__":
    main()

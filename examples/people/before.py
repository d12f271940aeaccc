"""A list of people, filled where it is needed and never emptied: a global lives for ever."""

from __future__ import annotations


class Person:
    """Somebody who was invited."""

    def __init__(self, name: str) -> None:
        self.name = name


all_people: list[Person] = []


def invite(name: str) -> int:
    """Write a letter; afterwards nobody needs the person."""
    person = Person(name)
    all_people.append(person)
    return len(f"Dear {person.name}")


def main() -> None:
    """Invite."""
    written = sum(invite(f"guest {number}") for number in range(10_000))
    print(f"{written:,} letters of ink.")


if __name__ == "__main__":
    main()

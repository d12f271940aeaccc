"""Weak references in a list: the objects go, the references to nothing stay."""

from __future__ import annotations

import weakref


class Connection:
    """Open while somebody needs it."""

    def send(self, text: str) -> int:
        """Send."""
        return len(text)


opened: list[weakref.ref[Connection]] = []


def ask(question: str) -> int:
    """Open a connection for one question."""
    connection = Connection()
    opened.append(weakref.ref(connection))
    return connection.send(question)


def main() -> None:
    """Ask a lot."""
    sent = sum(ask("who holds it?") for _ in range(10_000))
    alive = sum(each() is not None for each in opened)
    print(f"{sent:,} characters sent, {alive} connections are open.")


if __name__ == "__main__":
    main()

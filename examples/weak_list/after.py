"""The same in a set that drops its dead references by itself."""

from __future__ import annotations

import weakref


class Connection:
    """Open while somebody needs it."""

    def send(self, text: str) -> int:
        """Send."""
        return len(text)


opened: weakref.WeakSet[Connection] = weakref.WeakSet()


def ask(question: str) -> int:
    """Open a connection for one question."""
    connection = Connection()
    opened.add(connection)
    return connection.send(question)


def main() -> None:
    """Ask a lot."""
    sent = sum(ask("who holds it?") for _ in range(10_000))
    alive = len(opened)
    print(f"{sent:,} characters sent, {alive} connections are open.")


if __name__ == "__main__":
    main()

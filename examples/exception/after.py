"""The same, which keeps what the exception said and not the exception."""

from __future__ import annotations


class Order:
    """What a customer wants."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.document = bytearray(1 << 20)


class Shop:
    """Handles orders, and remembers what went wrong last."""

    last_error = ""

    def handle(self, number: int) -> bool:
        """Handle one order."""
        try:
            self.check(Order(number))
        except ValueError as error:
            self.last_error = str(error)
            return False
        return True

    def check(self, order: Order) -> None:
        """Refuse every order that has no number."""
        if order.number <= 0:
            raise ValueError("an order without a number")


shop = Shop()


def main() -> None:
    """Handle some."""
    print([shop.handle(number) for number in (3, 2, 1, 0)], shop.last_error)


if __name__ == "__main__":
    main()

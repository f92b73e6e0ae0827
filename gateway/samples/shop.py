"""What the four clusters of one environment know together: books, accounts, tokens, orders, payments. I/O."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

KEPT = 5_000  # orders and tokens that a shop remembers, so that one left running does not grow for ever

SHELF: dict[str, tuple[str, str, float]] = {
    "978-1": ("The Gateway Drug", "A. Relay", 12.5),
    "978-2": ("Headers in the Dark", "V. Ia", 9.25),
    "978-3": ("One Hundred, Continue", "E. Xpect", 15.0),
    "978-4": ("Four Oh Four", "N. O. Where", 7.75),
    "978-5": ("Chunked", "T. Railer", 11.0),
    "978-7": ("The Book of Reset", "D. Ev", 3.5),
}


@dataclass(slots=True)
class Book:
    isbn: str
    title: str
    author: str
    price: float
    stock: int = 20

    def as_json(self) -> dict[str, Any]:
        return {
            "isbn": self.isbn,
            "title": self.title,
            "author": self.author,
            "price": self.price,
            "currency": "EUR",
            "stock": self.stock,
        }


@dataclass(slots=True)
class Order:
    id: int
    isbn: str
    qty: int
    total: float
    owner: str
    status: str = "new"
    version: int = 1

    @property
    def etag(self) -> str:
        return f'"{self.id}-{self.version}"'

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "isbn": self.isbn,
            "qty": self.qty,
            "total": self.total,
            "currency": "EUR",
            "status": self.status,
        }


@dataclass(slots=True)
class Shop:
    """One environment. `changed` wakes everybody who watches an order or the stock."""

    environment: str
    catalogue_version: int
    books: dict[str, Book]
    next_order: int
    next_payment: int
    accounts: dict[str, str] = field(default_factory=lambda: {"ada": "lovelace", "grace": "hopper"})
    tokens: dict[str, str] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    payments: dict[int, dict[str, Any]] = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def sign_in(self, user: str) -> str:
        """A new random token; earlier ones stay good."""
        token = secrets.token_urlsafe(24)
        self.tokens[token] = user
        _forget(self.tokens)
        return token

    def order(self, isbn: str, qty: int, owner: str) -> Order:
        book = self.books[isbn]
        book.stock -= qty
        order = Order(self.next_order, isbn, qty, round(book.price * qty, 2), owner)
        self.next_order += 1
        self.orders[order.id] = order
        _forget(self.orders)
        return order

    def change(self, order: Order, qty: int) -> None:
        book = self.books[order.isbn]
        book.stock -= qty - order.qty
        order.qty, order.total, order.version = qty, round(book.price * qty, 2), order.version + 1

    def pay(self, order: Order, amount: float) -> dict[str, Any]:
        payment = {"id": self.next_payment, "order": order.id, "amount": amount, "currency": "EUR", "status": "paid"}
        self.next_payment += 1
        self.payments[order.id] = payment
        _forget(self.payments)
        order.status = "paid"
        return payment

    async def announce(self) -> None:
        """Tell those who watch that something has changed."""
        async with self.changed:
            self.changed.notify_all()


def open_shop(environment: str) -> Shop:
    """A freshly seeded environment: what exists and where numbering starts differs between them on purpose."""
    isbns, version, order, payment = {
        "dev": (("978-7",), 1, 11, 3),  # was reset last night
        "test": (("978-1", "978-2", "978-3"), 2, 5_001, 801),
        "qa": (("978-1", "978-2", "978-3", "978-4", "978-5"), 1, 70_001, 4_001),
    }[environment]
    books = {isbn: Book(isbn, *SHELF[isbn]) for isbn in isbns}
    return Shop(environment, version, books, order, payment)


def _forget(known: dict[Any, Any]) -> None:
    while len(known) > KEPT:
        del known[next(iter(known))]

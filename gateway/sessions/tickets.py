"""One-time tickets: links that let somebody into a session, or act on it, without showing an id. For one event loop.

A ticket is known by its hash only, is good once, for one purpose, and for some minutes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Final

LASTS: Final = 600.0  # seconds
MOST: Final = 1_000  # tickets that wait; the oldest goes first


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket is good for."""

    session: str  # an id
    purpose: str
    until: float


class Tickets:
    """Given out and taken back."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock, self._most = clock, most
        self._waiting: dict[bytes, Ticket] = {}

    def issue(self, session: str, purpose: str, *, lasts: float = LASTS) -> str:
        """A new ticket, for the address of a link."""
        while len(self._waiting) >= self._most:
            del self._waiting[next(iter(self._waiting))]
        ticket = token_urlsafe(24)
        self._waiting[_hash(ticket)] = Ticket(session, purpose, self._clock() + lasts)
        return ticket

    def session_of(self, ticket: str, purpose: str) -> str | None:
        """The session that a ticket is for, without using it up: for a page that asks first."""
        found = self._waiting.get(_hash(ticket))
        good = found is not None and found.purpose == purpose and self._clock() < found.until
        return found.session if found is not None and good else None

    def redeem(self, ticket: str, purpose: str) -> str | None:
        """The session that a ticket is for, once; None for any other word, and for a ticket that was used or is old."""
        session = self.session_of(ticket, purpose)
        if session is not None:
            del self._waiting[_hash(ticket)]
        return session


def _hash(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode("utf-8", "replace")).digest()

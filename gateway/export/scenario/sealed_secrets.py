"""Sealed secrets in recorded text: finding the placeholders, giving them names in a script. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...model.exchange import Exchange

PLACEHOLDER = re.compile(rb"(?:s|\\u0073)ealed_[A-Za-z2-7]{20}_[A-Za-z0-9]+")


class Secrets:
    """Variables for placeholders: SECRET_1, SECRET_2 ... in order of first use; equal secrets share one."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self.names: dict[bytes, str] = {}
        self.places: dict[str, str] = {}  # variable -> "header Authorization of step 2"
        for exchange in exchanges:
            for place, data in _places(exchange):
                for placeholder in PLACEHOLDER.findall(data):
                    self._add(placeholder, f"{place} of step {exchange.step}")

    def _add(self, placeholder: bytes, place: str) -> None:
        placeholder = _plain(placeholder)
        name = self.names.setdefault(placeholder, f"SECRET_{len(self.names) + 1}")
        self.places.setdefault(name, place)

    def split(self, data: bytes) -> Iterator[tuple[bytes, str]]:
        """(bytes, "") and (b"", variable) in turn."""
        at = 0
        for match in PLACEHOLDER.finditer(data):
            if _plain(match[0]) in self.names:
                yield data[at : match.start()], ""
                yield b"", self.names[_plain(match[0])]
                at = match.end()
        yield data[at:], ""


def _plain(placeholder: bytes) -> bytes:
    """Without the escape that marks a JSON number."""
    return placeholder.replace(b"\\u0073", b"s", 1)


def _places(exchange: Exchange) -> Iterator[tuple[str, bytes]]:
    yield "the URL", exchange.url.encode("utf-8", "replace")
    for name, value in exchange.request.headers:
        yield f"header {name}", value.encode("utf-8", "replace")
    yield "the body", exchange.request.body.data

"""From an upstream's response head to the client's. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.capture import RawPairs
from .heads import (
    CONNECTION, DROP, FORWARD, KEEP_ALIVE, LENGTH, LOCATION, REFRESH, RESPONSE, SET_COOKIE, TRANSFER, TYPE, UPGRADE,
    hop_by_hop,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from .upstream import ResponseHead


class ClientHead:
    """The fields that go on to the client, and how its body is framed there."""

    __slots__ = ("chunked", "content_type", "fields", "recorded", "rewritten")

    def __init__(self, head: ResponseHead, rewrite: Callable[[int, bytes], bytes | None]) -> None:
        self.fields: list[bytes] = []
        self.recorded: RawPairs = []  # as the client sees them, without what the gateway adds
        self.rewritten: RawPairs = []  # as the upstream sent them, where they differ
        self.content_type = b""
        named = hop_by_hop(head.options) if head.options else frozenset()
        for name, value in head.headers:
            fate = RESPONSE[name]
            if fate != FORWARD:
                changed = self._special(fate, name, value, head, rewrite)
                if changed is None:
                    continue
                value = changed
            elif named and name.lower() in named:
                continue
            self.recorded.append((name, value))
            self.fields.append(name + b": " + value)

    def _special(
        self, fate: int, name: bytes, value: bytes, head: ResponseHead,
        rewrite: Callable[[int, bytes], bytes | None],
    ) -> bytes | None:  # fmt: skip
        """The value that goes on, or None when the field stops here."""
        if fate in (CONNECTION, UPGRADE, KEEP_ALIVE, DROP):
            return None
        if fate == TRANSFER:  # framing is each connection's own; the record keeps what the upstream said
            self.recorded.append((name, value))
            return None
        if fate == LENGTH:
            return None if head.chunked or head.status == 204 or head.interim else value
        if fate == TYPE:
            self.content_type = value
        elif fate in (LOCATION, REFRESH, SET_COOKIE):
            changed = rewrite(fate, value)
            if changed != value:
                self.rewritten.append((name, value))
            return changed
        return value


def status_line(status: int, reason: bytes) -> bytes:
    """Reason phrases pass as they are, empty ones too (RFC 9112 section 4)."""
    return b"HTTP/1.1 %d %b" % (status, reason)

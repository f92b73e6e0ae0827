"""Ids: ULIDs, 48 bits of time and 80 of chance, in 26 characters that sort by time; sessions; trace contexts. I/O."""

from __future__ import annotations

import base64
import hashlib
import os
import time

CROCKFORD = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BYTE_TO_CROCKFORD = CROCKFORD * 8  # each letter stands for eight of the 256 values: five bits of every byte count
NO_ZERO = bytes([1, *range(1, 256)])  # so that neither id of a trace context is 0
AT_ONCE = 256  # ids for which randomness is drawn at once


class _IdSource:
    """The time prefix of this millisecond, and a store of randomness; a forked process draws its own."""

    def __init__(self) -> None:
        self.moment, self.prefix = -1, ""
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        self.letters, self.letter = "", 0
        self.digits, self.digit = b"", 0

    def id(self) -> str:
        moment = time.time_ns() // 1_000_000
        if moment != self.moment:
            self.moment, self.prefix = moment, _time_part(moment)
        at = self.letter
        if at >= len(self.letters):
            self.letters, at = os.urandom(16 * AT_ONCE).translate(BYTE_TO_CROCKFORD).decode(), 0
        self.letter = end = at + 16
        return self.prefix + self.letters[at:end]

    def trace(self) -> bytes:
        at = self.digit
        if at >= len(self.digits):
            self.digits, at = os.urandom(24 * AT_ONCE).translate(NO_ZERO).hex().encode(), 0
        self.digit = end = at + 48
        middle = at + 32
        return b"00-" + self.digits[at:middle] + b"-" + self.digits[middle:end] + b"-01"


def _time_part(moment: int) -> str:
    """Ten characters for 48 bits: the first carries three of them."""
    return "".join(chr(CROCKFORD[(moment >> shift) & 31]) for shift in range(45, -1, -5))


_source = _IdSource()
new_id = _source.id
new_trace = _source.trace  # a traceparent field's value; its ids are never 0 (W3C Trace Context section 3.2.2)

# Stands in every id of a session that the gateway makes. A client cannot send such an id as a name: a name is visible
# ASCII. So an id may be shown to anybody: it tells sessions apart, and leads into none.
DOT = "·"


def session_id(kind: str = "client") -> str:
    """A new id of a session that no client named: "client·k3jd8f2a9xqw7p5m", 80 bits of chance."""
    return _session_id(kind, os.urandom(10))


def renewed_id(old: str) -> str:
    """The id of a session whose cookie was sealed before ids had the dot; the old id cannot be told from it."""
    return _session_id("client", hashlib.sha256(old.encode()).digest()[:10])


def _session_id(kind: str, chance: bytes) -> str:
    return f"{kind}{DOT}{base64.b32encode(chance).decode('ascii').lower()}"

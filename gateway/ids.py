"""Ids: ULIDs, 48 bits of time and 80 of chance, in 26 characters that sort by time. I/O (clock, randomness)."""

from __future__ import annotations

import os
import random
import time
from base64 import b32encode

CROCKFORD = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TO_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", CROCKFORD)
DRAW = 10 * 256  # bytes of randomness drawn and encoded at once; ten bytes are 16 characters


class _Source:
    """The time prefix of this millisecond, and a store of randomness; a forked process draws its own."""

    def __init__(self) -> None:
        self.moment, self.prefix, self.random, self.at = -1, "", "", 0
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        self.random, self.at = "", 0

    def next(self) -> str:
        moment = time.time_ns() // 1_000_000
        if moment != self.moment:
            self.moment, self.prefix = moment, _time_part(moment)
        at = self.at
        if at >= len(self.random):
            self.random, at = b32encode(os.urandom(DRAW)).translate(TO_CROCKFORD).decode(), 0
        self.at = at + 16
        return self.prefix + self.random[at : at + 16]


def _time_part(moment: int) -> str:
    """Ten characters for 48 bits: the first carries three of them."""
    return "".join(chr(CROCKFORD[(moment >> shift) & 31]) for shift in range(45, -1, -5))


new_id = _Source().next


def new_trace() -> tuple[int, int]:
    """A trace id and a parent id, neither 0 (W3C Trace Context section 3.2.2); they need not be secret."""
    return random.getrandbits(128) or 1, random.getrandbits(64) or 1

"""Ids: ULIDs, 48 bits of time and 80 of chance, in 26 characters that sort by time; trace contexts. I/O."""

from __future__ import annotations

import os
import random
import time

CROCKFORD = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BYTE_TO_CROCKFORD = CROCKFORD * 8  # each letter stands for eight of the 256 values: five bits of every byte count
ODD = 1 << 64 | 1  # makes both ids of a trace context differ from 0
DRAW = 16 * 256  # bytes of randomness drawn at once


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
            self.random, at = os.urandom(DRAW).translate(BYTE_TO_CROCKFORD).decode(), 0
        self.at = at + 16
        return self.prefix + self.random[at : at + 16]


def _time_part(moment: int) -> str:
    """Ten characters for 48 bits: the first carries three of them."""
    return "".join(chr(CROCKFORD[(moment >> shift) & 31]) for shift in range(45, -1, -5))


new_id = _Source().next


def new_trace() -> bytes:
    """A traceparent field's value: trace id and parent id are never 0 (W3C Trace Context section 3.2.2), nor secret."""
    digits = b"%048x" % (random.getrandbits(192) | ODD)
    return b"00-%b-%b-01" % (digits[:32], digits[32:])

"""Header lines that were seen before, or are plain: heads made of them need no parser. Pure.

Most lines of a head come again, from the same client or from another. What llhttp says of a line does not depend on
those around it, but for lines that frame a message; so a line is looked at once, and a head is a look-up for each of
its lines. What is not plain is left to llhttp: lines that frame or upgrade, empty values, odd spaces, folded lines.
"""

from __future__ import annotations

import re
from typing import Final

from ..model import headers as classes

Pair = tuple[bytes, bytes]

# A token, one colon, one space, and a value of visible characters, spaces and tabs within (RFC 9110 section 5.5).
LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)")
FRAMING: Final = frozenset((b"transfer-encoding", b"upgrade", b"proxy-connection", b"trailer", b"te", b"expect"))
OPTIONS: Final = frozenset((b"keep-alive", b"close"))  # of Connection, the only ones that are plain
LENGTH: Final = re.compile(rb"[0-9]{1,15}")
# Their values are new each time: not worth remembering.
VARYING: Final = frozenset(
    name.encode()
    for name in (*classes.TRACE, *classes.RUN_IDS, *classes.MOMENTS, *classes.VALIDATORS, "content-length")
)  # fmt: skip
MOST: Final = 8192  # lines remembered
LONGEST: Final = 1024  # bytes of the longest of them
MOST_FIELDS: Final = 1000

_known: dict[bytes, Pair] = {}


def pairs_of(head: bytes, start: int) -> list[Pair] | None:
    """The headers of a head whose lines begin at `start` and that ends with an empty line; None when a parser has to
    look at it."""
    lines = head[start:-4].split(b"\r\n")
    found = [*map(_known.get, lines)]
    lengths = 0
    for at, pair in enumerate(found):
        if pair is None:
            found[at] = pair = _learn(lines[at])
            if pair is None:
                return None
            if len(pair[0]) == 14 and pair[0].lower() == b"content-length":
                lengths += 1  # it varies, so that each is learnt
    if lengths > 1 or len(lines) > MOST_FIELDS:
        return None
    return found  # type: ignore[return-value]  # none of them is None any more


def _learn(line: bytes) -> Pair | None:
    """The name and value of a line that is plain."""
    match = LINE.fullmatch(line)
    if match is None:
        return None
    name, value = match.groups()
    low = name.lower()
    if low in FRAMING or (low == b"connection" and value.lower() not in OPTIONS):
        return None
    if low == b"content-length" and not LENGTH.fullmatch(value):
        return None
    pair = name, value
    if low not in VARYING and len(line) <= LONGEST:
        if len(_known) >= MOST:
            _known.clear()
        _known[line] = pair
    return pair

"""Header lines that were seen before, or are plain: heads made of them need no parser. Pure.

Most lines of a head come again, from the same client or from another. What llhttp says of a line does not depend on
those around it, but for lines that frame a message; so a line is looked at once, and a head is a look-up for each of
its lines. What is not plain is left to llhttp: lines that frame or upgrade, empty values, odd spaces, folded lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

from ..model import headers as classes
from ..model.caches import LONGEST_NAME, BoundedCache, of_process
from .header_rules import FORWARD, REQUEST, RESPONSE

Item = TypeVar("Item")
Pair = tuple[bytes, bytes]

# A token, one colon, one space, and a value of visible characters, spaces and tabs within (RFC 9110 section 5.5).
VALUE: Final = re.compile(rb"[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?")
LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): (" + VALUE.pattern + rb")")
FRAMING: Final = frozenset((b"transfer-encoding", b"upgrade", b"proxy-connection", b"trailer", b"te", b"expect"))
OPTIONS: Final = frozenset((b"keep-alive", b"close"))  # of Connection, the only ones that are plain
LENGTH: Final = re.compile(rb"[0-9]{1,15}")
# Their values are new each time: not worth remembering.
VARYING: Final = frozenset(
    name.encode()
    for name in (*classes.TRACE, *classes.RUN_IDS, *classes.MOMENTS, *classes.VALIDATORS, "content-length")
)  # fmt: skip
MOST: Final = 8192  # lines remembered
LONGEST: Final = 2048  # bytes of the longest of them
MOST_FIELDS: Final = 1000
LARGEST_SHAPE: Final = 8192  # bytes of a head whose shape is remembered

MOST_SPELLINGS: Final = 4096  # names of which it is known whether their values vary
OFTEN: Final = 64  # values of a name, after which each is taken for new

_known: BoundedCache[bytes, Pair] = of_process(MOST)
_values: dict[bytes, int] = {}  # how many values a name had
_varying: dict[bytes, bool] = {}  # names whose every value is taken for new; whether it is Content-Length


class ParsedHead(NamedTuple):
    """The headers of a head, and those of its lines whose values vary; `places` is None when one of the others is new:
    it may come again."""

    pairs: list[Pair]
    places: tuple[int, ...] | None
    lines: list[bytes]  # at these places

    @property
    def is_small(self) -> bool:
        """Whether what it has in common with others may be remembered: strangers choose how much that is."""
        return sum(len(name) + len(value) for name, value in self.pairs) <= LARGEST_SHAPE

    @property
    def key(self) -> tuple[Any, ...]:
        """What all heads have in common that differ at these places only."""
        key: list[Any] = self.pairs.copy()
        for at in self.places or ():
            key[at] = key[at][0]
        return tuple(key)


def parsed_head(head: bytes, start: int) -> ParsedHead | None:
    """The headers of a head whose lines begin at `start` and that ends with an empty line; None when a parser has to
    look at it."""
    lines = head[start:-4].split(b"\r\n")
    found: list[Any] = [*map(_known.get, lines)]
    places, lengths, is_new = [], 0, False
    for at, pair in enumerate(found):
        if pair is not None:
            continue
        name, _, value = lines[at].partition(b": ")
        is_length = _varying.get(name)
        found[at] = name, value
        if is_length is None or (LENGTH if is_length else VALUE).fullmatch(value) is None:
            learnt = _learn(lines[at])
            if learnt is None:
                return None
            found[at] = learnt
            is_length = _varying.get(learnt[0])
        if is_length is None:
            is_new = True
        else:
            places.append(at)
            lengths += is_length
    if lengths > 1 or len(lines) > MOST_FIELDS:
        return None
    return ParsedHead(found, None if is_new else tuple(places), [lines[at] for at in places])


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
    if not _varies(name, low) and len(line) <= LONGEST:
        _known.keep(line, pair)
    return pair


def _varies(name: bytes, low: bytes) -> bool:
    """Whether each value of this name is taken for new. Of names that say something to the gateway none is."""
    if name in _varying or len(name) > LONGEST_NAME:
        return True
    if len(_values) >= MOST_SPELLINGS:
        _values.clear()
        _varying.clear()
    count = _values[name] = _values.get(name, 0) + (REQUEST[name] == FORWARD == RESPONSE[name])
    if low in VARYING or count >= OFTEN:
        _varying[name] = low == b"content-length"
    return name in _varying


class ListTemplate(Generic[Item]):
    """A list of which some items vary."""

    __slots__ = ("_items", "_places")

    def __init__(self, items: Sequence[Item], varying: Sequence[Item]) -> None:
        """`varying` are those that do, no two of them equal; one that is not among the items is left out."""
        self._items = list(items)
        number = {item: at for at, item in enumerate(varying)}
        self._places = [(at, number[item]) for at, item in enumerate(items) if item in number]

    @property
    def places(self) -> tuple[int, ...]:
        """Where the varying items stand."""
        return tuple(at for at, _ in self._places)

    def fill(self, varying: Sequence[Item]) -> list[Item]:
        """The list with others in their places."""
        items = self._items.copy()
        for at, number in self._places:
            items[at] = varying[number]
        return items

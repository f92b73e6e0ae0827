"""Where a list goes on: the cursors of pages, and how many items one may have. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import UsageError


@dataclass(frozen=True, slots=True)
class CursorPlace:
    """Where a list of recordings goes on: before this number, or, with a `step`, at it: `met` are the groups (bits)
    that its exchanges from that step on have met, as far as they are not indexed."""

    number: int
    step: int | None = None
    met: int = 0

    def __str__(self) -> str:
        return str(self.number) if self.step is None else f"{self.number}.{self.step}.{self.met}"


def place_of(cursor: str | None) -> CursorPlace:
    """The cursor of a list of recordings: a number, or one with a step and what was met from there on."""
    match = re.fullmatch(r"([0-9]{1,18})\.([0-9]{1,18})\.([0-9]{1,18})", cursor or "")
    if match:
        return CursorPlace(int(match[1]), int(match[2]), int(match[3]))
    return CursorPlace(number_of(cursor, default=1 << 62))


def number_of(cursor: str | None, *, default: int) -> int:
    """A cursor that is a number; UsageError for anything else."""
    if cursor is None:
        return default
    if not re.fullmatch(r"[0-9]{1,18}", cursor):
        raise UsageError(f"{cursor!r} is no cursor", hint="take it from the 'next' of the page before")
    return int(cursor)


def limit_of(limit: int) -> int:
    """How many items a page has. UsageError below 1."""
    if limit < 1:
        raise UsageError(f"a limit of {limit} shows nothing", hint="1 or more")
    return min(limit, 1_000_000)

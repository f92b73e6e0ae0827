"""Which recordings are past their retention limit: too old, or the oldest of too many. Pinned ones never. I/O."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from ..sql import SqlConnection

DAY: Final = 86400.0
RECENT: Final = 3600.0  # seconds: what was written to so lately is not taken away for want of room
ROW: Final = 1500  # bytes of an exchange besides its bodies and heads: its row, its indexes, its words

SIZE: Final = """
SELECT coalesce(sum(length(e.request_head) + length(e.response_head)
    + coalesce((SELECT length(data) FROM bodies b WHERE b.sha256 = e.request_body), 0)
    + coalesce((SELECT length(data) FROM bodies b WHERE b.sha256 = e.response_body), 0)), 0)
FROM exchanges e WHERE e.recording = ?
"""
OLDEST: Final = """
SELECT id, steps, updated_at FROM recordings WHERE pinned = 0 AND steps > 0 AND updated_at < ? ORDER BY updated_at, seq
"""


@dataclass(frozen=True, slots=True)
class Stale:
    """A recording that may go. `bytes` is about what its deletion gives back: bodies that others have, too, stay."""

    recording: str
    steps: int
    updated_at: float
    bytes: int
    why: Literal["age", "room"]


def stale(
    connection: SqlConnection, *, days: float | None, bytes: int | None, now: float, size: Callable[[], int]
) -> list[Stale]:
    """The oldest first. `days` is the greatest age of a recording, `bytes` the greatest size of all together; `size` is
    what they take now."""
    found: list[Stale] = []
    excess = size() - bytes if bytes is not None else 0
    young = now - days * DAY if days is not None else float("-inf")
    until = max(young, now - RECENT) if excess > 0 else young
    for id, steps, updated_at in connection.execute(OLDEST, (until,)):
        too_old = updated_at < young
        if not too_old and excess <= 0:
            break
        gives = int(connection.execute(SIZE, (id,)).fetchone()[0]) + ROW * steps
        found.append(Stale(id, steps, updated_at, gives, "age" if too_old else "room"))
        excess -= gives
    return found


def used(connection: sqlite3.Connection) -> int:
    """Bytes of the file that hold something."""
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size

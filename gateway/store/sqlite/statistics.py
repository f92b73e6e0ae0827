"""What the recordings file holds, in numbers that can be checked against it. I/O."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, fields
from typing import Final

from .full_text import waiting

EXCHANGES: Final = """
SELECT count(*), coalesce(sum(state = 'open'), 0), coalesce(sum(state = 'interrupted'), 0),
    coalesce(sum(failure_kind IS NOT NULL), 0),
    coalesce(sum(stream = '' AND (coalesce(request_kept, rq.size, 0) < request_size
        OR coalesce(response_kept, rs.size, 0) < response_size)), 0),
    coalesce(sum(request_size), 0), coalesce(sum(response_size), 0), min(started_at), max(started_at)
FROM exchanges
LEFT JOIN bodies rq ON rq.sha256 = request_body LEFT JOIN bodies rs ON rs.sha256 = response_body
"""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of rows, sizes in bytes, times in epoch seconds. `truncated` are exchanges of which a body was cut."""

    recordings: int
    pinned: int
    exchanges: int
    open: int
    interrupted: int
    failed: int
    truncated: int
    request_bytes: int  # that passed
    response_bytes: int
    oldest: float | None
    newest: float | None
    bodies: int  # different ones
    body_bytes: int  # as they passed
    stored_body_bytes: int  # as they are stored
    pieces: int  # of streams
    secrets: int  # sealed, each recording's by itself
    unindexed: int  # exchanges that full text does not know yet
    missed: int  # that clients got and no file holds, since the file was begun
    file_bytes: int
    free_bytes: int  # that deletions left, for what comes


def statistics(connection: sqlite3.Connection) -> Statistics:
    """Reads every exchange's row: seconds for a million."""

    def ask(sql: str) -> list[float | None]:
        return list(connection.execute(sql).fetchone())

    (page,) = ask("PRAGMA page_size")
    counted = [
        *ask("SELECT count(*), coalesce(sum(pinned), 0) FROM recordings WHERE steps > 0"),
        *ask(EXCHANGES),
        *ask("SELECT count(*), coalesce(sum(size), 0), coalesce(sum(length(data)), 0) FROM bodies"),
        *ask("SELECT count(*) FROM chunks"),
        *ask("SELECT count(*) FROM secrets"),
        waiting(connection),
        missed(connection),
        *((pages or 0) * (page or 0) for name in ("page_count", "freelist_count") for pages in ask(f"PRAGMA {name}")),
    ]
    named = dict(zip((one.name for one in fields(Statistics)), counted, strict=True))
    return Statistics(**named)  # type: ignore[arg-type]


def missed(connection: sqlite3.Connection) -> int:
    """By the runs that ended; what the present one missed is in its ledger."""
    return int(connection.execute("SELECT coalesce(max(value), 0) FROM marks WHERE name = 'missed'").fetchone()[0])

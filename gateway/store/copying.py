"""Copies a store into another one, on any engine: the same ids, bytes and order; safe to repeat, and to stop. I/O.

Rows go as they are, in the order in which they were recorded, so that lists, exports and replays of the copy are those
of the original. What is there already, by its id, is left alone. Sealed secrets stay sealed: the copy needs the same
keys. Not copied: where sessions go on, what demos keep of them, and the index of words, which is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from .batch import Batch, Stored
from .sqlite.full_text import rows_of
from .sqlite.rows import COLUMNS

if TYPE_CHECKING:
    from .recorder import SqliteRecorder
    from .sql import SqlConnection
    from .sqlite.reader import StoreReader
    from .tables import Tables

SOME: Final = 100  # exchanges of one transaction
AT_ONCE: Final = 500  # values of one look-up
FACTS: Final = "id, session, title, kind, parent, branched_at, started_at, updated_at, pinned"
# What lies beside the recordings: (table, columns). A row that is there with the same values is not added.
BESIDE: Final = (
    ("notes", ("recording", "step", "text", "written_at")),
    ("tags", ("recording", "step", "tag")),
    ("decisions", ("recording", "verdict", "what", "decided_at")),
    ("revisions", ("id", "accepted_at", "source", "changes", "text")),
    ("builds", ("cluster", "environment", "build", "since")),
    ("audit", ("at", "action", "subject", "detail", "source", "role", "login", "session", "address")),
)


@dataclass(frozen=True, slots=True)
class Copied:
    """`exchanges` that are new in the copy, `skipped` that were there already."""

    recordings: int
    exchanges: int
    skipped: int


def copy_store(
    source: StoreReader, target: SqliteRecorder, seen: Callable[[int], object] = lambda count: None
) -> Copied:
    """Everything of a store into the one that a recorder writes. Blocking; `seen` hears of exchanges as they go.

    StoreError when one of both cannot be read or written; what was copied until then stays, and is not copied again.
    """
    count = added = 0
    for batch in _batches(source):
        found = len(batch.exchanges)
        added += target.change(partial(_add, batch=batch)).result()
        count += found
        seen(count)
    with source._reading() as connection:
        recordings = [tuple(row) for row in rows_of(connection, f"SELECT {FACTS} FROM recordings ORDER BY seq", ())]
        beside = [
            (table, names, [tuple(row) for row in rows_of(connection, _all_of(table, names), ())])
            for table, names in BESIDE
        ]
    target.change(lambda tables: _add_beside(tables, recordings, beside)).result()
    return Copied(len(recordings), added, count - added)


def _all_of(table: str, names: Sequence[str]) -> str:
    return f"SELECT {', '.join(names)} FROM {table} ORDER BY seq"


def _batches(source: StoreReader) -> Iterator[Batch]:
    """The exchanges as they were recorded, with their bodies, pieces and secrets."""
    sql = f"SELECT seq, {', '.join(COLUMNS)} FROM exchanges WHERE seq > ? ORDER BY seq LIMIT ?"
    last = 0
    while True:
        with source._reading() as connection:
            rows = rows_of(connection, sql, (last, SOME))
            if not rows:
                return
            last = rows[-1]["seq"]
            batch = Batch(lambda capture: capture, None, Stored())
            batch.exchanges = [tuple(row)[1:] for row in rows]
            keys = {row[side] for row in rows for side in ("request_body", "response_body")} - {None}
            bodies = _where(connection, "SELECT sha256, size, packed, data FROM bodies WHERE sha256 IN ({})", keys)
            batch.bodies = {row[0]: row for row in bodies}
            batch.chunks = _where(
                connection, "SELECT exchange, number, at_ms, sent, size, data FROM chunks WHERE exchange IN ({})",
                {row["id"] for row in rows if row["stream"]},
            )  # fmt: skip
            secrets = "SELECT recording, placeholder, sealed FROM secrets WHERE recording IN ({})"
            found = _where(connection, secrets, {row["recording"] for row in rows})
            batch.secrets = {(recording, name): sealed for recording, name, sealed in found}
        yield batch


def _where(connection: SqlConnection, sql: str, values: set[Any]) -> list[Any]:
    ordered, found = sorted(values), list[Any]()
    for at in range(0, len(ordered), AT_ONCE):
        some = ordered[at : at + AT_ONCE]
        found += [tuple(row) for row in rows_of(connection, sql.format(",".join("?" * len(some))), some)]
    return found


def _add(tables: Tables, batch: Batch) -> int:
    """Write what is not there yet; how many exchanges that were."""
    there = {row[0] for row in _where(tables.connection, "SELECT id FROM exchanges WHERE id IN ({})",
                                      {row[0] for row in batch.exchanges})}  # fmt: skip
    batch.exchanges = [_ended(row) for row in batch.exchanges if row[0] not in there]
    tables.write(batch)
    return len(batch.exchanges)


def _ended(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """What was under way goes on at the original alone."""
    at = COLUMNS.index("state")
    return (*row[:at], "interrupted", *row[at + 1 :]) if row[at] == "open" else row


def _add_beside(
    tables: Tables, recordings: Sequence[tuple[Any, ...]],
    beside: Sequence[tuple[str, Sequence[str], Sequence[tuple[Any, ...]]]],
) -> None:  # fmt: skip
    set_facts = """
UPDATE recordings SET session = ?, title = ?, kind = ?, parent = ?, branched_at = ?, started_at = ?, updated_at = ?,
    pinned = ? WHERE id = ?
"""
    with tables.transaction():
        tables.connection.executemany(set_facts, [(*facts, id) for id, *facts in recordings])
        for table, names, rows in beside:
            known = {tuple(row) for row in rows_of(tables.connection, _all_of(table, names), ())}
            sql = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
            tables.connection.executemany(sql, [row for row in rows if row not in known])

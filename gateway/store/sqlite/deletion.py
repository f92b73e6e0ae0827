"""Deletes recordings with all that belongs to them, and gives the room back. On the writer's connection. I/O.

A body may belong to many exchanges, and no index says to which: one would cost every exchange more than deletions are
worth. So the bodies of a deleted recording are noted as `orphans`, and the exchanges are looked through for them piece
by piece, while the writer has nothing else to do. A small file is done at once.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import Final

from ...ids import new_id
from . import drift, full_text

Connection = sqlite3.Connection

PIECE: Final = 20_000  # exchanges looked through at once: about 20 ms
OWN: Final = ("exchanges", "uses", "secrets", "notes", "tags", "decisions")


def delete_rows(connection: Connection, recording: str) -> bool:
    """Everything but the bodies, which become orphans; whether a session was recording into it.

    Such a session begins another recording.
    """
    run = connection.execute
    for side in ("request_body", "response_body"):
        of = f"SELECT {side} FROM exchanges WHERE recording = ? AND {side} IS NOT NULL"
        run(f"INSERT OR IGNORE INTO orphans {of}", (recording,))
    run("DELETE FROM chunks WHERE exchange IN (SELECT id FROM exchanges WHERE recording = ?)", (recording,))
    full_text.forget(connection, recording)
    drift.forget(connection, recording)
    for table in OWN:
        run(f"DELETE FROM {table} WHERE recording = ?", (recording,))
    run("DELETE FROM recordings WHERE id = ?", (recording,))
    full_text.forgotten(connection)
    drift.forgotten(connection)
    anew = "UPDATE sessions SET recording = ?, steps = 0, title = '' WHERE recording = ? AND id = ?"
    sessions = [id for (id,) in run("SELECT id FROM sessions WHERE recording = ?", (recording,))]
    for session in sessions:
        run(anew, (new_id(), recording, session))
    return bool(sessions)


class Sweeper:
    """Deletes the orphans that no exchange has, a piece of the work at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._seen = 0  # up to this exchange none has an orphan that is left

    def restart(self) -> None:
        """There are new orphans: exchanges seen already may have them."""
        self._seen = 0

    def sweep(self) -> bool:
        """One piece, inside a transaction; whether there is more to do."""
        run = self._connection.execute
        if not run("SELECT 1 FROM orphans LIMIT 1").fetchone():
            return False
        last = int(run("SELECT coalesce(max(seq), 0) FROM exchanges").fetchone()[0])
        until = min(last, self._seen + PIECE)
        for side in ("request_body", "response_body"):
            had = f"SELECT {side} FROM exchanges WHERE seq > ? AND seq <= ? AND {side} IS NOT NULL"
            run(f"DELETE FROM orphans WHERE sha256 IN ({had})", (self._seen, until))
        self._seen = until
        if until < last:
            return True
        run("DELETE FROM bodies WHERE sha256 IN (SELECT sha256 FROM orphans)")
        run("DELETE FROM orphans")
        self._seen = 0
        return False


def give_back_room(connection: Connection) -> None:
    """Make the file smaller by its free pages. What fails is done by the next deletion."""
    with suppress(sqlite3.Error):
        connection.executescript("PRAGMA incremental_vacuum")  # execute() would stop after its first step

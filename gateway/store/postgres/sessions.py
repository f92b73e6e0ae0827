"""Sessions that several gateways share: a session has one home at a time, and moves with its client. I/O.

    a request of a session that is not in memory here
        ─ claim: one statement makes this gateway its home, and brings recording, step, pins, faults, place
    the home before
        ─ changed: looks at the table four times a second, forgets the session, and claims it when its client is back

Until the old home has looked, both may take the session for theirs. Then numbers of steps are settled by the writer
(tables.py), and a row is changed by its home alone.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from ...errors import StoreError
from ...ids import new_id
from ...protocols import LiveSession
from ..sqlite.reader import session_of
from .connection import Database, connect, failed

log = logging.getLogger("gateway.store")

# One that nobody knows gets its row here, so that two gateways with its first requests do not both begin it.
CLAIM: Final = """
INSERT INTO sessions AS s (id, recording, steps, seen, home) VALUES (?, ?, 0, ?, ?)
ON CONFLICT (id) DO UPDATE SET home = excluded.home, changed_at = now()
RETURNING s.*, coalesce((SELECT max(step) FROM exchanges e WHERE e.recording = s.recording), 0) AS last
"""
# A transaction that began before the last look may have committed since: what it changed has an older time.
CHANGED: Final = """
SELECT s.*, s.steps AS last, extract(epoch FROM s.changed_at)::float8 AS at FROM sessions s
WHERE s.changed_at > to_timestamp(?) AND s.home <> ? ORDER BY s.changed_at LIMIT 10000
"""
OVERLAP: Final = 1.0  # seconds
AT_MOST: Final = "-c statement_timeout=200 -c lock_timeout=200"
PAUSE: Final = 5.0  # seconds after a failure in which nobody waits for the database again
CONNECT: Final = 1


class SharedSessions:
    """Implements protocols.SharedSessionStore. `claim` is for one thread, `changed` for another."""

    def __init__(self, url: str, gateway: str) -> None:
        self._url, self._gateway = url, gateway
        self._claiming: Database | None = None
        self._looking: Database | None = None
        self._again_at = 0.0
        self._since = time.time() - OVERLAP  # of the database's clock, once it was asked
        self._asked = False

    def claim(self, id: str) -> tuple[LiveSession, str] | None:
        if time.monotonic() < self._again_at:
            return None
        try:
            if self._claiming is None:
                self._claiming = connect(self._url, options=AT_MOST, patience=CONNECT)
            row = self._claiming.execute(CLAIM, (id, new_id(), time.time(), self._gateway)).fetchone()
        except Exception as error:
            self._again_at = time.monotonic() + PAUSE
            if self._claiming is not None:
                self._claiming.close()
                self._claiming = None
            log.warning("sessions of other gateways begin anew here for %g s: %s", PAUSE, _told(self._url, error))
            return None
        return (session_of(row), row["playing"]) if row is not None else None

    def changed(self) -> list[LiveSession]:
        try:
            if self._looking is None:
                self._looking = connect(self._url, read_only=True, patience=CONNECT)
            if not self._asked:
                row = self._looking.execute("SELECT extract(epoch FROM now())::float8").fetchone()
                self._since, self._asked = (row[0] if row else 0.0), True
            rows = self._looking.execute(CHANGED, (self._since - OVERLAP, self._gateway)).fetchall()
        except Exception as error:
            if self._looking is not None:
                self._looking.close()
                self._looking = None
            raise error if isinstance(error, StoreError) else failed(self._url, error) from None
        if rows:
            self._since = rows[-1]["at"]
        return [session_of(row) for row in rows]

    def close(self) -> None:
        for connection in (self._claiming, self._looking):
            if connection is not None:
                connection.close()
        self._claiming = self._looking = None


def _told(url: str, error: Exception) -> str:
    return (error if isinstance(error, StoreError) else failed(url, error)).message

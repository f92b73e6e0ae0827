"""Sessions that several gateways share: a session has one home at a time, and moves with its client. I/O.

    a request of a session that is not in memory here
        ─ claim: one statement makes this gateway its home, and brings recording, step, pins, faults, place
    the home before
        ─ changed: looks at the table four times a second, forgets the session, and claims it when its client is back

Until the old home has looked, both may take the session for theirs. Then numbers of steps are settled by the writer
(tables.py), a row is changed by its home alone, and sessions/sharing.py asks where it matters.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from ...errors import StoreError
from ...ids import new_id
from ...protocols import LiveSession
from ..sqlite.reader import session_of
from .connection import Database, connect, failed
from .tables import LIVES

log = logging.getLogger("gateway.store")

# One that nobody knows gets its row here, so that two gateways with its first requests do not both begin it.
CLAIM: Final = """
INSERT INTO sessions AS s (id, recording, steps, seen, home) VALUES (?, ?, 0, ?, ?)
ON CONFLICT (id) DO UPDATE SET home = excluded.home, changed_at = now(), changed_in = pg_current_xact_id()
RETURNING s.*, coalesce((SELECT max(step) FROM exchanges e WHERE e.recording = s.recording), 0) AS last
"""
HOME: Final = "SELECT home FROM sessions WHERE id = ?"
# What the last look did not see was changed by a transaction that was under way then, or began later: its number is
# not below the oldest of that look. Times would miss one that took long to commit. The minute keeps a look small while
# somebody else's transaction is open for hours; none of a gateway's own is open for 30 s (writer.py).
CHANGED: Final = """
SELECT s.*, s.steps AS last FROM sessions s
WHERE s.changed_in >= ?::text::xid8 AND s.changed_at > now() - interval '1 minute' AND s.home <> ?
"""
# The moment of a look is before what it sees: what was committed earlier by the database's clock is in it.
LOOK: Final = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS oldest, now()::text AS at,
    EXISTS (SELECT 1 FROM gateways WHERE asked_at > now() - interval '5 seconds' AND name <> ?)
        OR NOT EXISTS (SELECT 1 FROM gateways WHERE beat_at > now() - interval '5 seconds' AND name = ?) AS asked
"""
# Others wait for a gateway that lives: it is one, even while its writer is held up.
HEARD: Final = """
INSERT INTO gateways (heard_at, name, beat_at) VALUES (?::text::timestamptz, ?, now())
ON CONFLICT (name) DO UPDATE SET heard_at = excluded.heard_at, beat_at = now()
"""
ASKED: Final = """
INSERT INTO gateways AS g (name, beat_at, asked_at) VALUES (?, now(), now())
ON CONFLICT (name) DO UPDATE SET asked_at = now() RETURNING asked_at::text
"""
DEAF: Final = f"""
SELECT EXISTS (
    SELECT 1 FROM gateways WHERE name <> ? AND beat_at > now() - interval '{LIVES} seconds'
    AND (heard_at IS NULL OR heard_at < ?::text::timestamptz)
)
"""
AGAIN: Final = 0.02  # seconds between two looks whether all have heard
AT_MOST: Final = "-c statement_timeout=1000 -c lock_timeout=1000"
ONE_STATE: Final = "-c default_transaction_isolation=repeatable\\ read"
LOOKING: Final = f"-c statement_timeout=1000 -c synchronous_commit=off {ONE_STATE}"
PAUSE: Final = 5.0  # seconds after a failure in which nobody waits for the database again
CONNECT: Final = 1


class SharedSessions:
    """Implements protocols.SharedSessionStore. `claim` and `is_elsewhere` are for one thread, `changed` and `heard` for
    another, `wait_until_heard` for a third."""

    def __init__(self, url: str, gateway: str) -> None:
        self._url, self._gateway = url, gateway
        self._claiming: Database | None = None
        self._looking: Database | None = None
        self._waiting: Database | None = None
        self._again_at = 0.0
        self._oldest = ""  # transaction that the last look may not have seen
        self._looked_at = ""  # by the database's clock, where somebody asked

    def claim(self, id: str) -> tuple[LiveSession, str] | None:
        row = self._asked_now(CLAIM, (id, new_id(), time.time(), self._gateway))
        return (session_of(row), row["playing"]) if row is not None else None

    def is_elsewhere(self, id: str) -> bool | None:
        row = self._asked_now(HOME, (id,))
        return row["home"] != self._gateway if row is not None else None

    def _asked_now(self, sql: str, values: tuple[object, ...]) -> Any:
        """A row, while the event loop waits; None where there is none, and for a while after a failure."""
        if time.monotonic() < self._again_at:
            return None
        try:
            if self._claiming is None:
                self._claiming = connect(self._url, options=AT_MOST, patience=CONNECT)
            return self._claiming.execute(sql, values).fetchone()
        except Exception as error:
            self._again_at = time.monotonic() + PAUSE
            if self._claiming is not None:
                self._claiming.close()
                self._claiming = None
            log.warning("sessions of other gateways begin anew here for %g s: %s", PAUSE, _told(self._url, error))
            return None

    def changed(self) -> list[LiveSession]:
        try:
            if self._looking is None:
                self._looking = connect(self._url, options=LOOKING, patience=CONNECT)
            with self._looking.raw.transaction():
                look: Any = self._looking.execute(LOOK, (self._gateway, self._gateway)).fetchone()
                since = self._oldest or look["oldest"]
                rows = self._looking.execute(CHANGED, (since, self._gateway)).fetchall()
        except Exception as error:
            raise self._lost(error) from None
        self._oldest = look["oldest"]
        self._looked_at = look["at"] if look["asked"] else ""
        return [session_of(row) for row in rows]

    def heard(self) -> None:
        if self._looked_at and self._looking is not None:
            try:
                self._looking.execute(HEARD, (self._looked_at, self._gateway))
            except Exception as error:
                raise self._lost(error) from None

    def _lost(self, error: Exception) -> StoreError:
        if self._looking is not None:
            self._looking.close()
            self._looking = None
        return error if isinstance(error, StoreError) else failed(self._url, error)

    def wait_until_heard(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        try:
            if self._waiting is None:
                self._waiting = connect(self._url, options=LOOKING, patience=CONNECT)
            asked: Any = self._waiting.execute(ASKED, (self._gateway,)).fetchone()
            while time.monotonic() < until:
                deaf: Any = self._waiting.execute(DEAF, (self._gateway, asked[0])).fetchone()
                if not deaf[0]:
                    return
                time.sleep(AGAIN)
        except Exception as error:
            if self._waiting is not None:
                self._waiting.close()
                self._waiting = None
            log.warning("other gateways may hear late of a session's change: %s", _told(self._url, error))
            time.sleep(max(0.0, until - time.monotonic()))

    def close(self) -> None:
        for connection in (self._claiming, self._looking, self._waiting):
            if connection is not None:
                connection.close()
        self._claiming = self._looking = self._waiting = None


def _told(url: str, error: Exception) -> str:
    return (error if isinstance(error, StoreError) else failed(url, error)).message

"""The routes that gateways share: one text, its version, and who may set the next one. I/O."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, TypeVar

from ...errors import StoreError
from ...model.recording import Revision
from ...protocols import SharedRevision
from .connection import Database, connect, failed

Result = TypeVar("Result")

READ: Final = "SELECT version, id, accepted_at, source, changes, text FROM routes"
# The database's clock, in the words of `Revision`: what two gateways accepted is in the order of their versions.
ACCEPTED: Final = """to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
FIRST: Final = f"""
INSERT INTO routes (version, id, accepted_at, source, changes, text) VALUES (1, ?, {ACCEPTED}, ?, ?, ?)
ON CONFLICT DO NOTHING RETURNING accepted_at
"""
NEXT: Final = f"""
UPDATE routes SET version = version + 1, id = ?, accepted_at = {ACCEPTED}, source = ?, changes = ?, text = ?
WHERE version = ? RETURNING accepted_at
"""
HISTORY: Final = "INSERT INTO revisions (id, accepted_at, source, changes, text) VALUES (?, ?, ?, ?, ?)"
AT_MOST: Final = "-c statement_timeout=5000 -c lock_timeout=5000"
CONNECT: Final = 2


class SharedRoutes:
    """Implements protocols.SharedRoutesStore. For one thread at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Database | None = None
        self._identity = ""

    def identity(self) -> str:
        if not self._identity:
            row = self._asked(lambda ask: ask("SELECT value FROM facts WHERE name = 'id'", ()).fetchone())
            self._identity = str(row[0]) if row else ""
        return self._identity

    def version(self) -> int:
        row = self._asked(lambda ask: ask("SELECT version FROM routes", ()).fetchone())
        return int(row[0]) if row else 0

    def read(self) -> SharedRevision | None:
        row = self._asked(lambda ask: ask(READ, ()).fetchone())
        if row is None:
            return None
        version, id, accepted_at, source, changes, text = row
        return SharedRevision(version, Revision(id, accepted_at, source, tuple(json.loads(changes)), text))

    def propose(self, seen: int, revision: Revision) -> bool:
        changes = json.dumps(list(revision.changes), ensure_ascii=False)
        values = (revision.id, revision.source, changes, revision.text)

        def work(ask: Callable[..., Any]) -> bool:
            row = ask(NEXT, (*values, seen)).fetchone() if seen else ask(FIRST, values).fetchone()
            if row is not None:
                ask(HISTORY, (revision.id, row[0], revision.source, changes, revision.text))
            return row is not None

        return self._asked(work)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _asked(self, work: Callable[[Callable[..., Any]], Result]) -> Result:
        """In one transaction. StoreError while the database is away."""
        try:
            if self._connection is None:
                self._connection = connect(self._url, options=AT_MOST, patience=CONNECT)
            with self._connection.raw.transaction():
                return work(self._connection.execute)
        except Exception as error:
            self.close()
            raise error if isinstance(error, StoreError) else failed(self._url, error) from None

"""The thread that writes a shared database: each group in one round trip, and into the spool while it is away. I/O.

    asleep ─ ring ─> take a group ─> sealed and made into rows (SharedBatch)
                                       ├─ database: one transaction, then on_safe
                                       ├─ away, or something is spooled: into the spool (one write(2)), then on_safe
                                       └─ neither: tried again; clients wait, then what comes is missed, and counted

Trouble begins with the first failed write and ends with the first that works. A group whose fate is unknown, because
the answer to COMMIT was lost, is spooled as well: written twice it is there once. While anything is spooled, new
groups go behind it, so that a session's exchanges arrive in order; once the spool is empty both ways are one again.

    away, denied, read_only, full    the connection is closed; a fresh one is tried after PAUSES, so that a name is
                                     looked up again, and a standby that was promoted is found
    an answer is late                `hurry` shuts the connection's socket: the thread wakes up with an error
    a row that fails the group       is written one by one; what cannot be stored is counted as missed
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ...errors import StoreError
from ..batch import Batch, Seal, SealPiece, Stored
from ..writer import Entry, GroupWriter, is_end
from .connection import Database, connect, failed
from .routes import SharedRoutes
from .sessions import SharedSessions
from .spool import Spool
from .tables import PostgresTables, SharedBatch

if TYPE_CHECKING:
    from ...protocols import EventSink

log = logging.getLogger("gateway.store")
Result = TypeVar("Result")

PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0)  # seconds between attempts at a new connection
BEAT: Final = 2.0  # seconds between two signs of life
TICK: Final = 1.0  # seconds without work between two looks at what waits
CONNECT: Final = 2  # seconds for a connection to be made: what is queued waits meanwhile
AT_ONCE: Final = 50  # exchanges of the spool in one transaction
JOB_PAUSE: Final = 0.1
AWAY: Final = ("away", "denied", "read_only", "full", "tls", "newer", "too_old")


class PostgresWriter(GroupWriter):
    """Writes a database; `path` is where the gateway's own files lie."""

    batch_class = SharedBatch

    def __init__(
        self, url: str, path: Path, gateway: str, spool: Spool, connection: Database, *, seal: Seal,
        seal_piece: SealPiece | None, durability: str, live: EventSink | None,
    ) -> None:  # fmt: skip
        super().__init__(seal=seal, seal_piece=seal_piece, live=live)
        self.path, self._url, self.gateway, self._spool = path, url, gateway, spool
        self._options, self._sync = session_options(durability), durability == "fsync"
        self._stored = Stored()
        self._tables: PostgresTables | None = PostgresTables(connection, gateway, self._stored)
        self._attempt, self._again_at = 0, 0.0
        self._beat_at = -BEAT
        self._behind = True  # bodies may wait to be swept
        self._has_left = True  # spools of killed gateways

    # -- called on the loop

    def shared_sessions(self) -> SharedSessions:
        return SharedSessions(self._url, self.gateway)

    def shared_routes(self) -> SharedRoutes:
        return SharedRoutes(self._url)

    def hurry(self) -> None:
        """The group in hand waits for an answer of the database: end that wait."""
        tables = self._tables
        if tables is not None:
            with suppress(OSError, ValueError):
                shut = socket.socket(fileno=os.dup(tables.connection.raw.fileno()))
                with shut:
                    shut.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        self._join()
        tables, self._tables = self._tables, None
        if tables is not None:
            with suppress(Exception):
                tables.leave()
            tables.connection.close()
        self._spool.close()

    @property
    def spooled(self) -> int:
        """Bytes that wait for the database."""
        return self._spool.size

    # -- the thread

    def _idle_for(self) -> float:
        return TICK

    def _rest(self) -> None:
        """Nothing is queued: look whether the database is back, send what waits, sweep."""
        tables = self._ready()
        if tables is None:
            return
        try:
            self._beat(tables)
            self._recovered()
            self._catch_up(tables)
            if self._has_left:
                self._send(tables, self._spool.left_behind())
                self._has_left = False
            if self._behind and not self.queue:
                self._behind = tables.tidy()
        except Exception as error:
            self._failed(error)

    def _beat(self, tables: PostgresTables) -> None:
        if time.monotonic() - self._beat_at >= BEAT:
            tables.beat({**self.facts(), "missed": self.missed, "spooled": self.spooled})
            self._beat_at = time.monotonic()

    def _write(self, entries: Sequence[Entry]) -> Sequence[Mapping[str, Any]]:
        made: list[Batch] = []
        try:
            batch = self._batch(entries, made, self._stored)
        except Exception:  # sealing failed
            return [summary for entry in entries for summary in self._write_alone(entry)]
        tables = self._ready() if self._spool.is_empty else None
        if tables is not None:
            try:
                self._beat(tables)  # before what may be open is there
                tables.write(batch)
            except Exception as error:
                if not self._is_away(error):
                    return [summary for entry in entries for summary in self._write_alone(entry)]
                self._failed(error)
                tables = None
            else:
                self._remember(batch)
                self._recovered()
        if tables is None and not self._keep(batch):
            self.missed += sum(map(is_end, entries))
            return ()
        self.recorded += sum(map(is_end, entries))
        if not self._spool.is_empty and (tables := self._ready()) is not None:
            try:
                self._catch_up(tables)
            except Exception as error:
                self._failed(error)
        return self._summaries(batch)

    def _remember(self, batch: Batch) -> None:
        self._stored.remember(batch)
        self._stored.secrets.clear()  # another gateway may delete the recording, and its secrets with it

    def _keep(self, batch: Batch) -> bool:
        """Into the spool; whether it is there."""
        batch.suit(Stored())  # the next start may send it, and knows nothing of what was stored before
        try:
            self._spool.keep(batch, sync=self._sync)
        except OSError as error:
            self._tell(f"neither the database nor the spool takes exchanges: {error.strerror}")
            return False
        return True

    def _catch_up(self, tables: PostgresTables) -> None:
        """Send what is spooled, for as long as nothing else waits."""
        if not self._spool.is_empty:
            self._send(tables, self._spool.waiting())

    def _send(self, tables: PostgresTables, groups: Iterator[Batch]) -> None:
        gathered: Batch | None = None
        for group in groups:
            if gathered is not None:
                gathered.take(group)
            else:
                gathered = group
            if len(gathered.exchanges) >= AT_ONCE or gathered.chunks:
                self._send_one(tables, gathered)
                gathered = None
        if gathered is not None:
            self._send_one(tables, gathered)

    def _send_one(self, tables: PostgresTables, batch: Batch) -> None:
        try:
            tables.write(batch)
        except Exception as error:
            if self._is_away(error):
                raise
            for part in batch.parts():
                self._send_part(tables, part)

    def _send_part(self, tables: PostgresTables, part: Batch) -> None:
        try:
            tables.write(part)
        except Exception as error:
            if self._is_away(error):
                raise
            self.recorded -= len(part.exchanges)
            self.missed += len(part.exchanges)
            log.error("a spooled exchange could not be recorded: %s", error)

    def _written_alone(self, entry: Entry, made: list[Batch], tables: PostgresTables) -> Batch:
        batch = self._batch((entry,), made, self._stored)
        tables.write(batch)
        return batch

    # -- trouble

    def _insist(self, work: Callable[[Any], Result], until: float | None = None) -> Result:
        while True:
            if (tables := self._ready()) is not None:
                try:
                    self._catch_up(tables)  # a change sees what came before it
                    result = work(tables)
                except Exception as error:
                    if not self._is_away(error):
                        raise
                    self._failed(error)
                else:
                    self._recovered()
                    self._behind = True
                    return result
            if self._ending or (until is not None and time.monotonic() > until):
                raise self._trouble or StoreError("the database is away", code="away")
            time.sleep(JOB_PAUSE)

    def _is_away(self, error: Exception) -> bool:
        """Whether the database fails, not what it was asked to keep."""
        if isinstance(error, StoreError):
            return error.code in AWAY
        return type(error).__module__.startswith("psycopg") and failed(self._url, error).code in AWAY

    def _failed(self, error: Exception) -> None:
        trouble = error if isinstance(error, StoreError) else failed(self._url, error)
        if self._trouble is None or self._trouble.message != trouble.message:
            log.error("the database takes nothing, exchanges are spooled: %s", trouble)
        self._trouble = trouble
        tables, self._tables = self._tables, None
        if tables is not None:
            tables.connection.close()
        self._again_at = time.monotonic() + PAUSES[min(self._attempt, len(PAUSES) - 1)]
        self._attempt += 1

    def _recovered(self) -> None:
        self._attempt = 0
        if self._trouble is not None:
            log.warning("the database takes exchanges again")
            self._trouble = None

    def _ready(self) -> PostgresTables | None:
        """The tables, over a fresh connection when it is time for one; None while the database is away."""
        if self._tables is None and time.monotonic() >= self._again_at:
            try:
                connection = connect(self._url, options=self._options, patience=CONNECT)
            except StoreError as error:
                self._failed(error)
            else:
                self._stored.clear()  # it may be another database now
                self._tables = PostgresTables(connection, self.gateway, self._stored)
        return self._tables


def session_options(durability: str) -> str:
    """Settings of the writing session: relaxed may lose up to 0.6 s at a crash of the database, the others nothing."""
    commit = "off" if durability == "relaxed" else "on"
    return f"-c synchronous_commit={commit} -c lock_timeout=10s -c idle_in_transaction_session_timeout=30s"

"""Follows a store behind its writer: for the process that compares exchanges with contracts. I/O; blocking.

A file has one writer, so what is there up to a number is all there will be. In a database that gateways share, a number
may be given out before a smaller one is committed. So a number counts only after every transaction has ended that ran
when it was seen first: until then a smaller one may still appear (PostgreSQL 9.27.8, `pg_current_snapshot`).
"""

from __future__ import annotations

import sqlite3
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .sql import SqlConnection
from .sqlite.files import connect_reader

if TYPE_CHECKING:
    from .postgres.connection import Database

LAST: Final = "SELECT coalesce(max(seq), 0) FROM exchanges"
RUNNING: Final = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text, pg_snapshot_xmax(pg_current_snapshot())::text,
    coalesce(max(seq), 0) FROM exchanges
"""
PATIENCE: Final = 60.0  # seconds for other transactions: those of gateways last milliseconds, a backup may last hours
CHECKER: Final = """
SELECT f.value FROM facts f JOIN gateways g ON g.name = f.value
WHERE f.name = 'checker' AND g.beat_at > now() - interval '15 seconds'
"""


class StoreTail(ABC):
    """One connection that reads, made again after `close`."""

    @abstractmethod
    def open(self) -> SqlConnection:
        """The connection; StoreError and NotFoundError as for any reader."""

    @abstractmethod
    def close(self) -> None:
        """Let the connection go: what failed may work over another one."""

    @abstractmethod
    def last(self) -> int:
        """Up to which number all exchanges are there that there will be; -1 when that is not known yet."""

    def is_mine(self) -> bool:
        """Whether this gateway compares; one of those that share a database does it for all."""
        return True

    def is_failure(self, error: Exception) -> bool:
        """Whether the engine failed."""
        return isinstance(error, sqlite3.Error)


class FileTail(StoreTail):
    """Of a recordings file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect_reader(self._path)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def last(self) -> int:
        return int(self.open().execute(LAST).fetchone()[0])


class DatabaseTail(StoreTail):
    """Of a database that gateways share; `gateway` is the name of the one that this process belongs to."""

    def __init__(self, url: str, gateway: str) -> None:
        self._url, self._gateway = url, gateway
        self._connection: Database | None = None
        self._sure = self._seen = -1  # up to here all is there;
        self._until = 0  # up to what was seen, once the transactions before this one have ended
        self._seen_at = 0.0

    def open(self) -> Database:
        if self._connection is None:
            from .postgres.connection import connect

            self._connection = connect(self._url, read_only=True)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None

    def last(self) -> int:
        """What it was before, until the transactions of its first sight have ended; -1 as long as that is not known."""
        oldest, following, last = map(int, self.open().execute(RUNNING).fetchone() or ())
        if oldest >= self._until or time.monotonic() - self._seen_at > PATIENCE:
            self._sure = self._seen
            self._seen, self._until, self._seen_at = last, following, time.monotonic()
            if oldest >= following:  # nothing runs that writes
                self._sure = last
        return self._sure

    def is_mine(self) -> bool:
        row = self.open().execute(CHECKER).fetchone()
        return row is None or row[0] == self._gateway

    def is_failure(self, error: Exception) -> bool:
        return type(error).__module__.startswith("psycopg")


def tail_of(recordings: str, gateway: str = "") -> StoreTail:
    """Follow a file, or a database by its URL."""
    return DatabaseTail(recordings, gateway) if gateway else FileTail(Path(recordings))

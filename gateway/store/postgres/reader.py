"""Reads a shared database through connections that cannot write: what a file is asked, in PostgreSQL's words. I/O."""

from __future__ import annotations

import json
import select
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final
from weakref import finalize

from ...errors import StoreError
from ...paths import url_of
from ...protocols import Heartbeat
from ..sqlite.filter_sql import Condition
from ..sqlite.full_text import TextSearch
from ..sqlite.operations import RulesOf, no_rules
from ..sqlite.reader import Result, StoreReader
from ..sqlite.retention import Stale, stale
from ..sqlite.statistics import Statistics
from .connection import Database, connect, failed, shown
from .schema import VERSION, check, version_of

if TYPE_CHECKING:
    from ...model.filter import Term
    from ..masking import Mask
    from ..sql import SqlConnection

IDLE: Final = 4  # connections kept for the next reads
# Nested loops over what a filter asks are never worth compiling: it costs 100 ms and more.
READING: Final = "-c default_transaction_isolation=repeatable\\ read -c jit=off"
USED: Final = """
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
"""
GATEWAYS: Final = """
SELECT name, greatest(0, extract(epoch FROM now() - beat_at))::float8 AS age, skew, facts FROM gateways
WHERE beat_at > now() - interval '1 minute' ORDER BY name
"""
EXCHANGES: Final = """
SELECT count(*), count(*) FILTER (WHERE state = 'open'), count(*) FILTER (WHERE state = 'interrupted'),
    count(*) FILTER (WHERE failure_kind IS NOT NULL),
    count(*) FILTER (WHERE stream = '' AND (coalesce(request_kept, rq.size, 0) < request_size
        OR coalesce(response_kept, rs.size, 0) < response_size)),
    coalesce(sum(request_size), 0)::bigint, coalesce(sum(response_size), 0)::bigint, min(started_at), max(started_at)
FROM exchanges
LEFT JOIN bodies rq ON rq.sha256 = request_body LEFT JOIN bodies rs ON rs.sha256 = response_body
"""
BODIES: Final = """
SELECT count(*), coalesce(sum(size), 0)::bigint, coalesce(sum(length(data)), 0)::bigint FROM bodies
"""


class NoTextIndex(TextSearch):
    """Words are looked for in the exchanges themselves (gateway/store/sqlite/search.py): there is no index yet."""

    def __call__(self, term: Term, shard: int) -> Condition:
        return "SELECT NULL::bigint WHERE false", []


class PostgresStore(StoreReader):
    """Implements protocols.Store for a database."""

    text_search: ClassVar[type[TextSearch]] = NoTextIndex

    def __init__(self, path: Path, mask: Mask | None = None, rules: RulesOf = no_rules) -> None:
        super().__init__(path, mask, rules)
        self._url = url_of(path)
        self._idle: deque[Database] = deque()
        finalize(self, _close_all, self._idle)  # a short command need not close what it read
        self._checked = False

    def statistics(self) -> Statistics:
        """What the database holds, counted now: seconds for a million exchanges."""
        with self._reading() as connection:

            def ask(sql: str) -> list[Any]:
                return list(connection.execute(sql).fetchone() or ())

            counted = [
                *ask("SELECT count(*), coalesce(sum(pinned), 0) FROM recordings WHERE steps > 0"), *ask(EXCHANGES),
                *ask(BODIES), *ask("SELECT count(*) FROM chunks"), *ask("SELECT count(*) FROM secrets"),
                *ask("SELECT count(*) FROM exchanges"),  # none is indexed
                *ask("SELECT coalesce(max(value), 0) FROM marks WHERE name = 'missed'"), int(_one(connection, USED)), 0,
            ]  # fmt: skip
        return Statistics(**dict(zip((one.name for one in fields(Statistics)), counted, strict=True)))

    def gateways(self) -> Sequence[Heartbeat]:
        """Those that were alive in the last minute, by name."""
        with self._reading() as connection:
            rows = connection.execute(GATEWAYS).fetchall()
        return [Heartbeat(row["name"], row["age"], row["skew"] or 0.0, json.loads(row["facts"])) for row in rows]

    def stale(self, *, days: float | None, bytes: int | None, now: float) -> list[Stale]:
        """The recordings that no longer need to be kept, the oldest first."""
        with self._reading() as connection:
            return stale(connection, days=days, bytes=bytes, now=now, size=lambda: int(_one(connection, USED)))

    def reading(self, work: Callable[[SqlConnection], Result]) -> Result:
        """What a function reads of findings, through a connection that sees one state of the database."""
        with self._reading() as connection:
            return work(connection)

    def close(self) -> None:
        """Close what is idle. The store may still be used: it connects again."""
        _close_all(self._idle)

    @contextmanager
    def _reading(self) -> Iterator[Database]:
        """A connection that sees one state of the database throughout."""
        connection = self._borrow()
        try:
            with connection.raw.transaction():
                yield connection
        except sqlite3.DatabaseError as error:
            connection.close()
            raise StoreError(f"the database holds what is not understood: {error}", where=shown(self._url)) from None
        except Exception as error:
            if type(error).__module__.startswith("psycopg"):
                connection.close()
                raise failed(self._url, error) from None
            self._give_back(connection)
            raise
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)

    def _borrow(self) -> Database:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            if not _is_lost(connection):
                return connection
            connection.close()
        connection = connect(self._url, read_only=True, options=READING)
        try:
            self._check_version(connection)
        except Exception:
            connection.close()
            raise
        return connection

    def _check_version(self, connection: Database) -> None:
        if self._checked:
            return
        found = version_of(connection)
        if not found:
            hint = "`gateway serve` with this address makes them"
            raise StoreError("the database holds no recordings of the gateway", where=shown(self._url), hint=hint)
        check(found, shown(self._url))
        self._checked = found == VERSION

    def _give_back(self, connection: Database) -> None:
        if len(self._idle) < IDLE and not connection.raw.closed:
            self._idle.append(connection)
        else:
            connection.close()


def _close_all(idle: deque[Database]) -> None:
    while idle:
        with suppress(IndexError):  # another thread took it
            idle.pop().close()


def _one(connection: Database, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return row[0] if row else 0


def _is_lost(connection: Database) -> bool:
    """The server has closed it, which is seen at the socket before anything is asked."""
    if connection.raw.closed or connection.raw.broken:
        return True
    readable, _, _ = select.select([connection.raw.fileno()], [], [], 0)
    return bool(readable)

"""Recordings in one SQLite file: one thread writes, any thread reads. I/O.

open_store reads; open_recorder takes the file for writing, in this process alone. Nothing else is needed outside.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import StoreError, UsageError
from ..paths import url_of
from .batch import Seal, Sealed, SealPiece
from .masking import Mask
from .missed import Ledger
from .recorder import SqliteRecorder
from .sqlite.files import WriterLock, connect_writer, unwritable
from .sqlite.journal import Journal, journal_of, take_over
from .sqlite.operations import RulesOf, no_rules
from .sqlite.reader import SqliteStore, StoreReader
from .sqlite.write_connection import SqliteTables
from .sqlite.writer import WriterThread

if TYPE_CHECKING:
    from ..protocols import EventSink

log = logging.getLogger("gateway.store")

__all__ = [
    "Mask",
    "Seal",
    "SealPiece",
    "Sealed",
    "SqliteRecorder",
    "SqliteStore",
    "StoreReader",
    "open_recorder",
    "open_store",
]

BACKLOG: Final = 64 << 20  # bytes that may wait for a failing store before exchanges are missed
DURABILITIES: Final = ("strict", "relaxed", "fsync")


def open_store(path: Path, mask: Mask | None = None, rules: RulesOf = no_rules) -> StoreReader:
    """Read the recordings of a file or a database. The first read of a missing one raises: NotFoundError for a
    file, StoreError for a database.

    `mask` masks what rules say that are younger than a recording; without it exchanges are read as they were stored.
    `rules` say what a cluster calls a failure inside a 2xx; exchanges carry them.
    """
    if url_of(path):
        from .postgres.reader import PostgresStore

        return PostgresStore(path, mask, rules)
    return SqliteStore(path.resolve(), mask, rules)


def open_recorder(
    path: Path,
    *,
    seal: Seal | None,
    seal_piece: SealPiece | None = None,
    durability: str = "strict",
    live: EventSink | None = None,
    backlog: int = BACKLOG,
    rules: RulesOf = no_rules,
) -> SqliteRecorder:
    """Take a file for writing, or a part in a database; creates, migrates, refuses (StoreError) before all else.

    `seal` replaces secrets by placeholders, on the writer thread; None keeps captures as they are. `rules` say what a
    cluster calls a failure inside a 2xx. UsageError when `durability` is none of DURABILITIES."""
    if durability not in DURABILITIES:
        raise UsageError(f"durability {durability!r} is none of {', '.join(DURABILITIES)}")
    if url := url_of(path):
        from .postgres.recorder import open_database

        shared = open_database(
            url, path, seal=seal or (lambda capture: capture), seal_piece=seal_piece, durability=durability, live=live
        )
        return SqliteRecorder(shared, backlog=backlog, held=durability != "relaxed", live=live, ledger=Ledger(path))
    path = path.resolve()  # SQLite keeps -wal and -shm beside the file itself, not beside a link to it
    lock = WriterLock(path)
    lock.acquire()
    try:
        connection = connect_writer(path, full=durability == "fsync")
        lock.hold()
        journal = _journal(path, SqliteTables(connection))
        SqliteTables(connection).interrupt()
        ledger = begun(Ledger(path), SqliteTables(connection))
    except (StoreError, sqlite3.Error) as error:
        lock.release()
        raise (error if isinstance(error, StoreError) else unwritable(path, error)) from None
    thread = WriterThread(
        path, lock, connection, seal=seal or (lambda capture: capture), seal_piece=seal_piece, durability=durability,
        live=live, journal=journal, rules=rules,
    )  # fmt: skip
    return SqliteRecorder(thread, backlog=backlog, held=durability != "relaxed", live=live, ledger=ledger)


def _journal(path: Path, tables: SqliteTables) -> Journal | None:
    """The journal, after what a killed gateway left in it was moved. None where there can be none."""
    try:
        if moved := take_over(path, tables):
            log.warning("%d exchanges were in the journal of the last run; they are in the recordings file now", moved)
        return Journal(path, tables.numbered)
    except sqlite3.Error as error:
        raise unwritable(path, error) from None
    except OSError as error:
        log.warning("%s cannot be used, each group is written through: %s", journal_of(path), error.strerror)
        return None


def begun(ledger: Ledger, tables: SqliteTables) -> Ledger:
    """What the last run missed is added to what the file says of all before it."""
    if ledger.left:
        tables.add_missed(ledger.left)
        log.warning("%d exchanges of the last run were answered and could not be stored", ledger.left)
        ledger.note(missed=0, waiting=0)
    return ledger

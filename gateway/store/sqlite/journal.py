"""The journal beside a recordings file: sealed groups that clients may have, and SQLite has not yet. I/O.

A group of exchanges is one record, appended with one write(2): that survives `kill -9`, and then the last bytes of its
responses leave. The writer thread moves what has gathered into SQLite in one transaction, which also notes the number
of the last group in it, and empties the journal. So a group is in the journal, or in the file, or in both: the number
tells which, and nothing is written twice. What a killed gateway left is moved by the next start, or by a reader that
finds no writer. A torn record at the end belongs to responses whose last bytes never left.

A record: magic, number, length and CRC-32 of the payload; the payload is plain data in `marshal` format 4, which every
CPython since 3.4 reads.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from ...errors import StoreError
from ..batch import Batch, Stored
from .files import WriterLock, connect_reader, connect_writer, examine, identity, is_trouble, lock_holder
from .rows import COLUMNS, ID, USUAL
from .schema import VERSION

if TYPE_CHECKING:
    from .write_connection import SqliteTables

HEAD: Final = Struct(">4sQII")  # magic, number, length and CRC-32 of the payload
MAGIC: Final = b"GWJ1"
FORMAT: Final = 4  # of marshal
PATIENCE: Final = 1.0  # seconds that a reader waits for a writer to move what the journal holds
POLL: Final = 0.01  # seconds between two looks
SAME: Final = (
    "id",
    "recording",
    "session",
    "started_at",
    "target",
    "status",
    "request_size",
    "response_size",
    "total_ms",
)
THERE: Final = f"SELECT {', '.join(SAME)} FROM exchanges WHERE id = ? AND state = 'done'"

to_disk: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS and Windows have only the latter

# Writers of this process, by the file they write to: a reader has them move what waits.
writers: dict[Path, Callable[[], None]] = {}


MOVE_AT: Final = 512  # exchanges that are moved at once: 7 ms, in which no group is kept
MOVE_AFTER: Final = 0.25  # seconds after which what waits is moved under load, too
MOST: Final = 16 << 20  # bytes that wait while SQLite fails; then groups are written through, and clients wait


def journal_of(path: Path) -> Path:
    return path.with_name(path.name + ".journal")


class Journal:
    """Appends groups. For one thread; the caller holds the WriterLock."""

    def __init__(self, path: Path, number: int) -> None:
        """`number` is that of the last group there ever was. OSError when the file cannot be made."""
        self._path, self.number = journal_of(path), number
        self._file = -1
        self.size = 0
        self._open()

    def append(self, batch: Batch, *, sync: bool) -> int:
        """Keep a group, with `sync` also over a loss of power; its number. OSError when it is not kept."""
        payload = marshal.dumps(
            (batch.exchanges, [*batch.bodies.values()], batch.secret_rows(), batch.chunks, batch.playing), FORMAT
        )  # fmt: skip
        number = self.number + 1
        record = HEAD.pack(MAGIC, number, len(payload), crc32(payload)) + payload
        try:
            if os.write(self._file, record) != len(record):
                raise OSError(28, "No space left on device")
            if sync:
                to_disk(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.size)  # half a record would hide those behind it
            raise
        self.number, self.size = number, self.size + len(record)
        return number

    def clear(self) -> None:
        """Everything in it is in SQLite."""
        if self.size:
            self.size = 0
            with contextlib.suppress(OSError):  # what stays is known to be moved by its number
                os.ftruncate(self._file, 0)

    def is_there(self) -> bool:
        """Whether the file is still the one at its path: what goes to a file without a name would be lost."""
        there = identity(self._path)
        return there is not None and there == self._identity

    def reopen(self) -> None:
        """Another file, after this one was deleted; the caller has moved what it held."""
        self.close()
        self._open()

    def close(self) -> None:
        """An empty one does not stay behind."""
        if self._file >= 0:
            is_empty = not self.size and self.is_there()
            os.close(self._file)
            self._file = -1
            if is_empty:
                self._path.unlink()

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        self.size = os.fstat(self._file).st_size
        self._identity = identity(self._path)


class Pending:
    """The groups that are in the journal and not yet in the file: what the writer thread holds of them."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.batch: Batch | None = None
        self._since = 0.0

    @property
    def due(self) -> bool:
        batch = self.batch
        return batch is not None and (
            len(batch.exchanges) >= MOVE_AT or time.monotonic() - self._since >= MOVE_AFTER
        )  # fmt: skip

    def keep(self, batch: Batch, tables: SqliteTables | None, *, sync: bool) -> None:
        """Put a group into the journal. OSError when it is not kept."""
        if self.journal.size > MOST:
            raise OSError(28, "the journal is full")
        self.journal.append(batch, sync=sync)
        if tables is not None:
            tables.stored.remember(batch)
        if self.batch is None:
            self.batch, self._since = batch.alike(), time.monotonic()
        self.batch.take(batch)

    def move(self, tables: SqliteTables) -> list[Exception]:
        """Everything that waits, in one transaction; what went wrong with single exchanges. sqlite3.Error while the
        store fails: then all of it still waits."""
        batch, wrong = self.batch, list[Exception]()
        if batch is not None:
            batch.suit(tables.stored)
            wrong = write_apart(tables, batch, self.journal.number)
            self.batch = None
            self.journal.clear()
        return wrong


def read_journal(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number, payload) of the groups of a journal, up to the first that is torn or damaged."""
    try:
        data = journal_of(path).read_bytes()
    except OSError:
        return
    at = 0
    while at + HEAD.size <= len(data):
        magic, number, length, checksum = HEAD.unpack_from(data, at)
        payload = data[at + HEAD.size : at + HEAD.size + length]
        if magic != MAGIC or len(payload) != length or crc32(payload) != checksum:
            return
        yield number, payload
        at += HEAD.size + length


def batch_of(payload: bytes) -> Batch:
    """The rows of a group, ready to be written."""
    exchanges, bodies, secrets, chunks, *rest = marshal.loads(payload)  # before schema 14 without what sessions play
    batch = Batch(lambda capture: capture, None, Stored())
    batch.exchanges, batch.chunks = [_of_today(row) for row in exchanges], chunks
    batch.bodies = {row[0]: row for row in bodies}
    batch.playing = rest[0] if rest else {}
    batch.secrets = {(recording, placeholder): sealed for recording, placeholder, sealed in secrets}
    return batch


def _of_today(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of an older gateway that was killed before its update: it had no trace."""
    if len(row) in (len(USUAL) - 1, len(COLUMNS) - 1):
        return (*row[: len(USUAL) - 1], "", *row[len(USUAL) - 1 :])
    return row


def take_over(path: Path, tables: SqliteTables) -> int:
    """Move what a killed gateway left in the journal into its file, and empty it; how many exchanges that were."""
    done = tables.moved()
    count = last = 0
    for number, payload in read_journal(path):
        last = number
        if number > done:
            batch = batch_of(payload)
            count += len(batch.exchanges)
            write_apart(tables, batch, number)
    with contextlib.suppress(OSError):  # there is none, or it stays as it is: its numbers tell that it was moved
        os.truncate(journal_of(path), 0)
    tables.numbered = max(done, last)
    return count


def write_apart(tables: SqliteTables, batch: Batch, number: int) -> list[Exception]:
    """Write a batch, in which an exchange may be there already or have a step that is taken; what went wrong with
    exchanges that could not be written."""
    try:
        tables.write(batch, number)
    except Exception as error:
        if is_trouble(error):
            raise
    else:
        return []
    wrong: list[Exception] = []
    for part in batch.parts():
        try:
            _write_part(tables, part)
        except Exception as error:
            if is_trouble(error):
                raise
            wrong.append(error)
    tables.write(Batch(lambda capture: capture, None, Stored()), number)
    return wrong


def _write_part(tables: SqliteTables, part: Batch) -> None:
    if part.exchanges:
        row = part.exchanges[0]
        there = tables.connection.execute(THERE, (row[ID],)).fetchone()
        if there == tuple(row[USUAL.index(name)] for name in SAME):
            return  # a commit that was told as failed, or whose number was lost
        if there is not None:
            raise ValueError(f"another exchange has the id {row[ID]}")
    try:
        tables.write(part)
    except sqlite3.IntegrityError:
        tables.write_odd(part)


def settle(path: Path) -> None:
    """Before somebody reads: have what waits in the journal moved into the file, if there is something."""
    try:
        if not journal_of(path).stat().st_size:
            return
    except OSError:
        return
    if (move := writers.get(path.resolve())) is not None:
        move()
    elif lock_holder(path) is not None:
        _wait(path)
    else:
        _move_what_was_left(path)


def connect_settled(path: Path) -> sqlite3.Connection:
    """A connection that can only read, and sees all that clients have."""
    settle(path)
    return connect_reader(path)


def _wait(path: Path) -> None:
    """For a writer in another process, which moves at least four times a second."""
    last = max((number for number, _ in read_journal(path)), default=0)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if next(read_journal(path), (last + 1, b""))[0] > last:
            return
        time.sleep(POLL)


def _move_what_was_left(path: Path) -> None:
    """By a gateway that was killed. Where the file cannot be written to, readers see what was moved before."""
    from .write_connection import SqliteTables

    lock = WriterLock(path)
    with contextlib.suppress(StoreError, sqlite3.Error, OSError):
        lock.acquire()
        try:
            if examine(path) != VERSION:  # the next start migrates it
                return
            with contextlib.closing(connect_writer(path)) as connection:
                take_over(path, SqliteTables(connection))
        finally:
            lock.release()

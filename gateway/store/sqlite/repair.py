"""Saves what can still be read of a damaged recordings file, and sets the damaged one aside. I/O.

A damaged file is never written to: what is read goes into a new file, and the old one stays beside it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...errors import NotFoundError, StoreError
from .files import BESIDE, WriterLock, connect_writer, unreadable
from .rows import is_key_of, unpacked
from .schema import version_of

HEADER: Final = 100  # bytes of SQLite's file header
PIECE: Final = 500  # rows read at once while all is well
FURTHEST: Final = 1 << 16  # row numbers that are tried one by one behind a damaged page
# Keyed by text, so rows cannot be counted through: read by the key of what they belong to.
OWNED: Final = {
    "chunks": ("exchange", "SELECT id FROM exchanges"),
    "secrets": ("recording", "SELECT id FROM recordings"),
    "session_values": ("session", "SELECT DISTINCT session FROM recordings"),
}
DERIVED: Final = ("texts", "documents", "late", "marks")  # made again by the next gateway
LOST: Final = """
UPDATE exchanges SET {side}_body = NULL
WHERE {side}_body IS NOT NULL AND {side}_body NOT IN (SELECT sha256 FROM bodies)
"""
# What a recording needs even when its own row was on a damaged page.
MISSING_RECORDINGS: Final = """
INSERT OR IGNORE INTO recordings (id, session, started_at, updated_at)
SELECT recording, min(session), min(started_at), max(started_at) FROM exchanges GROUP BY recording ORDER BY min(seq)
"""
COUNT_STEPS: Final = """
UPDATE recordings SET steps = (SELECT count(*) FROM exchanges e WHERE e.recording = recordings.id)
"""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came out of a damaged file, and where that now lies."""

    recordings: int
    exchanges: int
    bodies_lost: int
    aside: Path


def set_aside(path: Path, *, now: float | None = None) -> Path:
    """Move a damaged file with its log out of the way: gateway.db.corrupt-20261122T060000Z. Nothing is overwritten."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    names = (f"{path.name}.corrupt-{stamp}{f'-{number}' if number else ''}" for number in range(1000))
    aside = next(each for each in map(path.with_name, names) if not each.exists())
    for suffix in BESIDE:
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    with suppress(FileNotFoundError):
        path.rename(aside)
    return aside


def recover(path: Path) -> Recovered:
    """Read what can be read into a new file, and put it in the place of the damaged one, which is set aside.

    StoreError when a gateway writes to the file, or nothing at all can be read: then everything stays as it was.
    NotFoundError when there is no file."""
    if not path.is_file():
        raise NotFoundError("there is no recordings file", where=str(path))
    lock = WriterLock(path)
    lock.acquire()
    new = path.with_name(f"{path.name}.recovering-{os.getpid()}")
    try:
        recordings, exchanges, lost = _recovered(path, new)
        aside = set_aside(path)
        new.rename(path)
        return Recovered(recordings, exchanges, lost, aside)
    finally:
        for suffix in ("", *BESIDE):
            Path(f"{new}{suffix}").unlink(missing_ok=True)
        lock.release()


def _recovered(path: Path, new: Path) -> tuple[int, int, int]:
    """(recordings, exchanges, bodies lost) of the new file."""
    copy = new.with_name(f"{new.name}.copy")
    try:
        for suffix in ("", "-wal"):  # a copy, because reading a file in WAL mode may write to it
            if Path(f"{path}{suffix}").exists():
                shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
        with closing(connect_writer(new)) as target:
            with closing(_opened(copy, new)) as damaged:
                version_of(damaged, str(path))
                _copy_tables(damaged, target)
            found = _completed(target)
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise unreadable(path, error) from None
    except OSError as error:
        raise StoreError(f"cannot be recovered: {error.strerror}", where=str(path)) from None
    finally:
        for suffix in ("", *BESIDE):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)
    if not found[1]:
        raise StoreError("nothing could be read from it", where=str(path), hint="it is left as it is; move it aside")
    return found


def _opened(copy: Path, fresh: Path) -> sqlite3.Connection:
    """The damaged file's copy. A header that was overwritten is replaced by that of a fresh file of the same kind."""
    connection = _connected(copy)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError:
        connection.close()
        with fresh.open("rb") as good, copy.open("r+b") as file:
            file.write(_header(good.read(HEADER)))
        connection = _connected(copy)
    return connection


def _header(good: bytes) -> bytes:
    """With a "version valid for" that is not the change counter, SQLite takes the size from the file itself."""
    return good[:92] + (int.from_bytes(good[24:28]) + 1).to_bytes(4) + good[96:]


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def _copy_tables(damaged: sqlite3.Connection, target: sqlite3.Connection) -> None:
    tables = "SELECT name FROM pragma_table_list WHERE strict AND schema = 'main'"
    names = [name for (name,) in target.execute(tables) if name not in DERIVED]
    for name in sorted(names, key=lambda name: name in OWNED):  # owners first
        there = {row[1] for row in damaged.execute(f"PRAGMA table_info({name})")}
        columns = [row[1] for row in target.execute(f"PRAGMA table_info({name})") if row[1] in there]
        if not columns:
            continue
        sql = f"INSERT OR IGNORE INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        rows = _owned_rows(damaged, target, name, columns) if name in OWNED else _rows(damaged, name, columns)
        if name == "bodies":
            rows = (row for row in rows if _is_whole(dict(zip(columns, row, strict=True))))
        target.execute("BEGIN IMMEDIATE")
        for row in rows:
            with suppress(sqlite3.IntegrityError):  # a value that is none of its column's type
                target.execute(sql, row)
        target.execute("COMMIT")


def _is_whole(body: dict[str, Any]) -> bool:
    """SQLite has no checksums of its pages, but a body is named by its own."""
    try:
        return is_key_of(body["sha256"], unpacked(body["packed"], body["data"]))
    except (TypeError, zlib.error):
        return False


def _rows(damaged: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    """Every row that can be read, in order of its number; damaged pages are stepped over."""
    names = ", ".join(columns)
    at, last, piece = -1, _last_row(damaged, table), PIECE
    misses = 0
    while at < last and misses < FURTHEST:
        sql = f"SELECT rowid, {names} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"
        try:
            found = damaged.execute(sql, (at, piece)).fetchall()
        except sqlite3.Error:
            if piece > 1:
                piece = 1  # up to the damage row by row,
            else:
                at, misses = at + 1, misses + 1  # then over it
            continue
        if not found:
            return
        yield from (row[1:] for row in found)
        at, misses, piece = found[-1][0], 0, min(PIECE, piece * 2)


def _last_row(damaged: sqlite3.Connection, table: str) -> int:
    """The highest row number; far beyond it when that page is damaged, too."""
    try:
        found = damaged.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0]
    except sqlite3.Error:
        return 1 << 62
    return -1 if found is None else int(found)


def _owned_rows(
    damaged: sqlite3.Connection, target: sqlite3.Connection, table: str, columns: list[str]
) -> Iterator[tuple[Any, ...]]:
    key, owners = OWNED[table]
    for (owner,) in target.execute(owners).fetchall():
        with suppress(sqlite3.Error):
            yield from damaged.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE {key} = ?", (owner,))


def _completed(target: sqlite3.Connection) -> tuple[int, int, int]:
    target.execute("BEGIN IMMEDIATE")
    target.execute(MISSING_RECORDINGS)
    target.execute(COUNT_STEPS)
    lost = sum(target.execute(LOST.format(side=side)).rowcount for side in ("request", "response"))
    target.execute("UPDATE exchanges SET state = 'interrupted' WHERE state = 'open'")
    target.execute("COMMIT")
    counts = [target.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("recordings", "exchanges")]
    return counts[0], counts[1], lost

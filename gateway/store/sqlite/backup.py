"""Copies a recordings file while a gateway may be writing to it: one moment of it, whole. I/O."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from ...errors import StoreError, UsageError
from .files import BESIDE, prepare_folder, unreadable
from .journal import connect_settled


def backup_name(path: Path, *, now: float | None = None) -> Path:
    """gateway.db -> gateway.db.backup-20261122T060000Z."""
    return path.with_name(f"{path.name}.backup-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}")


def back_up_to(path: Path, to: Path) -> int:
    """Copy the recordings as they are at this moment; how many exchanges the copy holds.

    Nothing is overwritten. A copy that could not be finished, or is not sound, does not stay behind. UsageError when
    there is a file already; StoreError when the copy cannot be written, or the source is damaged."""
    if to.exists():
        raise UsageError("there is a file already", where=str(to), hint="name another one: nothing is overwritten")
    prepare_folder(to)
    part = to.with_name(f"{to.name}.part-{os.getpid()}")
    try:
        part.touch(mode=0o600)
        with closing(connect_settled(path)) as source, closing(sqlite3.connect(part, isolation_level=None)) as copy:
            source.backup(copy)  # in one step: a reader in WAL mode sees one moment, and holds nobody up
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without -wal and -shm beside it
            damage = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                hint = "gateway doctor --repair"
                raise StoreError(f"the file is damaged: {damage}", where=str(path), hint=hint)
            exchanges = int(copy.execute("SELECT count(*) FROM exchanges").fetchone()[0])
        part.rename(to)
    except sqlite3.Error as error:
        raise unreadable(path, error) from None
    except OSError as error:
        raise StoreError(f"the copy cannot be written: {error.strerror}", where=str(to)) from None
    finally:
        for suffix in ("", "-journal", *BESIDE):
            Path(f"{part}{suffix}").unlink(missing_ok=True)
    return exchanges

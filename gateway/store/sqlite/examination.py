"""Looks at a recordings file from outside, for `gateway doctor`: changes nothing, even beside a gateway. I/O."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..missed import read_ledger
from .files import BESIDE, lock_holder, size, unreadable, wal_of
from .full_text import waiting
from .journal import connect_settled
from .statistics import missed

LARGE: Final = 256 << 20  # bytes above which only the quick check is made
SHOWN: Final = 5  # damages to list

LOST: Final = """
SELECT count(*) FROM exchanges e WHERE
    (request_body IS NOT NULL AND NOT EXISTS (SELECT 1 FROM bodies b WHERE b.sha256 = e.request_body))
    OR (response_body IS NOT NULL AND NOT EXISTS (SELECT 1 FROM bodies b WHERE b.sha256 = e.response_body))
"""


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found. `writer` is the process that writes now, 0 when unknown, None when nobody does."""

    schema: int
    recordings: int
    exchanges: int
    open: int
    interrupted: int
    bodies_lost: int
    check: str
    damage: tuple[str, ...]
    writer: int | None
    log: int
    unindexed: int = 0  # exchanges that full text does not know yet
    free: int = 0  # bytes that deletions left and nothing fills yet
    pinned: int = 0
    oldest: float | None = None  # when the oldest recording was last written to
    missed: int = 0  # exchanges that clients got and no file holds
    aside: tuple[str, ...] = ()  # damaged files that were set aside


def examined(path: Path) -> Examination:
    """Examine a file; StoreError when it cannot even be opened as ours."""
    check = "integrity_check" if size(path) < LARGE else "quick_check"
    with closing(connect_settled(path)) as connection:
        try:
            connection.execute("BEGIN")
            damage = tuple(text for (text,) in connection.execute(f"PRAGMA {check}({SHOWN})") if text != "ok")
            return Examination(
                schema=_one(connection, "PRAGMA user_version"),
                recordings=_one(connection, "SELECT count(*) FROM recordings WHERE steps > 0"),
                exchanges=_one(connection, "SELECT count(*) FROM exchanges"),
                open=_one(connection, "SELECT count(*) FROM exchanges WHERE state = 'open'"),
                interrupted=_one(connection, "SELECT count(*) FROM exchanges WHERE state = 'interrupted'"),
                bodies_lost=_one(connection, LOST),
                check=check.replace("_", " "),
                damage=damage,
                writer=lock_holder(path),
                log=size(wal_of(path)),
                unindexed=waiting(connection),
                free=_one(connection, "PRAGMA freelist_count") * _one(connection, "PRAGMA page_size"),
                pinned=_one(connection, "SELECT count(*) FROM recordings WHERE pinned"),
                oldest=connection.execute("SELECT min(updated_at) FROM recordings WHERE steps > 0").fetchone()[0],
                missed=missed(connection) + read_ledger(path),
                aside=set_aside_files(path),
            )
        except sqlite3.Error as error:
            raise unreadable(path, error) from None


def set_aside_files(path: Path) -> tuple[str, ...]:
    """Damaged files beside this one, of which something may still be saved."""
    found = path.parent.glob(f"{path.name}.corrupt-*")
    return tuple(sorted(file.name for file in found if not file.name.endswith(BESIDE)))


def _one(connection: sqlite3.Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])

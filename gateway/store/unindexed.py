"""Words in exchanges that full text has not come to yet: looked through some rows at a time. I/O.

After much was recorded in a hurry there may be hundreds of thousands of them. A search reads as many as it has time
for, and its cursor says where it stopped, within a recording if need be.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from ..model.filter import Term
from . import fulltext
from .search import Condition, Group, of_exchanges

Connection = sqlite3.Connection

BLOCK: Final = 200  # rows at a time: some 10 ms

NEWEST: Final = "SELECT * FROM exchanges WHERE seq > ? AND seq <= ? ORDER BY seq DESC LIMIT ?"
BACKWARDS: Final = "SELECT * FROM exchanges WHERE recording = ? AND step < ? AND seq > ? ORDER BY step DESC LIMIT ?"
THESE: Final = "SELECT * FROM exchanges WHERE seq IN (SELECT value FROM json_each(?)) LIMIT ?"


class Block:
    """Some rows, and what is found in their texts."""

    def __init__(self, connection: Connection, rows: Sequence[Any]) -> None:
        self._connection = connection
        self._numbers = [int(row["seq"]) for row in rows]
        self._index = fulltext.memory_index()
        fulltext.add(self._index, zip(self._numbers, fulltext.documents(connection, rows), strict=True))

    def texts(self, term: Term, shard: int) -> Condition:
        """The exchanges of this block whose text a term finds, as the inside of an IN."""
        return "SELECT value FROM json_each(?)", [json.dumps(fulltext.matching(self._index, fulltext.match_of(term)))]

    def meeting(self, condition: Condition) -> list[int]:
        """The numbers of the rows that meet a condition, in the order of the rows."""
        sql, values = condition
        inside = "SELECT e.seq FROM exchanges e WHERE e.seq IN (SELECT value FROM json_each(?)) AND"
        found = {seq for (seq,) in self._connection.execute(f"{inside} {sql}", [json.dumps(self._numbers), *values])}
        return [seq for seq in self._numbers if seq in found]

    def close(self) -> None:
        self._index.close()


def newest(
    connection: Connection, query: str, mark: int, last: int, count: int, *, now: float, until: float
) -> tuple[list[int], int]:
    """(numbers between the mark and the last that a filter finds, the newest first; up to where it did not look)."""
    found: list[int] = []
    while last > mark:
        rows = fulltext.rows_of(connection, NEWEST, [mark, last, BLOCK])
        last = int(rows[-1]["seq"]) - 1 if len(rows) == BLOCK else mark
        found += found_in(connection, rows, query, now=now)
        if len(found) >= count or time.monotonic() > until:
            break
    return found, last


def these(connection: Connection, query: str, numbers: Sequence[int], *, now: float) -> list[int]:
    """Which of some exchanges a filter finds."""
    rows = fulltext.rows_of(connection, THESE, [json.dumps(list(numbers)), len(numbers)])
    return found_in(connection, rows, query, now=now)


def found_in(connection: Connection, rows: Sequence[Any], query: str, *, now: float) -> list[int]:
    if not rows:
        return []
    with closing(Block(connection, rows)) as block:
        return block.meeting(of_exchanges(query, 0, now=now, texts=block.texts))


def met_by(
    connection: Connection, recording: str, groups: Mapping[int, Group], mark: int, below: int, *, now: float,
    until: float,
) -> tuple[set[int], int | None]:  # fmt: skip
    """(which groups an exchange of the recording meets that is not indexed; the step below which it did not look)."""
    met: set[int] = set()
    while len(met) < len(groups):
        rows = fulltext.rows_of(connection, BACKWARDS, [recording, below, mark, BLOCK])
        if rows:
            with closing(Block(connection, rows)) as block:
                left = [number for number in groups if number not in met]
                met.update(n for n in left if block.meeting(groups[n].condition(0, now=now, texts=block.texts)))
        if len(rows) < BLOCK:
            break
        below = int(rows[-1]["step"])
        if len(met) < len(groups) and time.monotonic() > until:
            return met, below
    return met, None

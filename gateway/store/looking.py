"""Lists of a filter from a large store: the newest first, a shard at a time, and no more than a page needs. I/O.

The index exchanges_facts holds what filters ask for in the order of exchanges, so that a shard is looked through
without reading a row. A search that comes to the end of its time gives a short page, whose cursor goes on.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from .fulltext import SHARD, TextSearch
from .search import Condition, Group, Wanted, is_textual, of_exchanges

Connection = sqlite3.Connection
Span = tuple[int, int]
Asks = Callable[[int], Condition]  # the condition on the exchanges (as e) of a shard

FACTS: Final = "exchanges e INDEXED BY exchanges_facts"

RARE: Final = 20  # recordings without what is looked for, after which it is looked for everywhere

GRACE: Final = 0.04  # seconds more for recordings that can be decided without looking any further


def newest_first(
    connection: Connection, query: str, before: int, count: int, *, now: float, until: float
) -> tuple[list[sqlite3.Row], int]:
    """(rows of exchanges that a filter finds, newest first; up to which number all was looked through)."""
    texts, rows = TextSearch(connection), list[sqlite3.Row]()
    last = min(before - 1, int(connection.execute("SELECT coalesce(max(seq), 0) FROM exchanges").fetchone()[0]))
    for shard in range(last // SHARD, -1, -1):
        condition, values = of_exchanges(query, shard, now=now, texts=texts)
        sql = f"SELECT e.seq FROM {FACTS} WHERE e.seq BETWEEN ? AND ? AND {condition} ORDER BY e.seq DESC LIMIT ?"
        span = [shard * SHARD, min(last, (shard + 1) * SHARD - 1)]
        found = [seq for (seq,) in connection.execute(sql, [*span, *values, count - len(rows)])]
        rows += rows_of(connection, found)
        if len(rows) >= count or time.monotonic() > until:
            texts.close()
            return rows, shard * SHARD
    texts.close()
    return rows, 0


def in_recording(
    connection: Connection, query: str, recording: str, after: int, count: int, *, now: float
) -> list[sqlite3.Row]:
    """The steps of a recording behind `after` that a filter finds, in order."""
    texts, steps = TextSearch(connection), list[int]()
    shards: Sequence[Any] = [(0,)]  # without words one condition is for all of them
    if is_textual(query):
        sql = f"SELECT DISTINCT seq / {SHARD} FROM exchanges WHERE recording = ?"
        shards = connection.execute(sql, (recording,)).fetchall()
    for (shard,) in shards:
        condition, values = of_exchanges(query, shard, now=now, texts=texts)
        here = f"e.seq / {SHARD} = {int(shard)}" if len(shards) > 1 else "1"
        sql = f"SELECT e.step FROM exchanges e WHERE e.recording = ? AND e.step > ? AND {here} AND {condition}"
        steps += [
            step for (step,) in connection.execute(f"{sql} ORDER BY e.step LIMIT ?", [recording, after, *values, count])
        ]
    texts.close()
    return _steps(connection, recording, sorted(steps)[:count])


def _steps(connection: Connection, recording: str, steps: Sequence[int]) -> list[sqlite3.Row]:
    if len(steps) > 1 and steps[-1] - steps[0] == len(steps) - 1:  # all that lie between
        sql = "SELECT * FROM exchanges WHERE recording = ? AND step BETWEEN ? AND ? ORDER BY step"
        return connection.execute(sql, (recording, steps[0], steps[-1])).fetchall()
    one = "SELECT * FROM exchanges WHERE recording = ? AND step = ?"
    return [connection.execute(one, (recording, step)).fetchone() for step in steps]


def rows_of(connection: Connection, numbers: Sequence[int]) -> list[sqlite3.Row]:
    """Rows of exchanges, in the order of their numbers as given."""
    one = "SELECT * FROM exchanges WHERE seq = ?"
    return [connection.execute(one, (number,)).fetchone() for number in numbers]


class TimeUp(Exception):
    """A shard would have to be looked through, and there is no time left."""


class Finder:
    """Which recordings have an exchange that meets a group. A shard is looked through once some recording is in it."""

    def __init__(
        self, connection: Connection, group: Group, asks: Asks, spans: Callable[[str], Span], shards: int, until: float
    ) -> None:
        self._connection, self._group, self._asks, self._spans = connection, group, asks, spans
        self._left = set(range(shards))  # not looked through yet
        self._found: set[str] = set()
        self._failed, self._until = 0, until
        self.is_first = True  # of the recordings asked for: it is decided however long that takes

    def holds(self, recording: str, beside: bool) -> bool:
        """Whether the recording meets the group, or, negated, has nothing that does."""
        return (beside or self._finds(recording)) != self._group.negated

    def _finds(self, recording: str) -> bool:
        if self._left and recording not in self._found:
            first, last = self._spans(recording)
            for shard in range(last // SHARD, first // SHARD - 1, -1):
                if shard in self._left:
                    if not self.is_first and time.monotonic() > self._until:
                        raise TimeUp
                    self._look(shard)
                if recording in self._found:
                    break
        if recording not in self._found:
            self._failed += 1
            if self._failed == RARE:
                self._look_at_all()
        return recording in self._found

    def _look_at_all(self) -> None:
        """What few recordings have is sooner looked for everywhere than asked of one recording after the other."""
        for shard in sorted(self._left, reverse=True):
            if time.monotonic() > self._until:
                return
            self._look(shard)

    def _look(self, shard: int) -> None:
        condition, values = self._asks(shard)
        sql = f"SELECT DISTINCT e.recording FROM {FACTS} WHERE e.seq BETWEEN ? AND ? AND {condition}"
        span = [shard * SHARD, (shard + 1) * SHARD - 1]
        self._found.update(id for (id,) in self._connection.execute(sql, [*span, *values]))
        self._left.discard(shard)


class Spans:
    """The numbers of a recording's first and last exchange, asked for once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last: tuple[str, Span] = ("", (0, 0))

    def __call__(self, recording: str) -> Span:
        if self._last[0] != recording:
            sql = "SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM exchanges WHERE recording = ?"
            first, last = self._connection.execute(sql, (recording,)).fetchone()
            self._last = recording, (first, last)
        return self._last[1]


def recordings(
    connection: Connection, wanted: Wanted, before: int, count: int, *, now: float, until: float
) -> tuple[list[sqlite3.Row], int | None]:
    """(rows of recordings, newest first; the number of the last one looked at where time was up before the end)."""
    texts, spans = TextSearch(connection), Spans(connection)
    shards = int(connection.execute("SELECT coalesce(max(seq), 0) FROM exchanges").fetchone()[0]) // SHARD + 1
    finders = [
        Finder(connection, group, partial(group.condition, now=now, texts=texts), spans, shards, until)
        for group in wanted.groups
    ]
    found: list[sqlite3.Row] = []
    at: int | None = None
    try:
        for row in _candidates(connection, wanted, before):
            if all(finder.holds(row["id"], bool(row[f"beside_{at}"])) for at, finder in enumerate(finders)):
                found.append(row)
            if len(found) == count:
                return found, None
            at = int(row["seq"])
            for finder in finders:
                finder.is_first = False
            if finders and time.monotonic() > until + GRACE:
                return found, at
    except TimeUp:
        return found, at
    finally:
        texts.close()
    return found, None


def _candidates(connection: Connection, wanted: Wanted, before: int) -> Iterator[sqlite3.Row]:
    """Recordings by what they are themselves, newest first, with what lies beside them for each group."""
    beside = [(f"({group.beside[0]}) AS beside_{at}", group.beside[1]) for at, group in enumerate(wanted.groups)]
    columns = ", ".join(["r.*", *(sql for sql, _ in beside)])
    condition, values = wanted.condition
    sql = f"SELECT {columns} FROM recordings r WHERE {condition} AND r.seq < ? ORDER BY r.seq DESC"
    given: list[Any] = [value for _, some in beside for value in some]
    yield from connection.execute(sql, [*given, *values, before])

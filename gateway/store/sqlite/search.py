"""Lists of a filter from a large store: the newest first, a shard at a time, and no more than a page needs. I/O.

The index exchanges_facts holds what filters ask for in the order of exchanges, so that a shard is looked through
without reading a row. A search that comes to the end of its time gives a short page, whose cursor goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any, Final

from ...model.filter import Term
from ..cursors import CursorPlace
from ..sql import SqlConnection
from . import full_text, operations
from .contents import bodies_of
from .filter_sql import Condition, FilterConditions, Group, is_textual, of_exchanges
from .full_text import SHARD, TextSearch, indexed

BLOCK: Final = 200  # rows at a time: some 10 ms

NEWEST: Final = "SELECT * FROM exchanges WHERE seq > ? AND seq <= ? ORDER BY seq DESC LIMIT ?"
BACKWARDS: Final = "SELECT * FROM exchanges WHERE recording = ? AND step < ? AND seq > ? ORDER BY step DESC LIMIT ?"
THESE: Final = "SELECT * FROM exchanges WHERE seq IN (SELECT value FROM json_each(?)) LIMIT ?"


class Block:
    """Some rows, and what is found in their texts."""

    def __init__(self, connection: SqlConnection, rows: Sequence[Any]) -> None:
        self._connection = connection
        self._rows = rows
        self._numbers = [int(row["seq"]) for row in rows]
        self._index = full_text.memory_index()
        full_text.add(self._index, zip(self._numbers, full_text.documents(connection, rows), strict=True))

    def texts(self, term: Term, shard: int) -> Condition:
        """The exchanges of this block whose text a term finds, as the inside of an IN."""
        if term.key in ("op", "has"):
            found = operations.found_in(self._rows, bodies_of(self._connection, self._rows), term)
            named, words = operations.by_contract(term)
            return f"SELECT value FROM json_each(?) UNION ALL {named}", [json.dumps(list(found)), *words]
        return "SELECT value FROM json_each(?)", [json.dumps(full_text.matching(self._index, full_text.match_of(term)))]

    def meeting(self, condition: Condition) -> list[int]:
        """The numbers of the rows that meet a condition, in the order of the rows."""
        sql, values = condition
        inside = "SELECT e.seq FROM exchanges e WHERE e.seq IN (SELECT value FROM json_each(?)) AND"
        found = {seq for (seq,) in self._connection.execute(f"{inside} {sql}", [json.dumps(self._numbers), *values])}
        return [seq for seq in self._numbers if seq in found]

    def close(self) -> None:
        self._index.close()


def newest(
    connection: SqlConnection, query: str, mark: int, last: int, count: int, *, now: float, until: float
) -> tuple[list[int], int]:
    """(numbers between the mark and the last that a filter finds, the newest first; up to where it did not look)."""
    found: list[int] = []
    while last > mark:
        rows = full_text.rows_of(connection, NEWEST, [mark, last, BLOCK])
        last = int(rows[-1]["seq"]) - 1 if len(rows) == BLOCK else mark
        found += found_in(connection, rows, query, now=now)
        if len(found) >= count or time.monotonic() > until:
            break
    return found, last


def these(connection: SqlConnection, query: str, numbers: Sequence[int], *, now: float) -> list[int]:
    """Which of some exchanges a filter finds."""
    rows = full_text.rows_of(connection, THESE, [json.dumps(list(numbers)), len(numbers)])
    return found_in(connection, rows, query, now=now)


def found_in(connection: SqlConnection, rows: Sequence[Any], query: str, *, now: float) -> list[int]:
    if not rows:
        return []
    with closing(Block(connection, rows)) as block:
        return block.meeting(of_exchanges(query, 0, now=now, texts=block.texts))


def met_by(
    connection: SqlConnection, recording: str, groups: Mapping[int, Group], mark: int, below: int, *, now: float,
    until: float,
) -> tuple[set[int], int | None]:  # fmt: skip
    """(which groups an exchange of the recording meets that is not indexed; the step below which it did not look)."""
    met: set[int] = set()
    while len(met) < len(groups):
        rows = full_text.rows_of(connection, BACKWARDS, [recording, below, mark, BLOCK])
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


Span = tuple[int, int]
Asks = Callable[[int], Condition]  # the condition on the exchanges (as e) of a shard

FACTS: Final = "exchanges e INDEXED BY exchanges_facts"

RARE: Final = 20  # recordings without what is looked for, after which it is looked for everywhere

WINDOW: Final = 5000  # steps of one recording looked through before the time is

GRACE: Final = 0.04  # seconds more for recordings that can be decided without looking any further


def newest_first(
    connection: SqlConnection, query: str, before: int, count: int, *, now: float, until: float,
    index: type[TextSearch] = TextSearch,
) -> tuple[list[Any], int]:  # fmt: skip
    """(rows of exchanges that a filter finds, newest first; up to which number all was looked through)."""
    last = min(before - 1, int(connection.execute("SELECT coalesce(max(seq), 0) FROM exchanges").fetchone()[0]))
    rows = list[Any]()
    if is_textual(query) and last > (mark := indexed(connection)):
        found, last = newest(connection, query, mark, last, count, now=now, until=until)
        rows = rows_of(connection, found[:count])
        if len(rows) == count or last > mark:
            return rows, last + 1
    with closing(index(connection)) as texts:
        for shard in range(last // SHARD, -1, -1):
            condition, values = of_exchanges(query, shard, now=now, texts=texts)
            sql = f"SELECT e.seq FROM {FACTS} WHERE e.seq BETWEEN ? AND ? AND {condition} ORDER BY e.seq DESC LIMIT ?"
            span = [shard * SHARD, min(last, (shard + 1) * SHARD - 1)]
            found = [seq for (seq,) in connection.execute(sql, [*span, *values, count - len(rows)])]
            rows += rows_of(connection, found)
            if len(rows) >= count or time.monotonic() > until:
                return rows, shard * SHARD
    return rows, 0


def in_recording(
    connection: SqlConnection, query: str, recording: str, after: int, count: int, *, now: float, until: float,
    index: type[TextSearch] = TextSearch,
) -> tuple[list[Any], int | None]:  # fmt: skip
    """(the steps of a recording behind `after` that a filter finds, in order; the last step looked at where time was
    up before the end)."""
    if not query.strip():
        sql = "SELECT * FROM exchanges WHERE recording = ? AND step > ? ORDER BY step LIMIT ?"
        return connection.execute(sql, (recording, after, count)).fetchall(), None
    steps = list[int]()
    with closing(index(connection)) as texts:
        mark = indexed(connection) if is_textual(query) else 1 << 62
        while window := _window(connection, recording, after, mark):
            steps += _in_window(connection, query, recording, window, mark, count, now=now, texts=texts)
            after = window[-1][0]
            if len(steps) >= count:
                break
            if time.monotonic() > until:
                return _steps(connection, recording, sorted(steps)), after
    return _steps(connection, recording, sorted(steps)[:count]), None


def _window(connection: SqlConnection, recording: str, after: int, mark: int) -> list[Span]:
    """(step, number) of the next steps: fewer of them where the index has not been yet."""
    sql = "SELECT step, seq FROM exchanges WHERE recording = ? AND step > ? ORDER BY step LIMIT ?"
    found = connection.execute(sql, (recording, after, WINDOW)).fetchall()
    steps = [(int(step), int(seq)) for step, seq in found]
    return steps[:BLOCK] if any(seq > mark for _, seq in steps) else steps


def _in_window(
    connection: SqlConnection, query: str, recording: str, window: Sequence[Span], mark: int, count: int, *, now: float,
    texts: TextSearch,
) -> list[int]:  # fmt: skip
    first, last = window[0][0], window[-1][0]
    fresh = {seq: step for step, seq in window if seq > mark}
    steps = [fresh[seq] for seq in these(connection, query, list(fresh), now=now)] if fresh else []
    for shard in {seq // SHARD for _, seq in window if seq <= mark}:
        condition, values = of_exchanges(query, shard, now=now, texts=texts)
        sql = (
            "SELECT e.step FROM exchanges e WHERE e.recording = ? AND e.step BETWEEN ? AND ?"
            f" AND e.seq BETWEEN ? AND ? AND {condition} ORDER BY e.step LIMIT ?"
        )
        given = [recording, first, last, shard * SHARD, min(mark, (shard + 1) * SHARD - 1), *values, count]
        steps += [step for (step,) in connection.execute(sql, given)]
    return steps


def _steps(connection: SqlConnection, recording: str, steps: Sequence[int]) -> list[Any]:
    if len(steps) > 1 and steps[-1] - steps[0] == len(steps) - 1:  # all that lie between
        sql = "SELECT * FROM exchanges WHERE recording = ? AND step BETWEEN ? AND ? ORDER BY step"
        return list(connection.execute(sql, (recording, steps[0], steps[-1])))
    one = "SELECT * FROM exchanges WHERE recording = ? AND step = ?"
    return [connection.execute(one, (recording, step)).fetchone() for step in steps]


def rows_of(connection: SqlConnection, numbers: Sequence[int]) -> list[Any]:
    """Rows of exchanges, in the order of their numbers as given."""
    one = "SELECT * FROM exchanges WHERE seq = ?"
    return [connection.execute(one, (number,)).fetchone() for number in numbers]


class TimeUp(Exception):
    """A shard would have to be looked through, and there is no time left."""


class Finder:
    """Which recordings have an exchange that meets a group. A shard is looked through once some recording is in it."""

    def __init__(
        self,
        connection: SqlConnection,
        group: Group,
        asks: Asks,
        spans: Callable[[str], Span],
        shards: int,
        until: float,
    ) -> None:
        self._connection, self.group, self._asks, self._spans = connection, group, asks, spans
        self._left = set(range(shards))  # not looked through yet
        self._found: set[str] = set()
        self._failed, self._until = 0, until
        self.is_first = True  # of the recordings asked for: it is decided however long that takes

    def finds(self, recording: str) -> bool:
        """Whether an exchange of the recording meets the group, among those that are indexed. TimeUp when the time
        for the search is over."""
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

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection
        self._last: tuple[str, Span] = ("", (0, 0))

    def __call__(self, recording: str) -> Span:
        if self._last[0] != recording:
            sql = "SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM exchanges WHERE recording = ?"
            first, last = self._connection.execute(sql, (recording,)).fetchone()
            self._last = recording, (first, last)
        return self._last[1]


class _Undecided(Exception):
    """Time was up among the exchanges of one recording."""

    def __init__(self, step: int, met: int) -> None:
        self.step, self.met = step, met


def recordings(
    connection: SqlConnection, wanted: FilterConditions, place: CursorPlace, count: int, *, now: float, until: float,
    index: type[TextSearch] = TextSearch,
) -> tuple[list[Any], CursorPlace | None]:  # fmt: skip
    """(rows of recordings, newest first; where to go on when time was up before the end)."""
    found: list[Any] = []
    at: CursorPlace | None = None
    with closing(index(connection)) as texts:
        judge = _Judge(connection, wanted, texts, now=now, until=until)
        try:
            for row in _candidates(connection, wanted, place):
                resumed = place if place.number == row["seq"] and place.step is not None else CursorPlace(0)
                if judge.wants(row, resumed):
                    found.append(row)
                if len(found) == count:
                    return found, None
                at = CursorPlace(int(row["seq"]))
                if judge.is_late():
                    return found, at
        except TimeUp:
            return found, at
        except _Undecided as left:
            return found, CursorPlace(int(row["seq"]), left.step, left.met)
    return found, None


class _Judge:
    """Says of one recording after the other whether it is wanted."""

    def __init__(
        self, connection: SqlConnection, wanted: FilterConditions, texts: TextSearch, *, now: float, until: float
    ) -> None:
        shards = int(connection.execute("SELECT coalesce(max(seq), 0) FROM exchanges").fetchone()[0]) // SHARD + 1
        self._connection, self._now, self._until = connection, now, until
        self._spans = Spans(connection)
        self._finders = [
            Finder(connection, group, partial(group.condition, now=now, texts=texts), self._spans, shards, until)
            for group in wanted.groups
        ]
        is_textual = any(group.is_textual for group in wanted.groups)
        self._mark = indexed(connection) if is_textual else 1 << 62

    def is_late(self) -> bool:
        """After the first recording, whether there is no time for another."""
        for finder in self._finders:
            finder.is_first = False
        return bool(self._finders) and time.monotonic() > self._until + GRACE

    def wants(self, row: Any, resumed: CursorPlace) -> bool:
        """Whether each group is met by the recording, or, negated, by nothing of it."""
        open_groups: dict[int, Group] = {}
        for number, finder in enumerate(self._finders):
            group = finder.group
            is_met = bool(row[f"beside_{number}"]) or bool(resumed.met >> number & 1) or finder.finds(row["id"])
            if not is_met and group.is_textual and self._spans(row["id"])[1] > self._mark:
                open_groups[number] = group
            elif is_met == group.negated:
                return False
        return not open_groups or self._met(row["id"], open_groups, resumed)

    def _met(self, recording: str, groups: Mapping[int, Group], resumed: CursorPlace) -> bool:
        """The same of what is not indexed yet."""
        below = 1 << 62 if resumed.step is None else resumed.step
        met, step = met_by(
            self._connection, recording, groups, self._mark, below, now=self._now, until=self._until
        )  # fmt: skip
        if any(group.negated for number, group in groups.items() if number in met):
            return False
        if step is not None:
            raise _Undecided(step, resumed.met | sum(1 << number for number in met))
        return all(group.negated or number in met for number, group in groups.items())


def _candidates(connection: SqlConnection, wanted: FilterConditions, place: CursorPlace) -> Iterator[Any]:
    """Recordings by what they are themselves, newest first, with what lies beside them for each group."""
    beside = [(f"({group.beside[0]}) AS beside_{at}", group.beside[1]) for at, group in enumerate(wanted.groups)]
    columns = ", ".join(["r.*", *(sql for sql, _ in beside)])
    condition, values = wanted.condition
    sql = f"SELECT {columns} FROM recordings r WHERE {condition} AND r.seq < ? ORDER BY r.seq DESC"
    given: list[Any] = [value for _, some in beside for value in some]
    yield from connection.execute(sql, [*given, *values, place.number + (place.step is not None)])

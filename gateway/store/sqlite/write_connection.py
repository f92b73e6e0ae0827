"""What the writing connection does to the tables of a file: batches, deletions, full text, the log. I/O."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from ..batch import KNOWN, Batch, Stored
from ..tables import ADD_RECORDING, Tables
from . import drift, full_text
from .deletion import Sweeper, delete_rows, give_back_room
from .files import PAGE
from .operations import RulesOf, no_rules
from .rows import (
    CLUSTER,
    COLUMNS,
    DEFAULTS,
    ENVIRONMENT,
    ID,
    RECORDING,
    SESSION,
    STARTED_AT,
    STATE,
    STEP,
    TOTAL_MS,
    USUAL,
    hash_in,
)  # fmt: skip

if TYPE_CHECKING:
    from ...contracts.batches import DriftBatch
    from ...contracts.findings import Accepted, Finding

Connection = sqlite3.Connection
Row = tuple[Any, ...]


def _insert(columns: Sequence[str]) -> str:
    return f"INSERT INTO exchanges ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


INSERT_USUAL: Final = _insert(USUAL)
INSERT: Final = _insert(COLUMNS)
AT_ONCE: Final = 999 // len(USUAL)  # rows in one statement: every SQLite takes 999 values (SQLITE_MAX_VARIABLE_NUMBER)
INSERT_MANY: Final = INSERT_USUAL + f", ({', '.join('?' * len(USUAL))})" * (AT_ONCE - 1), AT_ONCE
COMPLETE: Final = f"UPDATE exchanges SET {', '.join(f'{name} = ?' for name in COLUMNS)} WHERE id = ?"
BODY: Final = "INSERT OR IGNORE INTO bodies (sha256, size, packed, data) VALUES (?, ?, ?, ?)"
BODIES: Final = BODY + ", (?, ?, ?, ?)" * (AT_ONCE - 1), AT_ONCE
MOVED: Final = "INSERT OR REPLACE INTO marks VALUES ('journal', ?)"
SECRET: Final = "INSERT OR IGNORE INTO secrets (recording, placeholder, sealed) VALUES (?, ?, ?)"
CHUNK: Final = "INSERT OR IGNORE INTO chunks (exchange, number, at_ms, sent, size, data) VALUES (?, ?, ?, ?, ?, ?)"
USE: Final = "INSERT OR IGNORE INTO uses (recording, cluster, environment) VALUES (?, ?, ?)"
GROWN: Final = "UPDATE recordings SET updated_at = max(updated_at, ?), steps = steps + ? WHERE id = ?"
# Ids of recordings grow with time: a slow exchange of the previous recording does not turn the session back to it.
ADD_SESSION: Final = """
INSERT INTO sessions (id, recording, steps, seen) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    steps = CASE WHEN recording = excluded.recording THEN max(steps, excluded.steps) ELSE excluded.steps END,
    title = CASE WHEN recording = excluded.recording THEN title ELSE '' END,
    recording = excluded.recording,
    seen = max(seen, excluded.seen)
WHERE excluded.recording >= recording
"""
PLAYED: Final = "UPDATE sessions SET playing = ? WHERE id = ?"
LITTLE: Final = 256 << 20  # bytes left on the disk, with less than which the log is kept short
LEAST: Final = 64  # pages that it may have at any rate
# Through the index alone, whose keys begin with milliseconds since the epoch (until 2109).
LATEST_BODIES: Final = "SELECT sha256 FROM bodies WHERE sha256 < x'04' ORDER BY sha256 DESC LIMIT ?"


class SqliteTables(Tables):
    """A batch is written in one transaction or not at all."""

    connection: Connection

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.stored = Stored()
        self._uses: dict[tuple[str, str, str], None] = {}
        self._begun: dict[str, None] = {}  # recordings that have their row, and are their session's
        self._open: set[str] = set()  # ids of exchanges whose rows wait for their end
        self._deleted: dict[str, None] = {}  # recordings of which an exchange may still be under way
        self._cut: dict[str, None] = {}  # exchanges that were open when their recording was deleted
        self._sweeper = Sweeper(connection)
        self.numbered = 0  # the last group of the journal, when this connection was made
        self._short = 0  # pages of the log at which a commit folds it in; 0: none does

    def recall_bodies(self) -> None:
        """The latest bodies of the file: what a gateway stored before its restart is not stored again."""
        with suppress(sqlite3.Error):  # what is damaged is found by what is written
            keys = [key for (key,) in self.connection.execute(LATEST_BODIES, (KNOWN,))]
            self.stored.bodies |= {hash_in(key): key for key in reversed(keys)}

    def moved(self) -> int:
        """The number of the last group of the journal that is in the file."""
        found = self.connection.execute("SELECT value FROM marks WHERE name = 'journal'").fetchone()
        return int(found[0]) if found else 0

    def write(self, batch: Batch, moved: int = 0) -> None:
        """One transaction; what it wrote is remembered only when it stands. `moved`: the last group of the journal
        that is in the batch."""
        left_out = bool(self._deleted) and batch.leave_out(self._deleted, self._cut)
        fresh, ended, opened = self._sorted(batch)
        usual = [row for row in fresh if len(row) == len(USUAL)]
        others = [row for row in fresh if len(row) != len(USUAL)] if len(usual) < len(fresh) else ()
        uses = self._new_uses(batch.exchanges)
        with transaction(self.connection):
            many = self.connection.executemany
            if batch.bodies:
                _insert_rows(self.connection, BODY, BODIES, [*batch.bodies.values()])
            if usual:
                _insert_rows(self.connection, INSERT_USUAL, INSERT_MANY, usual)
            if others:
                many(INSERT, others)
            if ended:
                many(COMPLETE, ended)
                many(full_text.PASSED_BY, [(row[0],) for row in ended])
            if batch.secrets:
                many(SECRET, batch.secret_rows())
            if batch.chunks:
                many(CHUNK, batch.chunks)
            if uses:
                many(USE, uses)
            begun = self._add_up(_sums(batch.exchanges, {row[ID] for row in fresh}))
            if batch.playing:
                many(PLAYED, [(place, session) for session, place in batch.playing.items()])
            if moved:
                self.connection.execute(MOVED, (moved,))
        self.stored.remember(batch)
        if left_out:  # the journal had it, so that it counts as stored, and it is not
            self.stored.clear()
        _remember(self._uses, uses)
        _remember(self._begun, begun)
        self._open = (self._open | opened) - {row[0] for row in ended}

    def _add_up(self, sums: dict[str, _Sum]) -> Iterable[str]:
        """What the recordings and their sessions have come to. The recordings that are new are given back."""
        many = self.connection.executemany
        begun = {id: s for id, s in sums.items() if id not in self._begun}
        if begun:
            many(ADD_RECORDING, [(id, s.session, s.began, s.ended, s.fresh, id, s.session) for id, s in begun.items()])
            many(ADD_SESSION, [(s.session, id, s.last, s.seen) for id, s in begun.items()])
        many(GROWN, [(s.ended, s.fresh, id) for id, s in sums.items() if id not in begun])
        return begun

    def write_odd(self, batch: Batch) -> None:
        """A batch of one exchange whose id or step is taken: complete what is open, or give it the next free step."""
        row = batch.exchanges[0]
        ask = self.connection.execute
        if ask("SELECT 1 FROM exchanges WHERE id = ? AND state <> 'done'", (row[0],)).fetchone():
            self._open.add(row[0])
        else:
            step = ask("SELECT coalesce(max(step), 0) + 1 FROM exchanges WHERE recording = ?", (row[1],)).fetchone()[0]
            batch.exchanges[0] = (*row[:STEP], step, *row[STEP + 1 :])
        self.write(batch)

    def _sorted(self, batch: Batch) -> tuple[list[Any], list[Any], set[str]]:
        """New rows, rows that complete an open one, and the ids that are open now."""
        opened = {row[ID] for row in batch.exchanges if row[STATE] == "open"}
        if not opened and not self._open:
            return batch.exchanges, [], opened
        fresh, ended = [], []
        begun = set(self._open)
        for row in batch.exchanges:
            if row[0] in begun:
                ended.append((*row, *(DEFAULTS if len(row) == len(USUAL) else ()), row[0]))
            else:
                fresh.append(row)
                begun.add(row[0])
        return fresh, ended, opened

    def _new_uses(self, rows: Iterable[Row]) -> dict[tuple[str, str, str], None]:
        found = {(r[RECORDING], r[CLUSTER], r[ENVIRONMENT]): None for r in rows if r[CLUSTER] and r[ENVIRONMENT]}
        return {use: None for use in found if use not in self._uses}

    def interrupt(self) -> int:
        """At a start, alone with the file: rows that are still open have nobody who will complete them; how many."""
        with transaction(self.connection):
            self.connection.execute(full_text.INTERRUPTED)
            done = self.connection.execute("UPDATE exchanges SET state = 'interrupted' WHERE state = 'open'")
        self._open.clear()
        return done.rowcount

    def interrupt_own(self) -> None:
        """At a stop: the rows that this connection opened and nobody completed. Those of others go on."""
        self.interrupt_some(self._open)

    def interrupt_some(self, ids: Collection[str]) -> None:
        """Exchanges that are open and have nobody any more who will complete them."""
        with transaction(self.connection):
            for id in sorted(ids):
                self.connection.execute(full_text.PASSED_BY, (id,))
                sql = "UPDATE exchanges SET state = 'interrupted' WHERE id = ? AND state = 'open'"
                self.connection.execute(sql, (id,))
        self._open = self._open.difference(ids)

    def transaction(self) -> AbstractContextManager[None]:
        """All of what is done inside, or nothing of it."""
        return transaction(self.connection)

    def fold(self, how: str) -> bool:
        """Move the log into the file (PASSIVE: as far as readers let it); whether all of it was moved."""
        _, frames, moved = self.connection.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
        return bool(frames == moved)

    def keep_short(self, left: int) -> None:
        """With so little left on the disk (bytes), commits fold the log in by themselves: those of a lone client write
        much more to it than to the file, and it must not take what the disk has left."""
        pages = 0 if left > LITTLE else max(LEAST, left // 8 // PAGE)
        if pages != self._short:
            self._short = pages
            self.connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")

    def forget_recording(self, recording: str) -> None:
        self._deleted.pop(recording, None)

    def check_keys(self, names: Sequence[str]) -> None:
        """A file has one gateway, and its keys lie beside it."""

    def probe(self) -> None:
        """A write that changes nothing: raises what any write would."""
        with transaction(self.connection):
            self.connection.execute("UPDATE recordings SET steps = steps WHERE seq = (SELECT max(seq) FROM recordings)")

    def delete(self, recording: str) -> None:
        """The recording with all that belongs to it. What is still under way in it is left out when it ends."""
        opened = "SELECT id FROM exchanges WHERE recording = ? AND state = 'open'"
        with transaction(self.connection):
            self._must_exist(recording, None)
            cut = [id for (id,) in self.connection.execute(opened, (recording,))]
            under_way = delete_rows(self.connection, recording) or bool(cut)
        if under_way:
            _remember(self._deleted, (recording,))
        _remember(self._cut, cut)
        self._open -= set(cut)
        self.stored.clear()
        self._begun.pop(recording, None)
        self._uses = {use: None for use in self._uses if use[0] != recording}
        self._sweeper.restart()
        self._sweep()

    def _sweep(self) -> bool:
        with transaction(self.connection):
            more = self._sweeper.sweep()
        if not more:
            self.stored.clear()  # a body that was swept would be missed by the next exchange that has it
            self.recall_bodies()
            give_back_room(self.connection)
        return more

    @contextmanager
    def overwriting(self) -> Iterator[None]:
        """With zeros."""
        self.connection.execute("PRAGMA secure_delete = ON")
        try:
            yield
        finally:
            self.connection.execute("PRAGMA secure_delete = FAST")

    def index_anew(self) -> None:
        full_text.index_anew(self.connection)

    def sweep_all(self) -> None:
        sweeper, more = Sweeper(self.connection), True
        while more:
            with self.transaction():
                more = sweeper.sweep()
        self.stored.clear()
        self.fold("TRUNCATE")

    def tidy(self, rules: RulesOf = no_rules) -> bool:
        """A little of what can wait: full text and names, bodies that nobody has. Whether there is more of it."""
        if full_text.is_pending(self.connection):
            with transaction(self.connection):
                full_text.index_some(self.connection, rules)
            return True
        if self.connection.execute("SELECT 1 FROM orphans LIMIT 1").fetchone() is None:
            return False
        return self._sweep()

    def add_drift(self, batch: DriftBatch, now: float) -> bool:
        with transaction(self.connection):
            return drift.write(self.connection, batch, now)

    def accept_finding(self, id: str, accepted: Accepted | None) -> Finding:
        with transaction(self.connection):
            return drift.accept(self.connection, id, accepted)

    def keep_contract(self, source: str, sha256: str, contents: Mapping[str, bytes]) -> None:
        with transaction(self.connection):
            drift.keep_document(self.connection, source, sha256, contents)


class _Sum:
    """What the exchanges of a batch add to their recording."""

    __slots__ = ("began", "ended", "fresh", "last", "seen", "session")

    def __init__(self, first: Row) -> None:
        self.session, self.began, self.ended = first[SESSION], first[STARTED_AT], 0.0
        self.fresh = self.last = 0  # steps that are new; the last step
        self.seen = first[STARTED_AT]


def _sums(rows: Iterable[Row], fresh: set[str]) -> dict[str, _Sum]:
    """By recording. `fresh` are the ids of exchanges that have no row yet."""
    sums: dict[str, _Sum] = {}
    for row in rows:
        one = sums.get(row[RECORDING])
        if one is None:
            one = sums[row[RECORDING]] = _Sum(row)
        begun = row[STARTED_AT]
        ended = begun + max(0.0, row[TOTAL_MS] or 0.0) / 1000
        if ended > one.ended:
            one.ended = ended
        if begun > one.seen:
            one.seen = begun
        if row[STEP] > one.last:
            one.last = row[STEP]
        if row[ID] in fresh:
            fresh.discard(row[ID])  # an exchange that opened and ended in one batch is one step
            one.fresh += 1
    return sums


def _insert_rows(connection: Connection, one: str, many: tuple[str, int], rows: Sequence[Row]) -> None:
    """`one` inserts a row, `many` so many at once: each step of a statement lets go of the interpreter's lock and
    waits for it again, which under load costs more than the row."""
    sql, count = many
    at = 0
    while len(rows) - at >= count:
        connection.execute(sql, [*chain.from_iterable(rows[at : at + count])])
        at += count
    if at < len(rows):
        connection.executemany(one, rows[at:])


def _remember(known: dict[Any, None], new: Iterable[Any]) -> None:
    if len(known) > KNOWN:
        known.clear()
    known.update(dict.fromkeys(new))


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE ... COMMIT; whatever is raised inside leaves the file as it was."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise

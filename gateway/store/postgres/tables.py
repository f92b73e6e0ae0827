"""What the writing connection does to the tables of a shared database: groups of exchanges, deletions, sweeps. I/O.

Several gateways write at the same time, and may write the same recording. The rules, each from a failure that was seen:

- A group locks its recordings first, in order of id, in a statement of its own; then it inserts. Inserting first and
  adding up the recording afterwards deadlocks at once with two gateways in one recording, and a lock inside the same
  statement sees the state before it waited.
- All that is written can be written twice. Rows are keyed by the exchange's id, and a recording is added up from the
  rows that were new. So a commit whose answer was lost is sent again.
- Steps are numbered by the gateway that has the session. Where another gateway has used a number meanwhile, the next
  free one is taken, in the order of the group: this is looked at only after the insert was refused.
- A body that this gateway stored may have been swept by another one since. So every group takes its bodies off the
  list of orphans, and then fails where one that it left out is gone; it is written again with all of them. The sweeper
  holds the rows of that list while it deletes, so that one of the two waits for the other.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from ...errors import NotFoundError, StoreError
from ...ids import new_id
from ..batch import KNOWN, Batch, Stored
from ..sqlite import drift
from ..sqlite.rows import (
    CLUSTER,
    COLUMNS,
    DEFAULTS,
    ENVIRONMENT,
    ID,
    RECORDING,
    SESSION,
    STARTED_AT,
    STEP,
    USUAL,
)
from ..tables import ADD_RECORDING, Tables
from .connection import Database

if TYPE_CHECKING:
    from ...contracts.batches import DriftBatch
    from ...contracts.findings import Accepted, Finding

Row = tuple[Any, ...]

TYPES: Final = {
    **dict.fromkeys(("step", "request_size", "response_size", "request_kept", "response_kept"), "bigint"),
    **dict.fromkeys(("started_at", "total_ms", "first_byte_ms", "upstream_ms", "connect_ms"), "float8"),
    **dict.fromkeys(("status", "attempts", "request_plain", "response_plain"), "int"),
    **dict.fromkeys(
        ("request_body", "response_body", "request_head", "response_head", "request_trailers", "response_trailers",
         "rewritten"), "bytea"),
}  # fmt: skip


def _insert(columns: Sequence[str]) -> str:
    """Rows from one array for each column; what is new of them adds up their recordings, in the same statement. A row
    that is there and not done is completed; one that is done stays as it is."""
    arrays = ", ".join(f"?::{TYPES.get(name, 'text')}[]" for name in columns)
    names = ", ".join(columns)
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in ("id", "recording", "step"))
    return f"""
WITH written AS (
    INSERT INTO exchanges AS e ({names}, gateway)
    SELECT {names}, ? FROM unnest({arrays}) WITH ORDINALITY AS given ({names}, nth) ORDER BY nth
    ON CONFLICT (id) DO UPDATE SET {changed} WHERE e.state <> 'done'
    RETURNING e.recording, e.step, e.started_at + greatest(0, coalesce(e.total_ms, 0)) / 1000 AS ended, xmax = 0 AS new
)
UPDATE recordings r SET steps = r.steps + s.fresh, updated_at = greatest(r.updated_at, s.ended)
FROM (SELECT recording, count(*) FILTER (WHERE new) AS fresh, max(ended) AS ended FROM written GROUP BY recording) s
WHERE r.id = s.recording
"""


INSERT_USUAL: Final = _insert(USUAL)
INSERT: Final = _insert(COLUMNS)
LOCK: Final = "SELECT id FROM recordings WHERE id = ANY(?) ORDER BY id FOR NO KEY UPDATE"
BODIES: Final = """
INSERT INTO bodies (sha256, size, packed, data)
SELECT * FROM unnest(?::bytea[], ?::bigint[], ?::int[], ?::bytea[]) AS given (sha256, size, packed, data) ORDER BY 1
ON CONFLICT DO NOTHING
"""
NO_ORPHANS: Final = """
DELETE FROM orphans WHERE sha256 IN (
    SELECT sha256 FROM orphans WHERE sha256 = ANY(?::bytea[]) ORDER BY sha256 FOR UPDATE
)
"""
# Divides by zero, and so fails the group, where one of them is gone.
ALL_THERE: Final = "SELECT 1 / (count(*) = ?)::int FROM bodies WHERE sha256 = ANY(?::bytea[])"
SECRETS: Final = """
INSERT INTO secrets (recording, placeholder, sealed)
SELECT * FROM unnest(?::text[], ?::text[], ?::bytea[]) AS given (recording, placeholder, sealed) ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""
CHUNKS: Final = """
INSERT INTO chunks (exchange, number, at_ms, sent, size, data)
SELECT * FROM unnest(?::text[], ?::bigint[], ?::float8[], ?::int[], ?::bigint[], ?::bytea[])
ON CONFLICT DO NOTHING
"""
USES: Final = """
INSERT INTO uses (recording, cluster, environment)
SELECT * FROM unnest(?::text[], ?::text[], ?::text[]) ON CONFLICT DO NOTHING
"""
# Ids of recordings grow with time: a slow exchange of the previous recording does not turn the session back to it.
SESSION_ROW: Final = """
INSERT INTO sessions AS s (id, recording, steps, seen, home) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    steps = CASE WHEN s.recording = excluded.recording THEN greatest(s.steps, excluded.steps) ELSE excluded.steps END,
    title = CASE WHEN s.recording = excluded.recording THEN s.title ELSE '' END,
    recording = excluded.recording,
    seen = greatest(s.seen, excluded.seen),
    home = excluded.home,
    changed_at = now(), changed_in = pg_current_xact_id()
WHERE excluded.recording >= s.recording AND s.home IN ('', excluded.home)
"""
# Only its home changes a session's row: one that it has left may add exchanges, which happened, and nothing else.
SAVED: Final = """
INSERT INTO sessions AS s (id, recording, steps, pins, seen, named, playing, title, faults, caller, home)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET recording = excluded.recording, steps = excluded.steps, pins = excluded.pins,
    seen = excluded.seen, named = excluded.named, playing = excluded.playing, title = excluded.title,
    faults = excluded.faults, caller = excluded.caller, home = excluded.home, changed_at = now(),
    changed_in = pg_current_xact_id()
WHERE s.home IN ('', excluded.home)
"""
PLAYED: Final = "UPDATE sessions SET playing = ? WHERE id = ? AND home = ?"
# Of nobody, so that the gateway that has it asks for it again.
ANEW: Final = """
UPDATE sessions SET recording = ?, steps = 0, title = '', home = '', changed_at = now(),
    changed_in = pg_current_xact_id()
WHERE recording = ? AND id = ?
"""
TAKEN: Final = """
SELECT e.recording, e.step FROM exchanges e
JOIN unnest(?::text[], ?::bigint[]) AS given (recording, step) USING (recording, step)
"""
LAST: Final = "SELECT recording, max(step) FROM exchanges WHERE recording = ANY(?) GROUP BY recording"
LIVES: Final = 15  # seconds after its last beat in which a gateway counts as alive
# A gateway's clock against the database's: what the statement took on its way is in it, some milliseconds.
BEAT: Final = """
INSERT INTO gateways (name, beat_at, facts, skew)
VALUES (?, now(), ?, ?::float8 - extract(epoch FROM clock_timestamp()))
ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at, facts = excluded.facts, skew = excluded.skew
"""
LEASE: Final = """
INSERT INTO leases AS l (name, holder, until) VALUES (?, ?, now() + ? * interval '1 second')
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE l.until < now() OR l.holder = excluded.holder RETURNING holder
"""
DEAD: Final = f"""
UPDATE exchanges SET state = 'interrupted' WHERE state = 'open' AND gateway NOT IN (
    SELECT name FROM gateways WHERE beat_at > now() - interval '{LIVES} seconds'
)
"""
# One of the gateways compares with contracts: it has claimed that, and lives.
CLAIM: Final = f"""
INSERT INTO facts (name, value) VALUES ('checker', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
WHERE facts.value NOT IN (SELECT name FROM gateways WHERE beat_at > now() - interval '{LIVES} seconds')
"""
CHECKER: Final = "SELECT value FROM facts WHERE name = 'checker' FOR UPDATE"
OWN: Final = ("exchanges", "uses", "secrets", "notes", "tags", "decisions")
SOME: Final = 1000  # orphans looked for at once
PIECE: Final = 20_000  # exchanges looked through at once: some 20 ms
ORPHANS: Final = "SELECT sha256 FROM orphans LIMIT ?"
LEFT: Final = "SELECT sha256 FROM orphans WHERE sha256 = ANY(?::bytea[]) ORDER BY sha256 FOR UPDATE"
STILL_USED: Final = """
DELETE FROM orphans WHERE sha256 IN (
    SELECT o.sha256 FROM orphans o WHERE o.sha256 = ANY(?::bytea[]) AND o.sha256 IN (
        SELECT {side} FROM exchanges WHERE seq > ? AND seq <= ? AND {side} IS NOT NULL
    ) ORDER BY o.sha256 FOR UPDATE
)
"""
ATTEMPTS: Final = 4  # at a group: as it is, with free steps, with all its bodies, and once more
BACKSLASH, QUOTE = "\\", '"'
UNIQUE, DIVISION = "23505", "22012"  # SQLSTATEs: a step or an id is taken; a body is gone


class SharedBatch(Batch):
    """A batch whose bodies are called by their hash alone: gateways that store the same body give it one name."""

    def _body(self, data: bytes, started_at: float) -> bytes | None:
        return super()._body(data, 0.0)


class PostgresTables(Tables):
    """A batch is written in one transaction or not at all; written twice it is there once."""

    connection: Database

    batch_class = SharedBatch

    def __init__(self, connection: Database, gateway: str, stored: Stored) -> None:
        """`gateway` is the name under which this gateway opens exchanges, `stored` what it may leave out of a batch."""
        self.connection, self._gateway, self.stored = connection, gateway, stored
        self._begun: dict[str, None] = {}  # recordings that have their row
        self._deleted: dict[str, None] = {}  # recordings of which an exchange may still be under way
        self._suspects: list[bytes] = []  # bodies that may be of no exchange, looked for up to this one
        self._seen = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self.connection.raw.transaction():
            yield

    def write(self, batch: Batch, moved: int = 0) -> None:
        """StoreError when other gateways were quicker several times."""
        if self._deleted:
            batch.leave_out(self._deleted, ())
        rows = _of_one_length({row[ID]: row for row in batch.exchanges}.values())
        numbered = True
        for _ in range(ATTEMPTS):
            begun = self._first_rows(rows)
            try:
                with self._group(numbered):
                    self._write(batch, rows, begun, numbered=numbered)
                break
            except Exception as error:
                state = getattr(error, "sqlstate", "")
                if state == UNIQUE and numbered:
                    numbered = False
                elif state == DIVISION:
                    self.stored.clear()
                    batch.suit(Stored())
                else:
                    raise
        else:
            raise StoreError("a group could not be written: other gateways were quicker each time", code="io")
        self._begun |= dict.fromkeys(begun)
        while len(self._begun) > KNOWN:
            del self._begun[next(iter(self._begun))]

    @contextmanager
    def _group(self, piped: bool) -> Iterator[None]:
        """One transaction, in one round trip where nothing is read meanwhile."""
        raw = self.connection.raw
        try:
            with raw.pipeline() if piped else nullcontext():
                self.connection.execute("BEGIN")
                yield
                self.connection.execute("COMMIT")
        except BaseException:
            if not raw.closed and raw.info.transaction_status:  # 0: idle
                raw.execute(b"ROLLBACK")
            raise

    def _write(self, batch: Batch, rows: list[Row], begun: dict[str, Row], *, numbered: bool) -> None:
        ask = self.connection.execute
        recordings = sorted({row[RECORDING] for row in rows})
        for id in sorted(begun):
            first = begun[id]
            ask(ADD_RECORDING, (id, first[SESSION], first[STARTED_AT], first[STARTED_AT], 0, id, first[SESSION]))
        if recordings:
            ask(LOCK, (recordings,))
        if not numbered:
            rows = self._renumbered(rows, recordings)
        if named := sorted({*batch.bodies, *batch.repeated}):
            ask(NO_ORPHANS, (named,))
        if left_out := [key for key in batch.repeated if key not in batch.bodies]:
            ask(ALL_THERE, (len(left_out), left_out))
        self._insert_beside(batch, rows)
        if rows:
            ask(INSERT_USUAL if len(rows[0]) == len(USUAL) else INSERT, [self._gateway, *_columns(rows)])
        self._note_sessions(batch, rows, begun)

    def _first_rows(self, rows: Sequence[Row]) -> dict[str, Row]:
        """The first exchange of each recording that may be new."""
        begun: dict[str, Row] = {}
        for row in rows:
            if row[RECORDING] not in self._begun:
                begun.setdefault(row[RECORDING], row)
        return begun

    def _insert_beside(self, batch: Batch, rows: Sequence[Row]) -> None:
        ask = self.connection.execute
        if batch.bodies:
            ask(BODIES, _columns(batch.bodies.values()))
        if batch.secrets:
            ask(SECRETS, _columns(batch.secret_rows()))
        if batch.chunks:
            ask(CHUNKS, _columns(batch.chunks))
        uses = {(r[RECORDING], r[CLUSTER], r[ENVIRONMENT]): None for r in rows if r[CLUSTER] and r[ENVIRONMENT]}
        if uses:
            ask(USES, _columns(uses))

    def _note_sessions(self, batch: Batch, rows: Sequence[Row], begun: dict[str, Row]) -> None:
        last: dict[str, Row] = {}
        for row in rows:
            if row[RECORDING] in begun and (row[RECORDING] not in last or row[STEP] > last[row[RECORDING]][STEP]):
                last[row[RECORDING]] = row
        for row in sorted(last.values(), key=lambda each: str(each[SESSION])):
            values = (row[SESSION], row[RECORDING], row[STEP], row[STARTED_AT], self._gateway)
            self.connection.execute(SESSION_ROW, values)
        for session in sorted(batch.playing):
            self.connection.execute(PLAYED, (batch.playing[session], session, self._gateway))

    def _renumbered(self, rows: Sequence[Row], recordings: Sequence[str]) -> list[Row]:
        """The rows with free steps, in their order; the recordings are locked, so that what is free stays free."""
        ask = self.connection.execute
        places = [(row[RECORDING], row[STEP]) for row in rows]
        taken = {(recording, step) for recording, step in ask(TAKEN, _columns(places))}
        known = {id for (id,) in ask("SELECT id FROM exchanges WHERE id = ANY(?)", ([row[ID] for row in rows],))}
        following = {recording: step + 1 for recording, step in ask(LAST, (list(recordings),))}
        found, own = list[Row](), set[tuple[str, int]]()
        for row in rows:
            place = (row[RECORDING], row[STEP])
            if row[ID] not in known and (place in taken or place in own):
                row = (*row[:STEP], following.get(row[RECORDING], 1), *row[STEP + 1 :])
            following[row[RECORDING]] = max(following.get(row[RECORDING], 1), row[STEP] + 1)
            own.add((row[RECORDING], row[STEP]))
            found.append(row)
        return found

    def forget_recording(self, recording: str) -> None:
        self._deleted.pop(recording, None)

    def interrupt(self, gateways: Sequence[str] = ()) -> int:
        """Open rows of this gateway, or of others that have died, have nobody who completes them; how many."""
        sql = "UPDATE exchanges SET state = 'interrupted' WHERE state = 'open' AND gateway = ANY(?)"
        return int(self.connection.execute(sql, (list(gateways or (self._gateway,)),)).rowcount)

    def beat(self, facts: Mapping[str, Any] | None = None) -> None:
        """This gateway lives, and says this of itself. What others had open that do not live any more is over: by the
        clock of the database alone."""
        self.connection.execute(BEAT, (self._gateway, json.dumps(facts or {}), time.time()))
        self.connection.execute(DEAD)

    def take_lease(self, name: str, seconds: float) -> bool:
        """Whether this gateway is the one that may do it, for so long."""
        return self.connection.execute(LEASE, (name, self._gateway, seconds)).fetchone() is not None

    def leave(self) -> None:
        """At a stop: what this gateway had open has nobody who completes it."""
        self.interrupt()
        self.connection.execute("DELETE FROM leases WHERE holder = ?", (self._gateway,))
        self.connection.execute("DELETE FROM gateways WHERE name = ?", (self._gateway,))

    def check_keys(self, names: Sequence[str]) -> None:
        """StoreError for another key: equal secrets need equal placeholders at all gateways."""
        ask = self.connection.execute
        with self.transaction():
            ask("INSERT OR IGNORE INTO facts (name, value) VALUES ('key', ?)", (names[0],))
            found = ask("SELECT value FROM facts WHERE name = 'key' FOR UPDATE").fetchone()
            known = str(found[0]) if found else names[0]
            if known not in names:
                raise StoreError(
                    f"the gateways of this database seal with key {known}, and this one has {', '.join(names)}",
                    hint="give it their gateway.key, or the same GATEWAY_SECRET_KEY; a new key goes before the old",
                    code="key",
                )  # fmt: skip
            if known != names[0]:  # the key was changed, and this gateway is the first with the new one
                ask("UPDATE facts SET value = ? WHERE name = 'key'", (names[0],))

    def _save_rows(self, rows: Sequence[Row]) -> None:
        self.connection.executemany(SAVED, [(*row, self._gateway) for row in sorted(rows, key=lambda row: str(row[0]))])

    def probe(self) -> None:
        """A write that changes nothing: raises what any write would."""
        self.connection.execute("UPDATE marks SET value = value WHERE name = 'missed'")

    def delete(self, recording: str) -> None:
        """NotFoundError when there is no such recording."""
        ask = self.connection.execute
        with self.transaction():
            if not ask("SELECT 1 FROM recordings WHERE id = ? FOR UPDATE", (recording,)).fetchone():
                raise NotFoundError(f"there is no recording {recording}", hint="gateway recordings")
            theirs = "SELECT {} FROM exchanges WHERE recording = ? AND {} IS NOT NULL"
            bodies = {
                key for side in ("request_body", "response_body")
                for (key,) in ask(theirs.format(side, side), (recording,))
            }  # fmt: skip
            opened = ask("SELECT 1 FROM exchanges WHERE recording = ? AND state = 'open'", (recording,)).fetchone()
            ask("DELETE FROM chunks WHERE exchange IN (SELECT id FROM exchanges WHERE recording = ?)", (recording,))
            self._checker()
            drift.forget(self.connection, recording)
            for table in OWN:
                ask(f"DELETE FROM {table} WHERE recording = ?", (recording,))
            ask("DELETE FROM recordings WHERE id = ?", (recording,))
            sessions = [id for (id,) in ask("SELECT id FROM sessions WHERE recording = ? ORDER BY id", (recording,))]
            for session in sessions:
                ask(ANEW, (new_id(), recording, session))
            self._note_orphans(bodies)
        if sessions or opened:
            self._deleted[recording] = None
        self._begun.pop(recording, None)
        self.tidy()  # a small store is done at once

    def tidy(self) -> bool:
        """Look for bodies that no exchange has any more, one piece of the exchanges for each call; whether there is
        more to do. Gateways that do it at the same time are in nobody's way."""
        ask = self.connection.execute
        if not self._suspects:
            self._suspects = [key for (key,) in ask(ORPHANS, (SOME,)).fetchall()]
            self._seen = 0
        if not self._suspects:
            return False
        last = int(ask("SELECT coalesce(max(seq), 0) FROM exchanges").fetchone()[0])  # type: ignore[index]
        until = min(last, self._seen + PIECE)
        for side in ("request_body", "response_body"):
            ask(STILL_USED.format(side=side), (self._suspects, self._seen, until))
        self._seen = until
        if until < last:
            return True
        with self.transaction():
            keys = [key for (key,) in ask(LEFT, (self._suspects,)).fetchall()]
            ask("DELETE FROM bodies WHERE sha256 = ANY(?::bytea[])", (keys,))
            ask("DELETE FROM orphans WHERE sha256 = ANY(?::bytea[])", (keys,))
        self._suspects = []
        self.stored.clear()
        return True

    def add_drift(self, batch: DriftBatch, now: float) -> bool:
        with self.transaction():
            self.connection.execute(CLAIM, (self._gateway,))
            return self._checker() == self._gateway and drift.write(self.connection, batch, now)

    def accept_finding(self, id: str, accepted: Accepted | None) -> Finding:
        with self.transaction():
            self._checker()
            return drift.accept(self.connection, id, accepted)

    def keep_contract(self, source: str, sha256: str, contents: Mapping[str, bytes]) -> None:
        drift.keep_document(self.connection, source, sha256, contents)

    def _checker(self) -> str:
        """The gateway that compares exchanges with contracts. Until the end of the transaction nobody else changes
        findings: a finding is read, added to and written."""
        found = self.connection.execute(CHECKER).fetchone()
        return str(found[0]) if found else ""

    def overwriting(self) -> AbstractContextManager[None]:
        """The server keeps older rows until they are vacuumed, and its log and replicas for as long as they say."""
        return nullcontext()

    def index_anew(self) -> None:
        """There is no index of words."""

    def sweep_all(self) -> None:
        while self.tidy():
            pass
        for table in ("exchanges", "chunks", "bodies"):
            self.connection.execute(f"VACUUM {table}")

    def _note_orphans(self, bodies: Iterable[bytes]) -> None:
        """They may be of other exchanges as well: `sweep` looks, when they are old enough."""
        keys = sorted(bodies)
        if keys:
            sql = "INSERT INTO orphans (sha256) SELECT * FROM unnest(?::bytea[]) ON CONFLICT DO NOTHING"
            self.connection.execute(sql, (keys,))


def _of_one_length(rows: Iterable[Row]) -> list[Row]:
    """The rows as they are where all are the usual ones; with one that is not, all have every column."""
    found = list(rows)
    if all(len(row) == len(USUAL) for row in found):
        return found
    return [row if len(row) == len(COLUMNS) else (*row, *DEFAULTS) for row in found]


def _columns(rows: Iterable[Row]) -> list[str]:
    """Rows as one array for each column, as PostgreSQL reads it from a text."""
    return [_array(column) for column in zip(*rows, strict=True)]


def _array(values: Sequence[Any]) -> str:
    """The values of a column, all of one type or None. psycopg's own dumper of lists looks through each text by an
    expression, and took two thirds of what a group costs this process."""
    found = []
    for value in values:
        if value is None:
            found.append("NULL")
        elif isinstance(value, str):
            found.append(f'"{value.replace(BACKSLASH, BACKSLASH * 2).replace(QUOTE, BACKSLASH + QUOTE)}"')
        elif isinstance(value, bytes):
            found.append(f'"{BACKSLASH * 2}x{value.hex()}"')
        else:
            found.append(repr(int(value)) if isinstance(value, bool) else repr(value))
    return f"{{{','.join(found)}}}"

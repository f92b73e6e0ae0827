"""Reads recordings through connections of its own that cannot write. I/O."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar
from weakref import finalize

from ...errors import NotFoundError, UsageError
from ...model.audit import AuditEntry
from ...model.exchange import Chunk, Exchange
from ...model.recording import Page, Recording, Relative, Revision, in_tree
from ...protocols import Heartbeat, LiveSession, Pin
from ..cursors import limit_of, number_of, place_of
from ..masking import Mask
from ..missed import read_ledger
from ..sql import SqlConnection
from . import drift, search
from .audit_log import entries
from .contents import SOME, bodies_of
from .decisions import asserted_of, decisions_of
from .files import connect_reader, identity, unreadable
from .filter_sql import of_recordings
from .full_text import TextSearch
from .journal import settle
from .operations import RulesOf, no_rules
from .retention import Stale, stale, used
from .rows import chunk_of, default_title, exchange_of, recording_of, revision_of, timestamp
from .server_builds import build_at
from .statistics import Statistics, statistics

if TYPE_CHECKING:
    from ...correlation import Decisions
    from ...replay.fault import Fault

Result = TypeVar("Result")
RELATED: Final = """
SELECT id, title, kind, parent, branched_at, started_at, steps FROM recordings WHERE parent IS NOT NULL OR id = ?
OR id IN (SELECT parent FROM recordings WHERE parent IS NOT NULL)
"""
FIRST: Final = "SELECT method, target FROM exchanges WHERE recording = ? ORDER BY step LIMIT 1"
AT_BRANCH: Final = "SELECT status FROM exchanges WHERE recording = ? AND step = ?"
STATUSES: Final = """
SELECT recording, step, status, id FROM exchanges WHERE recording IN ({}) AND step <= ? ORDER BY recording, step
"""


def family(connection: SqlConnection, recording: str) -> list[Relative]:
    """The family of a recording (a full id) as a tree, depth first."""
    rows = connection.execute(RELATED, (recording,)).fetchall()
    found = [
        Relative(
            row["id"], row["title"], row["kind"], row["parent"], row["branched_at"],
            timestamp(row["started_at"]), row["steps"],
        )
        for row in rows
    ]  # fmt: skip
    return [_complete(connection, one) for one in in_tree(found, recording)]


def _complete(connection: SqlConnection, one: Relative) -> Relative:
    """With a title, and with what came at the step where it branched."""
    if not one.title:
        first = connection.execute(FIRST, (one.id,)).fetchone()
        one = replace(one, title=default_title(first["method"], first["target"], one.steps) if first else one.id)
    if one.branched_at is None:
        return one
    row = connection.execute(AT_BRANCH, (one.id, one.branched_at)).fetchone()
    return replace(one, status=row["status"] if row else None)


def outcomes(
    connection: SqlConnection, recordings: Sequence[str], *, most: int
) -> dict[str, list[tuple[int, int | None, str]]]:
    """By recording: (step, status, exchange id) of its first `most` steps."""
    found: dict[str, list[tuple[int, int | None, str]]] = {one: [] for one in recordings}
    for at in range(0, len(recordings), 500):
        some = recordings[at : at + 500]
        sql = STATUSES.format(",".join("?" * len(some)))
        for row in connection.execute(sql, (*some, most)):
            found[row["recording"]].append((row["step"], row["status"], row["id"]))
    return found


PATIENCE: Final = 0.12  # seconds of looking for what a filter wants, before a page is shown as it is
IDLE: Final = 8  # connections kept for the next reads
LAST: Final = re.compile(r"@last(-run)?(?:~([0-9]{1,9}))?")
# What clients and forms recorded, and what was sent again: replays, what-ifs, probes. Imports are neither.
LIVE, RUN = "kind = 'live'", "kind IN ('replay', 'variant')"
PREFIX: Final = 4  # letters: shorter ones would often be a title or a typing error
NEAREST: Final = "SELECT id FROM recordings WHERE steps > 0 ORDER BY seq DESC LIMIT 3"


Idle = deque[tuple[tuple[int, int] | None, sqlite3.Connection]]


class StoreReader(ABC):
    """What is read of a store, on any engine. Blocking and thread-safe.

    Without a `mask` exchanges are read as they were stored.
    """

    text_search: ClassVar[type[TextSearch]] = TextSearch

    def __init__(self, path: Path, mask: Mask | None = None, rules: RulesOf = no_rules) -> None:
        self.path, self._mask, self._rules = path, mask, rules

    @abstractmethod
    def _reading(self) -> AbstractContextManager[SqlConnection]:
        """A connection that sees one state of the store throughout; StoreError in words when reading fails."""

    @abstractmethod
    def statistics(self) -> Statistics:
        """What the store holds, counted now: seconds for a million exchanges."""

    @abstractmethod
    def stale(self, *, days: float | None, bytes: int | None, now: float) -> list[Stale]:
        """The recordings that no longer need to be kept, the oldest first."""

    @abstractmethod
    def close(self) -> None:
        """Close what is idle. The store may still be used: it connects again."""

    def recordings(
        self, query: str = "", *, limit: int = 50, cursor: str | None = None, patience: float = PATIENCE
    ) -> Page[Recording]:
        """Newest first. `query` is plain words and `key:value` terms; UsageError names what is off.

        After `patience` seconds of looking a page may be short, or empty: its `next` goes on.
        """
        place, count, until = place_of(cursor), limit_of(limit) + 1, time.monotonic() + patience
        wanted = of_recordings(query, now=time.time())
        with self._reading() as connection:
            rows, at = search.recordings(
                connection, wanted, place, count, now=time.time(), until=until, index=self.text_search
            )
            items = tuple(_recordings(connection, rows[:limit]))
        return Page(items, str(rows[limit - 1]["seq"]) if len(rows) > limit else None if at is None else str(at))

    def recording(self, ref: str) -> Recording:
        """By id, unique id prefix, exact title, the name of a session, "@last~N", "@last-run~N"; NotFoundError,
        UsageError when ambiguous."""
        with self._reading() as connection:
            row = _find(connection, ref.strip())
            return _recordings(connection, [row])[0]

    def exchanges(
        self, recording: str, *, limit: int = 1000, cursor: str | None = None, query: str = "",
        patience: float = PATIENCE,
    ) -> Page[Exchange]:  # fmt: skip
        """The steps of a recording (a full id) that a filter finds, in order, bodies included; short pages as above.
        NotFoundError when there is no such recording."""
        after, count, until = number_of(cursor, default=-1), limit_of(limit) + 1, time.monotonic() + patience
        with self._reading() as connection:
            rows, at = search.in_recording(
                connection, query, recording, after, count, now=time.time(), until=until, index=self.text_search
            )  # fmt: skip
            if not rows and not connection.execute("SELECT 1 FROM recordings WHERE id = ?", (recording,)).fetchone():
                raise NotFoundError(f"there is no recording {recording}", hint="gateway recordings")
            return self._shown(_page(connection, rows, limit, "step", at))

    def latest(
        self, *, limit: int = 50, cursor: str | None = None, query: str = "", patience: float = PATIENCE
    ) -> Page[Exchange]:
        """The newest exchanges of all recordings that a filter finds, newest first; short pages as with recordings."""
        before, count, until = number_of(cursor, default=1 << 62), limit_of(limit) + 1, time.monotonic() + patience
        with self._reading() as connection:
            rows, at = search.newest_first(
                connection, query, before, count, now=time.time(), until=until, index=self.text_search
            )
            return self._shown(_page(connection, rows, limit, "seq", at or None))

    def exchange(self, id: str) -> Exchange:
        """One exchange by its full id; NotFoundError when there is none."""
        with self._reading() as connection:
            row = connection.execute("SELECT * FROM exchanges WHERE id = ?", (id,)).fetchone()
            if row is None:
                raise NotFoundError(f"there is no exchange {id}", hint="gateway recordings")
            return self._masked(_exchanges(connection, [row]))[0]

    def step(self, recording: str, step: int) -> Exchange:
        """One exchange of a recording (a full id) by its place. NotFoundError when there is none."""
        sql = "SELECT * FROM exchanges WHERE recording = ? AND step = ?"
        with self._reading() as connection:
            row = connection.execute(sql, (recording, step)).fetchone()
            if row is None:
                hint = f"gateway show {recording}"
                raise NotFoundError(f"recording {recording} has no step {step}", hint=hint)
            return self._masked(_exchanges(connection, [row]))[0]

    def family(self, recording: str) -> Sequence[Relative]:
        """Where a recording (a full id) comes from and what was made from it: a tree, depth first."""
        with self._reading() as connection:
            return family(connection, recording)

    def outcomes(self, recordings: Sequence[str], *, most: int) -> Mapping[str, Sequence[tuple[int, int | None, str]]]:
        """By recording: (step, status, exchange id) of its first `most` steps."""
        with self._reading() as connection:
            return outcomes(connection, recordings, most=most)

    def chunks(self, exchange: str) -> Sequence[Chunk]:
        """The timed pieces of an SSE or WebSocket exchange, in order."""
        sql = "SELECT * FROM chunks WHERE exchange = ? ORDER BY number"
        with self._reading() as connection:
            found = tuple(map(chunk_of, connection.execute(sql, (exchange,))))
            if self._mask is None or self._mask.rules is None or not found:
                return found
            rows = connection.execute("SELECT * FROM exchanges WHERE id = ?", (exchange,)).fetchall()
            return self._mask.chunks(_exchanges(connection, rows)[0], found) if rows else found

    def gateways(self) -> Sequence[Heartbeat]:
        """A file has one gateway, which knows itself."""
        return ()

    def revisions(self, *, limit: int = 100) -> Sequence[Revision]:
        """Accepted route tables, newest first."""
        with self._reading() as connection:
            found = connection.execute("SELECT * FROM revisions ORDER BY seq DESC LIMIT ?", (limit_of(limit),))
            return tuple(map(revision_of, found))

    def build(self, cluster: str, environment: str, moment: str) -> str:
        """Which version ran there at a moment (RFC 3339); "" when nobody knows."""
        if not moment:
            return ""
        with self._reading() as connection:
            return build_at(connection, cluster, environment, datetime.fromisoformat(moment).timestamp())

    def audit(self, words: str = "", *, limit: int = 50, cursor: str | None = None) -> Page[AuditEntry]:
        """Who moved, deleted or unmasked what, newest first; each of the words stands somewhere in the entry."""
        with self._reading() as connection:
            before, count = number_of(cursor, default=1 << 62), limit_of(limit)
            found = entries(connection, before=before, limit=count + 1, words=words)
            shown = found[:count]
            return Page(tuple(entry for _, entry in shown), str(shown[-1][0]) if len(found) > count else None)

    def values(self, session: str) -> dict[str, Any]:
        """The values a demo kept for this session, by name."""
        sql = "SELECT name, value FROM session_values WHERE session = ? ORDER BY name"
        with self._reading() as connection:
            return {name: json.loads(value) for name, value in connection.execute(sql, (session,))}

    def sessions(self, *, limit: int = 100_000) -> list[LiveSession]:
        """The sessions of the last run, those seen last first, each at the step where its recording goes on."""
        sql = """
            SELECT s.*, coalesce((SELECT max(step) FROM exchanges e WHERE e.recording = s.recording), 0) AS last
            FROM sessions s ORDER BY seen DESC LIMIT ?
        """
        with self._reading() as connection:
            return [session_of(row) for row in connection.execute(sql, (limit_of(limit),))]

    def playing(self, *, since: float, limit: int = 1000) -> dict[str, str]:
        """What the sessions of the last run were playing (replay/playback/playback.py), those seen last first."""
        sql = "SELECT id, playing FROM sessions WHERE playing <> '' AND seen >= ? ORDER BY seen DESC LIMIT ?"
        with self._reading() as connection:
            return dict(connection.execute(sql, (since, limit_of(limit))).fetchall())

    def decisions(self, recording: str) -> Decisions:
        """What people decided about the correlations of a recording (a full id)."""
        with self._reading() as connection:
            return decisions_of(connection, recording)

    def assertions(self, recording: str) -> Sequence[str]:
        """What steps of a recording (a full id) must answer: "3:status=201"."""
        with self._reading() as connection:
            return asserted_of(connection, recording)

    @abstractmethod
    def reading(self, work: Callable[[SqlConnection], Result]) -> Result:
        """What a function reads of findings (gateway/store/sqlite/drift.py), through a connection that sees one state
        of the store."""

    def secrets(self, recording: str) -> dict[str, bytes]:
        """The sealed secrets of a recording, and what is masked in it now: placeholder -> ciphertext."""
        with self._reading() as connection:
            sql = "SELECT placeholder, sealed FROM secrets WHERE recording = ?"
            stored = dict(connection.execute(sql, (recording,)).fetchall())
            return self._masked_secrets(connection, recording) | stored

    def stored_secrets(self, recording: str, count: int) -> list[tuple[str, bytes]]:
        """(placeholder, ciphertext) of some of the secrets that are stored of a recording (a full id)."""
        sql = "SELECT placeholder, sealed FROM secrets WHERE recording = ? LIMIT ?"
        with self._reading() as connection:
            return [tuple(row) for row in connection.execute(sql, (recording, count)).fetchall()]

    def secret_samples(self, count: int = 32) -> list[tuple[str, bytes]]:
        """(placeholder, ciphertext) of the oldest and the newest recordings that hold some: do the keys open them?"""
        ends = (f"SELECT placeholder, sealed FROM secrets ORDER BY recording {way} LIMIT ?" for way in ("ASC", "DESC"))
        with self._reading() as connection:
            return [tuple(row) for sql in ends for row in connection.execute(sql, (count,)).fetchall()]

    def _masked_secrets(self, connection: SqlConnection, recording: str) -> dict[str, bytes]:
        mask, found = self._mask, dict[str, bytes]()
        if mask is None or mask.rules is None:
            return found
        sql, step = "SELECT * FROM exchanges WHERE recording = ? AND step > ? ORDER BY step LIMIT ?", -1
        while rows := connection.execute(sql, (recording, step, SOME)).fetchall():
            rows, step = rows[: _fitting(rows)], rows[_fitting(rows) - 1]["step"]
            exchanges = _exchanges(connection, rows)
            found |= mask.secrets_of(exchanges, {one.id: self._pieces(connection, one) for one in exchanges})
        return found

    def _pieces(self, connection: SqlConnection, one: Exchange) -> tuple[Chunk, ...]:
        sql = "SELECT * FROM chunks WHERE exchange = ? ORDER BY number"
        return tuple(map(chunk_of, connection.execute(sql, (one.id,)))) if one.stream else ()

    def _masked(self, found: Sequence[Exchange]) -> list[Exchange]:
        masked = found if self._mask is None else self._mask.exchanges(found)
        rules = {cluster: tuple(self._rules(cluster)) for cluster in {one.cluster for one in masked}}
        return [replace(one, failed_when=of) if (of := rules[one.cluster]) else one for one in masked]

    def _shown(self, page: Page[Exchange]) -> Page[Exchange]:
        return Page(tuple(self._masked(page.items)), page.next)


class SqliteStore(StoreReader):
    """Implements protocols.Store for a file; one that was replaced is noticed."""

    def __init__(self, path: Path, mask: Mask | None = None, rules: RulesOf = no_rules) -> None:
        super().__init__(path, mask, rules)
        self._idle: Idle = deque()
        finalize(self, _close_all, self._idle)  # a short command need not close what it read

    def statistics(self) -> Statistics:
        """What the file holds, counted now: seconds for a million exchanges."""
        with self._reading() as connection:
            found = statistics(connection)
            return replace(found, missed=found.missed + read_ledger(self.path))

    def stale(self, *, days: float | None, bytes: int | None, now: float) -> list[Stale]:
        """The recordings that no longer need to be kept, the oldest first."""
        with self._reading() as connection:
            return stale(connection, days=days, bytes=bytes, now=now, size=lambda: used(connection))

    def reading(self, work: Callable[[SqlConnection], Result]) -> Result:
        """What a function reads of findings, through a connection that sees one state of the file."""
        with self._reading() as connection:
            return work(connection)

    def close(self) -> None:
        """Close what is idle. The store may still be used: it opens again."""
        _close_all(self._idle)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the file throughout; StoreError in words when reading fails."""
        settle(self.path)
        lies = identity(self.path)
        connection = self._borrow(lies)
        try:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            connection.close()
            raise unreadable(self.path, error) from None
        except BaseException:
            connection.close()
            raise
        self._give_back(lies, connection)

    def _borrow(self, lies: tuple[int, int] | None) -> sqlite3.Connection:
        while self._idle:
            try:
                opened, connection = self._idle.pop()
            except IndexError:  # another thread took it
                break
            if opened == lies and lies is not None:
                return connection
            connection.close()
        connection = connect_reader(self.path)
        connection.row_factory = sqlite3.Row
        return connection

    def _give_back(self, lies: tuple[int, int] | None, connection: sqlite3.Connection) -> None:
        if len(self._idle) < IDLE:
            self._idle.append((lies, connection))
        else:
            connection.close()


def _close_all(idle: Idle) -> None:
    while idle:
        with suppress(IndexError):  # another thread took it
            idle.pop()[1].close()


def _find(connection: SqlConnection, ref: str) -> Any:
    match = LAST.fullmatch(ref)
    if match:
        kind = RUN if match[1] else LIVE
        sql = f"SELECT * FROM recordings WHERE steps > 0 AND {kind} ORDER BY seq DESC LIMIT 1 OFFSET ?"
        found = connection.execute(sql, (int(match[2] or 0),)).fetchall()
        if not found and kind == LIVE and not _has_live(connection):  # a file of imports has no other "last"
            sql = "SELECT * FROM recordings WHERE steps > 0 AND kind = 'import' ORDER BY seq DESC LIMIT 1 OFFSET ?"
            found = connection.execute(sql, (int(match[2] or 0),)).fetchall()
    else:
        found = _named(connection, ref)
    if len(found) == 1:
        return found[0]
    if not found:
        of = f" of the kind {'replay or variant' if match[1] else 'live'}" if match else ""
        raise NotFoundError(f"there is no recording {ref!r}{of}", hint=_hint(connection))
    named = ", ".join(row["id"] for row in found[:5]) + (", ..." if len(found) > 5 else "")
    raise UsageError(f"{ref!r} is more than one recording: {named}", hint="use a longer part of the id")


def _has_live(connection: SqlConnection) -> bool:
    return connection.execute(f"SELECT 1 FROM recordings WHERE steps > 0 AND {LIVE} LIMIT 1").fetchone() is not None


def _named(connection: SqlConnection, ref: str) -> list[Any]:
    """By id, else by exact title, else by the name of its session, the newest of it, else by a prefix of the id."""
    ask = connection.execute
    found: list[Any] = ask("SELECT * FROM recordings WHERE id = ? AND steps > 0", (ref,)).fetchall()
    if not found and ref:
        found = ask("SELECT * FROM recordings WHERE title = ? AND steps > 0 ORDER BY seq DESC", (ref,)).fetchall()
    if not found and ref:
        found = ask(f"SELECT * FROM recordings WHERE session = ? AND steps > 0 ORDER BY {LIVE} DESC, seq DESC LIMIT 1",
                    (ref,)).fetchall()  # fmt: skip
    if not found and len(ref) >= PREFIX and ref.isascii() and ref.isalnum():
        low, high = ref.upper(), ref.upper() + "~"
        found = ask("SELECT * FROM recordings WHERE id >= ? AND id < ? AND steps > 0", (low, high)).fetchall()
    return found


def _hint(connection: SqlConnection) -> str:
    known = [id for (id,) in connection.execute(NEAREST)]
    return f"the newest are {', '.join(known)}; gateway recordings lists all" if known else "nothing is recorded yet"


def _recordings(connection: SqlConnection, rows: Sequence[Any]) -> list[Recording]:
    ids = [row["id"] for row in rows]
    uses, notes, tags = (_beside(connection, sql, ids) for sql in (USES, NOTES, TAGS))
    return [
        recording_of(
            row, title=row["title"] or _default_title(connection, row), clusters=uses.get(row["id"], ()),
            notes=notes.get(row["id"], ()), tags=tags.get(row["id"], ()),
        )
        for row in rows
    ]  # fmt: skip


USES: Final = "SELECT recording, cluster || '@' || environment FROM uses WHERE recording IN ({}) ORDER BY seq"
NOTES: Final = "SELECT recording, text FROM notes WHERE step = 0 AND recording IN ({}) ORDER BY seq"
TAGS: Final = "SELECT recording, tag FROM tags WHERE step = 0 AND recording IN ({}) ORDER BY seq"
STEP_NOTES: Final = "SELECT recording || '/' || step, text FROM notes WHERE step > 0 AND recording IN ({}) ORDER BY seq"
STEP_TAGS: Final = "SELECT recording || '/' || step, tag FROM tags WHERE step > 0 AND recording IN ({}) ORDER BY seq"
ROOM: Final = 64 << 20  # bytes of bodies in a page, and
LARGE: Final = 16 << 20  # as how long a body counts at most: its record may have been cut


def _beside(connection: SqlConnection, sql: str, ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for at in range(0, len(ids), SOME):
        some = ids[at : at + SOME]
        for key, text in connection.execute(sql.format(",".join("?" * len(some))), some):
            found.setdefault(key, []).append(text)
    return found


def _default_title(connection: SqlConnection, row: Any) -> str:
    sql = "SELECT method, target FROM exchanges WHERE recording = ? ORDER BY step LIMIT 1"
    first = connection.execute(sql, (row["id"],)).fetchone()
    return default_title(first["method"], first["target"], row["steps"]) if first else ""


def _page(connection: SqlConnection, rows: list[Any], limit: int, order: str, at: int | None) -> Page[Exchange]:
    """What fits of rows that are one more than the limit where there is a next page; or the search ended before the
    end, and goes on `at` a place."""
    count = min(limit, _fitting(rows))
    shown = rows[:count]
    following = shown[-1][order] if len(rows) > count else at
    return Page(tuple(_exchanges(connection, shown)), None if following is None else str(following))


def _fitting(rows: Sequence[Any]) -> int:
    """How many of these exchanges, one at least, have bodies that one page may hold in memory."""
    room = ROOM
    for count, row in enumerate(rows):
        room -= min(row["request_size"], LARGE) + min(row["response_size"], LARGE)
        if room < 0:
            return max(1, count)
    return len(rows)


@contextmanager
def _whole_rows() -> Iterator[None]:
    """What is read here was written by us: a row that cannot be understood is damaged, as a page may be."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise sqlite3.DatabaseError(f"a row is malformed: {error}") from error


@_whole_rows()
def _exchanges(connection: SqlConnection, rows: Sequence[Any]) -> list[Exchange]:
    bodies = bodies_of(connection, rows)
    recordings = list(dict.fromkeys(row["recording"] for row in rows))
    notes, tags = (_beside(connection, sql, recordings) for sql in (STEP_NOTES, STEP_TAGS))
    keys = [f"{row['recording']}/{row['step']}" for row in rows]
    names = rows[0].keys() if rows else ()
    plain = [dict(zip(names, row, strict=True)) for row in rows]  # a Row looks through its names for every value
    numbers = [row["seq"] for row in plain]
    called, drifts = drift.names(connection, numbers), drift.open_in(connection, numbers)
    found = [
        exchange_of(row, bodies, notes.get(key, ()), tags.get(key, ())) for row, key in zip(plain, keys, strict=True)
    ]
    if not called and not drifts:
        return found
    return [
        replace(one, contract_name=called.get(row["seq"], ""), drifts=drifts.get(row["seq"], 0))
        for one, row in zip(found, plain, strict=True)
    ]


@_whole_rows()
def session_of(row: Any) -> LiveSession:
    """A live session as it was stored; `last` of the row is the last step of its recording."""
    pins = {cluster: Pin(environment, until) for cluster, (environment, until) in json.loads(row["pins"]).items()}
    return LiveSession(
        id=row["id"], recording=row["recording"], steps=max(row["steps"], row["last"]), pins=pins,
        seen=row["seen"], named=bool(row["named"]), title=row["title"], faults=_faults(row["faults"]),
        caller=row["caller"],
    )  # fmt: skip


def _faults(text: str) -> dict[str, Fault]:
    if not text:
        return {}
    from ...replay.fault import read_faults

    return read_faults(text)

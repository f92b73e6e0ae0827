"""What is changed beside the recordings, on any engine: notes, decisions, revisions, the audit, sessions. I/O."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ..errors import NotFoundError
from ..protocols import LiveSession
from .batch import Batch, Stored
from .sqlite.audit_log import add_entry
from .sqlite.decisions import decide
from .sqlite.server_builds import add_build

if TYPE_CHECKING:
    from ..contracts.batches import DriftBatch
    from ..contracts.findings import Accepted, Finding
    from ..model.audit import AuditEntry
    from ..model.exchange import Exchange
    from ..model.recording import Recording, Revision
    from .sql import SqlConnection

ADD_RECORDING: Final = """
INSERT INTO recordings (id, session, started_at, updated_at, steps, title)
VALUES (?, ?, ?, ?, ?, coalesce((SELECT title FROM sessions WHERE recording = ? AND id = ?), ''))
ON CONFLICT (id) DO UPDATE SET
    started_at = CASE WHEN recordings.steps = 0 THEN excluded.started_at ELSE recordings.started_at END,
    updated_at = max(recordings.updated_at, excluded.updated_at),
    steps = recordings.steps + excluded.steps
"""
SAVED_SESSION: Final = """
INSERT INTO sessions (id, recording, steps, pins, seen, named, playing, title, faults, caller)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET recording = excluded.recording, steps = excluded.steps, pins = excluded.pins,
    seen = excluded.seen, named = excluded.named, playing = excluded.playing, title = excluded.title,
    faults = excluded.faults, caller = excluded.caller
"""
MISSED: Final = """
INSERT INTO marks VALUES ('missed', ?) ON CONFLICT (name) DO UPDATE SET value = marks.value + excluded.value
"""
# Strangers name sessions as they like; those unseen the longest go, and their values with them.
MOST_SESSIONS: Final = 100_000
TRIM_EVERY: Final = 500  # saves, of which there is one in 5 seconds
OLDEST: Final = "SELECT id FROM sessions ORDER BY seen DESC LIMIT -1 OFFSET ?"
TRIM_VALUES: Final = f"DELETE FROM session_values WHERE session IN ({OLDEST})"
TRIM_SESSIONS: Final = f"DELETE FROM sessions WHERE id IN ({OLDEST})"
KEPT_VALUE: Final = """
INSERT INTO session_values VALUES (?, ?, ?) ON CONFLICT (session, name) DO UPDATE SET value = excluded.value
"""


class Tables(ABC):
    """The tables of a store, on the connection that writes. Each change is one transaction, done or not done."""

    connection: SqlConnection
    batch_class: ClassVar[type[Batch]] = Batch
    saves = 0  # of sessions, so far
    stored: Stored  # what is surely written already

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """All of what is done inside, or nothing of it."""

    @abstractmethod
    def write(self, batch: Batch, moved: int = 0) -> None:
        """A batch of exchanges, in one transaction. `moved`: the last group of a journal that is in the batch."""

    @abstractmethod
    def delete(self, recording: str) -> None:
        """The recording with all that belongs to it; NotFoundError when there is none."""

    @abstractmethod
    def forget_recording(self, recording: str) -> None:
        """It begins anew: what was remembered of a deletion holds no longer."""

    @abstractmethod
    def check_keys(self, names: Sequence[str]) -> None:
        """StoreError when other gateways seal with a key that is not among these, the newest first."""

    @abstractmethod
    def add_drift(self, batch: DriftBatch, now: float) -> bool:
        """What the checker of contracts found; False when it does not begin where the last batch ended."""

    @abstractmethod
    def accept_finding(self, id: str, accepted: Accepted | None) -> Finding:
        """NotFoundError, UsageError for an id that is of none or of several findings."""

    @abstractmethod
    def keep_contract(self, source: str, sha256: str, contents: Mapping[str, bytes]) -> None:
        """The last good document of a URL."""

    def _save_rows(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self.connection.executemany(SAVED_SESSION, rows)

    @abstractmethod
    def overwriting(self) -> AbstractContextManager[None]:
        """What is deleted or changed inside is overwritten, where the engine can do that, not only let go."""

    @abstractmethod
    def index_anew(self) -> None:
        """Words of exchanges have changed."""

    @abstractmethod
    def sweep_all(self) -> None:
        """Delete the bodies that no exchange has any more, at once, and what the engine keeps of older rows."""

    def take_lease(self, name: str, seconds: float) -> bool:
        """A file has one gateway."""
        return True

    def annotate(
        self, recording: str, *, step: int | None, title: str | None, note: str | None, tags: Sequence[str],
        pinned: bool | None, now: float,
    ) -> None:  # fmt: skip
        """Title, note, tags and pin; NotFoundError when there is no such recording or step."""
        run = self.connection.execute
        with self.transaction():
            self._must_exist(recording, step)
            if title is not None:
                run("UPDATE recordings SET title = ? WHERE id = ?", (title, recording))
            if pinned is not None:
                run("UPDATE recordings SET pinned = ? WHERE id = ?", (pinned, recording))
            if note:
                values = (recording, step or 0, note, now)
                run("INSERT INTO notes (recording, step, text, written_at) VALUES (?, ?, ?, ?)", values)
            for tag in tags:
                if tag.startswith("-") and tag.strip("-"):  # "-demo" takes it away
                    run(
                        "DELETE FROM tags WHERE recording = ? AND step = ? AND tag = ?", (recording, step or 0, tag[1:])
                    )
                    continue
                run("INSERT OR IGNORE INTO tags (recording, step, tag) VALUES (?, ?, ?)", (recording, step or 0, tag))

    def decide(self, recording: str, words: Sequence[tuple[str, str]], now: float) -> None:
        """Verdicts about correlations; NotFoundError when there is no such recording."""
        with self.transaction():
            self._must_exist(recording, None)
            decide(self.connection, recording, words, now)

    def _must_exist(self, recording: str, step: int | None) -> None:
        ask = self.connection.execute
        if not ask("SELECT 1 FROM recordings WHERE id = ?", (recording,)).fetchone():
            raise NotFoundError(f"there is no recording {recording}", hint="gateway recordings")
        there = "SELECT 1 FROM exchanges WHERE recording = ? AND step = ?"
        if step is not None and not ask(there, (recording, step)).fetchone():
            raise NotFoundError(f"recording {recording} has no step {step}", hint=f"gateway show {recording}")

    def title_recording(self, recording: str, session: str, title: str, now: float) -> None:
        """A title for a recording that may not have an exchange yet; until it has, no list shows it."""
        self.forget_recording(recording)  # an import, for instance
        with self.transaction():
            values = (recording, session, now, now, 0, recording, session)
            self.connection.execute(ADD_RECORDING, values)
            self.connection.execute("UPDATE recordings SET title = ? WHERE id = ?", (title, recording))

    def describe_recording(
        self, recording: str, session: str, *, kind: str, parent: str | None, branched_at: int | None, title: str,
        now: float,
    ) -> None:  # fmt: skip
        """What a recording will be, before its first exchange: a replay or a variant, and of which one."""
        self.title_recording(recording, session, title, now)
        with self.transaction():
            sql = "UPDATE recordings SET kind = ?, parent = ?, branched_at = ? WHERE id = ?"
            self.connection.execute(sql, (kind, parent, branched_at, recording))

    def note_import(self, recording: Recording, exchanges: Sequence[Exchange], now: float) -> None:
        """What lies beside an imported recording and beside its steps."""
        id, run = recording.id, self.connection.executemany
        notes = [(id, 0, note, now) for note in recording.notes]
        notes += [(id, one.step, note, now) for one in exchanges for note in one.notes]
        tags = [(id, 0, tag) for tag in recording.tags] + [(id, one.step, tag) for one in exchanges for tag in one.tags]
        with self.transaction():
            self.connection.execute("DELETE FROM notes WHERE recording = ?", (id,))  # of an attempt that failed
            run("INSERT INTO notes (recording, step, text, written_at) VALUES (?, ?, ?, ?)", notes)
            run("INSERT OR IGNORE INTO tags (recording, step, tag) VALUES (?, ?, ?)", tags)
            self.connection.execute("UPDATE recordings SET pinned = ? WHERE id = ?", (recording.pinned, id))

    def add_missed(self, count: int) -> None:
        """Exchanges that were answered and are in no file."""
        with self.transaction():
            self.connection.execute(MISSED, (count,))

    def add_audit(self, entry: AuditEntry, now: float) -> None:
        with self.transaction():
            add_entry(self.connection, entry, now)

    def add_build(self, cluster: str, environment: str, build: str, now: float) -> None:
        with self.transaction():
            add_build(self.connection, cluster=cluster, environment=environment, build=build, since=now)

    def add_revision(self, revision: Revision) -> None:
        sql = "INSERT INTO revisions (id, accepted_at, source, changes, text) VALUES (?, ?, ?, ?, ?)"
        changes = json.dumps(list(revision.changes), ensure_ascii=False)
        with self.transaction():
            self.connection.execute(sql, (revision.id, revision.accepted_at, revision.source, changes, revision.text))

    def keep_values(self, session: str, values: Mapping[str, Any]) -> None:
        """One row per name; None deletes a name."""
        kept = [(session, name, json.dumps(value)) for name, value in values.items() if value is not None]
        gone = [(session, name) for name, value in values.items() if value is None]
        with self.transaction():
            self.connection.executemany(KEPT_VALUE, kept)
            self.connection.executemany("DELETE FROM session_values WHERE session = ? AND name = ?", gone)

    def save_sessions(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows of session_row. The title that a session chose for its recording holds until another one is given."""
        with self.transaction():
            self._save_rows(rows)
            chosen = [(title, recording) for _, recording, _, _, _, _, _, title, *_ in rows if title]
            self.connection.executemany("UPDATE recordings SET title = ? WHERE id = ? AND title = ''", chosen)
            self.saves += 1
            if self.saves % TRIM_EVERY == 1:
                for trim in (TRIM_VALUES, TRIM_SESSIONS):
                    self.connection.execute(trim, (MOST_SESSIONS,))


def session_row(session: LiveSession) -> tuple[Any, ...]:
    """A live session as it is kept over a restart."""
    pins = {cluster: [pin.environment, pin.until] for cluster, pin in session.pins.items()}
    is_live = session.mode == "live"  # a replay does not outlive its server
    playing = faults = ""
    if is_live and (session.modes or session.faults):
        from ..replay.fault import faults_text  # what plays and injects has imported both
        from ..replay.playback.playback import kept

        playing, faults = kept(session.modes), faults_text(session.faults)
    return (
        session.id, session.recording, session.steps, json.dumps(pins), session.seen, session.named,
        playing, session.title, faults, session.caller,
    )  # fmt: skip

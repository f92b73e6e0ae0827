"""The recording side of the store: a cheap queue on the event loop, one thread that writes it in groups. I/O.

The loop appends; the thread takes what there is, seals and packs it, commits once, and has the loop run all
`on_safe` of the group. `put` is on the hot path: look up, append, ring.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..errors import UsageError
from ..model.capture import Capture
from ..protocols import LiveSession, RecorderStatus
from .batch import ROW, ReadyRows, StreamPiece, cost_of
from .compose import Composition, compose
from .imports import Import, write_import
from .key_rotation import FIRST, Place, Renew, Renewed, begin_anew, renew_some
from .missed import Ledger, NoLedger
from .reseal import reseal
from .tables import Tables, session_row
from .writer import Entry, GroupWriter, Job, is_end

if TYPE_CHECKING:
    from ..contracts.batches import DriftBatch
    from ..contracts.findings import Accepted, Finding
    from ..model.audit import AuditEntry
    from ..model.exchange import Chunk, Exchange
    from ..model.recording import Recording, Revision
    from ..protocols import EventSink, SharedRoutesStore, SharedSessionStore

log = logging.getLogger("gateway.store")
Result = TypeVar("Result")

WATCH: Final = 0.25  # seconds between two looks at a writer that may be stuck
GATHER: Final = 0.004  # seconds that the first exchange of a group may wait for the others
ENOUGH: Final = 64  # entries after which a group is worth its commit
PATIENT: Final = 4  # looks without progress before waiting traffic is let go: one second


class Stream:
    """How much of a stream is kept so far."""

    __slots__ = ("dropped", "last", "number", "room")

    def __init__(self, room: int) -> None:
        self.number, self.room, self.dropped = 0, room, 0
        self.last: tuple[float, bool] = (0.0, False)


class SqliteRecorder:
    """Implements protocols.Recorder. Made by open_recorder; `start` and `stop` it on the event loop."""

    def __init__(
        self, thread: GroupWriter, *, backlog: int, held: bool, live: EventSink | None, ledger: Ledger | NoLedger
    ) -> None:
        self._thread = thread
        self._queue = thread.queue
        self._limit = backlog
        self._held = held  # whether on_safe waits for the commit
        self._live = live
        self._queued = 0  # bytes ever queued; the thread counts those done
        self._ledger = ledger
        self._missed = ledger.left  # the counter goes on after a crash
        self._missed_elsewhere = 0, 0
        self._unsafe = 0  # exchanges that clients have and the store has not yet, because it fails
        self._streams: dict[str, Stream] = {}
        self._gathering = False  # the thread is not told yet, because more is coming
        self._gathered = 0  # how much was queued a turn ago
        self._gather_until = 0.0
        self._stuck = False
        self._looks = 0
        self._progress = -1
        self._told = ("", 0)  # reason and missed as pages know them
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: asyncio.TimerHandle | None = None

    @property
    def path(self) -> Path:
        return self._thread.path

    @property
    def gateway(self) -> str:
        """The name of this gateway among those that share its database; "" for a file."""
        return self._thread.gateway

    async def start(self) -> None:
        """Begin to write. What was queued before is not lost."""
        self._loop = asyncio.get_running_loop()
        self._thread.begin(self._done)
        self._watch = self._loop.call_later(WATCH, self._look)

    async def stop(self) -> None:
        """Write everything that is queued, fold the log into the file, close it, let others write."""
        self._limit = -1  # what comes from now on is missed, and nobody waits for it
        await asyncio.to_thread(self._thread.end)
        if self._watch is not None:
            self._watch.cancel()
        self._let_go()
        self._ledger.close()
        self._loop = None

    # -- recording

    def put(self, capture: Capture, on_safe: Callable[[], None] | None = None) -> None:
        """Queue a finished exchange; `on_safe` runs on the loop when it is safe, or counted as missed."""
        if capture.stream:
            self._end_stream(capture)
        cost = cost_of(capture)
        backlog = self._queued - self._thread.handled
        if backlog + cost > self._limit:
            self._missed += 1
            self._count()
            self._soon(on_safe)
            return
        self._queued += cost
        if on_safe is not None and (self._stuck or (not self._held and backlog < self._limit >> 2)):
            # Relaxed. Once a quarter of the backlog waits, clients wait too: that slows them before anything is lost.
            self._soon(on_safe)
            on_safe = None
        if self._stuck:
            self._unsafe += 1
            self._count()
        self._queue.append([capture, on_safe, cost])
        self._wake()

    def put_rows(self, rows: ReadyRows) -> None:
        """Queue what another process made ready. From any thread."""
        self._queue.append(rows)
        self._thread.ring()

    def note_missed(self, missed: int, waiting: int) -> None:
        """What the processes that make rows ready could not hand over, all of them together: exchanges that will never
        be stored, and those that clients have and may be stored yet."""
        if (missed, waiting) != self._missed_elsewhere:
            self._missed_elsewhere = missed, waiting
            self._count()

    def opened(self, capture: Capture) -> None:
        """Make a long exchange visible while it is still open (a later `put` completes it)."""
        seen = capture.copy()  # the relay goes on filling in the capture itself
        seen.state = "open"
        seen.request_body, seen.response_body = list(capture.request_body), []
        if capture.stream and capture.id not in self._streams:
            self._streams[capture.id] = Stream(capture.max_body)
        self._queued += ROW
        self._queue.append([seen, None, ROW])
        self._wake()

    def chunk(self, capture: Capture, *, at: float, sent: bool, data: bytes) -> None:
        """Queue one piece of a stream that was opened; after max_body bytes only their number is kept."""
        stream = self._streams.get(capture.id)
        if stream is None:  # not opened: routes.yaml says that this exchange is not recorded
            return
        at_ms = (at - capture.begun) * 1000
        stream.last = (at_ms, sent)
        full = self._queued - self._thread.handled + len(data) > self._limit
        if full or (stream.room <= 0 and data):
            stream.dropped += len(data)
            return
        kept = data[: stream.room]
        self._add_piece(capture, stream, at_ms=at_ms, sent=sent, data=kept, size=len(data))
        stream.room -= len(kept)

    def _add_piece(
        self, capture: Capture, stream: Stream, *, at_ms: float, sent: bool, data: bytes, size: int, last: bool = False
    ) -> None:
        self._queued += len(data)
        self._queue.append(StreamPiece(capture, stream.number, at_ms=at_ms, sent=sent, data=data, size=size, last=last))
        stream.number += 1
        self._wake()

    def _end_stream(self, capture: Capture) -> None:
        """What waited for the rest of a secret is let out; pieces not kept show as one empty piece of their size."""
        stream = self._streams.pop(capture.id, None)
        if stream is None:
            return
        at_ms, sent = stream.last
        if self._thread.seal_piece is not None:
            for side in (True, False) if capture.stream == "websocket" else (False,):
                self._add_piece(capture, stream, at_ms=at_ms, sent=side, data=b"", size=0, last=True)
        if stream.dropped:
            self._add_piece(capture, stream, at_ms=at_ms, sent=sent, data=b"", size=stream.dropped)

    def status(self) -> RecorderStatus:
        """How recording goes."""
        thread = self._thread
        return RecorderStatus(
            recorded=thread.recorded,
            missed=self._missed + thread.missed + self._missed_elsewhere[0],
            backlog=max(0, self._queued - thread.handled),
            reason=thread.reason(),
        )

    @property
    def unsafe(self) -> int:
        """How many exchanges clients have, and the store may get yet."""
        return self._unsafe

    # -- beside the recordings

    def annotate(
        self, recording: str, *, step: int | None = None, title: str | None = None, note: str | None = None,
        tags: Sequence[str] = (), pinned: bool | None = None,
    ) -> Future[None]:  # fmt: skip
        """Add a note and tags, set the title or pin; `step` addresses one exchange instead. UsageError for a title or
        pin of a step, or an empty tag."""
        if step is not None and (title is not None or pinned is not None):
            raise UsageError("a step has notes and tags; title and pin are the recording's", where=f"step {step}")
        blank = [tag for tag in tags if not tag.strip()]
        if blank:
            raise UsageError("a tag is empty", hint="--tag demo")
        return self._do(
            partial(
                Tables.annotate, recording=recording, step=step, title=title, note=note, tags=tuple(tags),
                pinned=pinned, now=time.time(),
            )
        )  # fmt: skip

    def decide(
        self, recording: str, *, accept: Sequence[str] = (), reject: Sequence[str] = (), declare: Sequence[str] = (),
        forget: Sequence[str] = (), asserted: Sequence[str] = (),
    ) -> Future[None]:  # fmt: skip
        """What people say about correlations, and what steps must answer; `forget` takes anything back."""
        words = [("accepted", id) for id in accept] + [("rejected", id) for id in reject]
        from ..correlation import read_declared  # with all that reads recordings, which a start does not

        words += [("declared", str(read_declared(text))) for text in declare] + [("forgotten", id) for id in forget]
        words += [("asserted", text) for text in asserted]
        return self._do(partial(Tables.decide, recording=recording, words=words, now=time.time()))

    def title_recording(self, recording: str, session: str, title: str) -> Future[None]:
        """The title of a recording that a session begins; it may not have an exchange yet."""
        return self._do(
            partial(Tables.title_recording, recording=recording, session=session, title=title, now=time.time())
        )

    def describe_recording(
        self, recording: str, session: str, *, kind: str, parent: str | None = None, branched_at: int | None = None,
        title: str = "",
    ) -> Future[None]:  # fmt: skip
        """What the recording that a session begins is: a "replay" or "variant" of `parent`."""
        return self._do(
            partial(
                Tables.describe_recording, recording=recording, session=session, kind=kind, parent=parent,
                branched_at=branched_at, title=title, now=time.time(),
            )
        )  # fmt: skip

    def add_recording(
        self, recording: Recording, exchanges: Sequence[Exchange], *, chunks: Mapping[int, Sequence[Chunk]],
        redact: object = None,
    ) -> Future[None]:  # fmt: skip
        """A recording from a file, whole or not at all, its secrets sealed; `chunks` by step."""
        one = Import(recording, exchanges, chunks, redact)
        return self._do(partial(write_import, one=one, seal=self._thread.seal, now=time.time()))

    def delete(self, recording: str) -> Future[None]:
        return self._do(lambda tables: tables.delete(recording))

    def reseal(self, recording: str, rules: object) -> Future[int]:
        """Seal for good what a stored recording holds under these rules; how many exchanges that changed."""
        thread = self._thread
        return self._do(
            partial(reseal, recording=recording, seal=thread.seal, seal_piece=thread.seal_piece, rules=rules)
        )

    def compose(self, wanted: Sequence[Composition]) -> Future[list[str]]:
        """New recordings out of steps of old ones: their ids. All or none of them."""
        return self._do(partial(compose, wanted=tuple(wanted), now=time.time()))

    def renew_secrets(self, renew: Renew, after: Place = FIRST) -> Future[Renewed]:
        """Bring some sealed secrets under the newest key; call it again with `next` of the result."""
        return self._do(partial(renew_some, after=after, renew=renew))

    def change(self, work: Callable[[Tables], Result]) -> Future[Result]:
        """A change by the writer thread, behind all that was put before it."""
        return self._do(work)

    def check_keys(self, names: Sequence[str]) -> Future[None]:
        """StoreError when other gateways of the store seal with a key that is not among these, the newest first."""
        return self._do(lambda tables: tables.check_keys(names))

    def begin_anew(self) -> Future[None]:
        """New recordings for the sessions of the last run. For a file that no gateway serves."""
        return self._do(begin_anew)

    def add_audit(self, entry: AuditEntry) -> Future[None]:
        """A line of the audit."""
        return self._do(partial(Tables.add_audit, entry=entry, now=time.time()))

    def add_build(self, cluster: str, environment: str, build: str) -> Future[None]:
        """What an upstream says of its version, from now on."""
        return self._do(
            partial(Tables.add_build, cluster=cluster, environment=environment, build=build, now=time.time())
        )

    def add_drift(self, batch: DriftBatch) -> Future[bool]:
        """What the checker of contracts found; False when it does not begin where the last batch ended."""
        return self._do(lambda tables: tables.add_drift(batch, time.time()))

    def accept_finding(self, id: str, accepted: Accepted | None) -> Future[Finding]:
        """Live with a finding until its contract changes; with None not any more."""
        return self._do(lambda tables: tables.accept_finding(id, accepted))

    def keep_contract(self, source: str, sha256: str, contents: Mapping[str, bytes]) -> Future[None]:
        """The last good document of a URL."""
        return self._do(lambda tables: tables.keep_contract(source, sha256, dict(contents)))

    def add_revision(self, revision: Revision) -> Future[None]:
        return self._do(partial(Tables.add_revision, revision=revision))

    def keep_values(self, session: str, values: Mapping[str, Any]) -> Future[None]:
        """Write a session's values, one row per (session, name); None deletes a name."""
        return self._do(partial(Tables.keep_values, session=session, values=dict(values)))

    def save_sessions(self, sessions: Sequence[LiveSession]) -> Future[None]:
        """Keep the sessions over a restart. Their recordings and steps are kept with every exchange anyway."""
        rows = [session_row(session) for session in sessions]
        return self._do(partial(Tables.save_sessions, rows=rows), is_patient=False)

    def load_sessions(self) -> list[LiveSession]:
        """The sessions of the last run, each at the step where its recording goes on. Blocking: for the start."""
        from . import open_store

        store = open_store(self.path)
        try:
            return store.sessions()
        finally:
            store.close()

    def shared_sessions(self) -> SharedSessionStore | None:
        """Where sessions are that other gateways have as well; None where there is one gateway."""
        return self._thread.shared_sessions()

    def say(self, facts: Callable[[], Mapping[str, Any]]) -> None:
        """What other gateways see of this one; asked now and then, on a thread."""
        self._thread.facts = facts

    def take_lease(self, name: str, seconds: float) -> Future[bool]:
        """Whether this gateway is the one that may do what only one may do, for so long. For a file it always is."""
        return self._do(lambda tables: tables.take_lease(name, seconds), is_patient=False)

    def shared_routes(self) -> SharedRoutesStore | None:
        """Where the routes are that other gateways have as well; None where there is one gateway."""
        return self._thread.shared_routes()

    def _wake(self) -> None:
        """Have the thread told of what was queued, at the end of this turn of the loop or of some later ones."""
        if self._loop is None:
            self._thread.ring()
        elif not self._gathering:
            self._gathering, self._gathered = True, 1
            self._gather_until = self._loop.time() + GATHER
            self._loop.call_soon(self._gather)

    def _gather(self) -> None:
        """While every turn brings more, wait for more: a commit costs as much for one exchange as for five, and each
        change between the threads as much as the work on one."""
        queued = len(self._queue)
        if self._gathered < queued < ENOUGH and self._loop is not None and self._loop.time() < self._gather_until:
            self._gathered = queued
            self._loop.call_soon(self._gather)
        else:
            self._gathering = False
            self._thread.ring()

    def _do(self, work: Callable[[Tables], Result], *, is_patient: bool = True) -> Future[Result]:
        job = Job(work, is_patient=is_patient)
        self._queue.append(job)
        self._thread.ring()
        return job.future

    # -- on the loop, told by the thread

    def _done(self, entries: Sequence[Entry], summaries: Sequence[Mapping[str, Any]]) -> None:
        """Called on the writer thread after a group was written or given up."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._safe, entries, summaries)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    def _safe(self, entries: Sequence[Entry], summaries: Sequence[Mapping[str, Any]]) -> None:
        self._stuck = False
        self._looks = 0
        if self._unsafe:
            let_go = sum(isinstance(entry, list) and entry[1] is None and is_end(entry) for entry in entries)
            self._unsafe = max(0, self._unsafe - let_go)
        self._count()
        _release(entries)
        live = self._live
        if live is not None and live.listening:
            for data in summaries:
                live.publish("exchange", data)

    def _look(self) -> None:
        """A writer without progress for a second must not hold traffic back, whatever it waits for."""
        assert self._loop is not None
        self._watch = self._loop.call_later(WATCH, self._look)
        working = bool(self._thread.current or self._queue)
        self._looks = self._looks + 1 if working and self._thread.groups == self._progress else 0
        self._progress = self._thread.groups
        if self._looks >= PATIENT - 1:
            self._thread.hurry()
        if self._looks >= PATIENT:
            self._let_go()
        self._tell()

    def _tell(self) -> None:
        """Pages that watch see trouble begin and end."""
        status = self.status()
        if self._live is not None and (status.reason, status.missed) != self._told:
            self._told = (status.reason, status.missed)
            self._live.publish("recorder", asdict(status))

    def _let_go(self) -> None:
        self._stuck = bool(self._thread.current or self._queue)
        self._unsafe = sum(map(is_end, (*self._thread.current, *self._queue)))
        self._count()
        _release(self._thread.current)
        _release(tuple(self._queue))

    def _count(self) -> None:
        """Before clients get what is not safe: what they got and nothing holds is counted over a crash, too."""
        missed = self._missed + self._thread.missed - self._ledger.left + self._missed_elsewhere[0]
        self._ledger.note(missed=missed, waiting=self._unsafe + self._missed_elsewhere[1])

    def _soon(self, on_safe: Callable[[], None] | None) -> None:
        if on_safe is None:
            return
        if self._loop is None:
            on_safe()
        else:
            self._loop.call_soon(on_safe)


def _release(entries: Sequence[Entry]) -> None:
    """Run what waits for these entries, each once."""
    for entry in entries:
        if type(entry) is list and (on_safe := entry[1]) is not None:
            entry[1] = None
            try:
                on_safe()
            except Exception:  # one client's trouble is not that of the others
                log.exception("what waited for a record failed")

"""Records of workers on their way into the store: sealed and made into rows by the worker, kept by the owner. I/O.

    worker's writer thread                       owner
    take a group, seal it, make rows ─ rows ─>   a thread of this worker puts them into the writer's queue
    (blocks)                                     the writer asks: was a token of these recordings found elsewhere?
       ├─ <─ STALE and the tokens ───────────────┤ yes: nothing is written
       │     learn them, seal and send again      │
       └─ <─ SAFE and tokens of others ──────────┘ no: in the journal with all else that waits
    run `on_safe` of the group

A token that was sealed once in a recording is sealed wherever else it is in it (redact/sealer.py), whichever process
sees it. So a worker sends the tokens that are new with its rows. The owner takes rows one group after the other, and
takes none of a recording from a worker that has not learned all tokens of that recording.

What may never happen:
- `on_safe` before the owner has the rows in its journal, or counts them as missed: a worker without its owner writes
  nothing, lets no response go, and ends;
- rows that hold a token in clear which an earlier exchange of their recording had sealed.
"""

from __future__ import annotations

import logging
import marshal
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..redact import Sealer
from ..store.batch import Batch, ReadyRows, Stored
from ..store.sqlite.rows import ID, RECORDING, SESSION, STATE
from ..store.writer import GroupWriter, ends_of

if TYPE_CHECKING:
    from ..redact.echoes import RecordingTokens
    from ..store import SqliteRecorder
    from ..store.writer import Entry
    from .channel import BlockingChannel

log = logging.getLogger("gateway.workers")
Result = TypeVar("Result")

ROWS, RECALL, FACTS = range(3)  # what a worker says
LEARNED, REFUSED = range(2)  # facts: a cookie that an upstream gave a client; a front end that was refused
SAFE, STALE = range(2)  # what the owner answers to rows
FORMAT: Final = 4  # of marshal: plain data between two processes of one installation
MOST_NEWS: Final = 1000  # tokens that a worker has to learn; of more, it forgets all and recalls what it needs
MOST_FACTS: Final = 1000  # that no exchange has taken along yet; of more, the first are left out
IDLE: Final = 1.0  # seconds without work after which facts are sent that no exchange takes along
PATIENCE: Final = 2.0  # seconds in which a worker has to take an answer: the writer must not wait for a stopped one

News = list[tuple[str, bytes]]  # (recording, token)


class SharedSealer(Sealer):
    """Of a worker: others may have sealed exchanges of any recording before."""

    def tokens_of(self, recording: str, *, goes_on: bool) -> RecordingTokens:
        return super().tokens_of(recording, goes_on=True)


class RowSender(GroupWriter):
    """The writer of a worker: what it makes goes to the owner."""

    def __init__(self, path: Path, records: BlockingChannel, sealer: SharedSealer, news: News) -> None:
        """`news` is what the sealer finds."""
        super().__init__(seal=sealer, seal_piece=sealer.seal_chunk, live=None)
        self.path, self._records, self._sealer, self._news = path, records, sealer, news
        self._facts: list[tuple[Any, ...]] = []

    def tell(self, kind: int, *facts: Any) -> None:
        """Add a fact that reaches the owner before the exchanges that are queued from now on. Called on the loop."""
        self._facts.append((kind, *facts))
        if len(self._facts) > MOST_FACTS:
            del self._facts[: MOST_FACTS // 2]

    def ask(self, kind: int, *facts: Any) -> Any:
        """Ask the owner. Without an owner this thread stops here for good: nothing of what waits is safe."""
        try:
            self._records.send(marshal.dumps((kind, *facts), FORMAT))
            return marshal.loads(self._records.receive())
        except OSError:
            threading.Event().wait()
            raise

    def end(self) -> None:
        self._join()
        self._records.close()

    def _idle_for(self) -> float:
        return IDLE

    def _rest(self) -> None:
        """What an exchange told that is not recorded."""
        if facts := self._taken_facts():
            self.ask(FACTS, facts)

    def _taken_facts(self) -> list[tuple[Any, ...]]:
        facts, self._facts = self._facts, []
        return facts

    def _insist(self, work: Callable[[Any], Result], until: float | None = None) -> Result:
        return work(self)

    def _write(self, entries: Sequence[Entry]) -> Sequence[Mapping[str, Any]]:
        try:
            self._send(entries)
        except Exception as error:
            log.debug("a group could not be made: %r", error)
            for entry in entries:
                self._write_alone(entry)
        else:
            self.recorded += sum(map(ends_of, entries))
        return ()

    def _written_alone(self, entry: Entry, made: list[Batch], tables: Any) -> Batch:
        return self._send((entry,))

    def _send(self, entries: Sequence[Entry]) -> Batch:
        """Seal, make rows and send them, again while others have found tokens of the same recordings."""
        secrets: dict[tuple[str, str], bytes] = {}
        while True:
            batch = self._batch(entries, [], Stored())
            batch.secrets = secrets = secrets | batch.secrets  # those of a stream's pieces come once
            news, self._news[:] = list(self._news), []
            answer, learned = self.ask(
                ROWS, batch.exchanges, [*batch.bodies.values()], batch.secret_rows(), batch.chunks, news,
                sum(map(ends_of, entries)), self._taken_facts(),
            )  # fmt: skip
            self._learn(learned)
            if answer == SAFE:
                return batch
            self._news[:0] = news

    def _learn(self, tokens: dict[str, list[bytes]] | None) -> None:
        if tokens is None:
            self._sealer.forget()
            return
        for recording, found in tokens.items():
            self._sealer.learn(recording, found)


class TokenBoard:
    """Which tokens that others sealed each worker has still to learn. For the thread that writes."""

    def __init__(self, sealer: Sealer, news: deque[tuple[str, bytes]]) -> None:
        """`news` is what the owner's own sealer finds: of more than MOST_NEWS the first are left out."""
        self._sealer, self._news = sealer, news
        self._unlearned: dict[object, Unlearned] = {}  # by worker

    def join(self, worker: object) -> None:
        self._unlearned[worker] = Unlearned()

    def leave(self, worker: object) -> None:
        self._unlearned.pop(worker, None)

    def known(self, recording: str) -> list[bytes]:
        """The tokens of a recording that another process goes on with."""
        self._spread()
        return list(self._sealer.tokens_of(recording, goes_on=True))

    def concerns(self, worker: object, recordings: Iterable[str]) -> bool:
        """Whether a worker has to learn tokens of these recordings first."""
        self._spread()
        found = self._unlearned.get(worker)
        return found is not None and (found.is_all or not found.tokens.keys().isdisjoint(recordings))

    def taken(self, worker: object) -> dict[str, list[bytes]] | None:
        """What a worker has to learn, which it gets now; None when it has to forget all instead."""
        found = self._unlearned.get(worker)
        if found is None:
            return {}
        self._unlearned[worker] = Unlearned()
        return None if found.is_all else found.tokens

    def publish(self, worker: object, news: News) -> None:
        """A worker sealed these for the first time."""
        for recording, token in news:
            self._sealer.tokens_of(recording, goes_on=True)
            self._sealer.learn(recording, (token,))
        self._spread()
        self._add(worker, news)

    def _spread(self) -> None:
        if self._news:
            is_all = len(self._news) >= MOST_NEWS
            self._add(None, list(self._news), is_all=is_all)
            self._news.clear()

    def _add(self, finder: object, news: News, *, is_all: bool = False) -> None:
        for worker, unlearned in self._unlearned.items():
            if worker is not finder:
                unlearned.add(news, is_all=is_all)


class Unlearned:
    """What one worker has to learn: tokens by recording, or that it has to forget all (`is_all`)."""

    __slots__ = ("_count", "is_all", "tokens")

    def __init__(self) -> None:
        self.tokens: dict[str, list[bytes]] = {}
        self.is_all = False
        self._count = 0

    def add(self, news: News, *, is_all: bool) -> None:
        self._count += len(news)
        if self.is_all or is_all or self._count > MOST_NEWS:
            self.is_all = True
            self.tokens.clear()
            return
        for recording, token in news:
            self.tokens.setdefault(recording, []).append(token)


class Intake:
    """The owner's side for one worker: a thread that takes what it says, and answers."""

    def __init__(
        self, records: BlockingChannel, recorder: SqliteRecorder, board: TokenBoard,
        *, touch: Callable[[Sequence[str]], None], heard: Callable[[int, tuple[Any, ...]], None],
    ) -> None:  # fmt: skip
        """`touch` gets the ids of sessions that were served; `heard` facts (LEARNED, REFUSED). Both are called on other
        threads than the loop's."""
        records.give_up_after(PATIENCE)
        self._records, self._recorder, self._board = records, recorder, board
        self._touch, self._heard = touch, heard
        self.opened: set[str] = set()  # exchanges that are in the store and under way
        board.join(self)
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """The worker is gone: what it opened is over."""
        self._records.close()
        self._thread.join()
        self._board.leave(self)
        self._recorder.change(partial(_interrupt, ids=self.opened))  # behind all that it sent

    def _run(self) -> None:
        try:
            while True:
                kind, *facts = marshal.loads(self._records.receive())
                if kind == ROWS:
                    self._take(*facts)
                elif kind == RECALL:
                    self._recall(*facts)
                else:
                    self._hear(*facts)
                    self._answer(None)
        except (OSError, EOFError):
            return
        except Exception:
            log.exception("a worker said what cannot be understood")
            self._records.close()

    def _hear(self, facts: list[tuple[Any, ...]]) -> None:
        for kind, *fact in facts:
            self._heard(kind, tuple(fact))

    def _answer(self, *answer: Any) -> None:
        try:
            self._records.send(marshal.dumps(answer, FORMAT))
        except OSError:
            self._records.close()

    def _take(
        self, exchanges: list[tuple[Any, ...]], bodies: list[Any], secrets: list[Any], chunks: list[Any], news: News,
        ends: int, facts: list[tuple[Any, ...]],
    ) -> None:  # fmt: skip
        self._hear(facts)

        def admitted() -> bool:
            if self._board.concerns(self, {row[RECORDING] for row in exchanges}):
                return False
            self._board.publish(self, news)
            for row in exchanges:
                if row[STATE] == "open":
                    self.opened.add(row[ID])
                elif self.opened:
                    self.opened.discard(row[ID])
            return True

        def settled() -> None:
            self._touch([row[SESSION] for row in exchanges])
            self._answer(SAFE if rows.admitted else STALE, self._board.taken(self))

        rows = ReadyRows(exchanges, bodies, secrets, chunks, ends=ends, is_admitted=admitted, settled=settled)
        self._recorder.put_rows(rows)

    def _recall(self, recording: str) -> None:
        found: list[bytes] = []

        def admitted() -> bool:
            found.extend(self._board.known(recording))
            return False

        asked = ReadyRows([], (), (), (), ends=0, is_admitted=admitted, settled=lambda: self._answer(*found))
        self._recorder.put_rows(asked)


def recalling(sender: Callable[[], RowSender]) -> Callable[[str], Iterable[bytes]]:
    """The `recall` of a worker's sealer."""

    def recall(recording: str) -> Iterable[bytes]:
        found: tuple[bytes, ...] = sender().ask(RECALL, recording)
        return found

    return recall


def _interrupt(tables: Any, ids: Collection[str]) -> None:
    tables.interrupt_some(ids)

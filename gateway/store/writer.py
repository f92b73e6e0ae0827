"""The thread that writes a store: takes the queue, in groups, whichever engine is behind it. I/O.

The event loop appends entries to `queue` and rings. What may never happen, on any engine:
- `on_safe` before the record would survive `kill -9` (relaxed: as its engine says);
- a group written twice;
- an exchange that is neither recorded nor counted in `missed`;
- a change that does not see what came before it.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from ..errors import StoreError
from .batch import Batch, ReadyRows, Seal, SealPiece, Stored, StreamPiece

if TYPE_CHECKING:
    from ..protocols import EventSink, SharedRoutesStore, SharedSessionStore

log = logging.getLogger("gateway.store")
Result = TypeVar("Result")

GROUP: Final = 512  # entries of one transaction: the first must not wait for all the others
JOB_PATIENCE: Final = 5.0  # seconds of trouble after which a change is refused
TELL: Final = 60.0  # seconds that a mishap which is over is still shown


class Job(Generic[Result]):
    """A change beside the recordings, and who waits for it. One that is not patient is refused when the store fails
    the first time: it would hold up the exchanges behind it, and comes again."""

    __slots__ = ("future", "is_patient", "work")

    def __init__(self, work: Callable[[Any], Result], *, is_patient: bool = True) -> None:
        self.work, self.is_patient = work, is_patient
        self.future: Future[Result] = Future()


# A list is [capture, on_safe, cost]: the cheapest thing to make on the hot path, and on_safe can be taken out of it.
Entry = list[Any] | StreamPiece | ReadyRows | Job[Any]
Done = Callable[[Sequence[Entry], Sequence[Mapping[str, Any]]], None]


class GroupWriter(ABC):
    """Owns what is written to. The loop appends to `queue` and rings; all else happens on the thread."""

    path: Path  # the recordings file; for a database, where a gateway's own files lie
    batch_class: ClassVar[type[Batch]] = Batch
    gateway = ""  # its name among those that share a database

    def __init__(
        self, *, seal: Seal, seal_piece: SealPiece | None, live: EventSink | None, linger: float = 0.0
    ) -> None:
        """`linger`: seconds in which a group gathers, where nobody waits for it."""
        self._seal, self._seal_piece, self._live, self._linger = seal, seal_piece, live, linger
        self.queue: deque[Entry] = deque()
        self.current: Sequence[Entry] = ()  # the group in hand
        self.recorded = self.missed = self.handled = self.groups = 0
        self._trouble: StoreError | None = None  # why nothing can be written just now
        self._mishap, self._mishap_at = "", 0.0
        self._asleep = self._ending = self._rung = False
        self._bell = threading.Lock()
        self._bell.acquire()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._done: Done = lambda entries, summaries: None
        self.facts: Callable[[], Mapping[str, Any]] = dict  # what other gateways see of this one; asked on the thread

    @property
    def seal(self) -> Seal:
        return self._seal

    @property
    def seal_piece(self) -> SealPiece | None:
        return self._seal_piece

    # -- called on the loop

    def begin(self, done: Done) -> None:
        """Write from now on; `done` is called on the thread after each group."""
        self._done = done
        self._thread.start()

    def ring(self) -> None:
        """What is queued is to be written: now when the thread sleeps, else when it has done what it is at."""
        self._rung = True
        if self._asleep:
            self._asleep = False
            with suppress(RuntimeError):  # rung already
                self._bell.release()

    def reason(self) -> str:
        """Why exchanges are missed, or what went wrong a moment ago; "" while all is well."""
        recent = self._mishap if time.monotonic() - self._mishap_at < TELL else ""
        return self._trouble.message if self._trouble else recent

    def shared_sessions(self) -> SharedSessionStore | None:
        """Where sessions are that other gateways have as well; None where there is one gateway."""
        return None

    def shared_routes(self) -> SharedRoutesStore | None:
        """Where the routes are that other gateways have as well; None where there is one gateway."""
        return None

    def hurry(self) -> None:
        """The group in hand takes long: end a wait that has no end of its own."""
        return

    @abstractmethod
    def end(self) -> None:
        """Blocks until everything is written, or given up after some seconds of trouble, and all is closed."""

    def _join(self) -> None:
        self._ending = True
        self.ring()
        if self._thread.ident is not None:
            self._thread.join()

    # -- the thread

    def _run(self) -> None:
        while True:
            try:
                while entries := self._take():
                    self._store(entries)
                return
            except Exception:
                log.exception("the recorder failed; it goes on with what comes next")
                self._tell("the recorder failed; see the log")
                self._settle(self.current, ())

    def _take(self) -> Sequence[Entry]:
        """The next group: exchanges and pieces together, a change by itself. Empty at the end."""
        while not (self.queue and (self._rung or self._ending)):
            if self._ending:
                return ()
            self._sleep()
        if self._linger and not self._ending:
            time.sleep(self._linger)
        self._rung = False
        queue = self.queue
        group: list[Entry] = [queue.popleft()]
        self.current = group
        if not isinstance(group[0], Job):
            for _ in range(min(len(queue), GROUP)):
                if isinstance(queue[0], Job):
                    break
                group.append(queue.popleft())
        if queue:
            self._rung = True
        return group

    def _sleep(self) -> None:
        self._asleep = True
        if self._rung or self._ending:  # it came between the look and the flag: nobody rings for it
            self._asleep = self._rung = False
            if self.queue:  # after the flag: what is queued a moment later rings by itself
                self._rung = True
            return
        rung = self._bell.acquire(timeout=self._idle_for())
        self._asleep = False
        if self.queue:
            self._rung = True
        elif not rung:
            self._rest()

    @abstractmethod
    def _idle_for(self) -> float:
        """Seconds without work after which there is something else to do."""

    @abstractmethod
    def _rest(self) -> None:
        """Nothing is queued: do what can wait."""

    def _store(self, entries: Sequence[Entry]) -> None:
        summaries: Sequence[Mapping[str, Any]] = ()
        first = entries[0]
        if isinstance(first, Job):
            self._do(first)
        else:
            summaries = self._write(entries)
        self._settle(entries, summaries)

    def _settle(self, entries: Sequence[Entry], summaries: Sequence[Mapping[str, Any]]) -> None:
        """These entries are out of the way: nobody needs to wait for them."""
        self.handled += sum(map(_cost, entries))
        self.current = ()
        self.groups += 1
        for entry in entries:
            if isinstance(entry, ReadyRows):
                entry.settled()
        self._done(entries, summaries)

    def _do(self, job: Job[Any]) -> None:
        if not job.future.set_running_or_notify_cancel():
            return
        try:
            until = time.monotonic() + (JOB_PATIENCE if job.is_patient else 0.0)
            result = self._insist(partial(self._worked, job.work), until=until)
        except Exception as error:  # the caller gets it
            job.future.set_exception(error)
        else:
            job.future.set_result(result)

    def _worked(self, work: Callable[[Any], Result], tables: Any) -> Result:
        """A change sees everything that came before it."""
        return work(tables)

    @abstractmethod
    def _insist(self, work: Callable[[Any], Result], until: float | None = None) -> Result:
        """Do the work on the tables, again and again while the store fails. StoreError when that takes too long."""

    @abstractmethod
    def _write(self, entries: Sequence[Entry]) -> Sequence[Mapping[str, Any]]:
        """Write a group; the summaries for pages that watch."""

    @abstractmethod
    def _written_alone(self, entry: Entry, made: list[Batch], tables: Any) -> Batch:
        """One entry of a group that could not be written as a whole."""

    def _write_alone(self, entry: Entry) -> Sequence[Mapping[str, Any]]:
        try:
            batch = self._insist(partial(self._written_alone, entry, []))
        except Exception as error:
            self.missed += ends_of(entry)
            if not isinstance(error, StoreError):
                log.exception("an exchange could not be recorded")
                self._tell(f"an exchange could not be recorded: {type(error).__name__}")
            return ()
        self.recorded += ends_of(entry)
        return self._summaries(batch)

    def _summaries(self, batch: Batch) -> Sequence[Mapping[str, Any]]:
        return batch.summaries() if self._live is not None and self._live.listening else ()

    def _batch(self, entries: Sequence[Entry], made: list[Batch], stored: Stored) -> Batch:
        """The batch of these entries, from `made` when this is another attempt."""
        if made:
            made[0].suit(stored)
            return made[0]
        batch = self.batch_class(self._seal, self._seal_piece, stored)
        for entry in entries:
            if isinstance(entry, StreamPiece):
                batch.add_piece(entry)
            elif isinstance(entry, ReadyRows):
                if entry.admitted:
                    batch.add_rows(entry)
            elif isinstance(entry, list):
                batch.add(entry[0])
        made.append(batch)
        return batch

    def _tell(self, mishap: str) -> None:
        self._mishap, self._mishap_at = mishap, time.monotonic()


def _cost(entry: Entry) -> int:
    if isinstance(entry, StreamPiece):
        return len(entry.data)
    if isinstance(entry, Job | ReadyRows):
        return 0
    cost: int = entry[2]
    return cost


def is_end(entry: Entry) -> bool:
    """Whether it is an exchange of this process that is over."""
    return isinstance(entry, list) and entry[0].state != "open"


def ends_of(entry: Entry) -> int:
    """How many exchanges that are over it brings to the store."""
    return entry.ends if isinstance(entry, ReadyRows) else is_end(entry)

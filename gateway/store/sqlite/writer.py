"""The writer thread: takes the queue, commits in groups, bears every kind of trouble without losing count. I/O.

What is common to all engines, the queue and its groups, is gateway/store/writer.py; this thread alone touches the
writing connection.

    asleep ─ ring ─> take a group ─> exchanges and pieces: _write        a change (Job): _do, by itself
       ^                                │ sealed and made into rows (Batch)    │ first moves what waits
       │                                ├─ journal: one write(2), then on_safe │
       │                                │    └─ due or idle: _move, one transaction into the file
       │                                └─ no journal, or it fails: written through, then on_safe
       └─ nothing queued for SLACK: move what waits, tidy a little (full text, facts); for IDLE: fold the log

Trouble (`_trouble`, a StoreError with a code) is a state, not an event: it begins with the first failed write, decides
how the next attempts go, and ends in `_recovered` with the first write that works.

    locked, full     the connection stays; the write is tried again after PAUSES; what is queued waits, and the
                     recorder slows the clients down before anything is missed
    other I/O        the connection is closed and opened anew
    damaged          the file is set aside as it is, and a new one is begun
    a row that fails the group is written one by one; the one that cannot be stored is counted as missed

What may never happen:
- `on_safe` before the record would survive `kill -9` (relaxed: at most LINGER before);
- a group written twice: the file notes the number of the last journal group in the transaction that moves it;
- an exchange that is neither recorded nor counted in `missed`;
- a change that does not see what came before it: `_worked` moves first.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ...errors import StoreError
from ..batch import Batch, ReadyRows, Seal, SealPiece
from ..writer import Done, Entry, GroupWriter, Job, ends_of
from .files import WriterLock, connect_writer, examine, identity, is_trouble, room, size, unwritable, wal_of
from .journal import PATIENCE, Journal, Pending, take_over, write_apart, writers
from .operations import RulesOf, no_rules
from .repair import set_aside
from .write_connection import SqliteTables

if TYPE_CHECKING:
    from ...protocols import EventSink

log = logging.getLogger("gateway.store")
Result = TypeVar("Result")

LINGER: Final = 0.005  # seconds that a relaxed writer gathers before it commits: longer groups keep the loop waiting
IDLE: Final = 0.3  # seconds without work before the log is folded into the file
SLACK: Final = 0.02  # seconds without work before a little of what can wait is done, full text for instance
TICK: Final = 1.0  # seconds between two looks at the file
FOLD_AT: Final = 64 << 20  # bytes of the log above which it is folded in under load too
PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)  # seconds between attempts while the store fails
END_PATIENCE: Final = 5.0  # seconds of trouble after which a stop gives up what is queued


class WriterThread(GroupWriter):
    """Writes a recordings file."""

    def __init__(
        self, path: Path, lock: WriterLock, connection: sqlite3.Connection, *, seal: Seal, seal_piece: SealPiece | None,
        durability: str, live: EventSink | None, journal: Journal | None = None, rules: RulesOf = no_rules,
    ) -> None:  # fmt: skip
        """Without a journal every group is written to the file before it is safe."""
        linger = LINGER if durability == "relaxed" else 0.0
        super().__init__(seal=seal, seal_piece=seal_piece, live=live, linger=linger)
        self.path, self._lock = path, lock
        self._pending = Pending(journal) if journal is not None else None
        self._full, self._rules = durability == "fsync", rules
        self._tables: SqliteTables | None = SqliteTables(connection)
        self._looked = 0.0  # when the file was last looked at
        self._unfolded = False
        self._behind = True  # whether something may be left that can wait
        self._end_by = self._again_at = 0.0
        self._remember_file()

    # -- called on the loop

    def begin(self, done: Done) -> None:
        super().begin(done)
        writers[self.path.resolve()] = self.move

    def move(self) -> None:
        """Have what waits in the journal moved into the file. From any thread; blocks for a second at most."""
        if threading.current_thread() is self._thread or not self._thread.is_alive():
            return
        job = Job[None](lambda tables: None)
        self.queue.append(job)
        self.ring()
        with suppress(Exception):  # then a reader sees what was moved before
            job.future.result(PATIENCE)

    def end(self) -> None:
        """Blocks until everything is written, or given up after some seconds of trouble, and the file is closed."""
        self._end_by = time.monotonic() + END_PATIENCE
        self._join()
        writers.pop(self.path.resolve(), None)
        self._close(fold=True)
        if self._pending is not None:
            self._pending.journal.close()
        self._lock.release()

    # -- the thread

    @property
    def _is_slack(self) -> bool:
        return self._behind or (self._waits and not self._trouble)

    def _idle_for(self) -> float:
        return SLACK if self._is_slack else IDLE if self._unfolded else TICK

    def _rest(self) -> None:
        """Nothing to do: see whether the file is still there and well, tidy, and fold the log into the file."""
        fold = not self._is_slack
        try:
            tables = self._ready()
            if self._waits:
                self._move(tables)
                self._unfolded = self._behind = True
            if self._trouble:
                tables.probe()
            while not self.queue and not self._ending and not self._unreadable:
                self._behind = tables.tidy(self._rules)
                if not self._behind:
                    break
                self._unfolded = True
                tables = self._ready()  # now and then a look at the file, and at how long the log has become
            if fold and self._unfolded and not self.queue:
                self._fold(tables)
        except (sqlite3.Error, StoreError) as error:
            self._behind = False  # until something can be written again
            self._failed(error)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            self._leave_alone(error)
        else:
            self._recovered()

    def _leave_alone(self, error: Exception) -> None:
        """A row that was ours and cannot be understood: what can wait is not done in this file any more."""
        self._behind, self._unreadable = False, True
        self._tell("a row of the recordings file is damaged; gateway doctor examines it")
        log.warning("%s: a row is damaged (%s): full text is not kept up; gateway doctor", self.path, error)

    # -- writing

    def _worked(self, work: Callable[[Any], Result], tables: SqliteTables) -> Result:
        """A change sees everything that came before it."""
        self._move(tables)
        return work(tables)

    def _write(self, entries: Sequence[Entry]) -> Sequence[Mapping[str, Any]]:
        """Keep a group in the journal, or write it through; when something in it cannot be kept, each by itself."""
        made: list[Batch] = []
        if (batch := self._kept(entries, made)) is None:
            try:
                batch = self._insist(partial(self._written, entries, made))
            except StoreError:
                self.missed += sum(map(ends_of, entries))
                return ()
            except Exception:
                return [summary for entry in entries for summary in self._write_alone(entry)]
        self.recorded += sum(map(ends_of, entries))
        if self._waits and self._pending is not None and self._pending.due:
            self._move_now()
        return self._summaries(batch)

    def _kept(self, entries: Sequence[Entry], made: list[Batch]) -> Batch | None:
        """The batch of these entries, once it is in the journal; None when it is not."""
        pending = self._pending
        if pending is None:
            return None
        try:
            if not pending.journal.is_there():
                self._adopt_journal(self._ready())
            if (tables := self._tables) is None:
                return None
            batch = self._batch(entries, made, tables.stored)
            pending.keep(batch, tables, sync=self._full)
        except Exception as error:  # written through it is distinguished: the disk is full, or sealing fails
            if not isinstance(error, OSError):
                log.debug("not kept in the journal: %r", error)
            return None
        return batch

    @property
    def _waits(self) -> bool:
        return self._pending is not None and self._pending.batch is not None

    def _move_now(self) -> None:
        """Try to move what waits; while the store fails it waits on, and clients have what is in the journal."""
        if self._trouble and time.monotonic() < self._again_at:
            return
        try:
            self._move(self._ready())
        except (sqlite3.Error, StoreError) as error:
            self._failed(error)
            self._again_at = time.monotonic() + PAUSES[-1]
        else:
            self._unfolded = self._behind = True
            self._recovered()

    def _move(self, tables: SqliteTables) -> None:
        if self._pending is None:
            return
        self._count_wrong(self._pending.move(tables))

    def _count_wrong(self, errors: Sequence[Exception]) -> None:
        """Exchanges that counted as recorded, and cannot be written."""
        for error in errors:
            self.recorded -= 1
            self.missed += 1
            log.error("an exchange could not be recorded: %s", error)
            self._tell(f"an exchange could not be recorded: {type(error).__name__}")

    def _written(self, entries: Sequence[Entry], made: list[Batch], tables: SqliteTables) -> Batch:
        self._move(tables)
        batch = self._batch(entries, made, tables.stored)
        tables.write(batch)
        return batch

    def _written_alone(self, entry: Entry, made: list[Batch], tables: SqliteTables) -> Batch:
        self._move(tables)
        batch = self._batch((entry,), made, tables.stored)
        if isinstance(entry, ReadyRows):
            self._count_wrong(write_apart(tables, batch, 0))
            return batch
        try:
            tables.write(batch)
        except sqlite3.IntegrityError:
            tables.write_odd(batch)
        return batch

    # -- trouble

    def _insist(self, work: Callable[[Any], Result], until: float | None = None) -> Result:
        """Do the work, again and again while the store fails. StoreError when that takes too long."""
        for attempt in count():
            try:
                result = work(self._ready())
            except (sqlite3.Error, StoreError) as error:
                if not is_trouble(error):
                    raise
                trouble = self._failed(error)
                limit = self._end_by if self._ending else until
                if limit is not None and time.monotonic() > limit:
                    raise trouble from None
                time.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
            else:
                self._unfolded = self._behind = True
                self._recovered()
                return result
        raise AssertionError

    def _failed(self, error: sqlite3.Error | StoreError) -> StoreError:
        trouble = error if isinstance(error, StoreError) else unwritable(self.path, error)
        if self._trouble is None or trouble.message != self._trouble.message:
            log.error("recording fails: %s", trouble)
            self._trouble = trouble
        if trouble.code == "full" and self._tables is not None:
            with suppress(sqlite3.Error):
                self._fold(self._tables)  # then the next attempt begins the log anew
        if trouble.code not in ("locked", "full"):
            self._close(fold=False)  # after an I/O error a connection may be of no use
        if trouble.code in ("damaged", "not_a_database"):
            self._begin_anew()
        return trouble

    def _begin_anew(self) -> None:
        """A damaged file is kept as it is; recording goes on in another one."""
        with suppress(OSError):  # then the trouble stays, and this is tried again
            aside = set_aside(self.path)
            self._tell(f"the recordings file was damaged: it is now {aside.name}, and a new one was begun")
            log.error("%s; save what it holds with: gateway doctor --repair -r %s", self._mishap, aside)

    def _recovered(self) -> None:
        if self._trouble:
            log.warning("recording goes on")
            if self._trouble.code == "full" and self._tables is not None:
                with suppress(sqlite3.Error):
                    self._tables.fold("TRUNCATE")  # of the little room there is, the log may hold the most
            self._trouble = None

    # -- the file

    def _ready(self) -> SqliteTables:
        """The tables of the file that lies at the path now: what went to a file without a name would be lost."""
        now = time.monotonic()
        if self._tables is not None and (now - self._looked > TICK or identity(self.path) != self._file):
            self._looked = now
            self._look_at_file(self._tables)
        if self._tables is None:
            self._lock.hold()
            tables = SqliteTables(connect_writer(self.path, full=self._full))
            try:
                self._lock.hold()  # the file may have been made just now
                self._adopt_journal(tables)
            except Exception:
                tables.connection.close()
                raise
            self._tables = tables
            self._remember_file()
        return self._tables

    def _adopt_journal(self, tables: SqliteTables) -> None:
        """Go on with the journal that lies at the path now. Another one lies there when a disk was mounted anew or a
        folder restored: what it holds is moved before anything else, for emptying it would lose that."""
        if (pending := self._pending) is None:
            return
        journal = pending.journal
        if not journal.is_there():
            if moved := take_over(self.path, tables):
                log.warning("%s: %d exchanges were in the journal that lies there now", self.path, moved)
            self._move(tables)
            with suppress(OSError):  # then groups are written through, and the next one tries again
                journal.reopen()
        journal.number = max(journal.number, tables.moved())  # of a file that is ahead, groups would count as moved

    def _remember_file(self) -> None:
        self._looked, self._unreadable = time.monotonic(), False
        self._file, self._log = identity(self.path), identity(wal_of(self.path))
        if self._tables is not None:
            self._tables.recall_bodies()
            self._tables.keep_short(room(self.path))

    def _look_at_file(self, tables: SqliteTables) -> None:
        """Deleted, moved or replaced? What was written stays with the old file; recording goes on at the path."""
        if self._log is None:
            self._log = identity(wal_of(self.path))
        if identity(self.path) != self._file:
            self._tell("the recordings file was deleted, moved or replaced while in use; a new one was begun")
        elif self._log is not None and identity(wal_of(self.path)) != self._log:
            self._tell("the -wal file was deleted while in use; nothing was lost")
        else:
            examine(self.path)  # with fresh eyes: this connection remembers pages that may be damaged by now
            if size(wal_of(self.path)) > FOLD_AT:
                self._fold(tables)
            tables.keep_short(room(self.path))
            return
        log.warning("%s: %s", self.path, self._mishap)
        with suppress(sqlite3.Error):
            tables.fold("TRUNCATE")
        self._close(fold=False)

    def _fold(self, tables: SqliteTables) -> None:
        self._unfolded = not tables.fold("PASSIVE")

    def _close(self, *, fold: bool) -> None:
        if fold and self._tables is None and self._waits:
            with suppress(sqlite3.Error, StoreError):
                self._ready()  # the trouble may be over
        tables, self._tables = self._tables, None
        if tables is None:
            return
        with suppress(sqlite3.Error):
            if fold:
                self._move(tables)  # what cannot be moved is left to the next start
                tables.interrupt_own()
                tables.fold("TRUNCATE")
        with suppress(sqlite3.Error):
            tables.connection.close()

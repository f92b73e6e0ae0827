"""What waits for the database: groups of exchanges in files of a gateway's own, sent in order when it is back. I/O.

While the database is away a group is appended to a journal (gateway/store/sqlite/journal.py): one write(2), which
survives `kill -9`, and then the last bytes of its responses leave. A journal and not a recordings file, because what
is spooled is only ever sent, from the front to the end, and a torn end is known by its checksum. Sent twice it is
there once, so that nothing need be noted of how far the sending is.

    gateway.spool-NAME.journal       of a gateway that runs, or of one that was killed: the next start sends that, too
    gateway.spool-NAME.lock          who has it
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from zlib import crc32

from ...errors import StoreError
from ..batch import Batch
from ..sqlite.files import WriterLock
from ..sqlite.journal import HEAD, MAGIC, Journal, batch_of, journal_of

log = logging.getLogger("gateway.store")

MOST: Final = 2 << 30  # bytes that may wait; above that exchanges are missed, and counted
PREFIX: Final = "gateway.spool-"


class Spool:
    """The groups that wait. For one thread."""

    def __init__(self, folder: Path, name: str, *, most: int = MOST) -> None:
        """Takes over what killed gateways left in the folder. StoreError when the folder cannot be written to."""
        self.folder, self._most = folder, most
        path = folder / f"{PREFIX}{name}"
        self._lock = WriterLock(path)
        self._lock.acquire()
        try:
            self._own = Journal(path, 0)
        except OSError as error:
            self._lock.release()
            raise StoreError(f"the spool cannot be made: {error.strerror}", where=str(path)) from None
        self._path = path
        self._sent = 0  # bytes of the own journal that are in the database
        self._left = [one for one in _spools(folder) if one != path]

    @property
    def is_empty(self) -> bool:
        return self._own.size <= self._sent

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return self._own.size - self._sent

    def keep(self, batch: Batch, *, sync: bool) -> None:
        """Append a group. OSError when it is not kept."""
        if self._own.size > self._most:
            raise OSError(28, f"the spool has {self._most >> 20} MiB, its limit")
        self._own.append(batch, sync=sync)

    def waiting(self) -> Iterator[Batch]:
        """The groups in order. Each counts as sent when the next one is asked for."""
        for end, batch in _groups(journal_of(self._path), self._sent):
            yield batch
            self._sent = end
        if self._own.size > self._sent:
            log.error("%s: %d bytes are damaged and left out", journal_of(self._path), self._own.size - self._sent)
        self._own.clear()
        self._sent = 0

    def left_behind(self) -> Iterator[Batch]:
        """The groups of gateways that were killed; each file is removed when all of it was sent."""
        while self._left:
            path = self._left[0]
            lock = WriterLock(path)
            try:
                lock.acquire()
            except StoreError:  # its gateway runs
                self._left.pop(0)
                continue
            try:
                count = 0
                for _, batch in _groups(journal_of(path), 0):
                    yield batch
                    count += len(batch.exchanges)
                log.warning("%s: %d exchanges of a gateway that was killed are in the database now", path.name, count)
                for file in (journal_of(path), Path(f"{path}.lock")):
                    file.unlink(missing_ok=True)
                self._left.pop(0)
            finally:
                lock.release()

    def close(self) -> None:
        """What is still in it is sent by the next start."""
        is_empty = self.is_empty
        if is_empty:
            self._own.clear()
        self._own.close()
        self._lock.release()
        if is_empty:
            with suppress(OSError):
                Path(f"{self._path}.lock").unlink()


def _spools(folder: Path) -> list[Path]:
    """The older first: what was recorded first is sent first."""
    found = [one for one in folder.glob(f"{PREFIX}*.journal") if one.is_file()]
    return [one.with_suffix("") for one in sorted(found, key=lambda one: one.stat().st_mtime)]


def _groups(path: Path, at: int) -> Iterator[tuple[int, Batch]]:
    """(where it ends, group) of a journal from a place on, up to the first that is torn or damaged."""
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        end = os.fstat(file.fileno()).st_size
        while at + HEAD.size <= end:
            file.seek(at)
            magic, _, length, checksum = HEAD.unpack(file.read(HEAD.size))
            payload = file.read(length) if magic == MAGIC and at + HEAD.size + length <= end else b""
            if not payload or crc32(payload) != checksum:
                return
            at += HEAD.size + length
            yield at, batch_of(payload)

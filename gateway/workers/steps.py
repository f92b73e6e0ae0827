"""The numbers of steps that several processes give out: one word of shared memory for each session that is lent. I/O.

A word holds the number of the loan (24 bits) and the steps given out so far (40 bits). A process that takes a step
locks its word: `fcntl.lockf` on its 8 bytes, about 1 us, which the system undoes when the process is killed. The owner
ends a loan by raising its number, under the same lock: from that moment no step is given out under the old one.

What may never happen: two exchanges of a recording with one step; a step under a loan that has ended.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

try:
    import fcntl
except ImportError:  # Windows: workers are refused there
    fcntl = None  # type: ignore[assignment]

WORD: Final = 8  # bytes
STEPS: Final = 40  # bits
MASK: Final = (1 << STEPS) - 1
LOANS: Final = 1 << 24  # numbers of loans, of which each slot goes round


class StepTable:
    """The words of all slots. For one thread of each process."""

    def __init__(self, file: int, slots: int) -> None:
        """`file` is an open file of the right size; it belongs to the table from now on."""
        self.file, self.slots = file, slots
        self._memory = mmap.mmap(file, slots * WORD)
        self._words = memoryview(self._memory).cast("Q")

    @classmethod
    def made(cls, slots: int) -> StepTable:
        """A new one, in a file without a name. OSError when there is no room for it."""
        with tempfile.TemporaryFile() as file:
            file.truncate(slots * WORD)
            return cls(os.dup(file.fileno()), slots)

    def take(self, slot: int, loan: int) -> int:
        """The next step under a loan; 0 when it has ended. On the hot path: 2 us, twice that with `_locked`."""
        lock, words = fcntl.lockf, self._words
        lock(self.file, fcntl.LOCK_EX, WORD, slot * WORD)
        try:
            word = words[slot]
            if word >> STEPS != loan:
                return 0
            words[slot] = word + 1
        finally:
            lock(self.file, fcntl.LOCK_UN, WORD, slot * WORD)
        return (word + 1) & MASK

    def holds(self, slot: int, loan: int) -> bool:
        """Whether a loan has not ended yet."""
        return self._words[slot] >> STEPS == loan

    def steps(self, slot: int) -> int:
        """How many were given out."""
        return self._words[slot] & MASK

    def lend(self, slot: int, steps: int) -> int:
        """Begin a loan at so many steps; its number."""
        with self._locked(slot):
            loan = ((self._words[slot] >> STEPS) + 1) % LOANS
            self._words[slot] = loan << STEPS | steps
        return loan

    def end(self, slot: int) -> int:
        """End a loan; how many steps were given out."""
        with self._locked(slot):
            word = self._words[slot]
            self._words[slot] = ((word >> STEPS) + 1) % LOANS << STEPS
        return word & MASK

    def close(self) -> None:
        self._words.release()
        self._memory.close()
        os.close(self.file)

    @contextmanager
    def _locked(self, slot: int) -> Iterator[None]:
        fcntl.lockf(self.file, fcntl.LOCK_EX, WORD, slot * WORD)
        try:
            yield
        finally:
            fcntl.lockf(self.file, fcntl.LOCK_UN, WORD, slot * WORD)

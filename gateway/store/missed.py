"""How many exchanges clients got without a record, where not even `kill -9` takes the count away. I/O.

A file of one line beside the recordings, written once at the start: its room is there when the disk is full. It is
written only while recording fails. The next start adds what it finds to the recordings file and begins at nothing.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Final

log = logging.getLogger("gateway.store")

LINE: Final = re.compile(rb"missed ([0-9]{12}) waiting ([0-9]{12})\n")


def ledger_of(path: Path) -> Path:
    return path.with_name(path.name + ".missed")


def read_ledger(path: Path) -> int:
    """How many exchanges of the last run, or of the one under way, are in no file as far as it knows."""
    try:
        match = LINE.match(ledger_of(path).read_bytes())
    except OSError:
        return 0
    return int(match[1]) + int(match[2]) if match else 0


class NoLedger:
    """For a process that has no file: who owns the recordings keeps its count."""

    left = 0

    def note(self, *, missed: int, waiting: int) -> None:
        """The owner asks."""

    def close(self) -> None:
        """There is nothing."""


class Ledger:
    """`left` is what the last run ended with. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.left = read_ledger(path)
        self._noted = (self.left, 0)
        self._file = -1
        try:
            self._file = os.open(ledger_of(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:  # then the count lasts as long as this process
            log.warning("%s cannot be opened: %s", ledger_of(path), error.strerror)
        else:
            self._write()

    def note(self, *, missed: int, waiting: int) -> None:
        """`missed` will never be stored; `waiting` may be: clients have them already, and the store fails."""
        if (missed, waiting) != self._noted:
            self._noted = (missed, waiting)
            self._write()

    def _write(self) -> None:
        if self._file >= 0:
            try:
                os.pwrite(self._file, b"missed %012d waiting %012d\n" % self._noted, 0)
            except OSError as error:
                log.warning("the count of missed exchanges cannot be kept: %s", error.strerror)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

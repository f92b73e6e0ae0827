"""What doctor learns of a file, whoever writes to it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from captures import a_capture, recorded

from gateway.errors import NotFoundError
from gateway.store import SqliteRecorder
from gateway.store.sqlite.examination import examined
from gateway.store.sqlite.schema import VERSION


async def test_a_file_in_use(recorder: SqliteRecorder, path: Path) -> None:
    recorder.opened(a_capture(9, stream="sse"))
    await recorded(recorder, a_capture(1), a_capture(2))
    found = examined(path)
    assert (found.recordings, found.exchanges, found.open, found.interrupted) == (1, 3, 1, 0)
    assert (found.writer, found.schema, found.damage, found.bodies_lost) == (os.getpid(), VERSION, (), 0)
    assert found.log > 0


async def test_after_a_stop(recorder: SqliteRecorder, path: Path) -> None:
    recorder.opened(a_capture(9, stream="sse"))
    await recorder.stop()
    found = examined(path)
    assert (found.writer, found.interrupted, found.log) == (None, 1, 0)


async def test_a_lost_body_is_found(recorder: SqliteRecorder, path: Path) -> None:
    await recorded(recorder, a_capture(1), a_capture(2))
    await recorder.stop()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM bodies WHERE seq = 1")
        connection.commit()
    assert examined(path).bodies_lost == 1


def test_no_file(path: Path) -> None:
    with pytest.raises(NotFoundError):
        examined(path)

"""The journal: what a client saw complete is read back, whenever the gateway ends and whatever is torn.

Covers: store/sqlite/decisions, store/sqlite/deletion, store/sqlite/write_connection.
"""

from __future__ import annotations

import asyncio
import marshal
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from captures import a_capture, recorded

from gateway.store import SqliteRecorder, open_recorder, open_store
from gateway.store.batch import Batch
from gateway.store.sqlite import journal as journals
from gateway.store.sqlite.files import connect_writer
from gateway.store.sqlite.journal import HEAD, Journal, Pending, batch_of, journal_of, read_journal
from gateway.store.sqlite.rows import COLUMNS, USUAL
from gateway.store.sqlite.write_connection import SqliteTables
from gateway.store.sqlite.writer import WriterThread

MOVE = Pending.move
REC = "01JREC0000000000000000000A"


@pytest.fixture(autouse=True)
def no_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in the journal stays there."""
    monkeypatch.setattr(Pending, "move", lambda self, tables: [])


async def killed(path: Path, groups: int = 4, durability: str = "strict") -> SqliteRecorder:
    """A recorder that is as good as killed: its journal holds groups of two exchanges, and its file none of them."""
    recorder = open_recorder(path, seal=None, durability=durability)
    await recorder.start()
    for group in range(groups):
        await recorded(recorder, *(a_capture(2 * group + step) for step in (1, 2)))
    return recorder


async def left(path: Path, groups: int = 4) -> bytes:
    """What a killed recorder leaves in its journal; the file beside it is empty of it."""
    recorder = await killed(path, groups)
    data = journal_of(path).read_bytes()
    await recorder.stop()
    return data


def steps_after_a_start(path: Path) -> list[int]:
    async def run() -> None:
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        await recorder.stop()

    asyncio.run(run())
    return rows(path)


def rows(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        (steps,) = connection.execute("SELECT coalesce(max(steps), 0) FROM recordings").fetchone()
        found = [step for (step,) in connection.execute("SELECT step FROM exchanges ORDER BY step")]
    assert steps == len(found), "a recording says how many steps it has"
    return found


def ends(data: bytes) -> list[int]:
    """Where each record of a journal ends."""
    found, at = [], 0
    while at < len(data):
        at += HEAD.size + HEAD.unpack_from(data, at)[2]
        found.append(at)
    return found


def test_a_start_takes_over_what_a_killed_gateway_left(path: Path) -> None:
    data = asyncio.run(left(path))
    assert rows(path) == []
    journal_of(path).write_bytes(data)
    assert steps_after_a_start(path) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert not journal_of(path).exists()


def test_a_journal_torn_at_any_byte_gives_all_whole_groups(path: Path, tmp_path: Path) -> None:
    data = asyncio.run(left(path, groups=2))
    first, second = ends(data)
    for at in range(len(data) + 1):
        journal_of(path).write_bytes(data[:at])
        found = [number for number, _ in read_journal(path)]
        assert found == [1, 2][: (at >= first) + (at >= second)], at


@pytest.mark.parametrize("at", [0, 1, 5, 25, 200, -1])
def test_a_start_goes_on_behind_a_torn_group(path: Path, at: int) -> None:
    data = asyncio.run(left(path, groups=2))
    first, second = ends(data)
    journal_of(path).write_bytes(data[: (first if at >= 0 else second) + at])
    assert steps_after_a_start(path) == [1, 2]


@pytest.mark.parametrize("byte", [0, 3, 7, 12, 18, 40, 300])
def test_a_damaged_group_is_never_taken_for_a_whole_one(path: Path, byte: int) -> None:
    data = bytearray(asyncio.run(left(path, groups=2)))
    first, _ = ends(bytes(data))
    data[first + byte] ^= 1
    journal_of(path).write_bytes(data)
    assert steps_after_a_start(path) in ([1, 2], [1, 2, 3, 4])  # a number one off is no damage to the rows


def test_what_was_moved_and_not_cleared_is_not_written_twice(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the commit and the end of the journal."""
    data = asyncio.run(left(path))
    for _ in range(3):
        journal_of(path).write_bytes(data)
        assert steps_after_a_start(path) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_file_that_is_behind_its_journal_gets_only_what_is_missing(path: Path) -> None:
    """Killed when some groups were moved, or a file that lost the number of the last one (a restored copy)."""
    data = asyncio.run(left(path))
    two = ends(data)[1]
    journal_of(path).write_bytes(data[:two])
    assert steps_after_a_start(path) == [1, 2, 3, 4]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE marks SET value = 0 WHERE name = 'journal'")
    journal_of(path).write_bytes(data)
    assert steps_after_a_start(path) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_numbers_go_on_after_a_start(path: Path) -> None:
    data = asyncio.run(left(path))
    journal_of(path).write_bytes(data)
    steps_after_a_start(path)
    more = asyncio.run(left(path, groups=1))
    assert [HEAD.unpack_from(one)[1] for one in (data, more)] == [1, 5]


def test_a_reader_without_a_writer_sees_what_was_left(path: Path) -> None:
    data = asyncio.run(left(path))
    journal_of(path).write_bytes(data)
    store = open_store(path)
    assert [exchange.step for exchange in store.exchanges(REC).items] == [1, 2, 3, 4, 5, 6, 7, 8]
    store.close()


async def test_a_reader_of_the_same_process_sees_what_a_client_saw(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("gateway.store.sqlite.writer.SLACK", 60.0)  # nothing is moved because nothing else is to do
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    store = open_store(path)
    for step in range(1, 6):
        await recorded(recorder, a_capture(step))
        found = await asyncio.to_thread(store.exchanges, REC)
        assert [exchange.step for exchange in found.items] == list(range(1, step + 1))
    store.close()
    await recorder.stop()


async def test_a_reader_of_another_process_sees_what_a_client_saw(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    await recorded(recorder, a_capture(1), a_capture(2))
    program = "import sys; from pathlib import Path; from gateway.store import open_store\n"
    program += "print(len(open_store(Path(sys.argv[1])).exchanges(sys.argv[2]).items))"
    words = [sys.executable, "-c", program, str(path), REC]
    ended = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=True)
    assert ended.stdout == "2\n"
    await recorder.stop()


async def test_what_waits_is_moved_under_load_within_a_moment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("gateway.store.sqlite.writer.SLACK", 60.0)
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    step = 0
    async with asyncio.timeout(5):
        while not step or not rows(path):
            step += 1
            await recorded(recorder, a_capture(step))
            await asyncio.sleep(0.005)
    assert len(rows(path)) < step or step < 200
    await recorder.stop()
    assert rows(path) == list(range(1, step + 1))


@pytest.mark.parametrize("short", [0, 10], ids=["nothing written", "half a record written"])
async def test_a_full_disk_writes_groups_through(path: Path, monkeypatch: pytest.MonkeyPatch, short: int) -> None:
    """The journal keeps what it held, and clients wait for SQLite."""
    monkeypatch.undo()
    write = os.write

    def full(file: int, data: bytes) -> int:
        if not data.startswith(journals.MAGIC):
            return write(file, data)
        if short:
            return write(file, data[:short])
        raise OSError(28, "No space left on device")

    recorder = open_recorder(path, seal=None)
    await recorder.start()
    await recorded(recorder, a_capture(1))
    monkeypatch.setattr(journals.os, "write", full)
    await recorded(recorder, a_capture(2))
    assert rows(path) == [1, 2]
    assert recorder.status().missed == 0
    monkeypatch.setattr(journals.os, "write", write)
    await recorded(recorder, a_capture(3))
    await recorder.stop()
    assert rows(path) == [1, 2, 3]


async def test_a_file_that_takes_nothing_lets_clients_go_with_what_the_journal_holds(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    write: Callable[..., None] = SqliteTables.write

    def failing(self: SqliteTables, *args: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = "SQLITE_IOERR_WRITE"
        raise error

    monkeypatch.setattr(SqliteTables, "write", failing)
    async with asyncio.timeout(3):
        for step in range(1, 9):
            await recorded(recorder, a_capture(step))
        while not recorder.status().reason:
            await asyncio.sleep(0.01)
    assert recorder.status().missed == 0
    assert len(list(read_journal(path))) >= 1
    monkeypatch.setattr(SqliteTables, "write", write)
    await recorder.stop()
    assert rows(path) == list(range(1, 9))


async def test_a_deleted_journal_is_begun_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    await recorded(recorder, a_capture(1))
    store = open_store(path)
    await asyncio.to_thread(store.exchanges, REC)
    journal_of(path).unlink()
    await recorded(recorder, a_capture(2))
    assert journal_of(path).exists()
    await asyncio.to_thread(store.exchanges, REC)
    store.close()
    await recorder.stop()
    assert rows(path) == [1, 2]


def put_in_place(folder: Path, copy: Path) -> None:
    """As a disk that is mounted anew: other files lie at the same paths."""
    folder.rename(folder.with_name("before"))
    copy.rename(folder)


async def test_the_journal_of_a_folder_that_takes_the_place_of_the_old_one_is_moved_first(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that went away with groups in its journal and comes back: emptying it would lose them."""
    recorder = await killed(path, groups=2)
    copy = path.parent.with_name("copy")
    shutil.copytree(path.parent, copy)
    monkeypatch.undo()
    assert isinstance(recorder._thread, WriterThread)
    await asyncio.to_thread(recorder._thread.move)  # what the copy's journal still holds
    put_in_place(path.parent, copy)
    await recorded(recorder, a_capture(5))
    await recorder.stop()
    assert rows(path) == [1, 2, 3, 4, 5]
    assert not journal_of(path).exists()


async def test_groups_that_wait_while_the_journal_goes_away_are_moved_before_another_begins(path: Path) -> None:
    recorder = await killed(path, groups=2)
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(Pending, "move", MOVE)
    journal_of(path).unlink()
    await recorded(recorder, a_capture(5))
    monkeypatch.undo()
    kept = rows(path)
    await recorder.stop()
    assert kept[:4] == [1, 2, 3, 4]


async def test_numbers_go_on_behind_a_file_that_is_ahead(path: Path) -> None:
    """Else a start would take groups of this run for those that were moved."""
    recorder = await killed(path, groups=1)
    copy = path.parent.with_name("copy")
    other = copy / path.name
    with closing(connect_writer(other)) as connection:
        SqliteTables(connection).write(Batch(lambda capture: capture, None, {}), 1000)
    put_in_place(path.parent, copy)
    for step in (3, 4):
        await recorded(recorder, a_capture(step))
    assert [number for number, _ in read_journal(path)] == [1001, 1002]
    await recorder.stop()


async def test_fsync_waits_for_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(journals, "to_disk", synced.append)
    recorder = await killed(path, groups=3, durability="fsync")
    assert len(synced) == 3
    await recorder.stop()


def test_it_is_private(path: Path) -> None:
    connect_writer(path).close()
    journal = Journal(path, 0)
    assert journal_of(path).stat().st_mode & 0o777 == 0o600
    journal.close()
    assert not journal_of(path).exists()


@pytest.mark.parametrize("columns", [USUAL, COLUMNS], ids=["usual", "all"])
def test_a_journal_of_a_gateway_before_traces_is_read(columns: Sequence[str]) -> None:
    row = tuple(name for name in columns if name != "trace")
    batch = batch_of(marshal.dumps(([row], [], [], [])))
    assert dict(zip(columns, batch.exchanges[0], strict=True)) == {
        name: "" if name == "trace" else name for name in columns
    }

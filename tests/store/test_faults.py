"""The disk, the file and the process fail: traffic goes on, and what is lost is counted.

Covers: store/key_rotation, store/reseal, store/sqlite/writer, store/writer.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from captures import a_capture, recorded
from disks import fill, small_disk

from gateway.errors import StoreError
from gateway.store import SqliteRecorder, SqliteStore, open_recorder, open_store
from gateway.store.sqlite import journal, writer
from gateway.store.sqlite.journal import read_journal, settle

pytestmark = pytest.mark.sqlite_only  # the journal, the log and the folder of a file

REC = "01JREC0000000000000000000A"
SUPPORT = Path(__file__).resolve().parents[1] / "support"


@asynccontextmanager
async def recording(path: Path, **options: object) -> AsyncIterator[SqliteRecorder]:
    recorder = open_recorder(path, seal=None, **options)  # type: ignore[arg-type]
    await recorder.start()
    try:
        yield recorder
    finally:
        await recorder.stop()


async def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


def steps_of(path: Path) -> list[int]:
    store = open_store(path)
    try:
        return [exchange.step for exchange in store.exchanges(REC).items]
    finally:
        store.close()


def sound(path: Path) -> bool:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()


WRITES_FOREVER = """
    import asyncio, sys, time
    from pathlib import Path
    sys.path.insert(0, {support!r})
    from captures import a_capture
    from gateway.store import open_recorder

    async def main():
        recorder = open_recorder(Path(sys.argv[1]), seal=None)
        await recorder.start()
        open_one = a_capture(999_999, stream="sse")
        recorder.opened(open_one)
        step = 0
        while True:
            group = []
            for _ in range(20):
                step += 1
                safe = asyncio.get_running_loop().create_future()
                capture = a_capture(step, response_body=[b"body %d " % step * 300])
                recorder.put(capture, lambda safe=safe, step=step: safe.set_result(print(step)))
                group.append(safe)
            await asyncio.gather(*group)
            sys.stdout.flush()

    asyncio.run(main())
"""


@contextmanager
def writing_process(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    script = textwrap.dedent(WRITES_FOREVER.format(support=str(SUPPORT)))
    with subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def acknowledged(process: subprocess.Popen[bytes], at_least: int) -> list[int]:
    """The steps that the process called safe until it was killed."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(at_least)]
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.read().splitlines(keepends=True)
    return [int(line) for line in lines if line.endswith(b"\n")]


@pytest.mark.parametrize("at_least", [1, 37, 150, 400])
def test_kill_9_loses_nothing_that_was_called_safe(path: Path, at_least: int) -> None:
    with writing_process(path) as process:
        safe = acknowledged(process, at_least)
    assert len(safe) >= at_least
    recorder = open_recorder(path, seal=None)  # the lock went with the process; what was open is interrupted
    store = open_store(path)
    found = {exchange.step: exchange for exchange in store.exchanges(REC, limit=10_000).items}
    assert set(safe) <= set(found)
    assert all(found[step].response.body.data == b"body %d " % step * 300 for step in safe)  # type: ignore[union-attr]
    assert found[999_999].state == "interrupted"
    store.close()
    asyncio.run(recorder.stop())
    assert sound(path)


def test_a_stopped_process_goes_on(path: Path) -> None:
    """SIGSTOP and SIGCONT, as a laptop's lid or a debugger does it."""
    with writing_process(path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        process.send_signal(signal.SIGCONT)
        safe = acknowledged(process, 200)
    assert set(safe) <= set(steps_of(path))


LOCKS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


async def test_a_lock_of_another_process_holds_nobody_back(path: Path) -> None:
    async with recording(path) as recorder:
        await recorded(recorder, a_capture(1))
        with subprocess.Popen(
            [sys.executable, "-c", LOCKS, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdin is not None
            assert other.stdout is not None
            assert other.stdout.readline() == b"locked\n"
            await recorded(recorder, a_capture(2))  # it is in the journal, while the lock stands
            await until(lambda: "locked" in recorder.status().reason)
            assert recorder.status().recorded == 2
            assert [number for number, _ in read_journal(path)]
            ran: list[int] = []
            recorder.put(a_capture(3), lambda: ran.append(3))
            await until(lambda: bool(ran))
            other.stdin.close()
            other.wait()
        await until(lambda: recorder.status().recorded == 3 and recorder.status().reason == "")
        assert recorder.status().missed == 0
        await recorded(recorder, a_capture(4))
    assert steps_of(path) == [1, 2, 3, 4]


async def test_a_full_disk_holds_nobody_back_and_recording_resumes(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "gateway.db"
        async with recording(path, backlog=1 << 20) as recorder:
            await recorded(recorder, a_capture(1))
            ballast = disk / "ballast"
            fill(ballast)
            await recorded(recorder, a_capture(2, response_body=[os.urandom(200_000)]))
            await until(lambda: "full" in recorder.status().reason)
            big = [a_capture(step, response_body=[os.urandom(200_000)]) for step in range(3, 11)]
            await recorded(recorder, *big)  # more than the backlog holds
            missed = recorder.status().missed
            assert missed >= 4
            ballast.unlink()
            await until(lambda: recorder.status().recorded + missed == 10)
            assert recorder.status().reason == ""
            await recorded(recorder, a_capture(11))
        assert len(steps_of(path)) == 11 - missed
        assert sound(path)


async def test_after_a_full_disk_the_log_gives_its_room_back_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Single commits write whole pages: the log is many times as long as what it holds, and would fill the disk again."""
    monkeypatch.setattr(writer, "SLACK", 60.0)
    monkeypatch.setattr(writer, "IDLE", 60.0)
    monkeypatch.setattr(journal, "MOVE_AT", 1)
    monkeypatch.setattr(
        "gateway.store.sqlite.write_connection.LITTLE", 0
    )  # as if the disk had been large when they were written
    with small_disk(tmp_path / "disk") as disk:
        path, log = disk / "gateway.db", disk / "gateway.db-wal"
        async with recording(path) as recorder:
            for step in range(1, 61):
                await recorded(recorder, a_capture(step))
            long, ballast = log.stat().st_size, disk / "ballast"
            assert long > 1 << 20
            fill(ballast)
            await recorded(recorder, *(a_capture(step) for step in range(61, 64)))
            await until(lambda: "full" in recorder.status().reason)
            ballast.unlink()
            await until(lambda: recorder.status().recorded == 63)
            await until(lambda: log.stat().st_size < long / 10)
        assert steps_of(path) == list(range(1, 64))


async def test_a_deleted_file_is_noticed_and_a_new_one_begun(path: Path) -> None:
    async with recording(path) as recorder:
        await recorded(recorder, a_capture(1))
        await asyncio.to_thread(settle, path)
        for file in path.parent.glob("gateway.db*"):
            if file.suffix != ".lock":
                file.unlink()
        await until(lambda: "deleted" in recorder.status().reason)
        await recorded(recorder, a_capture(2, response_body=[b'{"id": 1}']))
        assert steps_of(path) == [2]
        store = open_store(path)
        assert store.exchange(a_capture(2).id).response.body.data == b'{"id": 1}'  # type: ignore[union-attr]
        store.close()


async def test_a_moved_file_keeps_what_was_recorded_until_then(path: Path, tmp_path: Path) -> None:
    async with recording(path) as recorder:
        await recorded(recorder, *(a_capture(step) for step in range(1, 6)))
        await asyncio.to_thread(settle, path)
        path.rename(tmp_path / "kept.db")
        await until(lambda: "moved" in recorder.status().reason)
        await recorded(recorder, a_capture(6))
    assert steps_of(tmp_path / "kept.db") == [1, 2, 3, 4, 5]
    assert steps_of(path) == [6]


async def test_a_reader_notices_that_the_file_was_replaced(path: Path) -> None:
    async with recording(path) as recorder:
        await recorded(recorder, a_capture(1))
        store = open_store(path)
        assert store.recording("@last").steps == 1
        path.rename(path.with_name("old.db"))
        await until(lambda: "moved" in recorder.status().reason)
        await recorded(recorder, a_capture(2), a_capture(3))
        assert store.recording("@last").steps == 2
        store.close()


async def test_a_deleted_wal_file_loses_nothing(path: Path) -> None:
    async with recording(path) as recorder:
        await recorded(recorder, a_capture(1))
        path.with_name("gateway.db-wal").unlink()
        await until(lambda: "-wal" in recorder.status().reason)
        await recorded(recorder, a_capture(2))
    assert steps_of(path) == [1, 2]
    assert sound(path)


async def test_an_open_exchange_survives_a_new_connection(path: Path) -> None:
    async with recording(path) as recorder:
        capture = a_capture(1, stream="sse")
        recorder.opened(capture)
        await recorded(recorder, a_capture(2))
        path.with_name("gateway.db-wal").unlink()
        await until(lambda: "-wal" in recorder.status().reason)
        await recorded(recorder, capture)
        store = open_store(path)
        assert [exchange.state for exchange in store.exchanges(REC).items] == ["done", "done"]
        assert store.recording(REC).steps == 2
        store.close()


async def test_a_change_is_refused_while_the_store_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.writer.JOB_PATIENCE", 0.1)
    async with recording(path) as recorder:
        await recorded(recorder, a_capture(1))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Exception, match="locked"):
            await asyncio.wrap_future(recorder.annotate(REC, note="x"))
        other.close()
        await asyncio.wrap_future(recorder.annotate(REC, note="y"))


async def test_a_stop_leaves_what_cannot_be_written_to_the_next_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sqlite.writer.END_PATIENCE", 0.1)
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    await recorded(recorder, a_capture(1))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    await recorded(recorder, a_capture(2))
    await recorder.stop()
    other.close()
    assert (recorder.status().recorded, recorder.status().missed) == (2, 0)
    assert steps_of(path) == [1, 2]


async def test_a_stop_gives_up_what_cannot_be_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the file nor in the journal."""
    monkeypatch.setattr("gateway.store.sqlite.writer.END_PATIENCE", 0.1)
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    await recorded(recorder, a_capture(1))
    await asyncio.to_thread(settle, path)
    monkeypatch.setattr(journal, "MOST", -1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    ran: list[int] = []
    recorder.put(a_capture(2), lambda: ran.append(2))
    await recorder.stop()
    other.close()
    assert ran == [2]
    assert (recorder.status().recorded, recorder.status().missed) == (1, 1)
    assert steps_of(path) == [1]


async def test_many_tasks_that_read_while_one_writes(path: Path) -> None:
    async with recording(path) as recorder:
        await recorded(recorder, a_capture(1))
        store: SqliteStore = open_store(path)
        seen: list[int] = []

        async def read() -> None:
            seen.extend([(await asyncio.to_thread(store.recording, REC)).steps for _ in range(20)])

        await asyncio.gather(read(), read(), read(), recorded(recorder, *(a_capture(step) for step in range(2, 200))))
        assert store.recording(REC).steps == 199
        assert min(seen) >= 1
        store.close()


def test_a_read_only_disk_is_refused_at_the_start(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for path in (disk / "gateway.db", disk / "new" / "gateway.db"):
            with pytest.raises(StoreError, match="Read-only file system"):
                open_recorder(path, seal=None)


async def test_a_file_on_a_disk_that_became_read_only_can_still_be_read(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "gateway.db"
        async with recording(path) as recorder:
            await recorded(recorder, a_capture(1), a_capture(2))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert steps_of(path) == [1, 2]


async def test_a_clock_that_jumps_changes_no_order_and_no_duration(path: Path) -> None:
    """An hour back, then a day ahead: steps and recordings are in the order in which they came."""
    other = "01JREC0000000000000000000B"
    async with recording(path) as recorder:
        now = a_capture(1).started_at
        await recorded(recorder, a_capture(1, started_at=now), a_capture(2, started_at=now - 3600))
        await recorded(recorder, a_capture(1, other, started_at=now - 7200), a_capture(3, started_at=now + 86400))
    store = open_store(path)
    assert [exchange.step for exchange in store.exchanges(REC).items] == [1, 2, 3]
    assert [found.id for found in store.recordings().items] == [other, REC]
    for found in store.recordings().items:
        assert found.started_at <= found.updated_at
    assert {exchange.timing.total_ms for exchange in store.exchanges(REC).items} == {12.0}
    store.close()

"""The database goes away under load, hangs, or comes back after a gateway was killed: nothing is lost, nothing is twice.

Covers: store/postgres/recorder, store/postgres/spool, store/writer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from captures import a_capture, recorded
from postgres import Server, a_schema, a_server

from gateway.errors import StoreError
from gateway.paths import DatabasePath
from gateway.store import SqliteRecorder, open_recorder, open_store
from gateway.store.batch import Stored
from gateway.store.postgres.connection import connect
from gateway.store.postgres.spool import Spool
from gateway.store.postgres.tables import SharedBatch
from gateway.store.postgres.writer import PostgresWriter

REC = "01JREC0000000000000000000A"
PATIENCE = 60.0  # seconds for a slow machine


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with a_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def path(server: Server, tmp_path: Path) -> DatabasePath:
    """A schema of the server that the tests stop and start."""
    name = f"t{abs(hash(str(tmp_path))):x}"
    with closing(connect(server.url)) as database:
        database.execute(f"CREATE SCHEMA {name}")
    return DatabasePath.of(f"{server.url}?options=-csearch_path%3D{name}", tmp_path / "recordings")


@asynccontextmanager
async def recording(path: Path, **options: object) -> AsyncIterator[SqliteRecorder]:
    recorder = open_recorder(path, seal=None, **options)  # type: ignore[arg-type]
    await recorder.start()
    try:
        yield recorder
    finally:
        await recorder.stop()


def writer_of(recorder: SqliteRecorder) -> PostgresWriter:
    assert isinstance(recorder._thread, PostgresWriter)
    return recorder._thread


async def until_sent(recorder: SqliteRecorder) -> None:
    async with asyncio.timeout(PATIENCE):
        while writer_of(recorder).spooled or recorder.status().reason:
            await asyncio.sleep(0.05)


def steps_of(path: Path) -> list[int]:
    with closing(open_store(path)) as store:
        return [one.step for one in store.exchanges(REC, limit=10_000).items]


def spools(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.glob("gateway.spool-*.journal"))


@pytest.mark.parametrize("how", ["fast", "immediate"])
async def test_a_database_that_goes_and_comes_back_has_everything_once_and_in_order(
    path: DatabasePath, server: Server, how: str
) -> None:
    async with recording(path) as recorder:
        for step in range(1, 11):
            await recorded(recorder, a_capture(step))
        await asyncio.to_thread(server.stop, how)
        for step in range(11, 31):
            await recorded(recorder, a_capture(step, response_body=[b"away"]))
        assert writer_of(recorder).spooled > 0
        assert "database" in recorder.status().reason
        await asyncio.to_thread(server.start)
        for step in range(31, 41):
            await recorded(recorder, a_capture(step, response_body=[b"away"]))
        await until_sent(recorder)
        status = recorder.status()
        assert (status.recorded, status.missed, status.reason) == (40, 0, "")
    assert steps_of(path) == list(range(1, 41))
    with closing(open_store(path)) as store:
        order = [one.step for one in store.latest(limit=100).items]
        bodies = {one.response.body.data for one in store.exchanges(REC).items if one.response and one.step > 10}
    assert order == list(range(40, 0, -1))
    assert bodies == {b"away"}
    assert spools(path) == []


async def test_a_stop_while_the_database_is_away_leaves_the_rest_to_the_next_start(
    path: DatabasePath, server: Server
) -> None:
    async with recording(path) as recorder:
        await recorded(recorder, a_capture(1))
        await asyncio.to_thread(server.stop, "immediate")
        await recorded(recorder, a_capture(2), a_capture(3))
    assert len(spools(path)) == 1
    with pytest.raises(StoreError, match="cannot be used"):
        open_recorder(path, seal=None)
    await asyncio.to_thread(server.start)
    async with recording(path):
        async with asyncio.timeout(PATIENCE):
            while len(steps_of(path)) < 3:
                await asyncio.sleep(0.1)
    assert steps_of(path) == [1, 2, 3]
    assert spools(path) == []


async def test_a_database_that_does_not_answer_holds_clients_for_a_second_and_then_the_spool_takes_over(
    path: DatabasePath,
) -> None:
    """A lock that somebody holds is an answer that never comes."""
    async with recording(path) as recorder:
        await recorded(recorder, a_capture(1))
        with closing(connect(path.url)) as other:
            other.execute("BEGIN")
            other.execute("LOCK TABLE exchanges IN ACCESS EXCLUSIVE MODE")
            async with asyncio.timeout(PATIENCE):
                await recorded(recorder, a_capture(2))
                await recorded(recorder, a_capture(3))
            assert writer_of(recorder).spooled > 0
            other.execute("ROLLBACK")
        await until_sent(recorder)
        assert recorder.status().missed == 0
    assert steps_of(path) == [1, 2, 3]


async def test_a_change_is_refused_in_words_while_the_database_is_away(
    path: DatabasePath, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.writer.JOB_PATIENCE", 0.1)
    async with recording(path) as recorder:
        await recorded(recorder, a_capture(1))
        await asyncio.to_thread(server.stop, "immediate")
        with pytest.raises(StoreError, match="database"):
            await asyncio.wrap_future(recorder.annotate(REC, note="x"))
        await asyncio.to_thread(server.start)


async def test_a_spool_that_is_full_is_counted_and_goes_on_when_there_is_room(
    path: DatabasePath, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.postgres.spool.MOST", 1)
    async with recording(path) as recorder:
        writer_of(recorder)._spool._most = 1
        await recorded(recorder, a_capture(1))
        await asyncio.to_thread(server.stop, "immediate")
        await recorded(recorder, a_capture(2))  # fits: the limit is looked at before
        await recorded(recorder, a_capture(3))
        await recorded(recorder, a_capture(4))
        assert recorder.status().missed == 2
        await asyncio.to_thread(server.start)
        await until_sent_or_told(recorder)
        await recorded(recorder, a_capture(5))
        assert recorder.status().missed == 2
    assert steps_of(path) == [1, 2, 5]


async def until_sent_or_told(recorder: SqliteRecorder) -> None:
    """A mishap is told of for a minute after it is over."""
    async with asyncio.timeout(PATIENCE):
        while writer_of(recorder).spooled:
            await asyncio.sleep(0.05)


def a_group(*steps: int) -> SharedBatch:
    made = SharedBatch(lambda capture: capture, None, Stored())
    for step in steps:
        made.add(a_capture(step))
    return made


def test_a_spool_gives_its_groups_in_order_and_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "one")
    assert spool.is_empty
    for step in range(1, 6):
        spool.keep(a_group(step), sync=False)
    assert not spool.is_empty
    groups = spool.waiting()
    assert isinstance(groups, Generator)
    assert [next(groups).exchanges[0][2] for _ in range(3)] == [1, 2, 3]
    groups.close()  # the database went away while the third was sent: it is sent again
    assert [group.exchanges[0][2] for group in spool.waiting()] == [3, 4, 5]
    assert spool.is_empty
    spool.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_what_a_killed_gateway_left_is_sent_up_to_a_torn_end(tmp_path: Path, cut: int) -> None:
    killed = Spool(tmp_path, "killed")
    for step in (1, 2, 3):
        killed.keep(a_group(step), sync=True)
    killed._lock.release()  # as the system does it
    journal = tmp_path / "gateway.spool-killed.journal"
    journal.write_bytes(journal.read_bytes()[:-cut])
    spool = Spool(tmp_path, "next")
    assert [group.exchanges[0][2] for group in spool.left_behind()] == [1, 2]
    assert not journal.exists()
    spool.close()
    killed._own.close()


def test_the_spool_of_a_gateway_that_runs_is_its_own(tmp_path: Path) -> None:
    running = Spool(tmp_path, "running")
    running.keep(a_group(1), sync=False)
    spool = Spool(tmp_path, "next")
    assert list(spool.left_behind()) == []
    assert len(list(running.waiting())) == 1
    for one in (spool, running):
        one.close()


async def test_several_gateways_of_one_database_see_each_others_exchanges(tmp_path: Path) -> None:
    with a_schema() as url:
        here, there = (DatabasePath.of(url, tmp_path / name) for name in ("here", "there"))
        async with recording(here) as one, recording(there) as two:
            await recorded(one, a_capture(1))
            await recorded(two, a_capture(2))
            assert steps_of(here) == steps_of(there) == [1, 2]

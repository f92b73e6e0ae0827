"""Several gateways write one database at once: nothing twice, no number twice, no body lost, no deadlock.

Covers: store/postgres/reader, store/postgres/schema, store/sql, store/tables.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from captures import a_capture
from postgres import a_schema

from gateway.errors import StoreError
from gateway.ids import new_id
from gateway.model.capture import Capture
from gateway.paths import DatabasePath
from gateway.store import open_store
from gateway.store.batch import Stored
from gateway.store.postgres import tables as shared_tables
from gateway.store.postgres.connection import connect
from gateway.store.postgres.schema import VERSION, migrate, version_of
from gateway.store.postgres.tables import PostgresTables, SharedBatch

REC, OTHER = "01JREC0000000000000000000A", "01JREC0000000000000000000B"
MakeGateway = Callable[[str], PostgresTables]


@pytest.fixture
def url() -> Iterator[str]:
    with a_schema() as url:
        with closing(connect(url)) as database:
            migrate(database, "here")
        yield url


@pytest.fixture
def gateway(url: str) -> Iterator[MakeGateway]:
    """Makes the tables of a gateway by its name."""
    made: list[PostgresTables] = []

    def make(name: str) -> PostgresTables:
        made.append(PostgresTables(connect(url), name, Stored()))
        return made[-1]

    yield make
    for one in made:
        one.connection.close()


def batch(tables: PostgresTables, *captures: Capture) -> SharedBatch:
    made = SharedBatch(lambda capture: capture, None, tables.stored)
    for capture in captures:
        made.add(capture)
    return made


def fresh(step: int, recording: str = REC, **facts: object) -> Capture:
    capture = a_capture(step, recording, **facts)
    capture.id = new_id()
    return capture


def rows(tables: PostgresTables, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in tables.connection.execute(sql)]


def test_a_group_that_is_sent_again_is_there_once(gateway: MakeGateway) -> None:
    one = gateway("one")
    group = batch(one, *(fresh(step) for step in (1, 2, 3)))
    one.write(group)
    one.write(group)
    other = gateway("other")
    other.write(group)
    assert rows(one, "SELECT step FROM exchanges ORDER BY step") == [(1,), (2,), (3,)]
    assert rows(one, "SELECT steps FROM recordings") == [(3,)]


def test_a_number_that_another_gateway_took_becomes_the_next_free_one(gateway: MakeGateway) -> None:
    one, two = gateway("one"), gateway("two")
    first, second = [fresh(step) for step in (1, 2, 3)], [fresh(step) for step in (2, 3, 4)]
    one.write(batch(one, *first))
    again = batch(two, *second)
    two.write(again)
    two.write(again)
    found = rows(one, "SELECT step, id FROM exchanges ORDER BY step")
    assert [step for step, _ in found] == [1, 2, 3, 4, 5, 6]
    order = {id: step for step, id in found}
    assert [order[capture.id] for capture in second] == sorted(order[capture.id] for capture in second)
    assert rows(one, "SELECT steps FROM recordings") == [(6,)]


def test_an_exchange_that_was_open_is_completed_and_never_opened_again(gateway: MakeGateway) -> None:
    one = gateway("one")
    capture = fresh(1, state="open", status=0, response_body=[], ended=0.0)
    one.write(batch(one, capture))
    assert rows(one, "SELECT state, gateway FROM exchanges") == [("open", "one")]
    done = capture.copy()
    done.state, done.status = "done", 201
    one.write(batch(one, done))
    one.write(batch(one, capture))
    assert rows(one, "SELECT state, status FROM exchanges") == [("done", 201)]
    assert rows(one, "SELECT steps FROM recordings") == [(1,)]


def test_what_a_dead_gateway_had_open_is_over_and_what_a_live_one_has_is_not(gateway: MakeGateway) -> None:
    dead, live = gateway("dead"), gateway("live")
    for at, tables in enumerate((dead, live), 1):
        tables.beat()
        tables.write(batch(tables, fresh(at, state="open", status=0, response_body=[], ended=0.0)))
    dead.connection.execute("UPDATE gateways SET beat_at = now() - interval '1 minute' WHERE name = 'dead'")
    live.beat()
    assert rows(live, "SELECT gateway, state FROM exchanges ORDER BY step") == [
        ("dead", "interrupted"),
        ("live", "open"),
    ]
    live.leave()
    assert rows(dead, "SELECT state FROM exchanges") == [("interrupted",), ("interrupted",)]


def test_a_body_that_another_gateway_swept_is_written_again(gateway: MakeGateway, url: str, tmp_path: Path) -> None:
    one, two = gateway("one"), gateway("two")
    first = batch(one, fresh(1, response_body=[b"shared"]))
    one.write(first)
    one.stored.remember(first)
    two.delete(REC)
    assert rows(two, "SELECT count(*) FROM bodies") == [(0,)]
    again = batch(one, fresh(1, OTHER, response_body=[b"shared"]))
    assert not again.bodies  # this gateway takes it for stored
    one.write(again)
    with closing(open_store(DatabasePath.of(url, tmp_path))) as store:
        response = store.exchanges(OTHER).items[0].response
    assert response is not None
    assert response.body.data == b"shared"


def test_a_body_of_another_recording_outlives_a_deletion(gateway: MakeGateway) -> None:
    one = gateway("one")
    one.write(batch(one, fresh(1, response_body=[b"shared"]), fresh(2, response_body=[b"own"])))
    one.write(batch(one, fresh(1, OTHER, response_body=[b"shared"])))
    one.delete(REC)
    assert rows(one, "SELECT data FROM bodies") == [(b"shared",)]
    assert rows(one, "SELECT count(*) FROM orphans") == [(0,)]


def test_gateways_that_write_the_same_recordings_at_once_lose_nothing(gateway: MakeGateway) -> None:
    """The same numbers from each, groups sent twice, recordings in opposite orders: 480 exchanges of 4 gateways."""
    wrong: list[BaseException] = []

    def work(tables: PostgresTables, turned: bool) -> None:
        try:
            for round in range(6):
                recordings = (OTHER, REC) if turned else (REC, OTHER)
                steps = range(round * 10 + 1, round * 10 + 11)
                group = batch(tables, *(fresh(step, each) for each in recordings for step in steps))
                tables.write(group)
                tables.write(group)
        except BaseException as error:
            wrong.append(error)

    gateways = [gateway(f"gateway {number}") for number in range(4)]
    threads = [threading.Thread(target=work, args=(one, bool(at % 2))) for at, one in enumerate(gateways)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    numbers = rows(gateways[0], "SELECT recording, count(*), count(DISTINCT step), max(step) FROM exchanges GROUP BY 1")
    assert sorted(numbers) == [(REC, 240, 240, 240), (OTHER, 240, 240, 240)]
    assert rows(gateways[0], "SELECT steps FROM recordings") == [(240,), (240,)]


def test_a_gateway_with_another_key_is_refused_and_a_new_key_before_the_old_one_is_not(gateway: MakeGateway) -> None:
    one, two = gateway("one"), gateway("two")
    one.check_keys(["old"])
    two.check_keys(["old"])
    with pytest.raises(StoreError, match="seal with key old, and this one has other") as told:
        two.check_keys(["other"])
    assert told.value.code == "key"
    two.check_keys(["new", "old"])
    with pytest.raises(StoreError, match="seal with key new"):
        one.check_keys(["old"])
    one.check_keys(["new", "old"])


def test_gateways_that_start_at_once_make_the_tables_once() -> None:
    with a_schema() as url:
        wrong: list[BaseException] = []

        def start() -> None:
            try:
                with closing(connect(url)) as database:
                    migrate(database, "here")
            except BaseException as error:
                wrong.append(error)

        threads = [threading.Thread(target=start) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        with closing(connect(url)) as database:
            assert version_of(database) == VERSION


def test_a_newer_schema_and_the_tables_of_others_are_refused(url: str) -> None:
    with closing(connect(url)) as database:
        database.execute("INSERT INTO gateway_schema VALUES (?, now())", (VERSION + 1,))
        with pytest.raises(StoreError, match="knows schemas up to") as told:
            migrate(database, "here")
        assert told.value.code == "newer"
    with a_schema() as foreign, closing(connect(foreign)) as database:
        database.execute("CREATE TABLE exchanges (rate INTEGER)")
        with pytest.raises(StoreError, match="not the gateway's"):
            migrate(database, "here")
        assert version_of(database) == 0


def test_a_lease_is_one_gateways_until_it_runs_out_or_the_gateway_leaves(gateway: MakeGateway) -> None:
    one, two = gateway("one"), gateway("two")
    assert one.take_lease("tidy", 900) and not two.take_lease("tidy", 900)
    assert one.take_lease("tidy", -1)  # its own, and over at once
    assert two.take_lease("tidy", 900) and not one.take_lease("tidy", 900)
    two.leave()
    assert one.take_lease("tidy", 900)


def test_heartbeats_say_what_a_gateway_has_and_how_its_clock_goes(
    gateway: MakeGateway, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway("one").beat({"revision": "a"})
    now = time.time
    monkeypatch.setattr(shared_tables.time, "time", lambda: now() + 600)
    gateway("two").beat({"revision": "b"})
    monkeypatch.undo()
    with closing(open_store(DatabasePath.of(url))) as store:
        first, second = store.gateways()
    assert (first.name, second.name, second.facts) == ("one", "two", {"revision": "b"})
    assert abs(first.skew) < 60 < 540 < second.skew < 660 and first.age < 60

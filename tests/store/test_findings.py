"""Findings lie beside the recordings, in a file and in a database that gateways share: the same on both.

Covers: store/sqlite/drift, store/postgres/reader, store/postgres/tables, store/tail.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from captures import a_capture
from contracting import ROUTES, SHOP, backends, calls, json_of, until_judged
from postgres import a_schema
from served import served

from gateway.contracts.batches import DriftBatch, DriftQuery, PlaceDelta
from gateway.contracts.findings import Accepted, Finding, Sighting
from gateway.errors import NotFoundError, UsageError
from gateway.paths import DatabasePath, url_of
from gateway.store import SqliteRecorder, StoreReader
from gateway.store.sqlite import drift
from gateway.store.tail import DatabaseTail, tail_of

AT = "2026-11-30T11:02:00Z"


async def recorded(recorder: SqliteRecorder, *steps: int) -> None:
    for step in steps:
        safe = asyncio.get_running_loop().create_future()
        recorder.put(a_capture(step), lambda safe=safe: safe.set_result(None))  # type: ignore[misc]
        async with asyncio.timeout(30):
            await safe


def finding_of(step: int = 1, id: str = "3f2a9c1baa") -> Finding:
    seen = Sighting(f"E{step}", "R", step, AT)
    return Finding(
        id, "orders", "qa", "getOrder", "GET", "/orders/{id}", "wrong-type", "error", "response", 200, "/qty",
        "integer", "string", "shop.yaml", "shop.yaml", 41, "aa", 1, 1, seen, seen,
    )  # fmt: skip


def delta_of(*numbers: int, sha256: str = "aa", begins: bool = False) -> PlaceDelta:
    id = f"3f2a9c1b{sha256}"
    found = [(number, "wrong-type", "error", id) for number in numbers]
    return PlaceDelta(
        "orders", "qa", sha256, "shop.yaml", "Shop", begins, len(numbers), 0, {"cut": 1},
        {"GET /orders/{id}": (len(numbers), AT)}, [("operation", "GET /orders/{id}")], [finding_of(id=id)], found,
        {"getOrder": list(numbers)},
    )  # fmt: skip


async def add(recorder: SqliteRecorder, batch: DriftBatch) -> bool:
    return await asyncio.wrap_future(recorder.add_drift(batch))


async def filled(recorder: SqliteRecorder) -> None:
    """Three exchanges, two of them with one finding."""
    await recorded(recorder, 1, 2, 3)
    assert await add(recorder, DriftBatch(-1, 3))
    assert await add(recorder, DriftBatch(3, 3, [7], [delta_of(1, 2, begins=True)]))


async def test_a_batch_is_taken_once_and_where_the_last_one_ended(recorder: SqliteRecorder, store: StoreReader) -> None:
    await filled(recorder)
    assert not await add(recorder, DriftBatch(1, 9, [], [delta_of(1)])), "it begins elsewhere"
    assert await add(recorder, DriftBatch(3, 5, [], [delta_of(3)]))
    (place,) = store.reading(drift.places)
    assert (place.key, place.judged, place.unjudged, place.title) == (("orders", "qa"), 3, {"cut": 2}, "Shop")
    (one,) = store.reading(drift.findings)
    assert (one.count, one.of, one.pointer) == (2, 3, "/qty")
    assert store.reading(drift.mark) == 5 and store.reading(drift.late) == []
    assert store.reading(lambda c: drift.seen(c, "orders", "qa")) == [("operation", "GET /orders/{id}")]
    assert store.reading(lambda c: drift.sightings(c, one.id))[0][1] == 3
    assert not store.reading(lambda c: drift.findings(c, DriftQuery(since=time.time())))


async def test_a_finding_is_accepted_until_its_contract_changes(recorder: SqliteRecorder, store: StoreReader) -> None:
    await filled(recorder)
    accepted = Accepted("mended in 2.1", "ann", AT)
    found = await asyncio.wrap_future(recorder.accept_finding("3F2a9", accepted))
    assert found.accepted == accepted
    assert await add(recorder, DriftBatch(3, 3, [], [delta_of(3)]))
    assert store.reading(lambda c: drift.find(c, "3f2a")).accepted == accepted
    assert not store.latest(query="has:drift").items, "what is accepted is quiet"
    assert await add(recorder, DriftBatch(3, 3, [], [delta_of(3, sha256="bb", begins=True)]))
    assert [place.sha256 for place in store.reading(drift.places)] == ["bb"]
    for id in ("9999", "3f2", "3f2%"):
        with pytest.raises(NotFoundError, match="there is no finding"):
            await asyncio.wrap_future(recorder.accept_finding(id, None))
    more = replace(delta_of(), findings=[finding_of(id="3f2a9c1bff")], sha256="bb")
    assert await add(recorder, DriftBatch(3, 3, [], [more]))
    with pytest.raises(UsageError, match="the beginning of 2 findings"):
        store.reading(lambda c: drift.find(c, "3f2a9c1b"))


async def test_filters_and_names_find_what_was_compared(recorder: SqliteRecorder, store: StoreReader) -> None:
    await filled(recorder)
    queries = {
        "has:drift": 2, "-has:drift": 1, "drift:wrong-type": 2, "drift:not-json": 0, "op:getorder": 2, "op:get*": 2,
        "op:g?t*": 0, "op:_etOrder": 0, "op:contract": 2, "-op:get*": 1, "has:error": 0,
    }  # fmt: skip
    assert {query: len(store.latest(query=query).items) for query in queries} == queries
    assert [(one.contract_name, one.drifts) for one in store.latest().items] == [
        ("", 0),
        ("getOrder", 1),
        ("getOrder", 1),
    ]
    recording = store.recordings("has:drift").items[0].id
    assert sorted(store.reading(lambda c: drift.of_recording(c, recording))) == [1, 2]
    await asyncio.wrap_future(recorder.delete(recording))
    assert not store.recordings("has:drift").items
    assert store.reading(lambda c: drift.sightings(c, "3f2a9c1baa")) == []


async def test_a_document_of_a_url_is_kept(recorder: SqliteRecorder, store: StoreReader) -> None:
    assert store.reading(lambda c: drift.document(c, "https://x.example/a.yaml")) is None
    for text in (b"a: 1", b"\xff\x00b"):
        await asyncio.wrap_future(recorder.keep_contract("https://x.example/a.yaml", "aa", {"a.yaml": text}))
    assert store.reading(lambda c: drift.document(c, "https://x.example/a.yaml")) == ("aa", {"a.yaml": b"\xff\x00b"})


async def test_the_end_of_a_store_is_what_can_no_more_be_filled(recorder: SqliteRecorder, path: Path) -> None:
    """In a shared database a smaller number may be committed after a larger one."""
    await recorded(recorder, 1, 2)
    tail = tail_of(url_of(path) or str(path), recorder.gateway)
    assert tail.is_mine()
    if isinstance(tail, DatabaseTail):
        other = DatabaseTail(url_of(path), "other")
        async with asyncio.timeout(30):
            while (sure := tail.last()) < 2:  # other tests' transactions run on this server, too
                await asyncio.sleep(0.02)
        import psycopg

        with psycopg.connect(url_of(path)) as slow:  # it takes a number, and commits late
            slow.execute("CREATE TABLE writes (x int)")
            slow.execute("SELECT nextval(pg_get_serial_sequence('exchanges', 'seq'))")
            await recorded(recorder, 3)
            for _ in range(5):
                assert tail.last() == sure
            slow.commit()
        await add(recorder, DriftBatch(-1, 0))
        assert tail.is_mine() and not other.is_mine()
        other.close()
    async with asyncio.timeout(30):
        while tail.last() < (4 if recorder.gateway else 2):
            await asyncio.sleep(0.02)
    tail.close()


async def test_of_two_gateways_one_compares_and_the_other_goes_on_for_it(tmp_path: Path) -> None:
    with a_schema() as url:
        path = DatabasePath.of(url, tmp_path / "recordings")
        async with backends(tmp_path) as (clean, drifting), served(tmp_path, path=path) as stays:
            (tmp_path / "routes.yaml").write_text(ROUTES.format(qa=drifting.url, test=clean.url))
            async with served(tmp_path, path=path) as goes:
                load = asyncio.gather(*(calls(one, *range(1, 61)) for one in (stays, goes)))
                await load
                found = await until_judged(stays, 120)
                assert (await until_judged(goes, 120))["items"] == found["items"]
                assert found["items"] and {one["of"] for one in found["items"]} == {120}
                goes.process.kill()
                await goes.process.wait()
            await calls(stays, *range(1, 11))
            (place,) = [one for one in (await until_judged(stays, 130))["places"] if one["environment"] == "qa"]
            assert place["judged"] == 130, "every exchange once"
            everything = await json_of(stays, "recordings?q=has:drift")
            assert len(everything["items"]) >= 1
            assert "openapi" in SHOP and "contract" not in (await stays.page("/_gateway/readyz"))[1]

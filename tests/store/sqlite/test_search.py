"""Filters over many shards: what is found is the same however exchanges are divided, and short pages lose nothing.

Covers: store/cursors, store/sqlite/contents, store/sqlite/filter_sql, store/sqlite/full_text.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from captures import a_capture, recorded

from gateway.errors import UsageError
from gateway.store import SqliteRecorder, StoreReader, open_recorder, open_store
from gateway.store.sqlite import full_text, search
from gateway.store.sqlite.files import connect_writer

RECORDINGS = [f"01JLOOK{number:019}" for number in range(12)]
FILTERS = (
    "", "status:404", "-status:404", "status:>=500", "cluster:orders", "-cluster:orders", "env:dev", "method:POST",
    "-method:GET", "method:PATCH", "path:/api/b", "-path:/api/b", "took:>15ms", "size:>100", "has:failure",
    "-has:failure", "has:stream", "has:body", "has:note", "tag:odd", "kind:live", "-kind:live", "session:s3", "alpha",
    "-alpha", "alpha beta", "alpha -gamma", "body:gamma", "-body:gamma", "alph", "title", "?", "nothing",
    "status:404 method:POST", "alpha status:404", "body:beta -status:404 cluster:orders", "before:2025-11-22T06:01",
)  # fmt: skip


async def fill(recorder: SqliteRecorder) -> None:
    """Twelve sessions that took turns."""
    chance, steps = random.Random(3), dict.fromkeys(RECORDINGS, 0)
    captures = []
    for number in range(160):
        recording = chance.choice(RECORDINGS[max(0, number // 16 - 2) : number // 16 + 3])
        steps[recording] += 1
        words = " ".join(chance.choices(("alpha", "beta", "gamma", "delta", "x"), (1, 4, 1, 3, 9), k=2))
        captures.append(
            a_capture(
                steps[recording], recording, session=f"s{RECORDINGS.index(recording)}", status=chance.choice((200,) * 8 + (404, 503)),
                method=chance.choice((b"GET", b"GET", b"GET", b"POST")), cluster=chance.choice(("orders", "users")),
                environment=chance.choice(("qa", "qa", "dev")), target=b"/api/%c/%d" % (chance.choice(b"abc"), number),
                response_body=[words.encode()], response_headers=[(b"Content-Type", b"text/plain")],
                failure=("connection_refused", "no") if chance.random() < 0.1 else None,
                ended=100 + chance.random() / 50, started_at=1_763_791_200.0 + number,
            )
        )  # fmt: skip
    await recorded(recorder, *captures)
    await asyncio.wrap_future(recorder.annotate(RECORDINGS[4], title="A title"))
    await asyncio.wrap_future(recorder.annotate(RECORDINGS[5], step=2, note="alpha by hand", tags=("odd",)))
    await asyncio.wrap_future(recorder.annotate(RECORDINGS[6], note="alphabet", tags=("odd",)))


def answers(store: StoreReader, query: str, **given: float) -> tuple[list[str], ...]:
    """Everything that each of the three lists finds, page by page."""
    found: tuple[list[str], ...] = ([], [], [])
    asked: tuple[Any, ...] = (store.recordings, store.latest, partial(store.exchanges, RECORDINGS[5]))
    for at, ask in enumerate(asked):
        cursor = None
        while True:
            page = ask(query=query, limit=20, cursor=cursor, **given)
            found[at].extend(one.id for one in page.items)
            if (cursor := page.next) is None:
                break
    return found


async def settled(path: Path) -> None:
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    await fill(recorder)
    async with asyncio.timeout(20):
        store = open_store(path)
        while store.statistics().unindexed:
            await asyncio.sleep(0.05)
    await recorder.stop()


def divide(path: Path, monkeypatch: pytest.MonkeyPatch, shard: int) -> None:
    """The same file with its words in other shards."""
    for module in (full_text, search):
        monkeypatch.setattr(module, "SHARD", shard)
    connection = connect_writer(path)
    full_text.index_anew(connection)
    while full_text.is_pending(connection):
        full_text.index_some(connection)
    connection.close()


async def test_the_same_is_found_however_exchanges_are_divided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gateway.db"
    await settled(path)
    whole = {query: answers(open_store(path), query) for query in FILTERS}
    assert len(whole["alpha"][1]) > 10 and len(whole["alpha"][0]) > 3 and whole["nothing"] == ([], [], [])
    for shard, rare in ((7, 20), (16, 2)):
        monkeypatch.setattr(search, "RARE", rare)
        divide(path, monkeypatch, shard)
        for query in FILTERS:
            assert answers(open_store(path), query) == whole[query], query


async def test_a_search_whose_time_is_up_goes_on_by_its_cursor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gateway.db"
    await settled(path)
    divide(path, monkeypatch, 16)
    store = open_store(path)
    for query in ("method:PATCH", "path:/api/b", "alpha", "-alpha", "status:503"):
        assert answers(store, query, patience=0.0) == answers(store, query, patience=60.0)
    short = store.latest(query="method:PATCH", patience=0.0)
    assert (short.items, short.next) == ((), "160")
    assert store.latest(query="method:PATCH").next is None


def forget(path: Path, mark: int) -> None:
    """The same file with nothing indexed behind this exchange."""
    connection = connect_writer(path)
    full_text.index_anew(connection)
    connection.execute("INSERT OR REPLACE INTO marks VALUES ('indexed', 0)")
    while (left := mark - full_text.indexed(connection)) > 0:
        full_text.SOME = min(left, 64)
        full_text.index_some(connection)
    connection.close()


@pytest.mark.parametrize("mark", [0, 70, 150])
async def test_the_same_is_found_whether_words_are_indexed_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: int
) -> None:
    path = tmp_path / "gateway.db"
    await settled(path)
    whole = {query: answers(open_store(path), query) for query in FILTERS}
    for module in (search,):
        monkeypatch.setattr(module, "BLOCK", 7)
    monkeypatch.setattr(search, "WINDOW", 11)
    monkeypatch.setattr(full_text, "SOME", 64)
    forget(path, mark)
    store = open_store(path)
    assert store.statistics().unindexed == 160 - mark
    for query in FILTERS:
        assert answers(store, query) == whole[query], query
        assert answers(store, query, patience=0.0) == whole[query], query


async def test_a_search_through_a_long_recording_stops_and_goes_on_within_it(
    recorder: SqliteRecorder, store: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (search,):
        monkeypatch.setattr(module, "BLOCK", 5)
    monkeypatch.setattr(full_text, "index_some", lambda connection: None)
    monkeypatch.setattr(full_text, "is_pending", lambda connection: False)
    words = {1: b"needle", 30: b"thread"}
    kind = [(b"Content-Type", b"text/plain")]
    await recorded(
        recorder,
        *(
            a_capture(n, RECORDINGS[0], response_body=[words.get(n, b"hay")], response_headers=kind)
            for n in range(1, 41)
        ),
    )
    cursor, seen = None, []
    while True:
        page = store.recordings("needle thread", cursor=cursor, patience=0.0)
        if (cursor := page.next) is None:
            break
        seen.append(cursor)
        assert page.items == ()
    assert [item.id for item in page.items] == RECORDINGS[:1]
    assert seen == [f"1.{step}.{met}" for step, met in ((36, 0), (31, 0), (26, 2), (21, 2), (16, 2), (11, 2), (6, 2))]


def test_a_cursor_that_is_none_is_refused(tmp_path: Path) -> None:
    connect_writer(tmp_path / "gateway.db").close()
    for cursor in ("1.2", "1.2.3.4", "-1", "x", "1..2"):
        with pytest.raises(UsageError, match="is no cursor"):
            open_store(tmp_path / "gateway.db").recordings("a", cursor=cursor)


@pytest.mark.parametrize("query", ["", "status:200", "alpha", "-nothing", "body:alpha status:200"])
async def test_pages_do_not_shift_while_exchanges_arrive(
    recorder: SqliteRecorder, store: StoreReader, query: str
) -> None:
    """Each exchange that was there is on one page, whatever is recorded and indexed between them."""
    kind = [(b"Content-Type", b"text/plain")]

    def made(step: int, recording: str) -> Any:
        return a_capture(step, recording, response_body=[b"alpha"], response_headers=kind)

    for number, recording in enumerate(RECORDINGS, 1):
        await recorded(recorder, *(made(step, recording) for step in range(1, 3 + number)))
    there = {one.id for one in store.latest(limit=1000).items}
    stop = asyncio.Event()

    async def arrive() -> None:
        for step in itertools.count(1):
            await recorded(recorder, made(100 + step, RECORDINGS[step % 12]), made(step, f"01JNEW{step:020}"))
            if stop.is_set():
                return

    arriving = asyncio.create_task(arrive())
    exchanges, recordings = list[str](), list[str]()
    asked: list[tuple[Any, list[str]]] = [(store.latest, exchanges), (store.recordings, recordings)]
    for ask, found in asked:
        cursor = None
        while True:
            page = await asyncio.to_thread(ask, query=query, limit=5, cursor=cursor)
            found.extend(one.id for one in page.items)
            await asyncio.sleep(0.01)
            if (cursor := page.next) is None:
                break
    stop.set()
    await arriving
    assert len(exchanges) == len(set(exchanges)) and there <= set(exchanges)
    assert len(recordings) == len(set(recordings)) and set(RECORDINGS) <= set(recordings)

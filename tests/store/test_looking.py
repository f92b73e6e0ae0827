"""Filters over many shards: what is found is the same however exchanges are divided, and short pages lose nothing."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from captures import a_capture, recorded

from gateway.store import SqliteRecorder, SqliteStore, fulltext, looking, open_recorder, open_store
from gateway.store.files import connect_writer

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


def answers(store: SqliteStore, query: str, **given: float) -> tuple[list[str], ...]:
    """Everything that each of the three lists finds, page by page."""
    found: tuple[list[str], ...] = ([], [], [])
    for at, ask in enumerate((store.recordings, store.latest, lambda **page: store.exchanges(RECORDINGS[5], **page))):
        cursor = None
        while True:
            more = given if at < 2 else {}
            name = "query"
            page = ask(**{name: query, "limit": 20, "cursor": cursor, **more})
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
    for module in (fulltext, looking):
        monkeypatch.setattr(module, "SHARD", shard)
    connection = connect_writer(path)
    fulltext.index_anew(connection)
    while fulltext.is_pending(connection):
        fulltext.index_some(connection)
    connection.close()


async def test_the_same_is_found_however_exchanges_are_divided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gateway.db"
    await settled(path)
    whole = {query: answers(open_store(path), query) for query in FILTERS}
    assert len(whole["alpha"][1]) > 10 and len(whole["alpha"][0]) > 3 and whole["nothing"] == ([], [], [])
    for shard, rare in ((7, 20), (16, 2)):
        monkeypatch.setattr(looking, "RARE", rare)
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

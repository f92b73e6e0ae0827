"""Finding recordings: names, pages, filters."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from captures import a_capture, recorded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgres import BOTH, a_schema

from gateway.errors import NotFoundError, UsageError
from gateway.model.filter import Term, filter_text
from gateway.paths import DatabasePath
from gateway.store import SqliteRecorder, StoreReader, open_recorder, open_store
from gateway.store.sqlite.full_text import waiting

ENGINES = BOTH
A, B, C = (f"01J{letter}{'0' * 22}" for letter in "ABC")


@pytest.fixture(scope="module", params=BOTH)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreReader]:
    """Three recordings: an order with a 404, a failure in test, plain reading."""
    folder = tmp_path_factory.mktemp("shop")
    with a_schema() if request.param == "postgres" else nullcontext("") as url:
        store = a_shop(DatabasePath.of(url, folder) if url else folder / "gateway.db")
        yield store
        store.close()


def a_shop(path: Path) -> StoreReader:

    async def fill() -> None:
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        await recorded(
            recorder,
            a_capture(1, A, method=b"POST", cluster="users", target=b"/api/users/login"),
            a_capture(2, A, status=404),
            a_capture(
                1,
                B,
                session="bob",
                environment="test",
                status=502,
                failure=("connection_refused", "no"),
                response_version="",
                response_body=[],
                ended=100.5,
            ),
            a_capture(1, C, session="carol", cluster="catalogue", target=b"/api/catalogue/50%25_off"),
        )
        await asyncio.wrap_future(recorder.annotate(A, title="Order a book", note="Ask Zoe", tags=["Demo"]))
        await recorder.stop()

    asyncio.run(fill())
    return open_store(path)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [C, B, A]),
        ("status:404", [A]),
        ("status:4xx", [A]),
        ("status:>=400", [B, A]),
        ("status:<300", [C, A]),
        ("-status:>=400", [C]),
        ("status:400-499", [A]),
        ("cluster:orders", [B, A]),
        ("cluster:orders -env:test", [A]),
        ("env:qa environment:qa", [C, A]),
        ("method:post", [A]),
        ("-method:POST", [C, B]),
        ("method:POST status:404", []),  # both must hold for one exchange
        ("session:bob", [B]),
        ("-session:bob", [C, A]),
        ("tag:demo", [A]),
        ("kind:live", [C, B, A]),
        ("kind:replay", []),
        ("path:/users/", [A]),
        ("book", [A]),
        ("zoe", [A]),
        ("carol", [C]),
        ("login", [A]),
        ('"a book" tag:demo', [A]),
        ("-book", [C, B]),
        ("50%25", [C]),
        ("%", [C]),
        ("'; DROP TABLE recordings; --", []),
        ("has:failure", [B]),
        ("-has:failure", [C, A]),
        ("has:note", [A]),
        ("-has:note", [C, B]),
        ("has:body", [C, A]),
        ("has:stream", []),
        ("took:>200ms", [B]),
        ("took:<=12ms", [C, A]),
        ("took:100ms..1s status:502", [B]),
        ("size:>0", [C, A]),
        ("size:1kB", []),
        ("after:2025-11-22T06:00:02", [A]),
        ("before:2025-11-22T06:00:01", []),
        ("-after:2025-11-22T06:00:02", [C, B]),
        ("after:-1m", []),
        ("before:-1m", [C, B, A]),
        ("body:id", [C, A]),
        ("body:2", [A]),
        ("body:orders", []),
        ("-body:id", [B]),
        ("orders", [C, B, A]),  # a word of a URL, the upstream's included
        ("application/json", [C, A]),  # words of a header field
        ("connection_refused", [B]),
        ("body:%", []),
        ('body:"NEAR(a b)" OR', []),
    ],
)  # fmt: skip
def test_filters(shop: StoreReader, query: str, found: list[str]) -> None:
    assert [recording.id for recording in shop.recordings(query).items] == found


@pytest.mark.parametrize(
    ("query", "steps"),
    [
        ("", [1, 2]), ("status:404", [2]), ("-status:404", [1]), ("login", [1]), ("-login", [2]), ("body:2", [2]),
        ("method:POST session:alice kind:live", [1]), ("took:<1s has:body", [1, 2]), ("tag:demo", []),
        ("has:note", []), ("session:bob", []),
    ],
)  # fmt: skip
def test_the_same_filter_within_a_recording(shop: StoreReader, query: str, steps: list[int]) -> None:
    assert [exchange.step for exchange in shop.exchanges(A, query=query).items] == steps


@pytest.mark.sqlite_only
async def test_words_are_found_before_and_after_they_are_indexed(recorder: SqliteRecorder, store: StoreReader) -> None:
    stream = a_capture(3, A, stream="sse", response_body=[])
    recorder.opened(stream)
    recorder.chunk(stream, at=stream.begun, sent=False, data=b"data: streamed\n\n")
    await recorded(
        recorder,
        a_capture(1, A, response_body=[b'{"title": "Caf\xc3\xa9 society", "isbn": "978-1"}']),
        a_capture(2, B, response_body=[gzip.compress(b"packed words")], response_headers=[GZIP, PLAIN]),
    )
    await all_indexed(store)
    await recorded(recorder, stream, a_capture(2, A, response_body=[b"fresh \xff bytes"], response_headers=[PLAIN]))
    found = {
        "body:cafe": [A], "body:978-1": [A], "body:978": [A], "body:1-978": [], "body:packed": [B], "society": [A],
        "body:soc": [A], "body:ociety": [], "body:streamed": [A], "-body:streamed": [B], '"café society"': [A],
        "text/plain": [B, A], "body:text": [],
    }  # fmt: skip
    for query, recordings in found.items():
        assert [one.id for one in store.recordings(query).items] == recordings, query
    await all_indexed(store)
    for query, recordings in found.items():
        assert [one.id for one in store.recordings(query).items] == recordings, query


GZIP, PLAIN = (b"Content-Encoding", b"gzip"), (b"Content-Type", b"text/plain")


async def all_indexed(store: StoreReader) -> None:
    """Wait for the writer's slack time."""
    async with asyncio.timeout(20):
        while True:
            with store._reading() as connection:
                if not waiting(connection):
                    return
            await asyncio.sleep(0.02)


@pytest.mark.sqlite_only
async def test_what_was_open_when_the_gateway_went_is_indexed_by_the_next(path: Path) -> None:
    for last in (False, True):
        recorder, store = open_recorder(path, seal=None), open_store(path)
        await recorder.start()
        if not last:
            recorder.opened(a_capture(1, A, stream="sse", target=b"/zebra"))
            await recorded(recorder, a_capture(2, A))
        await all_indexed(store)
        with store._reading() as connection:
            found = connection.execute("SELECT count(*) FROM texts_0 WHERE texts_0 MATCH 'zebra'").fetchone()[0]
        assert found == (1 if last else 0)
        assert [one.id for one in store.recordings("zebra").items] == [A]
        await recorder.stop()
        store.close()


@pytest.mark.sqlite_only
async def test_what_is_deleted_is_found_no_more_and_its_numbers_mislead_nobody(
    recorder: SqliteRecorder, store: StoreReader
) -> None:
    await recorded(recorder, a_capture(1, A, response_body=[b"alpha"], response_headers=[PLAIN]))
    await recorded(recorder, a_capture(1, B, response_body=[b"beta"], response_headers=[PLAIN]))
    await all_indexed(store)
    await asyncio.wrap_future(recorder.delete(B))
    await recorded(recorder, a_capture(1, C, response_body=[b"gamma"], response_headers=[PLAIN]))  # in B's row
    await all_indexed(store)
    assert [one.id for one in store.recordings("body:beta").items] == []
    assert [one.id for one in store.recordings("body:gamma").items] == [C]
    assert [one.id for one in store.recordings("body:alpha").items] == [A]


@pytest.mark.sqlite_only
async def test_an_index_full_of_deleted_words_is_made_anew(
    recorder: SqliteRecorder, store: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sqlite.full_text.STALE", 2)
    await recorded(recorder, a_capture(1, A, response_body=[b"alpha"], response_headers=[PLAIN]))
    await recorded(recorder, *(a_capture(step, B, response_body=[b"beta"]) for step in range(1, 9)))
    await all_indexed(store)
    await asyncio.wrap_future(recorder.delete(B))
    await all_indexed(store)
    with store._reading() as connection:
        assert connection.execute("SELECT count(*), max(doc) FROM documents").fetchone()[:] == (1, 1)
        assert connection.execute("SELECT count(*) FROM texts_0 WHERE texts_0 MATCH 'beta'").fetchone()[0] == 0
    assert [one.id for one in store.recordings("body:alpha").items] == [A]


async def test_the_newest_exchanges_of_all_recordings(recorder: SqliteRecorder, store: StoreReader) -> None:
    await recorded(recorder, *(a_capture(step, A) for step in range(1, 4)))
    await recorded(recorder, a_capture(1, B, status=404), a_capture(4, A))
    first = store.latest(limit=2)
    assert [(one.recording, one.step) for one in first.items] == [(A, 4), (B, 1)]
    await recorded(recorder, a_capture(2, B))
    second = store.latest(limit=2, cursor=first.next)
    assert [(one.recording, one.step) for one in second.items] == [(A, 3), (A, 2)]
    assert [(one.recording, one.step) for one in store.latest(query="status:404").items] == [(B, 1)]


@given(st.text(max_size=30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_from_outside_breaks_a_query(shop: StoreReader, text: str) -> None:
    for query in (text, filter_text([Term("body", text or "x")]), filter_text([Term("", text or "x", True)])):
        try:
            found = shop.recordings(query)
        except UsageError as error:
            assert error.where == "filter"
        else:
            assert {one.id for one in found.items} <= {A, B, C}
            shop.latest(query=query)


@pytest.mark.parametrize("ref", [A, A[:6], A.lower()[:6], "Order a book", "@last~2", f"  {A} "])
def test_names_of_a_recording(shop: StoreReader, ref: str) -> None:
    assert shop.recording(ref).id == A


@pytest.mark.parametrize("ref", ["", "nothing", "01", "@last~3", "@first", "%", A + "0"])
def test_what_names_nothing(shop: StoreReader, ref: str) -> None:
    with pytest.raises(NotFoundError, match="the newest are"):
        shop.recording(ref)


def test_a_title_given_twice_is_ambiguous(path: Path) -> None:
    async def fill() -> None:
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        await recorded(recorder, a_capture(1, A), a_capture(1, B))
        for id in (A, B):
            await asyncio.wrap_future(recorder.annotate(id, title="Same"))
        await recorder.stop()

    asyncio.run(fill())
    store = open_store(path)
    with pytest.raises(UsageError, match=f"more than one recording: {B}, {A}"):
        store.recording("Same")
    store.close()


async def test_pages_do_not_shift_while_recordings_arrive(recorder: SqliteRecorder, store: StoreReader) -> None:
    names = [f"01JREC{number:020}" for number in range(10)]
    await recorded(recorder, *(a_capture(1, name) for name in names[:7]))
    seen, cursor = [], None
    while True:
        page = store.recordings(limit=3, cursor=cursor)
        seen += [recording.id for recording in page.items]
        cursor = page.next
        if cursor is None:
            break
        await recorded(recorder, a_capture(1, names[7 + len(seen) // 3 - 1]))
    assert seen == names[6::-1]


async def test_steps_come_in_pages(recorder: SqliteRecorder, store: StoreReader) -> None:
    await recorded(recorder, *(a_capture(step, A) for step in range(1, 8)))
    first = store.exchanges(A, limit=4)
    assert [exchange.step for exchange in first.items] == [1, 2, 3, 4]
    second = store.exchanges(A, limit=4, cursor=first.next)
    assert [exchange.step for exchange in second.items] == [5, 6, 7]
    assert second.next is None


async def test_a_page_holds_no_more_than_fits_in_memory(
    recorder: SqliteRecorder, store: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sqlite.reader.ROOM", 2500)
    await recorded(recorder, *(a_capture(step, A, response_body=[b"x" * 1000]) for step in range(1, 4)))
    await recorded(recorder, a_capture(4, A, response_body=[b"x" * 9000]))
    pages, cursor = [], None
    while True:
        page = store.exchanges(A, cursor=cursor)
        pages.append([exchange.step for exchange in page.items])
        if (cursor := page.next) is None:
            break
    assert pages == [[1, 2], [3], [4]]


def test_a_made_up_cursor_is_refused(shop: StoreReader) -> None:
    with pytest.raises(UsageError, match="no cursor"):
        shop.recordings(cursor="1 OR 1=1")
    with pytest.raises(UsageError, match="shows nothing"):
        shop.recordings(limit=0)


def test_unknown_ids_are_not_found(shop: StoreReader) -> None:
    with pytest.raises(NotFoundError, match="no exchange"):
        shop.exchange("nope")
    with pytest.raises(NotFoundError, match="no recording"):
        shop.exchanges("nope")
    with pytest.raises(NotFoundError, match="no step 9"):
        shop.step(A, 9)
    assert shop.chunks("nope") == ()


def test_readers_cannot_write(shop: StoreReader) -> None:
    with shop._reading() as connection, pytest.raises(Exception, match=r"readonly|read-only"):
        connection.execute("DELETE FROM recordings")


def test_clusters_are_in_the_order_of_first_use(shop: StoreReader) -> None:
    assert shop.recording(A).clusters == ("users@qa", "orders@qa")


async def test_last_is_what_clients_recorded_and_last_run_what_was_sent_again(
    recorder: SqliteRecorder, store: StoreReader
):
    """Replays, what-ifs and imports come after it, and are reached by names of their own."""
    kinds = {"A": "live", "B": "live", "C": "import", "D": "replay", "E": "variant", "F": "import"}
    for letter, kind in kinds.items():
        id = f"01J{letter}{'0' * 22}"
        await recorded(recorder, a_capture(1, id, session=f"session {letter}"))
        if kind != "live":
            await asyncio.wrap_future(recorder.describe_recording(id, f"session {letter}", kind=kind, parent=None,
                                                                  branched_at=None, title=f"one of {kind}"))  # fmt: skip
    found = {ref: store.recording(ref).id[3] for ref in ("@last", "@last~1", "@last-run", "@last-run~1", "session C")}
    assert found == {"@last": "B", "@last~1": "A", "@last-run": "E", "@last-run~1": "D", "session C": "C"}
    with pytest.raises(NotFoundError, match="of the kind live"):
        store.recording("@last~2")


async def test_last_of_a_file_that_holds_imports_only_is_the_newest_import(
    recorder: SqliteRecorder, store: StoreReader
):
    for letter in "AB":
        id = f"01J{letter}{'0' * 22}"
        await recorded(recorder, a_capture(1, id, session=f"session {letter}"))
        await asyncio.wrap_future(recorder.describe_recording(id, f"session {letter}", kind="import", parent=None,
                                                              branched_at=None, title="import"))  # fmt: skip
    assert (store.recording("@last").id[3], store.recording("@last~1").id[3]) == ("B", "A")
    with pytest.raises(NotFoundError, match="of the kind live"):
        store.recording("@last~2")

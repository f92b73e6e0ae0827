"""Finding recordings: names, pages, filters."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from captures import a_capture, recorded

from gateway.errors import NotFoundError, UsageError
from gateway.store import SqliteRecorder, SqliteStore, open_recorder, open_store

A, B, C = (f"01J{letter}{'0' * 22}" for letter in "ABC")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SqliteStore:
    """Three recordings: an order with a 404, a failure in test, plain reading."""
    path = tmp_path_factory.mktemp("shop") / "gateway.db"

    async def fill() -> None:
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        await recorded(
            recorder,
            a_capture(1, A, method=b"POST", cluster="users", target=b"/api/users/login"),
            a_capture(2, A, status=404),
            a_capture(1, B, session="bob", environment="test", status=502, failure=("connection_refused", "no")),
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
    ],
)  # fmt: skip
def test_filters(shop: SqliteStore, query: str, found: list[str]) -> None:
    assert [recording.id for recording in shop.recordings(query).items] == found


@pytest.mark.parametrize("ref", [A, A[:6], A.lower()[:6], "Order a book", "@last~2", f"  {A} "])
def test_names_of_a_recording(shop: SqliteStore, ref: str) -> None:
    assert shop.recording(ref).id == A


@pytest.mark.parametrize("ref", ["", "nothing", "01", "@last~3", "@first", "%", A + "0"])
def test_what_names_nothing(shop: SqliteStore, ref: str) -> None:
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


async def test_pages_do_not_shift_while_recordings_arrive(recorder: SqliteRecorder, store: SqliteStore) -> None:
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


async def test_steps_come_in_pages(recorder: SqliteRecorder, store: SqliteStore) -> None:
    await recorded(recorder, *(a_capture(step, A) for step in range(1, 8)))
    first = store.exchanges(A, limit=4)
    assert [exchange.step for exchange in first.items] == [1, 2, 3, 4]
    second = store.exchanges(A, limit=4, cursor=first.next)
    assert [exchange.step for exchange in second.items] == [5, 6, 7]
    assert second.next is None


async def test_a_page_holds_no_more_than_fits_in_memory(
    recorder: SqliteRecorder, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.reader.ROOM", 2500)
    await recorded(recorder, *(a_capture(step, A, response_body=[b"x" * 1000]) for step in range(1, 4)))
    await recorded(recorder, a_capture(4, A, response_body=[b"x" * 9000]))
    pages, cursor = [], None
    while True:
        page = store.exchanges(A, cursor=cursor)
        pages.append([exchange.step for exchange in page.items])
        if (cursor := page.next) is None:
            break
    assert pages == [[1, 2], [3], [4]]


def test_a_made_up_cursor_is_refused(shop: SqliteStore) -> None:
    with pytest.raises(UsageError, match="no cursor"):
        shop.recordings(cursor="1 OR 1=1")
    with pytest.raises(UsageError, match="shows nothing"):
        shop.recordings(limit=0)


def test_unknown_ids_are_not_found(shop: SqliteStore) -> None:
    with pytest.raises(NotFoundError, match="no exchange"):
        shop.exchange("nope")
    with pytest.raises(NotFoundError, match="no recording"):
        shop.exchanges("nope")
    with pytest.raises(NotFoundError, match="no step 9"):
        shop.step(A, 9)
    assert shop.chunks("nope") == ()


def test_readers_cannot_write(shop: SqliteStore) -> None:
    with shop._reading() as connection, pytest.raises(Exception, match="readonly"):
        connection.execute("DELETE FROM recordings")


def test_clusters_are_in_the_order_of_first_use(shop: SqliteStore) -> None:
    assert shop.recording(A).clusters == ("users@qa", "orders@qa")

"""A damaged file: what can be read is saved, and the file itself is never touched.

Covers: store/sqlite/statistics.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from captures import a_capture, recorded

from gateway.errors import NotFoundError, StoreError
from gateway.store import open_recorder, open_store
from gateway.store.sqlite.examination import examined
from gateway.store.sqlite.files import PAGE
from gateway.store.sqlite.repair import recover, set_aside

A, B = "01JREC0000000000000000000A", "01JREC0000000000000000000B"


def a_file(path: Path, count: int = 400) -> dict[str, bytes]:
    """Two recordings with bodies, a stream, notes and tags; exchange id -> response body."""

    async def fill() -> dict[str, bytes]:
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        captures = [
            a_capture(step, recording, response_body=[os.urandom(600)])
            for recording in (A, B)
            for step in range(1, count + 1)
        ]
        await recorded(recorder, *captures)
        stream = a_capture(count + 1, B, stream="sse")
        recorder.opened(stream)
        recorder.chunk(stream, at=stream.begun + 1, sent=False, data=b"data: 1\n\n")
        await recorded(recorder, stream)
        await asyncio.wrap_future(recorder.annotate(A, title="Order a book", note="for Monday", tags=["demo"]))
        await recorder.stop()
        return {capture.id: capture.response_body[0] for capture in captures}

    return asyncio.run(fill())


def bodies(path: Path) -> dict[str, bytes]:
    store = open_store(path)
    found: dict[str, bytes] = {}
    for recording in store.recordings().items:
        cursor = None
        while True:
            page = store.exchanges(recording.id, cursor=cursor)
            found |= {one.id: one.response.body.data for one in page.items if one.response and not one.stream}
            if (cursor := page.next) is None:
                break
    store.close()
    return found


def damage_page(path: Path, number: int) -> bytes:
    """Random bytes over one page; the whole file as it then is."""
    with path.open("r+b") as file:
        file.seek((number - 1) * PAGE)
        file.write(os.urandom(PAGE))
    return path.read_bytes()


def root_of(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        return int(found[0])


def pages_of(path: Path, table: str) -> list[int]:
    """The pages below a table's root."""
    root = root_of(path, table)
    page = path.read_bytes()[(root - 1) * PAGE : root * PAGE]
    assert page[0] == 5, "an interior page"  # SQLite file format, section 1.6
    cells = int.from_bytes(page[3:5])
    at = [int.from_bytes(page[12 + 2 * cell : 14 + 2 * cell]) for cell in range(cells)]
    return [int.from_bytes(page[start : start + 4]) for start in at]


@pytest.mark.parametrize("table", ["exchanges", "bodies"])
def test_one_damaged_page_costs_only_what_lay_on_it(path: Path, table: str) -> None:
    kept = a_file(path)
    damaged = damage_page(path, pages_of(path, table)[3])
    found = recover(path)
    assert found.aside.read_bytes() == damaged
    assert examined(path).damage == ()
    assert examined(path).bodies_lost == 0
    saved = bodies(path)
    lost = len(kept) - sum(saved.get(id) == body for id, body in kept.items())
    assert 0 < lost < 100
    assert found.exchanges >= len(kept) - (lost if table == "exchanges" else 0)
    if table == "bodies":
        assert found.bodies_lost == lost
        assert {body for id, body in saved.items() if body != kept[id]} == {b""}  # gone, never wrong
    store = open_store(path)
    assert (store.recording(A).title, store.recording(A).notes, store.recording(A).tags) == (
        "Order a book", ("for Monday",), ("demo",),
    )  # fmt: skip
    stream = store.step(B, store.recording(B).steps and 401)
    assert [chunk.data for chunk in store.chunks(stream.id)] == [b"data: 1\n\n"]
    store.close()


def test_a_header_that_was_overwritten_costs_nothing(path: Path) -> None:
    kept = a_file(path, 50)
    with path.open("r+b") as file:
        file.write(b"\0" * 100)
    with pytest.raises(StoreError, match="doctor --repair"):
        open_recorder(path, seal=None)
    found = recover(path)
    assert (found.recordings, found.exchanges, found.bodies_lost) == (2, 101, 0)
    assert bodies(path) == kept


def test_a_recording_whose_own_row_is_lost_is_there_again(path: Path) -> None:
    kept = a_file(path, 20)
    damage_page(path, root_of(path, "recordings"))
    recover(path)
    assert bodies(path) == kept
    store = open_store(path)
    assert [(one.session, one.steps) for one in store.recordings().items] == [("alice", 21), ("alice", 20)]
    store.close()


def test_what_holds_nothing_is_left_where_it_is(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 1000)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="damaged"):
        recover(path)
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["gateway.db", "gateway.db.lock"]


def test_nobody_repairs_under_a_running_gateway(path: Path) -> None:
    a_file(path, 1)
    recorder = open_recorder(path, seal=None)
    with pytest.raises(StoreError, match="another gateway writes"):
        recover(path)
    asyncio.run(recorder.stop())
    with pytest.raises(NotFoundError):
        recover(path.with_name("other.db"))


def test_setting_aside_overwrites_nothing(path: Path) -> None:
    path.parent.mkdir()
    for content in (b"first", b"second"):
        path.write_bytes(content)
        path.with_name("gateway.db-wal").write_bytes(b"log of " + content)
        set_aside(path, now=0)
    found = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert found == {
        "gateway.db.corrupt-19700101T000000Z": b"first",
        "gateway.db.corrupt-19700101T000000Z-wal": b"log of first",
        "gateway.db.corrupt-19700101T000000Z-1": b"second",
        "gateway.db.corrupt-19700101T000000Z-1-wal": b"log of second",
    }


async def test_damage_under_a_running_gateway_sets_the_file_aside_and_goes_on(path: Path) -> None:
    """The writer notices when it has to read the page."""
    await asyncio.to_thread(a_file, path, 50)
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    root = root_of(path, "exchanges")
    damaged = damage_page(path, root)
    await recorded(recorder, a_capture(901, B), a_capture(902, B))
    async with asyncio.timeout(5):
        while ".corrupt-" not in recorder.status().reason:  # until what is in the journal is moved into the file
            await asyncio.sleep(0.01)
    assert (recorder.status().recorded, recorder.status().missed) == (2, 0)
    await recorder.stop()
    (aside,) = path.parent.glob("gateway.db.corrupt-*Z")
    page = slice((root - 1) * PAGE, root * PAGE)
    assert aside.read_bytes()[page] == damaged[page]
    store = open_store(path)
    assert [exchange.step for exchange in store.exchanges(B).items] == [901, 902]
    store.close()

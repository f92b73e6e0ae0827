"""What is put is read back, in order, and every callback runs once."""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from captures import a_capture, recorded

from gateway.errors import NotFoundError, StoreError, UsageError
from gateway.live_events import LiveEvents
from gateway.model.recording import Revision
from gateway.protocols import LiveSession, Pin
from gateway.store import SqliteRecorder, StoreReader, open_recorder, open_store

REC, OTHER = "01JREC0000000000000000000A", "01JREC0000000000000000000B"


async def test_exchanges_come_back_in_order(recorder: SqliteRecorder, store: StoreReader) -> None:
    await recorded(recorder, *(a_capture(step) for step in range(1, 31)))
    assert [exchange.step for exchange in store.exchanges(REC).items] == list(range(1, 31))
    assert recorder.status().recorded == 30
    assert recorder.status().backlog == 0


async def test_all_facts_survive(recorder: SqliteRecorder, store: StoreReader) -> None:
    capture = a_capture(
        method=b"POST", request_body=[b'{"qty"', b": 1}"], request_trailers=[(b"X-End", b"1")], override="pin",
        failure=("connection_read_timeout", "nothing came for 60 s"), attempts=2, mode="fault", connected=100.0005,
        rewritten=[(b"Location", b"http://127.0.0.1:9202/x")], response_trailers=[(b"X-Sum", b"a")],
    )  # fmt: skip
    await recorded(recorder, capture)
    found = store.exchange(capture.id)
    assert (found.method, found.request.target, found.url) == (
        "POST", "/api/orders/orders?x=1", "http://127.0.0.1:8080/api/orders/orders?x=1"
    )  # fmt: skip
    assert found.request.body.data == b'{"qty": 1}'
    assert found.request.trailers == (("X-End", "1"),)
    assert found.response is not None
    assert found.response.body.data == b'{"id": 1}'
    assert found.response.trailers == (("X-Sum", "a"),)
    assert found.rewritten == (("Location", "http://127.0.0.1:9202/x"),)
    assert found.failure is not None
    assert found.failure.kind == "connection_read_timeout"
    assert (found.override, found.mode, found.attempts, found.state) == ("pin", "fault", 2, "done")
    assert (found.timing.total_ms, found.timing.connect_ms, found.timing.first_byte_ms) == (12.0, 0.5, 10.0)
    assert found.timing.upstream_ms == 11.0
    assert found.started_at == "2025-11-22T06:00:01.000000Z"


async def test_without_a_response_there_is_only_the_failure(recorder: SqliteRecorder, store: StoreReader) -> None:
    capture = a_capture(status=502, response_version="", response_body=[], failure=("connection_refused", "refused"))
    await recorded(recorder, capture)
    found = store.exchange(capture.id)
    assert found.response is None
    assert found.status == 502


async def test_an_open_exchange_is_visible_and_then_completed(recorder: SqliteRecorder, store: StoreReader) -> None:
    capture = a_capture(status=0, response_body=[], ended=0.0, stream="sse")
    recorder.opened(capture)
    await recorded(recorder, a_capture(2))
    assert store.exchange(capture.id).state == "open"
    capture.status, capture.response_body, capture.ended = 200, [b"data: 1\n\n"], 101.0
    await recorded(recorder, capture)
    found = store.exchange(capture.id)
    assert (found.state, found.status, found.timing.total_ms) == ("done", 200, 1000.0)
    assert store.recording(REC).steps == 2


async def test_what_was_open_at_a_stop_is_interrupted(path: Path) -> None:
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    recorder.opened(a_capture())
    await recorder.stop()
    store = open_store(path)
    assert [exchange.state for exchange in store.exchanges(REC).items] == ["interrupted"]
    store.close()


async def test_pieces_of_a_stream_are_kept_with_direction_and_time(
    recorder: SqliteRecorder, store: StoreReader
) -> None:
    capture = a_capture(stream="websocket", response_body=[])
    recorder.opened(capture)
    recorder.chunk(capture, at=100.5, sent=True, data=b"ping")
    recorder.chunk(capture, at=101.0, sent=False, data=b"pong")
    await recorded(recorder, capture)
    assert [(c.index, c.at_ms, c.direction, c.data) for c in store.chunks(capture.id)] == [
        (0, 500.0, "sent", b"ping"),
        (1, 1000.0, "received", b"pong"),
    ]


async def test_pieces_beyond_max_body_are_counted_not_kept(recorder: SqliteRecorder, store: StoreReader) -> None:
    capture = a_capture(stream="sse", max_body=5)
    recorder.opened(capture)
    for data in (b"abc", b"defg", b"hi", b"jkl"):
        recorder.chunk(capture, at=101.0, sent=False, data=data)
    await recorded(recorder, capture)
    found = store.chunks(capture.id)
    assert [(c.data, c.size, c.truncated) for c in found] == [(b"abc", 3, False), (b"de", 4, True), (b"", 5, True)]


async def test_pieces_of_what_is_not_recorded_are_not_kept(recorder: SqliteRecorder, store: StoreReader) -> None:
    capture = a_capture(stream="sse")
    recorder.chunk(capture, at=101.0, sent=False, data=b"data: 1")
    await recorded(recorder, a_capture(2))
    assert store.chunks(capture.id) == ()


async def test_a_cut_body_says_so_with_its_true_size(recorder: SqliteRecorder, store: StoreReader) -> None:
    capture = a_capture(response_body=[b"x" * 100], response_size=5000)
    await recorded(recorder, capture)
    response = store.exchange(capture.id).response
    assert response is not None
    assert (len(response.body.data), response.body.size, response.body.truncated) == (100, 5000, True)


async def test_a_taken_step_gets_the_next_free_one(recorder: SqliteRecorder, store: StoreReader) -> None:
    """A session that goes on after a crash may give out a step that was written in its last moment."""
    await recorded(recorder, a_capture(1), a_capture(2))
    await recorded(recorder, a_capture(2, id="01JLATER"), a_capture(4, id="01JFOUR"))
    assert [exchange.step for exchange in store.exchanges(REC).items] == [1, 2, 3, 4]
    assert store.exchange("01JLATER").step == 3
    assert recorder.status().missed == 0


async def test_a_finished_exchange_is_never_overwritten(
    recorder: SqliteRecorder, store: StoreReader, engine: str
) -> None:
    await recorded(recorder, a_capture(1))
    await recorded(recorder, a_capture(1, status=500), a_capture(2))
    assert [exchange.status for exchange in store.exchanges(REC).items] == [200, 200]
    # To a database a group may be sent again: an id that is there is the same exchange.
    assert recorder.status().missed == (1 if engine == "sqlite" else 0)


async def test_what_cannot_be_stored_is_counted_and_harms_nobody(recorder: SqliteRecorder, store: StoreReader) -> None:
    await recorded(recorder, a_capture(1), a_capture(2, session="\ud800"), a_capture(3))
    assert [exchange.step for exchange in store.exchanges(REC).items] == [1, 3]
    assert recorder.status().missed == 1
    assert "UnicodeEncodeError" in recorder.status().reason


async def test_a_failing_callback_does_not_stop_the_others(
    recorder: SqliteRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.put(a_capture(1), lambda: 1 / 0)
    await recorded(recorder, a_capture(2))
    assert "what waited for a record failed" in caplog.text


async def test_relaxed_does_not_wait(path: Path) -> None:
    recorder = open_recorder(path, seal=None, durability="relaxed")
    ran: list[str] = []
    recorder.put(a_capture(), lambda: ran.append("at once"))
    assert ran == ["at once"]
    await recorder.start()
    await recorder.stop()
    store = open_store(path)
    assert store.recording("@last").steps == 1
    store.close()


async def test_fsync_writes_as_well(path: Path) -> None:
    recorder = open_recorder(path, seal=None, durability="fsync")
    await recorder.start()
    await recorded(recorder, a_capture())
    await recorder.stop()
    store = open_store(path)
    assert store.recording("@last").steps == 1
    store.close()


def test_an_unknown_durability_is_refused(path: Path) -> None:
    with pytest.raises(UsageError, match="strict"):
        open_recorder(path, seal=None, durability="sure")


async def test_a_full_backlog_counts_what_it_misses_and_lets_traffic_go(path: Path) -> None:
    recorder = open_recorder(path, seal=None, backlog=10_000)
    ran: list[int] = []
    for step in range(1, 9):
        recorder.put(a_capture(step), lambda step=step: ran.append(step))
    missed = recorder.status().missed
    assert missed == 4
    assert ran == [5, 6, 7, 8]
    await recorder.start()
    await recorder.stop()
    assert recorder.status().recorded == 4


async def test_notes_tags_title_and_pin_lie_beside(recorder: SqliteRecorder, store: StoreReader) -> None:
    await recorded(recorder, a_capture(1), a_capture(2))
    await asyncio.wrap_future(
        recorder.annotate(REC, title="Two", note="for Monday", tags=["demo", "demo"], pinned=True)
    )
    await asyncio.wrap_future(recorder.annotate(REC, step=2, note="the 404", tags=["bad"]))
    found = store.recording(REC)
    assert (found.title, found.notes, found.tags, found.pinned) == ("Two", ("for Monday",), ("demo",), True)
    first, second = store.exchanges(REC).items
    assert (first.notes, second.notes, second.tags) == ((), ("the 404",), ("bad",))


async def test_a_note_for_nobody_is_refused(recorder: SqliteRecorder) -> None:
    with pytest.raises(NotFoundError, match="no recording NONE"):
        await asyncio.wrap_future(recorder.annotate("NONE", note="x"))
    await recorded(recorder, a_capture())
    with pytest.raises(NotFoundError, match="no step 9"):
        await asyncio.wrap_future(recorder.annotate(REC, step=9, note="x"))
    with pytest.raises(UsageError, match="the recording's"):
        recorder.annotate(REC, step=1, title="x")


async def test_a_title_may_come_before_the_first_exchange(recorder: SqliteRecorder, store: StoreReader) -> None:
    await asyncio.wrap_future(recorder.title_recording(REC, "alice", "Order a book"))
    assert store.recordings().items == ()
    await recorded(recorder, a_capture())
    found = store.recording("Order a book")
    assert (found.id, found.started_at) == (REC, "2025-11-22T06:00:01.000000Z")


async def test_a_recording_may_be_a_replay_of_another(recorder: SqliteRecorder, store: StoreReader) -> None:
    await asyncio.wrap_future(
        recorder.describe_recording(REC, "r", kind="variant", parent=OTHER, branched_at=2, title="What if")
    )
    assert store.recordings().items == ()
    await recorded(recorder, a_capture())
    found = store.recording(REC)
    assert (found.kind, found.parent, found.branched_at, found.title) == ("variant", OTHER, 2, "What if")


@pytest.mark.parametrize("first", ["session", "exchange"])
async def test_a_session_may_choose_the_title(recorder: SqliteRecorder, store: StoreReader, first: str) -> None:
    session = LiveSession("alice", REC, 0, title="Order a book")
    if first == "session":
        await asyncio.wrap_future(recorder.save_sessions([session]))
        await recorded(recorder, a_capture())
    else:
        await recorded(recorder, a_capture())
        await asyncio.wrap_future(recorder.save_sessions([session]))
    assert store.recording(REC).title == "Order a book"
    await asyncio.wrap_future(recorder.annotate(REC, title="Another"))
    await asyncio.wrap_future(recorder.save_sessions([session]))
    await recorded(recorder, a_capture(1, OTHER))
    assert store.recording(REC).title == "Another"
    assert store.recording(OTHER).title == "GET /api/orders/orders"


async def test_a_recording_without_a_title_is_called_by_its_first_request(
    recorder: SqliteRecorder, store: StoreReader
) -> None:
    await recorded(recorder, a_capture(1, method=b"POST"), a_capture(2))
    assert store.recording(REC).title == "POST /api/orders/orders … 2 steps"


async def test_delete_takes_what_nobody_else_has(recorder: SqliteRecorder, store: StoreReader, path: Path) -> None:
    await recorded(
        recorder, a_capture(1, response_body=[b"shared"]), a_capture(2, response_body=[b"own"], stream="sse")
    )
    await recorded(recorder, a_capture(1, OTHER, response_body=[b"shared"]))
    await asyncio.wrap_future(recorder.annotate(REC, note="x", tags=["x"]))
    await asyncio.wrap_future(recorder.delete(REC))
    with pytest.raises(NotFoundError):
        store.recording(REC)
    assert store.exchanges(OTHER).items[0].response.body.data == b"shared"  # type: ignore[union-attr]
    with store._reading() as connection:
        left = {t: connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("bodies", "notes", "tags")}
    assert left == {"bodies": 1, "notes": 0, "tags": 0}
    await recorded(recorder, a_capture(5, OTHER, response_body=[b"own"]))
    assert store.exchanges(OTHER).items[1].response.body.data == b"own"  # type: ignore[union-attr]


async def test_what_is_still_under_way_in_a_deleted_recording_does_not_bring_it_back(
    recorder: SqliteRecorder, store: StoreReader
) -> None:
    stream = a_capture(2, stream="websocket")
    recorder.opened(stream)
    await recorded(recorder, a_capture(1, response_body=[b"first"]))
    await asyncio.wrap_future(recorder.delete(REC))
    recorder.chunk(stream, at=stream.begun, sent=True, data=b"late")
    await recorded(recorder, stream, a_capture(3, response_body=[b"late"]), a_capture(1, OTHER))
    assert [found.id for found in store.recordings().items] == [OTHER]
    assert store.chunks(stream.id) == ()
    (session,) = store.sessions()
    assert session.recording != REC
    assert recorder.status().missed == 0


async def test_a_session_whose_recording_is_deleted_begins_another_one(path: Path) -> None:
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    await asyncio.wrap_future(recorder.save_sessions([LiveSession("alice", REC, 2, title="Mine")]))
    await recorded(recorder, a_capture(1), a_capture(2))
    await asyncio.wrap_future(recorder.delete(REC))
    (session,) = recorder.load_sessions()
    await recorder.stop()
    assert session.recording > REC
    assert (session.steps, session.title) == (0, "")


async def test_bodies_of_a_deleted_recording_go_piece_by_piece(
    recorder: SqliteRecorder, store: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sqlite.deletion.PIECE", 2)
    await recorded(recorder, *(a_capture(step, response_body=[b"%d" % step]) for step in range(1, 6)))
    await recorded(recorder, *(a_capture(step, OTHER, response_body=[b"other %d" % step]) for step in range(1, 8)))
    await recorded(recorder, a_capture(8, OTHER, response_body=[b"4"]))
    await asyncio.wrap_future(recorder.delete(REC))
    await recorded(recorder, a_capture(9, OTHER, response_body=[b"5"]))
    async with asyncio.timeout(10):
        while count(store, "orphans"):
            await asyncio.sleep(0.02)
    assert count(store, "bodies") == 9
    await recorded(recorder, a_capture(10, OTHER, response_body=[b"1"]))
    found = [exchange.response.body.data for exchange in store.exchanges(OTHER).items if exchange.response]
    assert found == [*(b"other %d" % step for step in range(1, 8)), b"4", b"5", b"1"]


def count(store: StoreReader, table: str) -> int:
    with store._reading() as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


async def test_deleting_what_is_not_there_says_so(recorder: SqliteRecorder) -> None:
    with pytest.raises(NotFoundError, match="no recording"):
        await asyncio.wrap_future(recorder.delete(REC))


async def test_equal_bodies_are_stored_once(recorder: SqliteRecorder, store: StoreReader) -> None:
    body = b"<html>" * 1000
    await recorded(recorder, *(a_capture(step, response_body=[body]) for step in range(1, 21)))
    await recorded(recorder, a_capture(21, response_body=[body]))
    with store._reading() as connection:
        rows = connection.execute("SELECT size, length(data) FROM bodies").fetchall()
    assert len(rows) == 1
    assert rows[0][0] == 6000
    assert rows[0][1] < 600
    assert all(e.response is not None and e.response.body.data == body for e in store.exchanges(REC).items)


@pytest.mark.sqlite_only
async def test_equal_bodies_are_stored_once_over_a_restart(path: Path) -> None:
    body = b'{"books": ["a book about something"]}'
    for round in range(3):
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        for step in (1, 2):
            await recorded(recorder, a_capture(10 * round + step, response_body=[body]))
        await recorder.stop()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM bodies").fetchone() == (1,)
        assert connection.execute("SELECT count(DISTINCT response_body) FROM exchanges").fetchone() == (1,)


async def test_pages_that_watch_are_told_of_exchanges_and_trouble(path: Path) -> None:
    live = LiveEvents()
    recorder = open_recorder(path, seal=None, live=live)
    await recorder.start()
    async with live.subscribe() as events, asyncio.timeout(10):
        await recorded(recorder, a_capture(1, status=404), a_capture(2, session="\ud800"))
        _, event, data = await anext(events)
        assert (event, data["status"], data["path"], data["total_ms"]) == ("exchange", 404, "/api/orders/orders", 12.0)
        while (event := await anext(events))[1] == "exchange":  # the other was told of before it could not be stored
            pass
        assert (event[1], event[2]["missed"]) == ("recorder", 1)
    await recorder.stop()


async def test_a_mistake_in_the_thread_does_not_end_it(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Deaf:
        calls = 0

        @property
        def listening(self) -> bool:
            if threading.current_thread() is not threading.main_thread():
                self.calls += 1
                if self.calls == 1:
                    raise RuntimeError("a mistake")
            return False

        def publish(self, event: str, data: object) -> None:
            pass

    recorder = open_recorder(path, seal=None, live=Deaf())  # type: ignore[arg-type]
    await recorder.start()
    await recorded(recorder, a_capture(1))
    await recorded(recorder, a_capture(2))
    assert "the recorder failed" in recorder.status().reason
    assert recorder.status().backlog == 0
    await recorder.stop()
    assert "a mistake" in caplog.text
    store = open_store(path)
    assert store.recording(REC).steps == 2
    store.close()


async def test_after_a_stop_nobody_waits(path: Path) -> None:
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    await recorder.stop()
    ran: list[int] = []
    recorder.put(a_capture(), lambda: ran.append(1))
    assert ran == [1]
    assert recorder.status().missed == 1


@pytest.mark.sqlite_only
async def test_a_deletion_gives_its_room_back(recorder: SqliteRecorder, path: Path) -> None:
    await recorded(recorder, *(a_capture(step, response_body=[os.urandom(50_000)]) for step in range(1, 21)))
    await recorded(recorder, a_capture(1, OTHER))
    await asyncio.wrap_future(recorder.delete(REC))
    await recorder.stop()
    assert path.stat().st_size < 700_000


@pytest.mark.sqlite_only
async def test_full_text_keeps_up_with_steady_traffic(recorder: SqliteRecorder, store: StoreReader) -> None:
    """A request every tenth of a second leaves room between: words do not wait until all is quiet."""
    async with asyncio.timeout(20):
        for step in itertools.count(1):
            await recorded(recorder, a_capture(step))
            await asyncio.sleep(0.1)
            if step > 5 and store.statistics().unindexed <= 1:
                break
    assert store.statistics().exchanges == step


async def test_revisions_newest_first(recorder: SqliteRecorder, store: StoreReader) -> None:
    for number in range(3):
        revision = Revision(
            f"{number}", f"2026-11-22T06:00:0{number}Z", "file", ("orders: test -> qa",), "version: 1\n"
        )
        await asyncio.wrap_future(recorder.add_revision(revision))
    found = store.revisions(limit=2)
    assert [revision.id for revision in found] == ["2", "1"]
    assert found[0].changes == ("orders: test -> qa",)


async def test_values_are_kept_per_session_and_name(recorder: SqliteRecorder, store: StoreReader) -> None:
    await asyncio.wrap_future(recorder.keep_values("alice", {"token": "t", "order": {"id": 7}, "gone": 1}))
    await asyncio.wrap_future(recorder.keep_values("bob", {"token": "u"}))
    await asyncio.wrap_future(recorder.keep_values("alice", {"token": "t2", "gone": None}))
    assert store.values("alice") == {"order": {"id": 7}, "token": "t2"}
    assert store.values("nobody") == {}


async def test_a_restarted_session_goes_on_at_the_next_step(path: Path) -> None:
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    await recorded(recorder, a_capture(1), a_capture(2))
    pinned = LiveSession("bob", OTHER, 0, {"orders": Pin("qa", 5.0)}, seen=1.0, named=True, title="Mine")
    await asyncio.wrap_future(recorder.save_sessions([pinned]))
    await recorder.stop()
    again = open_recorder(path, seal=None)
    alice, bob = again.load_sessions()
    assert (alice.id, alice.recording, alice.steps) == ("alice", REC, 2)
    assert bob == pinned
    await again.stop()


async def test_a_late_exchange_does_not_turn_a_session_back(recorder: SqliteRecorder, store: StoreReader) -> None:
    await recorded(recorder, a_capture(1), a_capture(1, OTHER))
    await recorded(recorder, a_capture(2))
    assert [(session.recording, session.steps) for session in store.sessions()] == [(OTHER, 1)]


async def test_recordings_and_sessions_add_up_over_many_commits(recorder: SqliteRecorder, store: StoreReader) -> None:
    for step in range(1, 6):
        for recording, session in ((REC, "alice"), (OTHER, "bob")):
            await recorded(recorder, a_capture(step, recording, session=session))
    found = {one.id: one for one in store.recordings().items}
    assert [found[id].steps for id in (REC, OTHER)] == [5, 5]
    assert {one.started_at for one in found.values()} == {"2025-11-22T06:00:01.000000Z"}
    assert {one.updated_at for one in found.values()} == {"2025-11-22T06:00:05.012000Z"}
    assert {(one.id, one.recording, one.steps) for one in store.sessions()} == {("alice", REC, 5), ("bob", OTHER, 5)}


async def test_a_recording_that_was_deleted_may_begin_anew_under_its_id(
    recorder: SqliteRecorder, store: StoreReader
) -> None:
    await recorded(recorder, a_capture(1), a_capture(2))
    await asyncio.wrap_future(recorder.delete(REC))
    await asyncio.wrap_future(recorder.title_recording(REC, "alice", "Again"))
    await recorded(recorder, a_capture(3))
    (one,) = store.recordings().items
    assert (one.title, one.steps, one.started_at) == ("Again", 1, "2025-11-22T06:00:03.000000Z")


@pytest.mark.sqlite_only
async def test_two_gateways_do_not_write_one_file(path: Path, recorder: SqliteRecorder) -> None:
    with pytest.raises(StoreError, match=r"another gateway writes to this file \(process \d+\)"):
        open_recorder(path, seal=None)


async def test_files_are_private(path: Path, recorder: SqliteRecorder) -> None:
    await recorded(recorder, a_capture())
    assert path.parent.stat().st_mode & 0o777 == 0o700
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()}
    assert set(modes.values()) == {"0o600"}, modes


async def test_sealing_that_fails_stores_nothing_in_clear(path: Path) -> None:
    def broken(capture: object) -> None:
        raise ValueError("no")

    recorder = open_recorder(path, seal=broken)  # type: ignore[arg-type]
    await recorder.start()
    await recorded(recorder, a_capture(response_body=[b"canary-71"]))
    assert recorder.status().missed == 1
    await recorder.stop()
    assert path.suffix != ".db" or b"canary-71" not in path.read_bytes()
    assert open_store(path).statistics().bodies == 0


@pytest.mark.parametrize("durability", ["strict", "fsync"])
async def test_exchanges_that_come_at_about_the_same_time_share_their_commits(path: Path, durability: str) -> None:
    recorder = open_recorder(path, seal=None, durability=durability)
    await recorder.start()
    safe: list[int] = []
    for step in range(1, 301):
        recorder.put(a_capture(step), lambda step=step: safe.append(step))
        if step % 3 == 0:
            await asyncio.sleep(0)
    async with asyncio.timeout(20):
        while len(safe) < 300:
            await asyncio.sleep(0.001)
    assert safe == list(range(1, 301))
    assert recorder._thread.groups < 60
    await recorder.stop()


async def test_a_lone_exchange_waits_for_no_other(recorder: SqliteRecorder) -> None:
    for step in range(1, 51):
        before = recorder._thread.groups
        await recorded(recorder, a_capture(step))
        assert recorder._thread.groups == before + 1


async def test_nothing_waits_for_a_call_that_was_missed(recorder: SqliteRecorder, store: StoreReader) -> None:
    """Single exchanges, bursts and jobs in every mixture: each is written without the next one pushing it."""
    step = 0
    for burst in (1, 2, 1, 70, 1, 600, 3) * 4:
        steps = range(step + 1, step + burst + 1)
        step += burst
        async with asyncio.timeout(5):
            await recorded(recorder, *(a_capture(n) for n in steps))
            await asyncio.wrap_future(recorder.annotate(REC, note=f"after {step}"))
    assert recorder.status().recorded == step
    assert len(store.recording(REC).notes) == 28

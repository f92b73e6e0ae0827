"""Recordings out of recordings: merged, split, trimmed; the old ones stay as they are. And what the file holds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from captures import a_capture, recorded

from gateway.errors import NotFoundError, UsageError
from gateway.keys import load_keys
from gateway.redact import Sealer
from gateway.store import SqliteRecorder, StoreReader, open_recorder, open_store
from gateway.store.compose import Composition, RecordingPart, merged, split, trimmed

A, B = "01JCOMP000000000000000000A", "01JCOMP000000000000000000B"
TOKEN = b"tok-5f0e7a91b2c34d"


@pytest.fixture
async def filled(path: Path):
    """Two recordings whose steps took turns; secrets, notes, a stream."""
    sealer = Sealer(load_keys(path.parent, {}))
    recorder = open_recorder(path, seal=sealer.seal, seal_piece=sealer.seal_chunk)
    await recorder.start()
    for recording, later in ((A, 0.0), (B, 0.5)):
        steps = [
            a_capture(step, recording, started_at=1000.0 + step + later, request_headers=[(b"X-Api-Key", TOKEN)])
            for step in range(1, 5)
        ]
        await recorded(recorder, *steps)
    stream = a_capture(5, A, stream="sse", started_at=1005.0, response_body=[])
    recorder.opened(stream)
    recorder.chunk(stream, at=100.1, sent=False, data=b"data: one\n\n")
    await recorded(recorder, stream)
    await asyncio.wrap_future(recorder.annotate(A, step=2, note="the second", tags=("kept",)))
    yield recorder
    await recorder.stop()


async def make(recorder: SqliteRecorder, *wanted: Composition) -> list[str]:
    return await asyncio.wrap_future(recorder.compose(wanted))


def steps(store: StoreReader, id: str) -> list[tuple[int, str]]:
    return [(one.step, one.request.target) for one in store.exchanges(id).items]


async def test_trimmed_steps_are_the_same_with_what_lies_beside_them(path: Path, filled: SqliteRecorder) -> None:
    store = open_store(path)
    before = store.exchanges(A)
    (new,) = await make(filled, trimmed(store.recording(A), 2, None, [4], title="Short"))
    found = store.recording(new)
    assert (found.title, found.steps, found.kind, found.session) == ("Short", 3, "import", "alice")
    assert found.notes == (f"Trimmed from {A}: steps 2 to 5 without 4.",) and found.clusters == ("orders@qa",)
    old, after = [before.items[at] for at in (1, 2, 4)], store.exchanges(new).items
    assert [one.step for one in after] == [1, 2, 3]
    assert [(one.request, one.response, one.timing, one.started_at) for one in after] == [
        (one.request, one.response, one.timing, one.started_at) for one in old
    ]
    assert (after[0].notes, after[0].tags) == (("the second",), ("kept",))
    assert [chunk.data for chunk in store.chunks(after[2].id)] == [b"data: one\n\n"]
    assert store.secrets(new) == store.secrets(A) != {}
    assert store.exchanges(A) == before


async def test_merged_steps_stand_by_time_or_one_recording_after_the_other(path: Path, filled: SqliteRecorder) -> None:
    store = open_store(path)
    both = [store.recording(B), store.recording(A)]
    by_time, appended = await make(filled, merged(both, by_time=True), merged(both, by_time=False))
    xs = [int(target.partition("=")[2]) for _, target in steps(store, by_time)]
    assert xs == [1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert [int(target.partition("=")[2]) for _, target in steps(store, appended)] == [1, 2, 3, 4, 1, 2, 3, 4, 5]
    assert store.recording(by_time).steps == 9


async def test_the_parts_of_a_split_are_the_whole(path: Path, filled: SqliteRecorder) -> None:
    store = open_store(path)
    made = await make(filled, *split(store.recording(A), [4, 2], title="Part"))
    assert [store.recording(id).title for id in made] == ["Part (1)", "Part (2)", "Part (3)"]
    assert [target for id in made for _, target in steps(store, id)] == [target for _, target in steps(store, A)]


async def test_deleting_an_old_recording_leaves_the_new_one_its_bodies(path: Path, filled: SqliteRecorder) -> None:
    store = open_store(path)
    (new,) = await make(filled, trimmed(store.recording(A), 1, 2, []))
    await asyncio.wrap_future(filled.delete(A))
    assert store.exchanges(new).items[0].response.body.data == b'{"id": 1}'


@pytest.mark.parametrize(
    ("first", "last", "without", "words"),
    [(0, 2, [], "not one of 1 to 5"), (3, 2, [], "comes before"), (1, 9, [], "step 9"), (1, 2, [7], "step 7")],
)
async def test_steps_that_are_not_there_are_refused(
    path: Path, filled: SqliteRecorder, first: int, last: int, without: Sequence[int], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        trimmed(open_store(path).recording(A), first, last, without)


async def test_nothing_half_done_is_left(path: Path, filled: SqliteRecorder) -> None:
    store = open_store(path)
    before = [one.id for one in store.recordings().items]
    with pytest.raises(NotFoundError):
        await make(filled, Composition([RecordingPart(A)]), Composition([RecordingPart("01JNOWHERE")]))
    with pytest.raises(UsageError, match="no step is left"):
        await make(filled, Composition([RecordingPart(A, 1, 1, frozenset([1]))]))
    assert [one.id for one in store.recordings().items] == before
    for wrong in ([], [1], [9]):
        with pytest.raises(UsageError):
            split(store.recording(A), wrong)
    with pytest.raises(UsageError, match="two different"):
        merged([store.recording(A)] * 2, by_time=True)


async def test_the_statistics_are_what_is_in_the_file(path: Path, filled: SqliteRecorder) -> None:
    await recorded(filled, a_capture(6, A, failure=("connection_refused", "no"), response_version="", status=502))
    await recorded(filled, a_capture(7, A, response_body=[b"x" * 10], response_size=5000))
    found = open_store(path).statistics()
    assert (found.recordings, found.exchanges, found.failed, found.truncated, found.open) == (2, 11, 1, 1, 0)
    assert (found.pieces, found.secrets, found.pinned) == (1, 2, 0)
    assert found.response_bytes >= 5000 and found.file_bytes >= (path.stat().st_size if path.is_file() else 1)
    assert (found.oldest, found.newest) == (1001.0, pytest.approx(1_763_791_207.0))

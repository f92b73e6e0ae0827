"""A store copied to another engine and back: the same ids, the same bytes, the same order; stopped and begun again.

Covers: cli/recordings/copy.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from captures import a_capture, recorded
from postgres import a_schema

from gateway.cli.main import main
from gateway.export import bundle
from gateway.export.format import Beside
from gateway.ids import new_id
from gateway.keys import load_keys
from gateway.model.audit import AuditEntry, Who
from gateway.paths import DatabasePath
from gateway.redact import Sealer
from gateway.store import open_recorder, open_store
from gateway.store.copying import copy_store

A, B, C = (f"01JCOPY00000000000000000{letter}0" for letter in "ABC")


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """Recordings that took turns: secrets, equal bodies, a stream, an open exchange, notes, tags, a variant, decisions."""
    path = tmp_path / "original" / "gateway.db"
    sealer = Sealer(load_keys(path.parent, {}))

    async def fill() -> None:
        recorder = open_recorder(path, seal=sealer.seal, seal_piece=sealer.seal_chunk)
        await recorder.start()
        for step in range(1, 31):
            secret = [(b"X-Api-Key", b"token-%d-of-ann" % step)]
            await recorded(
                recorder, a_capture(step, A, request_headers=secret, response_body=[b"\0\xff same" * 300]),
                a_capture(step, B, failure=("connection_refused", "no"), response_version="", status=502),
            )  # fmt: skip
        stream = a_capture(31, A, stream="sse", response_body=[])
        recorder.opened(stream)
        recorder.chunk(stream, at=100.1, sent=False, data=b"data: one\n\n")
        await recorded(recorder, stream)
        wait = asyncio.wrap_future
        await wait(recorder.describe_recording(C, "eve", kind="variant", parent=A, branched_at=2, title="What if"))
        await recorded(recorder, a_capture(1, C, session="eve"))
        await wait(recorder.annotate(A, title="Ünïcode", note="all of it", tags=["kept"], pinned=True))
        await wait(recorder.annotate(A, step=2, note="the second", tags=["two"]))
        await wait(recorder.decide(A, declare=["3:path.order_id=2:json:/id"], asserted=["3:status=200"]))
        await wait(recorder.add_audit(AuditEntry("delete", "x", "", "console", Who("operator", "ada"))))
        await wait(recorder.add_build("orders", "qa", "1.2"))
        await recorder.stop()

    asyncio.run(fill())
    return path


@pytest.fixture
def database(tmp_path: Path) -> Iterator[DatabasePath]:
    with a_schema() as url:
        yield DatabasePath.of(url, tmp_path / "database")


def contents(path: Path) -> dict[str, object]:
    """All that can be seen of a store."""
    with closing(open_store(path)) as store:
        recordings = store.recordings().items
        return {
            "recordings": recordings,
            "exports": [
                bundle.dump([(one, store.exchanges(one.id).items)], version="1", beside=Beside(chunks=store.chunks))
                for one in recordings
            ],
            "order": [one.id for one in store.latest(limit=1000).items],
            "secrets": [store.secrets(one.id) for one in recordings],
            "decisions": [(store.decisions(one.id), store.assertions(one.id)) for one in recordings],
            "audit": store.audit().items,
            "build": store.build("orders", "qa", "2030-01-01T00:00:00Z"),
        }


def test_there_and_back_everything_is_the_same(original: Path, database: DatabasePath, tmp_path: Path) -> None:
    back = tmp_path / "back" / "gateway.db"
    before = contents(original)
    assert main(["copy", str(original), database.url]) == 0
    assert contents(database) == before
    assert main(["copy", database.url, str(back)]) == 0
    assert contents(back) == before


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


async def copied(source: Path, target: Path, stop_after: int = 1 << 30) -> int:
    """How many exchanges were new."""

    def seen(count: int) -> None:
        if count >= stop_after:
            raise Stopped

    recorder = open_recorder(target, seal=None)
    await recorder.start()
    try:
        with closing(open_store(source)) as store:
            return (await asyncio.to_thread(copy_store, store, recorder, seen)).exchanges
    finally:
        await recorder.stop()


@pytest.mark.parametrize("to_database", [True, False], ids=["database", "file"])
async def test_a_copy_that_was_stopped_goes_on_and_one_that_is_repeated_adds_nothing(
    original: Path, database: DatabasePath, tmp_path: Path, to_database: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.copying.SOME", 7)
    target = database if to_database else tmp_path / "copy" / "gateway.db"
    before = await asyncio.to_thread(contents, original)
    for stop in (10, 40):
        with pytest.raises(Stopped):
            await copied(original, target, stop)
    assert await copied(original, target) < 30
    assert await copied(original, target) == 0
    assert await asyncio.to_thread(contents, target) == before


async def test_what_was_under_way_is_interrupted_in_the_copy(tmp_path: Path, database: DatabasePath) -> None:
    path = tmp_path / "gateway.db"
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    recorder.opened(a_capture(1, A))
    capture = a_capture(2, A)
    capture.id = new_id()
    await recorded(recorder, capture)
    assert await copied(path, database) == 2
    with closing(open_store(database)) as store:
        assert [one.state for one in store.exchanges(A).items] == ["interrupted", "done"]
    await recorder.stop()


def test_the_command_says_what_it_did(original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "copy.db"
    assert main(["copy", str(original), str(target), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"recordings": 3, "exchanges": 62, "skipped": 0}
    assert main(["copy", str(original), str(target)]) == 0
    assert "0 exchanges of 3 recordings copied, 62 were there already" in capsys.readouterr().out
    assert main(["copy", str(original), str(original)]) == 2
    assert main(["copy", str(tmp_path / "nothing.db"), str(target)]) == 5
    assert "no recordings file" in capsys.readouterr().err

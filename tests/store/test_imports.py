"""A recording from a file: whole or not at all, sealed, and the same again when it is exported.

Covers: cli/recordings/imports.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from captures import a_capture, recorded

from gateway.export import bundle
from gateway.export.format import Beside
from gateway.export.readers.foreign_json import parsed
from gateway.export.readers.imported_recording import renewed
from gateway.ids import new_id
from gateway.keys import load_keys
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response
from gateway.model.recording import Recording
from gateway.redact import Sealer
from gateway.store import SqliteRecorder, StoreReader, open_recorder

CANARY = b"canary-5f1c9a7b33"
JSON = [(b"Content-Type", b"application/json")]


@pytest.fixture
async def recorder(path: Path, tmp_path: Path) -> AsyncIterator[SqliteRecorder]:
    sealer = Sealer(load_keys(tmp_path, {}))
    recorder = open_recorder(path, seal=sealer.seal, seal_piece=sealer.seal_chunk)
    await recorder.start()
    yield recorder
    await recorder.stop()


def exported(store: StoreReader, id: str) -> str:
    steps = store.exchanges(id).items
    return bundle.dump([(store.recording(id), steps)], version="1", beside=Beside(chunks=store.chunks))


async def taken(recorder: SqliteRecorder, text: str) -> str:
    found = renewed(bundle.load(parsed(text)), new_id=new_id, now=1_795_327_200.0)
    for one in found:
        await asyncio.wrap_future(recorder.add_recording(one.recording, one.exchanges, chunks=one.chunks))
    return found[-1].recording.id


async def test_a_bundle_that_was_imported_is_exported_byte_for_byte(
    recorder: SqliteRecorder, store: StoreReader
) -> None:
    secret = b'{"password": "' + CANARY + b'", "x": "\xc3\xa9"}'
    packed = gzip.compress(secret, mtime=0)
    stream = a_capture(3, stream="sse")
    recorder.opened(stream)
    recorder.chunk(stream, at=101.0, sent=False, data=b"data: one\n\n")
    await recorded(
        recorder,
        a_capture(1, request_body=[secret], request_size=len(secret), request_headers=[*JSON, (b"X-Api-Key", CANARY)]),
        a_capture(
            2, response_body=[packed], response_size=len(packed),
            response_headers=[*JSON, (b"Content-Encoding", b"gzip")], failure=("http_response_incomplete", "broke off"),
        ),
        stream,
    )  # fmt: skip
    first = store.recording("@last").id
    await asyncio.wrap_future(recorder.annotate(first, title="Chain", note="n", tags=["a", "b"], pinned=True))
    await asyncio.wrap_future(recorder.annotate(first, step=2, note="why", tags=["c"]))
    text = exported(store, first)
    second = await taken(recorder, text)
    assert second != first
    assert exported(store, second) == text
    assert (store.recording(second).kind, store.recording(second).steps) == ("import", 3)
    assert CANARY.decode() not in text


async def test_secrets_of_an_import_are_sealed(recorder: SqliteRecorder, store: StoreReader, path: Path) -> None:
    one = Exchange(
        id=new_id(), recording="01JIMPORT", step=1, session="import:01JIMPORT", started_at="2026-11-22T06:00:00.000000Z",
        url="http://127.0.0.1:8080/x?token=" + CANARY.decode(),
        request=Request(
            headers=(("Authorization", f"Bearer {CANARY.decode()}"), ("Content-Encoding", "gzip")),
            body=Body(40, b'{"password": "' + CANARY + b'"}', plain=True), method="POST",
            target="/x?token=" + CANARY.decode(),
        ),
        response=Response(headers=(("Set-Cookie", f"sid={CANARY.decode()}"),), status=200), status=200,
    )  # fmt: skip
    recording = Recording(id="01JIMPORT", title="t", session=one.session, kind="import")
    await asyncio.wrap_future(recorder.add_recording(recording, [one], chunks={}))
    await recorder.stop()
    assert CANARY not in b"".join(file.read_bytes() for file in path.parent.iterdir())
    found = store.exchange(one.id)
    assert found.request.body.data.startswith(b'{"password": "sealed_')
    assert (found.request.body.plain, found.request.header("content-encoding")) == (True, "gzip")


@pytest.mark.sqlite_only  # a database takes an exchange that is there for the same, sent again
async def test_an_import_that_fails_is_in_no_list(recorder: SqliteRecorder, store: StoreReader) -> None:
    capture = a_capture(1)
    await recorded(recorder, capture)
    before = exported(store, capture.recording)
    found = renewed(bundle.load(parsed(before)), new_id=new_id, now=0.0)[0]
    taken_id = replace(found.exchanges[0], id=capture.id)  # an id that is there already
    with pytest.raises(Exception, match="UNIQUE"):
        await asyncio.wrap_future(recorder.add_recording(found.recording, [taken_id], chunks={}))
    assert [one.id for one in store.recordings().items] == [capture.recording]
    assert exported(store, capture.recording) == before

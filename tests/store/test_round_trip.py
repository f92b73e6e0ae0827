"""Property: whatever the wire carried comes back byte for byte.

Covers: store/sqlite/header_blob.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from captures import a_capture, recorded
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.message import header_text
from gateway.store import open_recorder, open_store
from gateway.store.sqlite.header_blob import pack, unpack
from gateway.store.sqlite.rows import body_row, digest_of, unpacked

pairs = st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=60)), max_size=12)
bodies = st.lists(st.binary(max_size=3000), max_size=4)


@given(pairs)
def test_heads(fields: list[tuple[bytes, bytes]]) -> None:
    assert unpack(pack(fields)) == fields


def test_heads_are_readable_in_a_shell() -> None:
    assert pack([(b"Host", b"a"), (b"Accept", b"*/*")]) == b"Host\na\nAccept\n*/*"


@given(st.binary(max_size=20_000))
def test_bodies(data: bytes) -> None:
    _, size, packed, stored = body_row(data, digest_of(data))
    assert (size, unpacked(packed, stored)) == (len(data), data)
    assert len(stored) <= len(data)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(pairs, bodies, pairs, bodies, st.binary(max_size=40)), min_size=1, max_size=8))
def test_put_then_read(exchanges: list[tuple[list, list, list, list, bytes]]) -> None:
    captures = [
        a_capture(
            step, request_headers=asked, request_body=question, response_headers=answered, response_body=answer,
            target=b"/" + target, method=b"PATCH",
        )
        for step, (asked, question, answered, answer, target) in enumerate(exchanges, 1)
    ]  # fmt: skip

    async def put_all(path: Path) -> None:
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        await recorded(recorder, *captures)
        await recorder.stop()
        assert recorder.status().missed == 0

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "gateway.db")
        asyncio.run(put_all(path))
        store = open_store(path)
        found = store.exchanges(captures[0].recording).items
        store.close()
    assert len(found) == len(captures)
    for capture, exchange in zip(captures, found, strict=True):
        response = exchange.response
        assert response is not None
        assert exchange.request.target.encode("latin-1") == capture.target
        assert exchange.request.body.data == b"".join(capture.request_body)
        assert response.body.data == b"".join(capture.response_body)
        assert exchange.request.headers == tuple((header_text(n), header_text(v)) for n, v in capture.request_headers)
        assert response.headers == tuple((header_text(n), header_text(v)) for n, v in capture.response_headers)
        assert not exchange.request.body.truncated
        assert not response.body.truncated

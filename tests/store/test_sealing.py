"""With the real sealer: no secret reaches the file, and what sealing changed is accounted for."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from captures import a_capture, recorded
from cryptography.fernet import InvalidToken

from gateway.keys import load_keys
from gateway.model.bodies import text_of
from gateway.model.capture import Capture
from gateway.redact import SealedCapture, Sealer
from gateway.store import SqliteRecorder, StoreReader, open_recorder

CANARY = "canary-5f1c9a7b33"
JSON = [(b"Content-Type", b"application/json")]


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer(load_keys(tmp_path, {}))


@pytest.fixture
async def recorder(path: Path, sealer: Sealer) -> AsyncIterator[SqliteRecorder]:
    recorder = open_recorder(path, seal=sealer.seal, seal_piece=sealer.seal_chunk)
    await recorder.start()
    yield recorder
    await recorder.stop()


async def test_no_secret_reaches_the_file(recorder: SqliteRecorder, store: StoreReader, path: Path) -> None:
    secret = CANARY.encode()
    capture = a_capture(
        target=b"/api/orders?token=" + secret, stream="sse",
        request_headers=[(b"Authorization", b"Bearer " + secret), (b"Cookie", b"sid=" + secret), *JSON],
        request_body=[b'{"password": "' + secret + b'"}'],
        response_headers=[*JSON, (b"Set-Cookie", b"sid=" + secret + b"; Path=/")],
        response_body=[b'{"access_token": "' + secret + b'"}'],
    )  # fmt: skip
    recorder.opened(capture)
    recorder.chunk(capture, at=101.0, sent=False, data=b'data: {"token": "' + secret + b'"}\n\n')
    await recorded(recorder, capture)
    await recorder.stop()
    assert secret not in b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert store.exchange(capture.id).request.header("authorization").startswith("Bearer sealed_")


async def test_sealed_secrets_can_be_unsealed(recorder: SqliteRecorder, store: StoreReader, sealer: Sealer) -> None:
    capture = a_capture(request_headers=[(b"X-Api-Key", CANARY.encode())])
    await recorded(recorder, capture)
    placeholder = store.exchange(capture.id).request.header("x-api-key")
    secrets = store.secrets(capture.recording)
    assert sealer.unseal(placeholder, secrets[placeholder]) == CANARY.encode()


@pytest.mark.parametrize("secret", ["short", "long" * 500])
async def test_a_sealed_body_is_not_taken_for_a_cut_one(
    recorder: SqliteRecorder, store: StoreReader, secret: str
) -> None:
    body = b'{"password": "%b", "x": 1}' % secret.encode()
    capture = a_capture(request_headers=JSON, request_body=[body])
    await recorded(recorder, capture)
    kept = store.exchange(capture.id).request.body
    assert (kept.size, kept.kept, kept.truncated) == (len(body), len(body), False)
    assert len(kept.data) != len(body)


async def test_a_cut_body_that_grew_by_sealing_still_says_so(recorder: SqliteRecorder, store: StoreReader) -> None:
    body = b'{"password": "abc", "x": "'
    capture = a_capture(request_headers=JSON, request_body=[body], request_size=len(body) + 5)
    await recorded(recorder, capture)
    kept = store.exchange(capture.id).request.body
    assert len(kept.data) > kept.size
    assert kept.truncated


async def test_a_compressed_body_with_a_secret_is_kept_unpacked(recorder: SqliteRecorder, store: StoreReader) -> None:
    body = gzip.compress(b'{"token": "%b", "x": 1}' % CANARY.encode())
    headers = [*JSON, (b"Content-Encoding", b"gzip")]
    await recorded(recorder, a_capture(1, response_headers=headers, response_body=[body]))
    response = store.exchange(a_capture(1).id).response
    assert response is not None
    assert response.body.plain
    text = text_of(response)
    assert text is not None
    assert '"x": 1}' in text
    assert CANARY not in text


async def test_another_attempt_seals_nothing_twice(tmp_path: Path, sealer: Sealer) -> None:
    path, sealed = tmp_path / "other" / "gateway.db", []

    def counting(capture: Capture) -> SealedCapture:
        sealed.append(capture.step)
        return sealer.seal(capture)

    recorder = open_recorder(path, seal=counting)
    await recorder.start()
    await recorded(recorder, a_capture(1))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        await recorded(recorder, a_capture(2))
    await recorded(recorder, a_capture(3))
    await recorder.stop()
    assert sealed == [1, 2, 3]
    assert recorder.status().recorded == 3


async def test_a_placeholder_opens_only_where_its_sealed_value_lies(
    recorder: SqliteRecorder, store: StoreReader, sealer: Sealer
) -> None:
    first = a_capture(
        1, "R1", request_headers=[(b"X-Api-Key", CANARY.encode()), (b"X-Auth-Token", b"other-9f1c9a7b33")]
    )
    second = a_capture(1, "R2", request_headers=[(b"X-Api-Key", CANARY.encode())])
    await recorded(recorder, first, second)
    key, token = (store.exchange(first.id).request.header(name) for name in ("x-api-key", "x-auth-token"))
    one, two = store.secrets("R1"), store.secrets("R2")
    assert set(one) == {key, token}
    assert set(two) == {key}  # the same placeholder, and no other of the first recording
    assert one[key] != two[key]  # each sealed in the context of its own recording
    assert sealer.unseal(key, one[key]) == sealer.unseal(key, two[key]) == CANARY.encode()
    with pytest.raises(InvalidToken):
        sealer.unseal(key, one[token])  # of another placeholder
    with pytest.raises(InvalidToken):
        sealer.unseal(key, one[key].replace(b"R1", b"R2"))  # of another recording

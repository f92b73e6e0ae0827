"""The JSON shapes are the contract's."""

from __future__ import annotations

import base64
import gzip
import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.exchange import Chunk, Exchange, Failure, Timing
from gateway.model.json_shapes import body_json, chunk_json, exchange_json, query_json, recording_json, revision_json
from gateway.model.message import Body, Message, Request, Response
from gateway.model.recording import Recording, Revision

FIELDS = [
    "id",
    "recording",
    "step",
    "session",
    "started_at",
    "method",
    "url",
    "path",
    "query",
    "cluster",
    "environment",
    "upstream_url",
    "routes_revision",
    "mode",
    "override",
    "status",
    "request",
    "response",
    "failure",
    "timing",
    "notes",
    "tags",
]


def an_exchange() -> Exchange:
    return Exchange(
        id="01JX", recording="01JR", step=3, session="alice", started_at="2026-11-22T06:00:00.123456Z",
        url="http://127.0.0.1:8080/api/orders/orders?x=1", status=404, cluster="orders", environment="qa",
        upstream_url="http://127.0.0.1:9202/orders?x=1", routes_revision="ab",
        request=Request(
            headers=(("Content-Type", "application/json"),), body=Body(10, b'{"qty": 1}'), method="POST",
            target="/api/orders/orders?x=1",
        ),
        response=Response(status=404, reason="Not Found", body=Body(3, b"no!")),
        timing=Timing(12.1, 0.3, 10.2, 11.0),
    )  # fmt: skip


def test_an_exchange_has_every_field_of_the_contract() -> None:
    shown = exchange_json(an_exchange())
    assert set(FIELDS) <= set(shown)
    assert (shown["method"], shown["path"], shown["query"]) == ("POST", "/api/orders/orders", [["x", "1"]])
    assert shown["request"]["headers"] == [["Content-Type", "application/json"]]
    assert shown["request"]["body"] == {
        "size": 10, "stored": 10, "truncated": False, "content_type": "application/json", "text": '{"qty": 1}',
        "base64": None,
    }  # fmt: skip
    assert shown["response"]["reason"] == "Not Found"
    assert shown["timing"] == {"total_ms": 12.1, "connect_ms": 0.3, "first_byte_ms": 10.2, "upstream_ms": 11.0}
    assert (shown["failure"], shown["override"], shown["notes"], shown["tags"]) == (None, None, [], [])
    json.dumps(shown)


def test_a_failure_without_a_response() -> None:
    exchange = Exchange(
        id="x", recording="r", step=1, session="s", started_at="", url="http://h/", request=Request(), status=502,
        failure=Failure("connection_refused", "nobody listens"),
    )  # fmt: skip
    shown = exchange_json(exchange)
    assert shown["response"] is None
    assert shown["failure"] == {"kind": "connection_refused", "detail": "nobody listens"}


def test_a_compressed_text_is_shown_decoded_a_picture_as_base64() -> None:
    data = gzip.compress(b"hello")
    text = Message(headers=(("Content-Type", "text/plain"), ("Content-Encoding", "gzip")), body=Body(len(data), data))
    assert body_json(text) | {"text": "hello", "base64": None} == body_json(text)
    picture = Message(headers=(("Content-Type", "image/png"),), body=Body(100, b"\x89PNG"))
    shown = body_json(picture)
    assert (shown["text"], shown["truncated"], shown["stored"], shown["size"]) == (None, True, 4, 100)
    assert base64.b64decode(shown["base64"]) == b"\x89PNG"


def test_a_query_keeps_order_repeats_and_blanks() -> None:
    assert query_json("/a?b=1&a=&b=%2F+x&flag") == [["b", "1"], ["a", ""], ["b", "/ x"], ["flag", ""]]
    assert query_json("/a") == []


@given(st.binary(max_size=200), st.sampled_from(["", "text/plain", "application/json", "text/x; charset=utf-16"]))
def test_any_body_is_json(data: bytes, type: str) -> None:
    message = Message(headers=(("Content-Type", type),) if type else (), body=Body(len(data), data))
    shown = json.loads(json.dumps(body_json(message)).encode())
    assert (shown["text"] is None) != (shown["base64"] is None)
    if shown["base64"] is not None:
        assert base64.b64decode(shown["base64"]) == data


def test_a_recording_has_every_field_of_the_contract() -> None:
    shown = recording_json(Recording("01JR", "Title", "alice", clusters=("orders@qa",), tags=("demo",)))
    assert list(shown) == [
        "id",
        "title",
        "session",
        "kind",
        "parent",
        "branched_at",
        "started_at",
        "updated_at",
        "steps",
        "clusters",
        "notes",
        "tags",
        "pinned",
    ]
    assert (shown["clusters"], shown["tags"], shown["pinned"]) == (["orders@qa"], ["demo"], False)


def test_pieces_and_revisions() -> None:
    assert chunk_json(Chunk(0, 1.5, "sent", b"hi", 7)) == {
        "index": 0, "at_ms": 1.5, "direction": "sent", "size": 7, "truncated": True, "base64": "aGk="
    }  # fmt: skip
    assert chunk_json(Chunk(0, 1.5, "sent", b"hi"))["size"] == 2
    assert revision_json(Revision("ab", "now", "file", ("a: b -> c",), "text"))["changes"] == ["a: b -> c"]

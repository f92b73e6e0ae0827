"""Messages of WebSockets in HAR files come back as frames.

Covers: export/readers/postman.
"""

from __future__ import annotations

import json

import pytest

from gateway.errors import UsageError
from gateway.export import Beside, har
from gateway.export.readers.import_file import read
from gateway.model.exchange import Chunk
from gateway.model.frames import websocket_frames


def a_har(*messages):
    entry = {
        "startedDateTime": "2026-11-22T06:00:00.000Z", "_resourceType": "websocket",
        "request": {"method": "GET", "url": "ws://127.0.0.1:8080/api/orders/stock", "headers": []},
        "response": {"status": 101, "statusText": "Switching Protocols", "headers": []},
        "_webSocketMessages": list(messages),
    }  # fmt: skip
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "WebInspector"}, "entries": [entry]}}).encode()


BEGAN = 1795327200.0


@pytest.mark.parametrize("size", [0, 5, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize(("type", "direction"), [("send", "sent"), ("receive", "received")])
def test_a_message_of_any_size_is_a_frame(size, type, direction):
    (found,) = read(
        a_har({"type": type, "time": BEGAN + 0.25, "opcode": 1, "data": "é" * (size // 2) + "x" * (size % 2)})
    ).recordings
    (exchange,) = found.exchanges
    (frame,) = websocket_frames(found.chunks[1])
    assert (exchange.stream, exchange.status, exchange.notes) == ("websocket", 101, ())
    assert (frame.direction, frame.kind, frame.at_ms, len(frame.data)) == (direction, "text", 250.0, size)


def test_binary_data_is_base64():
    (found,) = read(a_har({"type": "receive", "time": BEGAN, "opcode": 2, "data": "AP8="})).recordings
    assert [frame.data for frame in websocket_frames(found.chunks[1])] == [b"\x00\xff"]


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ({"type": "both", "data": "x"}, "log.entries[0]._webSocketMessages[0].type"),
        ({"type": "send", "opcode": 99, "data": "x"}, "log.entries[0]._webSocketMessages[0].opcode"),
        ({"type": "send", "data": 7}, "log.entries[0]._webSocketMessages[0].data"),
    ],
)
def test_a_senseless_message_is_refused_with_its_place(message, place):
    with pytest.raises(UsageError) as caught:
        read(a_har(message))
    assert caught.value.where == place


def test_our_own_har_brings_its_messages_back(an_exchange, a_recording):
    exchange = an_exchange(1, status=101, stream="websocket", received=b"", answer_headers=())
    chunks = [
        Chunk(0, 1.0, "sent", b"\x81\x82\0\0\0\0hi", 8), Chunk(1, 2.5, "received", b"\x81\x03one\x82\x01\xff", 8),
    ]  # fmt: skip
    text = har.dump([(a_recording(1), [exchange])], version="1", beside=Beside(chunks=lambda _: chunks))
    (found,) = read(text.encode()).recordings
    again = [(frame.direction, frame.kind, frame.data) for frame in websocket_frames(found.chunks[1])]
    assert again == [("sent", "text", b"hi"), ("received", "text", b"one"), ("received", "binary", b"\xff")]
    assert [round(chunk.at_ms, 1) for chunk in found.chunks[1]] == [1.0, 2.5, 2.5]

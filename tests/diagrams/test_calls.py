"""SSE and WebSocket exchanges as runs of messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.diagrams import MessageRun, sequence
from gateway.model.exchange import Chunk


def frame(payload: bytes, *, opcode: int = 1, fin: bool = True, masked: bool = False) -> bytes:
    head = bytes([(0x80 if fin else 0) | opcode])
    mask = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([mask | len(payload)])
    else:
        head += bytes([mask | 126]) + len(payload).to_bytes(2, "big")
    return head + (b"\0\0\0\0" if masked else b"") + payload


def the_runs(exchange, recording, chunks):
    return sequence(recording, [exchange], chunks=lambda _id: chunks).chapters[0].rows[0].runs


def test_events_are_counted_from_the_body(an_exchange, a_recording):
    body = b": hello\n\ndata: 1\n\nevent: x\r\ndata: 2\r\n\r\ndata: unfinished"
    exchange = an_exchange(1, stream="sse", body=body)
    assert the_runs(exchange, a_recording([exchange]), []) == (MessageRun(True, "2 events · 55 bytes"),)


def test_websocket_messages_are_grouped_by_direction(an_exchange, a_recording):
    chunks = [
        Chunk(0, 1.0, "sent", frame(b"subscribe", masked=True)),
        Chunk(1, 2.0, "received", frame(b"one") + frame(b"two")),
        Chunk(2, 3.0, "received", frame(b"ping", opcode=9) + frame(b"thr", fin=False)),
        Chunk(3, 4.0, "received", frame(b"ee", opcode=0)),
        Chunk(4, 5.0, "sent", frame(b"bye", masked=True)),
    ]
    exchange = an_exchange(1, stream="websocket", status=101)
    words = [(run.to_client, run.text) for run in the_runs(exchange, a_recording([exchange]), chunks)]
    assert words == [(False, "1 message · 9 bytes"), (True, "3 messages · 11 bytes"), (False, "1 message · 3 bytes")]


def test_a_long_conversation_is_counted(an_exchange, a_recording):
    ways = ["sent", "received"]
    chunks = [Chunk(index, index, ways[index % 2], frame(b"x")) for index in range(20)]
    exchange = an_exchange(1, stream="websocket", status=101)
    found = the_runs(exchange, a_recording([exchange]), chunks)
    assert len(found) == 7
    assert found[-1].text == "... and 14 more runs"


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=8), st.lists(st.integers(1, 500), max_size=10))
def test_however_frames_are_cut_into_chunks_each_message_counts_once(payloads, cuts):
    from gateway.diagrams.calls import _messages

    data = b"".join(frame(payload) for payload in payloads)
    chunks, at = [], 0
    for index, cut in enumerate([*cuts, len(data)]):
        chunks.append(Chunk(index, 0.0, "received", data[at : at + cut]))
        at += cut
    (run,) = _messages(chunks)
    assert run.text.startswith(f"{len(payloads)} message")

"""Streams sealed piece by piece: wherever they are cut, no secret stays, and nothing else changes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from itertools import pairwise

import pytest
from captures import a_capture
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.keys import Keys
from gateway.model.exchange import Chunk
from gateway.model.frames import Deflate, sse_events, websocket_frames
from gateway.redact import Sealer
from gateway.redact.streams import head, masked

KEYS = Keys.of(["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="])
CANARY = b"Zq9-canary-55d1f0a7c3"
DEFLATE = [(b"Sec-WebSocket-Extensions", b"permessage-deflate")]
EVENTS = (
    b": hello\r\n\r\n"
    b'event: login\r\ndata: {"token": "' + CANARY + b'", "n": 1}\r\n\r\n'
    b"data: nothing secret here\n\n"
    b'data: {"password": "' + CANARY + b'"}\n\ndata: the end never com'
)


def sealed(pieces: Sequence[bytes], stream: str, *, sent: bool = False, headers=()) -> list[bytes]:
    sealer, capture = Sealer(KEYS), a_capture(stream=stream, response_headers=list(headers))
    out = [sealer.seal_chunk(capture, piece, sent=sent, last=False) for piece in pieces]
    return [*out, sealer.seal_chunk(capture, b"", sent=sent, last=True)]


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


WHOLE = b"".join(sealed([EVENTS], "sse"))


def test_a_whole_stream_of_events_keeps_all_but_its_secrets():
    assert CANARY not in WHOLE
    before, after = (list(sse_events([Chunk(0, 0.0, "received", data)])) for data in (EVENTS, WHOLE))
    assert [one.event for one in after] == [one.event for one in before]
    assert json.loads(after[0].data)["n"] == 1 and after[-1].data == "the end never com"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, len(EVENTS)), max_size=12))
def test_events_are_sealed_wherever_they_are_cut(places: list[int]):
    out = sealed(cut(EVENTS, places), "sse")
    assert b"".join(out) == WHOLE
    assert not [piece for piece in out if CANARY[:12] in piece]


def test_an_event_that_is_whole_does_not_wait():
    sealer, capture = Sealer(KEYS), a_capture(stream="sse")
    assert sealer.seal_chunk(capture, b"data: a\n\ndata: b", last=False) == b"data: a\n\n"
    assert sealer.seal_chunk(capture, b"ee\n\n", last=False) == b"data: bee\n\n"


def test_what_never_ends_does_not_wait_for_ever():
    sealer, capture = Sealer(KEYS), a_capture(stream="sse")
    assert len(sealer.seal_chunk(capture, b"x" * (65 << 10), last=False)) == 65 << 10


def frames(*payloads: bytes, mask: bytes = b"", deflate: bool = False, parts: int = 1) -> bytes:
    """Messages as frames, each in `parts` fragments, perhaps compressed with a window that goes on."""
    machine, out = zlib.compressobj(wbits=-15), b""
    for payload in payloads:
        if deflate:
            payload = (machine.compress(payload) + machine.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")
        size = -(-len(payload) // parts)
        pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
        for number, piece in enumerate(pieces):
            first = (0x80 if number == len(pieces) - 1 else 0) | (0 if number else 0x41 if deflate else 1)
            out += head(first, len(piece), mask) + masked(piece, mask)
    return out


def messages(data: bytes, deflate: Deflate | None) -> list[bytes]:
    out = [b""]
    for frame in websocket_frames([Chunk(0, 0.0, "received", data)], deflate):
        assert not frame.problem
        out[-1] += frame.data
        if frame.final:
            out.append(b"")
    return out[:-1]


SAID = (b"hello", b'{"password": "%s"}' % CANARY, b"hello " * 40, b'{"token": "%s", "x": 1}' % CANARY, b"bye")


@pytest.mark.parametrize("mask", [b"", b"\x01\x02\x03\x04"], ids=["received", "sent"])
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])
@settings(max_examples=40, deadline=None)
@given(places=st.lists(st.integers(0, 1000), max_size=8))
def test_messages_are_sealed_wherever_they_are_cut(mask: bytes, parts: int, deflate: bool, places: list[int]):
    data = frames(*SAID, mask=mask, deflate=deflate, parts=parts)
    out = b"".join(sealed(cut(data, places), "websocket", sent=bool(mask), headers=DEFLATE if deflate else ()))
    found = messages(out, Deflate() if deflate else None)
    assert [CANARY in one for one in found] == [False] * 5
    assert (found[0], found[2], found[4]) == (SAID[0], SAID[2], SAID[4])
    assert json.loads(found[3])["x"] == 1 and json.loads(found[1])["password"].startswith("sealed_")


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])
def test_a_conversation_without_secrets_keeps_every_byte(deflate: bool):
    data = frames(b"hello", b"tell me more " * 20, deflate=deflate, parts=2) + head(0x89, 2, b"") + b"hi"
    assert b"".join(sealed(cut(data, range(1, len(data))), "websocket", headers=DEFLATE if deflate else ())) == data


def test_a_frame_that_was_cut_off_is_sealed_as_far_as_it_goes():
    whole = frames(b'{"password": "%s", "more": "text"}' % CANARY, mask=b"abcd")
    out = b"".join(sealed([whole[:40]], "websocket", sent=True))
    assert masked(out[6:], b"abcd").startswith(b'{"password": "sealed_')


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=120), st.lists(st.integers(0, 120), max_size=4), st.sampled_from(["sse", "websocket", "x"]))
def test_no_bytes_are_lost_whatever_they_are(data: bytes, places: list[int], stream: str):
    assert b"".join(sealed(cut(data, places), stream)) == b"".join(sealed([data], stream))


PASSWORD = b"Winter2026!"
LOGIN = {
    "request_headers": [(b"Content-Type", b"application/json")],
    "request_body": [b'{"user": "anna", "password": "Winter2026!"}'],
}
SAYS = {
    "plain": b'{"error": "bad value Winter2026!"}',
    "in a URL": b"see /login?again=Winter2026%21",
}


def frame(payload: bytes, *, sent: bool) -> bytes:
    mask = b"\1\2\3\4" if sent else b""
    return head(0x81, len(payload), mask) + masked(payload, mask)


@pytest.mark.parametrize("said", SAYS.values(), ids=SAYS)
def test_a_password_of_the_request_is_sealed_where_events_repeat_it(said: bytes):
    sealer, capture = Sealer(KEYS), a_capture(stream="sse", **LOGIN)
    out = sealer.seal_chunk(capture, b"data: " + said + b"\n\n", last=False)
    assert b"Winter2026" not in out and b"sealed_" in out
    secrets = dict(sealer.seal(a_capture(stream="sse", **LOGIN)).secrets)
    assert PASSWORD in {sealer.unseal(name, sealed) for name, sealed in secrets.items()}


@pytest.mark.parametrize("said", SAYS.values(), ids=SAYS)
def test_a_password_that_a_message_sent_is_sealed_where_the_server_repeats_it(said: bytes):
    sealer, capture = Sealer(KEYS), a_capture(stream="websocket")
    sent = sealer.seal_chunk(capture, frame(b'{"password": "Winter2026!"}', sent=True), sent=True, last=False)
    out = sealer.seal_chunk(capture, frame(said, sent=False), last=False)
    again = sealer.seal_chunk(capture, frame(b"I said Winter2026!", sent=True), sent=True, last=False)
    assert PASSWORD not in sent and b"Winter2026" not in out and b"sealed_" in out
    assert masked(again[6:], again[2:6]) == b"I said Winter2026!", "only what a server said is looked through"


def test_a_token_of_one_message_is_sealed_in_those_that_follow_in_both_directions():
    sealer, capture = Sealer(KEYS), a_capture(stream="websocket")
    sealer.seal_chunk(capture, frame(b'{"token": "' + CANARY + b'"}', sent=False), last=False)
    for sent in (True, False):
        out = sealer.seal_chunk(capture, frame(b'{"ref": "' + CANARY + b'"}', sent=sent), sent=sent, last=False)
        text = masked(out[6:], out[2:6]) if sent else out
        assert CANARY not in text and b"sealed_" in text


def test_a_stream_that_repeats_nothing_keeps_its_bytes():
    sealer, capture = Sealer(KEYS), a_capture(stream="websocket", **LOGIN)
    for said in (b'{"Winter2026": 1}', b"Winter2026 is here", b"xWinter2026!x"):
        data = frame(said, sent=False)
        assert sealer.seal_chunk(capture, data, last=False) == data

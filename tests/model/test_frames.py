"""Frames and events come out as their receiver read them, wherever the pieces were cut."""

import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.exchange import Chunk
from gateway.model.frames import Deflate, FrameReader, Inflater, sse_events, websocket_frames


def frame(data, *, opcode=1, final=True, mask=b"", deflated=False):
    head = bytes([final << 7 | deflated << 6 | opcode])
    size, flag = len(data), bool(mask) << 7
    if size < 126:
        head += bytes([flag | size])
    elif size < 65536:
        head += bytes([flag | 126]) + size.to_bytes(2)
    else:
        head += bytes([flag | 127]) + size.to_bytes(8)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data)) if mask else data
    return head + mask + masked


def pieces(data, cuts, direction="received"):
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [
        Chunk(index, float(index), direction, data[start:end]) for index, (start, end) in enumerate(pairwise(edges))
    ]


def deflate(data, compressor=None):
    compressor = compressor or zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


payloads = st.lists(
    st.tuples(
        st.binary(max_size=300),
        st.sampled_from([1, 2, 8, 9, 10]),
        st.one_of(st.just(b""), st.binary(min_size=4, max_size=4)),
    ),
    max_size=8,
)
cuts = st.lists(st.integers(0, 3000), max_size=20)


@given(payloads, cuts)
def test_frames_come_out_whole_wherever_they_were_cut(messages, cuts):
    wire = b"".join(frame(data, opcode=opcode, mask=mask) for data, opcode, mask in messages)
    found = list(websocket_frames(pieces(wire, cuts)))
    assert [(one.data, one.problem) for one in found] == [(data, "") for data, _, _ in messages]


@given(st.lists(st.binary(max_size=400), max_size=6), cuts, st.booleans())
def test_deflated_messages_are_inflated_with_and_without_memory(messages, cuts, anew):
    compressor = zlib.compressobj(wbits=-15)
    wire = b"".join(frame(deflate(data, None if anew else compressor), deflated=True) for data in messages)
    found = list(websocket_frames(pieces(wire, cuts), Deflate(server_anew=anew)))
    assert [(one.data, one.compressed, one.problem) for one in found] == [(data, True, "") for data in messages]


@given(st.binary(max_size=400), st.integers(0, 400))
def test_fragments_of_a_deflated_message_are_inflated_one_by_one(data, cut):
    packed = deflate(data)
    wire = frame(packed[:cut], final=False, deflated=True) + frame(b"", opcode=9) + frame(packed[cut:], opcode=0)
    found = list(websocket_frames(pieces(wire, []), Deflate()))
    assert [one.kind for one in found] == ["text", "ping", "continuation"]
    assert found[0].data + found[2].data == data


@given(st.binary(max_size=2000), cuts)
def test_any_bytes_are_read_without_a_fault(data, cuts):
    for deflated in (None, Deflate()):
        assert all(len(one.data) <= 1 << 20 for one in websocket_frames(pieces(data, cuts), deflated))


def test_both_directions_keep_their_order():
    chunks = [
        Chunk(0, 1.0, "sent", frame(b"hello", mask=b"abcd")),
        Chunk(1, 2.0, "received", frame(b"wel")),
        Chunk(2, 3.0, "sent", frame(b"more", mask=b"abcd")[:3]),
        Chunk(3, 4.0, "received", frame(b"come")),
        Chunk(4, 5.0, "sent", frame(b"more", mask=b"abcd")[3:]),
    ]
    found = [(one.at_ms, one.direction, one.data) for one in websocket_frames(chunks)]
    assert found == [(1, "sent", b"hello"), (2, "received", b"wel"), (4, "received", b"come"), (5, "sent", b"more")]


@pytest.mark.parametrize("size", [125, 126, 65535, 65536])
def test_every_form_of_length(size):
    assert next(websocket_frames(pieces(frame(b"x" * size), []))).size == size


def test_a_close_frame_says_its_code():
    (found,) = websocket_frames(pieces(frame((1001).to_bytes(2) + b"bye", opcode=8), []))
    assert (found.kind, found.close_code, found.data[2:]) == ("close", 1001, b"bye")


def test_a_frame_that_never_became_whole_says_so():
    (found,) = websocket_frames(pieces(frame(b"hello", mask=b"abcd")[:-2], []))
    assert found.data == b"hel"
    assert found.problem == "cut off: 3 of 5 bytes are here"


def test_a_bomb_is_cut_and_what_follows_says_why():
    compressor = zlib.compressobj(wbits=-15)
    wire = frame(deflate(b"\0" * 50_000_000, compressor), deflated=True)
    wire += frame(deflate(b"after", compressor), deflated=True)
    first, second = websocket_frames(pieces(wire, []), Deflate())
    assert len(first.data) == 1 << 20
    assert first.problem.startswith("cut: more than 1048576 bytes")
    assert second.data == b""
    assert "earlier frame" in second.problem


def test_many_frames_together_stay_bounded():
    inflater = Inflater(anew=True, limit=1000, total=2500)
    sizes = [len(inflater.read(deflate(b"\0" * 1000), last=True)[0]) for _ in range(4)]
    assert sum(sizes) <= 2501


def test_compressed_without_agreement_is_said():
    (found,) = FrameReader("received").feed(frame(b"xx", deflated=True), 0.0)
    assert found.problem == "compressed, yet nobody agreed to it"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("x-webkit-deflate-frame", None),
        ("permessage-deflate", Deflate()),
        ("Permessage-Deflate; server_no_context_takeover; client_max_window_bits=12", Deflate(server_anew=True)),
        ("foo, permessage-deflate; client_no_context_takeover", Deflate(client_anew=True)),
    ],
)
def test_what_was_agreed(header, expected):
    assert Deflate.of(header) == expected


words = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=20)
lines = st.lists(words, min_size=1, max_size=4)


@given(st.lists(lines, max_size=5), cuts, st.sampled_from(["\n", "\r\n", "\r"]))
def test_events_come_out_whole_wherever_they_were_cut(messages, cuts, newline):
    wire = "".join("".join(f"data: {line}{newline}" for line in message) + newline for message in messages)
    found = list(sse_events(pieces(wire.encode(), cuts)))
    assert [event.data for event in found] == ["\n".join(message) for message in messages]
    assert all(event.complete for event in found)


@given(st.binary(max_size=500), cuts)
def test_any_bytes_are_read_as_events_without_a_fault(data, cuts):
    assert all(event.event for event in sse_events(pieces(data, cuts)))


def test_the_fields_of_an_event():
    wire = b"\xef\xbb\xbf: hello\nevent: paid\nid: 7\nretry: 1500\ndata:one\ndata:  two\n\n"
    wire += b"event: ignored\n\ndata\n\ndata: end"
    found = [(one.event, one.id, one.retry, one.data, one.complete) for one in sse_events(pieces(wire, []))]
    assert found == [
        ("paid", "7", 1500, "one\n two", True),
        ("message", "7", None, "", True),
        ("message", "7", None, "end", False),
    ]

"""Bodies and timings as people read them."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.console.body_view import hex_dump, readable_body, segments, wire
from gateway.model.exchange import Timing
from gateway.model.message import Body, Message, Request, Response


def message(data, content_type="", *, encoding="", size=None):
    headers = [("Content-Type", content_type)] if content_type else []
    headers += [("Content-Encoding", encoding)] if encoding else []
    return Message(headers=tuple(headers), body=Body(len(data) if size is None else size, data))


def test_json_is_laid_out_and_its_numbers_stay():
    shown = readable_body(message(b'{"id":12345678901234567890,"x":1.10}', "application/json"))
    assert shown.text == '{\n  "id": 12345678901234567890,\n  "x": 1.10\n}'
    assert shown.raw == '{"id":12345678901234567890,"x":1.10}'


def test_compressed_text_is_shown_readable():
    shown = readable_body(message(gzip.compress(b"hello"), "text/plain", encoding="gzip"))
    assert (shown.text, shown.raw, shown.is_hex) == ("hello", None, False)


def test_bytes_are_shown_as_hex_and_the_rest_is_counted():
    shown = readable_body(message(bytes(range(256)) * 4, "image/png"))
    assert shown.is_hex
    assert shown.text.splitlines()[4] == "00000040  " + bytes(range(64, 80)).hex(" ") + "  @ABCDEFGHIJKLMNO"
    assert shown.notes == ("the page shows the first 512 of 1024 bytes",)


def test_a_cut_body_says_how_much_was_kept():
    assert "the record kept 5 of 99 bytes" in readable_body(message(b"hello", "text/plain", size=99)).notes


def test_a_bomb_is_shown_bounded():
    shown = readable_body(message(gzip.compress(b" " * 50_000_000), "text/plain", encoding="gzip"))
    assert len(shown.text) <= 256 << 10
    assert shown.notes


@given(
    st.binary(max_size=300),
    st.sampled_from(["", "text/html", "application/json", "image/png"]),
    st.sampled_from(["", "gzip", "br"]),
)
def test_any_body_is_shown_somehow(data, content_type, encoding):
    shown = readable_body(message(data, content_type, encoding=encoding))
    assert shown.is_hex or isinstance(shown.text, str)


@given(st.binary(max_size=100))
def test_hex_dumps_hold_every_byte(data):
    found = b"".join(bytes.fromhex(line[10:57]) for line in hex_dump(data).splitlines())
    assert found == data


times = st.one_of(st.none(), st.floats(0, 1e6))


@given(times, times, times)
def test_the_parts_of_a_timing_fill_it(total, connect, first):
    parts = segments(Timing(total, connect, first))
    assert not parts or sum(part.width for part in parts) == pytest.approx(1000, abs=0.2)
    assert all(part.x + part.width <= 1000.2 for part in parts)


def a_response(data, kind):
    return Response(headers=(("Content-Type", kind),), body=Body(len(data), data), status=200, reason="OK")


def test_a_picture_is_shown_as_one_and_its_bytes_too():
    shown = readable_body(a_response(b"\x89PNG\r\n\x1a\n\x00", "image/png"))
    assert shown.picture == "data:image/png;base64,iVBORw0KGgoA"
    assert shown.is_hex


def test_a_picture_that_is_cut_off_or_no_picture_is_none():
    cut = Response(headers=(("Content-Type", "image/png"),), body=Body(100, b"\x89PNG"))
    assert readable_body(cut).picture == ""
    assert readable_body(a_response(b"<svg/>", "image/unknown")).picture == ""


def test_of_a_page_the_text_is_read_without_its_scripts():
    page = b"<title>T</title><script>alert(1)</script><p>One <b>two</b></p><style>x{}</style><ul><li>a &lt; b<li>c</ul>"
    shown = readable_body(a_response(page, "text/html; charset=utf-8"))
    assert shown.words == "T\nOne two\na < b\nc"
    assert shown.text == page.decode()


def test_the_head_as_it_stood_on_the_wire():
    assert wire(a_response(b"", "text/plain")) == "HTTP/1.1 200 OK\nContent-Type: text/plain"
    assert wire(Request(method="GET", target="/x?y", headers=(("Host", "h"),))) == "GET /x?y HTTP/1.1\nHost: h"

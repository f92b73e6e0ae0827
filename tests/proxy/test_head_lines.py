"""A head is taken without a parser only when llhttp would say the same of it.

Covers: proxy/client, proxy/upstream.
"""

from __future__ import annotations

import pytest
from httptools import HttpParserError, HttpRequestParser, HttpResponseParser
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy import head_lines
from gateway.proxy.client import PLAIN_LINE as REQUEST_LINE
from gateway.proxy.head_lines import OFTEN, Pair, parsed_head
from gateway.proxy.upstream import PLAIN_LINE as STATUS_LINE

REQUEST, STATUS = b"GET /a?b=c HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n"
NAMES = [
    b"Host", b"Content-Length", b"content-length", b"Transfer-Encoding", b"Connection", b"Upgrade", b"X-A", b"x_b~!#",
    b"Accept", b"Cookie", b"Trailer", b"TE", b"Expect", b"Proxy-Connection", b"a b", b"x:", b"", b"\xe9", b"HTTP2-Settings",
]  # fmt: skip
VALUES = [
    b"a", b"a b", b" a", b"a ", b"", b"12", b"-1", b"1,2", b"0x1", b"99999999999999999999", b"chunked", b"keep-alive",
    b"close", b"upgrade", b"Keep-Alive, x", b"websocket", b"\xe9t\xe9", b"a\tb", b"a\x00b", b"a\rb", b"a\nb", b"a\x7fb", b"x" * 2000,
]  # fmt: skip
JOINS = [b": ", b":", b":  ", b" : ", b":\t", b""]
lines = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(JOINS), st.sampled_from(VALUES)).map(b"".join)
    | st.binary(max_size=12),
    max_size=6,
)


class Seen:
    """What llhttp calls back."""

    def __init__(self) -> None:
        self.pairs: list[tuple[bytes, bytes]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.pairs.append((name, value))


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    head_lines._known.clear()
    head_lines._values.clear()
    head_lines._varying.clear()


def pairs_of(head: bytes, start: int) -> list[Pair] | None:
    parsed = parsed_head(head, start)
    return None if parsed is None else parsed.pairs


def as_llhttp_says(head: bytes, kind: type) -> list[tuple[bytes, bytes]]:
    """The headers of a head; HttpParserError for one that is refused."""
    seen = Seen()
    kind(seen).feed_data(head)
    return seen.pairs


@given(lines, st.sampled_from([(REQUEST, HttpRequestParser), (STATUS, HttpResponseParser)]))
def test_what_needs_no_parser_is_what_llhttp_says(told, message):
    first, kind = message
    head = first + b"\r\n".join(told) + b"\r\n\r\n" if told else first + b"\r\n"
    head = head[: head.index(b"\r\n\r\n") + 4]
    for _ in range(2):  # once learnt, once known
        pairs = pairs_of(head, len(first))
        if pairs is not None:
            assert pairs == as_llhttp_says(head, kind)


@pytest.mark.parametrize(
    "line",
    [
        b"Transfer-Encoding: chunked", b"Content-Length: +1", b"Content-Length: 1\r\ncontent-length: 1", b"A : b", b"A:",
        b"A: b \r\nB: c", b"A: b\r\n c", b"Connection: upgrade", b"Upgrade: websocket", b"A: \x01", b"\xe9: a",
    ],
)  # fmt: skip
def test_what_frames_or_is_odd_is_left_to_the_parser(line: bytes):
    assert pairs_of(REQUEST + b"Host: a\r\n" + line + b"\r\n\r\n", len(REQUEST)) is None


def test_a_line_is_looked_at_once():
    head = REQUEST + b"Host: a\r\nX-Request-Id: 1\r\nAccept: */*\r\n\r\n"
    first, second = pairs_of(head, len(REQUEST)), pairs_of(head, len(REQUEST))
    assert first == second == [(b"Host", b"a"), (b"X-Request-Id", b"1"), (b"Accept", b"*/*")]
    assert first[0] is second[0]
    assert sorted(head_lines._known) == [b"Accept: */*", b"Host: a"]


def test_lines_that_clients_make_up_take_no_room():
    for number in range(3 * head_lines.MOST):
        assert pairs_of(REQUEST + b"X-%d: a\r\n\r\n" % number, len(REQUEST)) is not None
    assert len(head_lines._known) <= head_lines.MOST
    assert len(head_lines._varying) <= len(head_lines._values) <= head_lines.MOST_SPELLINGS


def test_a_name_with_many_values_is_taken_for_one_whose_values_vary():
    heads = [REQUEST + b"Host: %d\r\nX-Often: %d\r\n\r\n" % (number, number) for number in range(2 * OFTEN)]
    told = [parsed_head(head, len(REQUEST)) for head in heads]
    assert all(head is not None and head.places is None for head in told)  # a host says something to the gateway
    assert parsed_head(REQUEST + b"X-Often: new\r\n\r\n", len(REQUEST)) == (
        [(b"X-Often", b"new")],
        (0,),
        [b"X-Often: new"],
    )
    assert parsed_head(REQUEST + b"X-Often: \r\n\r\n", len(REQUEST)) is None


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        (b"GET / HTTP/1.1\r\n", True), (b"GET / HTTP/1.0\r\n", False), (b"CONNECT a:1 HTTP/1.1\r\n", False),
        (b"GET http://a/ HTTP/1.1\r\n", False), (b"GET /#a HTTP/1.1\r\n", False), (b"get / HTTP/1.1\r\n", False),
    ],
)  # fmt: skip
def test_request_lines(line: bytes, plain: bool):
    assert (REQUEST_LINE.match(line) is not None) == plain


@pytest.mark.parametrize(
    "line", [STATUS, b"HTTP/1.1 404 Not Found\r\n", b"HTTP/1.1 200 \xe9\r\n", b"HTTP/1.1 599 x\ty\r\n"]
)
def test_status_lines_are_what_llhttp_says(line: bytes):
    match = STATUS_LINE.match(line)
    parts: list[bytes] = []
    seen = Seen()
    seen.on_status = parts.append  # type: ignore[attr-defined]
    parser = HttpResponseParser(seen)
    parser.feed_data(line + b"Content-Length: 0\r\n\r\n")
    assert match is not None
    assert (int(match[1]), match[2]) == (parser.get_status_code(), b"".join(parts))


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 100 Continue\r\n", b"HTTP/1.1 101 x\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 200\r\n"]
)
def test_other_status_lines_are_left_to_the_parser(line: bytes):
    assert STATUS_LINE.match(line) is None


def test_llhttp_refuses_what_we_refuse():
    with pytest.raises(HttpParserError):
        as_llhttp_says(REQUEST + b"A: \x01\r\n\r\n", HttpRequestParser)

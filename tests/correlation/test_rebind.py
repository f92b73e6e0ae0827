"""A value goes into any place of a request, whatever its characters, and everything else stays as it was."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.correlation import Sink, rewrite
from gateway.correlation.request_values import needs
from gateway.model.message import Body, Request

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)
VISIBLE = st.text("abcXYZ0189-._~+/=:", min_size=1, max_size=30)

JSON = b'{"order": {"id": 7, "price": 1.10, "big": 12345678901234567890}, "tags": ["a", "b"], "id": "x"}'


def a_request(body: bytes = b"", kind: str = "application/json", **more: object) -> Request:
    headers = (("Content-Type", kind), ("Content-Length", str(len(body))), *more.pop("headers", ()))
    return Request(headers=headers, body=Body(len(body), body), **more)


def value_at(request: Request, sink: Sink) -> str:
    """What the finder reads at this place."""
    return next(
        need.value for need in needs(request, sink.step) if (need.sink.part, need.sink.path) == (sink.part, sink.path)
    )


@given(value=TEXT.filter(lambda text: text not in (".", "..")))
def test_path_and_query(value: str) -> None:
    request = a_request(target="/api/orders/7/lines?q=a%20b&id=7&id=8")
    changed = rewrite(request, [(Sink(1, "path", "3"), value), (Sink(1, "query", "id~2"), value)])
    assert value_at(changed, Sink(1, "path", "3")) == value
    assert parse_qsl(changed.target.partition("?")[2]) == [("q", "a b"), ("id", "7"), ("id", value)]
    assert changed.target.startswith("/api/orders/")
    assert "q=a%20b&id=7&id=" in changed.target


@given(value=TEXT)
def test_json_keeps_everything_else_byte_for_byte(value: str) -> None:
    changed = rewrite(a_request(JSON), [(Sink(1, "json", "/tags/1"), value), (Sink(1, "json", "/id"), value)])
    found = json.loads(changed.body.data)
    assert (found["tags"], found["id"]) == (["a", value], value)
    assert changed.body.data.startswith(
        b'{"order": {"id": 7, "price": 1.10, "big": 12345678901234567890}, "tags": ["a", '
    )
    assert changed.header("content-length") == str(len(changed.body.data))


@pytest.mark.parametrize(
    ("value", "written"),
    [("12", b'"id": 12,'), ("1e400", b'"id": 1e400,'), ("007", b'"id": "007",'), ("ab", b'"id": "ab",')],
)
def test_a_number_stays_a_number_while_it_can(value: str, written: bytes) -> None:
    assert written in rewrite(a_request(JSON), [(Sink(1, "json", "/order/id"), value)]).body.data


@given(value=TEXT)
def test_a_form(value: str) -> None:
    request = a_request(b"a=1&b=x+y&a=2", "application/x-www-form-urlencoded")
    changed = rewrite(request, [(Sink(1, "form", "a~2"), value)])
    assert parse_qsl(changed.body.data.decode()) == [("a", "1"), ("b", "x y"), ("a", value)]


@given(value=VISIBLE)
def test_headers_and_cookies(value: str) -> None:
    request = a_request(headers=(("Authorization", "Bearer old"), ("Cookie", "a=1; sid=old; b=2"), ("X-Key", "old")))
    changed = rewrite(
        request,
        [
            (Sink(1, "header", "authorization", span=(7, 10)), value),
            (Sink(1, "cookie", "sid"), value),
            (Sink(1, "header", "x-key"), value),
        ],
    )
    assert changed.header("authorization") == f"Bearer {value}"
    assert changed.header("cookie") == f"a=1; sid={value}; b=2"
    assert changed.header("x-key") == value


@given(value=TEXT)
def test_a_multipart_field(value: str) -> None:
    parts = (
        b'--X\r\nContent-Disposition: form-data; name="id"\r\n\r\n7\r\n'
        b'--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\x00\xff\r\n--X--\r\n'
    )
    changed = rewrite(a_request(parts, "multipart/form-data; boundary=X"), [(Sink(1, "multipart", "id"), value)])
    assert changed.body.data == parts.replace(b"\r\n7\r\n", b"\r\n" + value.encode() + b"\r\n")


def test_pieces_of_one_value() -> None:
    request = a_request(b'{"ref": "Patient/88213"}', target="/batch?ids=90211,90212")
    changes = [
        (Sink(1, "query", "ids", span=(0, 5)), "1"),
        (Sink(1, "query", "ids", span=(6, 11)), "1000000"),
        (Sink(1, "json", "/ref", span=(8, 13)), "9"),
    ]
    changed = rewrite(request, changes)
    assert changed.target == "/batch?ids=1,1000000"
    assert changed.body.data == b'{"ref": "Patient/9"}'


def test_a_compressed_body_is_sent_plain() -> None:
    import gzip

    body = gzip.compress(b'{"id": 7}')
    request = a_request(body, headers=(("Content-Encoding", "gzip"),))
    changed = rewrite(request, [(Sink(1, "json", "/id"), "8")])
    assert changed.body.data == b'{"id": 8}'
    assert changed.header("content-encoding") == ""
    assert rewrite(request, [(Sink(1, "path", "1"), "x")]).body == request.body


@given(
    st.binary(max_size=200), st.sampled_from(["application/json", "text/html", "multipart/form-data; boundary=X", ""])
)
def test_no_body_is_too_odd(data: bytes, kind: str) -> None:
    request = a_request(data, kind, target="/%ff/a?=&b=%")
    found = list(needs(request, 1))
    assert rewrite(request, [(need.sink, need.value) for need in found if need.sink.part == "path"]).method == "GET"


KINDS = (
    "application/json",
    "text/xml",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "text/plain",
)
FRAGMENTS = st.lists(
    st.sampled_from(
        ['{"a":', '"x-7731ab"', "}", "<a>", "</a>", "<b c='4500091873'/>", "--x\r\n", 'Content-Disposition: form-data; name="m"',
         "\r\n\r\n", "a=1&b=c%20d", "Orders(501)", "&amp;", "[", "]", ",", "7"]
    ), max_size=12,
)  # fmt: skip


@given(FRAGMENTS, st.sampled_from(KINDS), st.text(max_size=20))
def test_no_request_is_too_odd(parts: list[str], kind: str, value: str) -> None:
    body = "".join(parts).encode()
    request = a_request(body, kind, target="/odata/Orders(501)/x:pull?a=b")
    for need in needs(request, 1):
        for place in (need, *need.inner):
            if place.sink.part != "cookie":
                changed = rewrite(request, [(place.sink, value)])
                assert (changed.method, len(changed.headers)) == (request.method, len(request.headers))
                assert changed.body.size == len(changed.body.data), "the size is that of the new body"
                if place.sink.part in ("path", "query"):
                    assert changed.body == request.body, "a change of the target leaves the body alone"

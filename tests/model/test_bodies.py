"""Bodies made readable: encodings with a cap, charsets, JSON laid out without changing a token."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.bodies import CUT, charset, decoded, pretty_json, text_of
from gateway.model.message import Body, Message


def a_message(data: bytes, *, type: str = "text/plain", coding: str = "", size: int | None = None) -> Message:
    fields = [("Content-Type", type)] if type else []
    fields += [("Content-Encoding", coding)] if coding else []
    return Message(headers=tuple(fields), body=Body(len(data) if size is None else size, data))


def bare_deflate(data: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(data) + machine.flush()


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("identity, gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", bare_deflate),
        ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
        ("gzip", lambda data: gzip.compress(data[:3]) + gzip.compress(data[3:])),
    ],
    ids=["gzip", "x-gzip", "case", "identity", "deflate", "bare deflate", "two", "members"],
)
def test_encodings_are_undone(coding: str, pack: object) -> None:
    data = b"hello, hello, hello"
    assert decoded(a_message(pack(data), coding=coding)) == (data, None)  # type: ignore[operator]


def test_two_fields_are_two_encodings() -> None:
    data = gzip.compress(zlib.compress(b"x"))
    message = Message(
        headers=(("content-encoding", "deflate"), ("Content-Encoding", "gzip")), body=Body(len(data), data)
    )
    assert decoded(message) == (b"x", None)


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_bomb_stops_at_the_limit(coding: str, pack: object) -> None:
    bomb = pack(b"\0" * 10_000_000)  # type: ignore[operator]
    out, problem = decoded(a_message(bomb, coding=coding), limit=1000)
    assert len(out) == 1000
    assert problem == "the body unpacks to more than 1000 bytes"
    assert text_of(a_message(bomb, coding=coding), limit=1000) is None


def test_a_limit_that_is_just_met_is_no_problem() -> None:
    assert decoded(a_message(gzip.compress(b"x" * 1000), coding="gzip"), limit=1000) == (b"x" * 1000, None)


@pytest.mark.parametrize(
    ("data", "coding", "said"),
    [
        (b"\x1f\x8bnot gzip at all", "gzip", "broken"),
        (b"\x00not deflate", "deflate", "broken"),
        (gzip.compress(b"hello")[:-4], "gzip", CUT),
        (b"x\0", "dcb", "'dcb' is not understood"),
    ],
)
def test_what_cannot_be_undone_says_why(data: bytes, coding: str, said: str) -> None:
    assert said in str(decoded(a_message(data, coding=coding))[1])
    assert text_of(a_message(data, coding=coding)) is None


def test_a_record_cut_inside_a_compressed_body_shows_its_beginning() -> None:
    data = gzip.compress(json.dumps(list(range(5000))).encode())
    message = a_message(data[:2000], type="application/json", coding="gzip", size=len(data))
    text = text_of(message)
    assert text is not None
    assert text.startswith("[0, 1, 2")


def test_a_sealed_body_is_stored_without_its_encoding() -> None:
    message = Message(
        headers=(("Content-Type", "text/plain"), ("Content-Encoding", "gzip")),
        body=Body(40, b"token: sealed", kept=40, plain=True),
    )
    assert text_of(message) == "token: sealed"
    assert not message.body.truncated


@pytest.mark.parametrize(
    ("type", "data", "text"),
    [
        ("text/plain", "é".encode(), "é"),
        ("text/plain; charset=iso-8859-1", b"\xe9", "é"),
        ('text/plain; charset="utf-16"', "é".encode("utf-16"), "é"),
        ("text/html;Charset=UTF-8", b"<p>", "<p>"),
        ("text/plain; charset=no-such", b"a", "a"),
        ("text/plain; charset=zip", b"a", "a"),
        ("text/plain; charset=unicode_escape", rb"\u0041", rb"\u0041".decode()),
        ("application/problem+json", b"{}", "{}"),
        ("image/svg+xml", b"<svg/>", "<svg/>"),
        ("application/x-www-form-urlencoded", b"a=b", "a=b"),
        ("", b"hello", "hello"),
        ("text/plain", b"", ""),
        ("", b"a\0b", None),
        ("text/plain", b"\xff\xfe\xfa", None),
        ("image/png", b"PNG", None),
        ("application/octet-stream", b"te\0xt", None),
        ("multipart/form-data; boundary=x", b"--x", None),
    ],
)
def test_text_in_its_charset(type: str, data: bytes, text: str | None) -> None:
    assert text_of(a_message(data, type=type)) == text


def test_a_record_cut_inside_a_letter_is_still_text() -> None:
    assert text_of(a_message("aé".encode()[:2], size=100)) == "a"
    assert text_of(a_message("aé".encode()[:2])) is None


@given(st.binary(max_size=300), st.text(max_size=30), st.sampled_from(["", "gzip", "deflate", "br", "gzip, gzip"]))
def test_nothing_breaks_the_reader(data: bytes, type: str, coding: str) -> None:
    for message in (a_message(data, type=type, coding=coding), a_message(data, type=f"text/x; charset={type}")):
        text = text_of(message)
        assert text is None or isinstance(text.encode(), bytes)
        assert charset(message)


@given(st.binary(max_size=5000))
def test_gzip_round_trip(data: bytes) -> None:
    assert decoded(a_message(gzip.compress(data, 1), coding="gzip")) == (data, None)


def test_json_is_laid_out() -> None:
    text = '{"a":[1,2,{"b":null}],"empty":{},"none":[ ],"s":"x: {y}, [z]"}'
    assert pretty_json(text) == (
        '{\n  "a": [\n    1,\n    2,\n    {\n      "b": null\n    }\n  ],\n  "empty": {},\n  "none": [],\n'
        '  "s": "x: {y}, [z]"\n}'
    )


@pytest.mark.parametrize(
    "token",
    ["123456789012345678901234567890", "1.10", "1E400", "-0.0", "NaN", r'"\ud800"', r'"\u00e9 é"', "9" * 5000, "true"],
)
def test_tokens_stay_as_they_are(token: str) -> None:
    assert pretty_json(f"[{token}]") == f"[\n  {token}\n]"


def test_repeated_names_survive() -> None:
    assert pretty_json('{"a":1,"a":2}') == '{\n  "a": 1,\n  "a": 2\n}'


@pytest.mark.parametrize("text", ["", "hello", "{", '{"a":}', "[" * 100_000, "[1] [2]", " " * ((1 << 20) + 1)])
def test_what_is_no_json_is_left_alone(text: str) -> None:
    assert pretty_json(text) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values, st.sampled_from([None, 1, 3]), st.booleans())
def test_layout_changes_nothing_but_space(value: object, indent: int | None, ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii)
    laid_out = pretty_json(text)
    assert laid_out is not None
    assert json.loads(laid_out) == value
    if value not in ([], {}):
        assert laid_out == json.dumps(value, indent=2, ensure_ascii=ascii)

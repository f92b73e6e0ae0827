"""Content codings as servers and browsers use them: br, zstd, stacked, wrongly named; with a cap on what they unpack to."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.bodies import charset, decoded, format_of, text_of
from gateway.model.codings import CUT, ENCODERS, accepts, best_coding, undone
from gateway.model.message import Body, Message

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = json.dumps({"title": "Zauberberg", "n": list(range(50))}).encode()


def a_message(data: bytes, *, type: str = "application/json", coding: str = "", size: int | None = None) -> Message:
    fields = [("Content-Type", type)] if type else []
    fields += [("Content-Encoding", coding)] if coding else []
    return Message(headers=tuple(fields), body=Body(len(data) if size is None else size, data))


def aws_chunked(data: bytes) -> bytes:
    pieces = [data[at : at + 40] for at in range(0, len(data), 40)]
    signed = [b"%x;chunk-signature=%064x\r\n%b\r\n" % (len(piece), 7, piece) for piece in pieces]
    return b"".join(signed) + b"0;chunk-signature=%064x\r\n\r\n" % 8


PACKED: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("br", brotli.compress),
    ("BR", brotli.compress),
    ("br", lambda data: brotli.compress(data, quality=0)),
    ("zstd", zstd.compress),
    ("zstd", lambda data: zstd.compress(data[:9]) + zstd.compress(data[9:])),
    ("zstd", lambda data: b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstd.compress(data)),
    ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
    ("br, zstd", lambda data: zstd.compress(brotli.compress(data))),
    ("deflate, gzip, br", lambda data: brotli.compress(gzip.compress(zlib.compress(data)))),
    ("UTF-8", bytes),
    ("none", bytes),
    ("utf-8, gzip", gzip.compress),
    ("identity", bytes),
    ("aws-chunked", aws_chunked),
    ("aws-chunked", bytes),
    ("aws-chunked, gzip", lambda data: gzip.compress(data)),
    ("gzip,aws-chunked", lambda data: aws_chunked(gzip.compress(data))),
    ("x-unheard-of", bytes),
    ("gzip", bytes),
    ("br", bytes),
    ("zstd", bytes),
    ("gzip", lambda data: gzip.compress(data) + b"\0" * 100),
]


@pytest.mark.parametrize(("coding", "pack"), PACKED, ids=[f"{i} {coding}" for i, (coding, _) in enumerate(PACKED)])
def test_codings_are_undone(coding: str, pack: Callable[[bytes], bytes]) -> None:
    message = a_message(pack(TEXT), coding=coding)
    assert decoded(message) == (TEXT, None)
    assert text_of(message) == TEXT.decode()
    assert format_of(message) == "json"


@pytest.mark.parametrize("coding", list(ENCODERS))
def test_a_bomb_stops_at_the_limit(coding: str) -> None:
    bomb = ENCODERS[coding](b"\0" * 10_000_000)
    out, problem = undone(bomb, [coding], 1000)
    assert out == b"\0" * 1000
    assert problem == "the body unpacks to more than 1000 bytes"


@pytest.mark.parametrize("coding", list(ENCODERS))
def test_a_limit_that_is_just_met_is_no_problem(coding: str) -> None:
    assert undone(ENCODERS[coding](b"x" * 1000), [coding], 1000) == (b"x" * 1000, None)


@pytest.mark.parametrize("coding", list(ENCODERS))
def test_what_is_cut_is_told_and_read_as_far_as_it_goes(coding: str) -> None:
    data = ENCODERS[coding](bytes(range(256)) * 300)
    out, problem = undone(data[:-5], [coding], 1 << 20)
    assert problem == CUT
    assert (bytes(range(256)) * 300).startswith(out)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "x-unheard-of"])
def test_bytes_that_are_neither_text_nor_of_the_coding_are_told(coding: str) -> None:
    data = b"\x93\x01\x02PNG\xff\xfe\x00\x01" * 9
    out, problem = undone(data, [coding])
    assert problem is not None
    assert coding in problem or "broken" in problem
    assert text_of(a_message(data, coding=coding)) is None
    assert out == b"" or out == data


@given(st.binary(max_size=3000), st.sampled_from(sorted(ENCODERS)))
def test_round_trip(data: bytes, coding: str) -> None:
    assert undone(ENCODERS[coding](data), [coding]) == (data, None)


@given(
    st.binary(max_size=500),
    st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd", "aws-chunked", "x"]), max_size=3),
)
def test_nothing_breaks_the_decoders(data: bytes, names: list[str]) -> None:
    out, problem = undone(data, names, 10_000)
    assert isinstance(out, bytes)
    assert problem is None or problem


@pytest.mark.parametrize(
    ("field", "coding", "wanted"),
    [
        ("gzip, deflate, br, zstd", "br", True),
        ("gzip, deflate", "br", False),
        ("gzip;q=0, br", "gzip", False),
        ("*", "zstd", True),
        ("*;q=0", "identity", False),
        ("br;q=1.0, identity;q=0", "identity", False),
        ("x-gzip", "gzip", True),
        ("GZIP", "gzip", True),
        (None, "identity", True),
        (None, "gzip", False),
        ("", "identity", True),
        ("gzip;q=abc", "gzip", True),
    ],
)
def test_what_a_client_accepts(field: str | None, coding: str, wanted: bool) -> None:
    assert accepts(field, coding) is wanted


def test_the_best_coding_for_a_client_that_refuses_identity() -> None:
    assert best_coding("gzip;q=0.5, br;q=0.9, identity;q=0") == "br"
    assert best_coding("gzip") is None
    assert best_coding("identity;q=0") is None


@pytest.mark.parametrize(
    ("type", "data", "text"),
    [
        ("application/x-amz-json-1.0", b'{"a":1}', '{"a":1}'),
        ("application/x-amz-json-1.1", b'{"a":1}', '{"a":1}'),
        ("application/csp-report", b'{"csp-report":{}}', '{"csp-report":{}}'),
        ("application/vnd.acme.order", b'{"a":1}', '{"a":1}'),
        ("application/vnd.api+json; ext=bulk", b'{"a":1}', '{"a":1}'),
        ("application/atom+xml", b"<feed/>", "<feed/>"),
        ("application/octet-stream", b'{"a":1}', '{"a":1}'),
        ("application/octet-stream", b"id,name\n7,pen\n", "id,name\n7,pen\n"),
        ("application/x-yaml-thing", b"a: 1\n", "a: 1\n"),
        ("image/png", b'{"error":"no such picture"}', '{"error":"no such picture"}'),
        ("application/pdf", b"<html><body>sign in</body></html>", "<html><body>sign in</body></html>"),
        ("nonsense", b"hello", "hello"),
        ("image/png", b"\x89PNG\r\n\x1a\n\0\0", None),
        ("application/octet-stream", bytes(range(256)), None),
        ("application/pdf", b"%PDF-1.4 plain", None),
        ("application/grpc", b"\0\0\0\0\5hello", None),
        ("text/html; charset=windows-1252", b"M\xfcnchen", "München"),
        ("text/html", b"<p>M\xfcnchen \x80</p>", "<p>München €</p>"),
        ("text/plain", b"caf\xe9", "café"),
        ("text/xml", b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'),
        ("text/html", b'<html><meta charset="shift_jis"><p>\x93\xfa', '<html><meta charset="shift_jis"><p>日'),
        ("application/json", '{"a":"é"}'.encode("utf-16-le"), '{"a":"é"}'),
        ("application/json", '{"a":"é"}'.encode("utf-16"), '{"a":"é"}'),
        ("application/json", b'\xef\xbb\xbf{"a":1}', '{"a":1}'),
        ("text/csv; charset=utf-16", "a;é".encode("utf-16"), "a;é"),
        ("text/plain; charset=koi8-r", "мир".encode("koi8-r"), "мир"),
        ("text/plain; charset=gb18030", "书".encode("gb18030"), "书"),
    ],
)  # fmt: skip
def test_text_is_told_by_its_content(type: str, data: bytes, text: str | None) -> None:
    message = a_message(data, type=type)
    assert text_of(message) == text
    if text is not None:
        assert text.encode(charset(message)) == data  # so that a changed value goes out in the same charset


@pytest.mark.parametrize(
    ("type", "data", "format"),
    [
        ("text/html", b'{"a":1}', "json"),
        ("text/plain", b"[1, 2]", "json"),
        ("application/x-amz-json-1.1", b"{}", "json"),
        ("text/plain", b"[10:00:01] done", "text"),
        ("application/vnd.acme", b"<?xml version='1.0'?><a/>", "xml"),
        ("application/soap+xml", b"<a/>", "xml"),
        ("application/x-www-form-urlencoded", b"a=b", "form"),
        ("multipart/form-data; boundary=x", b"--x", "multipart"),
        ("application/json", b"not json", "json"),
        ("image/png", b"\x89PNG\0", "binary"),
    ],
)
def test_the_format_of_a_body(type: str, data: bytes, format: str) -> None:
    assert format_of(a_message(data, type=type)) == format

"""Requests that try to smuggle another one past the gateway (RFC 9112 section 11.2)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random

from ..lab import Lab
from . import Kind, Trial

EVIL = b"GET /api/a/EVIL HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTHS = (b"0", b"5", b"%d" % len(EVIL), b"+5", b"-1", b"0x5", b"5 5", b"5,5", b"5, 6", b" 5", b"5\t", b"5;", b"\xb2", b"1e1",
           b"99999999999999999999", b"", b"00", b"05", b"5\x0b")  # fmt: skip
CODINGS = (b"chunked", b"Chunked", b"xchunked", b"chunked, identity", b"identity, chunked", b"chunked;q=1", b" chunked", b"chunk\x65d ",
           b"\x0bchunked", b"chunked\x00", b"'chunked'", b"gzip, chunked", b"chunked, chunked", b"identity", b"")  # fmt: skip
NAMES = (b"Transfer-Encoding", b"transfer-encoding", b"Transfer-Encoding ", b" Transfer-Encoding", b"Transfer_Encoding",
         b"Transfer-Encoding\t", b"X: y\nTransfer-Encoding", b"X: y\rTransfer-Encoding", b"\x00Transfer-Encoding")  # fmt: skip
CHUNKS = (b"0\r\n\r\n", b"0;x\r\n\r\n", b"00\r\n\r\n", b"0\n\n", b"0\r\n", b"-1\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"5\r\nabcde0\r\n\r\n",
          b"0x0\r\n\r\n", b" 0\r\n\r\n", b"1\r\nab\r\n0\r\n\r\n", b"0\r\nContent-Length: 9\r\n\r\n", b"0_0\r\n\r\n")  # fmt: skip
LINES = (b"POST  /api/a/x HTTP/1.1", b"POST /api/a/x  HTTP/1.1", b"POST\t/api/a/x\tHTTP/1.1", b"POST /api/a/x HTTP/1.1 ", b"POST /api/a/x",
         b"POST /api/a/x HTTP/1.1\rX: y", b"POST /api/a/x HTTP/2.0", b"POST /api/a/x http/1.1", b"POST /api/a/x HTTP/1.10",
         b"GET /api/a/x HTTP/1.0", b"P\x00ST /api/a/x HTTP/1.1", b"POST http://y/api/a/x HTTP/1.1", b"POST /api/a/x#/ HTTP/1.1",
         b"POST /api/a/\r\n HTTP/1.1", b"POST * HTTP/1.1", b"OPTIONS * HTTP/1.1", b"CONNECT y:80 HTTP/1.1")  # fmt: skip


def _requests() -> Iterator[tuple[str, bytes]]:
    start = b"POST /api/a/x HTTP/1.1\r\nHost: x\r\n"
    for length, (name, coding) in product(LENGTHS[:9], product(NAMES, CODINGS)):
        head = b"Content-Length: " + length + b"\r\n" + name + b": " + coding + b"\r\n\r\n"
        yield f"CL {length!r} with {name!r} {coding!r}", start + head + b"0\r\n\r\n" + EVIL
    for one, other in product(LENGTHS, LENGTHS):
        yield (
            f"CL {one!r} and {other!r}",
            start + b"Content-Length: %b\r\nContent-Length: %b\r\n\r\n" % (one, other) + EVIL,
        )
    for chunk, line in product(CHUNKS, LINES):
        yield f"{line!r} chunk {chunk!r}", line + b"\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + EVIL
    for line, length in product(LINES, LENGTHS):
        yield f"{line!r} CL {length!r}", line + b"\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\n" + EVIL


def _attempt(data: bytes, lab: Lab) -> str:
    """The gateway and its upstream must agree how many requests these bytes are: each passes, or none.

    A second request that the gateway itself reads is answered by itself; what the upstream sees beyond the answers
    was smuggled.
    """
    before = len(lab.dev.seen)
    answers = lab.raw(data, patience=1.0, half=True)
    seen = lab.dev.seen[before:]
    passed = answers.count(b"Gateway-Exchange:")
    if len(seen) > passed:
        return f"{len(seen)} requests reached the upstream, {passed} were answered"
    for request in seen:
        coding = [value for name, value in request.headers if name == "transfer-encoding"]
        length = [value for name, value in request.headers if name == "content-length"]
        if len(coding) + len(length) > 1:
            return f"two framings went on: {coding} {length}"
        if any(c in value for _, value in request.headers for c in "\r\n\0"):
            return "a control character went on in a header"
    return ""


def trials(rng: Random, count: int) -> Iterator[Trial]:
    wanted = list(_requests())
    for name, data in rng.sample(wanted, min(count, len(wanted))):
        yield Trial(name, lambda lab, data=data: _attempt(data, lab))


KIND = Kind("framing", "no request is smuggled past the framing", 350, trials)

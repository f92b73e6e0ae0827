"""Content codings: undone with a cap on what they unpack to, and applied again for a client that wants one. Pure.

The codings that clients ask for today: gzip, deflate, br (RFC 7932), zstd (RFC 8878); and the words that servers write
into Content-Encoding although they name no coding: charsets, "none", transfer encodings of mail.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Sequence
from typing import Final

import brotli

try:
    from compression import zstd  # type: ignore[import-not-found,unused-ignore]  # Python 3.14
except ImportError:
    from backports import zstd

SHOWN: Final = 16 << 20  # bytes that a body may grow to for display: a bomb of 10 KB holds 10 MB of zeros
CUT: Final = "the record ends in the middle of the compressed body"
WINDOW: Final = 27  # zstd: 128 MiB, as the zstd tool; RFC 9659 allows 8 MiB on the web, some servers write more

# Not codings at all: what they stand before is the content itself.
NO_CODINGS: Final = frozenset((
    "identity", "none", "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252", "7bit", "8bit",
    "binary", "chunked", "quoted-printable", "text", "plain", "null", "undefined", "*",
))  # fmt: skip

Decoder = Callable[[bytes, int], bytes]
Encoder = Callable[[bytes], bytes]


class DecodeError(ValueError):
    """A coding that cannot be undone; `partial` is what came out before."""

    def __init__(self, message: str, partial: bytes = b"") -> None:
        super().__init__(message)
        self.partial = partial


def undone(data: bytes, codings: Sequence[str], limit: int = SHOWN) -> tuple[bytes, str | None]:
    """The content under codings, named in the order in which they were applied, and what was wrong with them.

    With a problem the bytes are what came out before it. A label on content that is plainly text is wrong, as proxies
    leave it that unpack: the text is the content, and there is no problem.
    """
    for coding in reversed(codings):
        if coding in NO_CODINGS:
            continue
        decode = DECODERS.get(coding)
        if decode is None:
            return data, None if is_plain_text(data) else f"the content encoding {coding!r} is not understood"
        try:
            data = decode(data, limit)
        except DecodeError as error:
            if not error.partial and str(error) != CUT and is_plain_text(data):
                return data, None
            return error.partial, str(error)
    return data, None


CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
LOOKED_AT: Final = 4096  # bytes


def is_plain_text(data: bytes) -> bool:
    """Whether bytes are text in UTF-8 by their looks: a start of it is enough for compressed data to fail."""
    if not data:
        return False
    start = data[:LOOKED_AT]
    if CONTROL.search(start):
        return False
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4 and len(data) > len(start)  # a letter that the cut went through
    return True


def words_of(field: str) -> list[str]:
    """The codings of a Content-Encoding field, in the order in which they were applied (RFC 9110 section 8.4)."""
    return [word for part in field.split(",") if (word := part.strip().lower()) and word != "identity"]


def names_coding(words: Sequence[str]) -> bool:
    """Whether any of these words changes the bytes."""
    return any(word not in NO_CODINGS for word in words)


# -- decoders


def _inflate(data: bytes, limit: int, window: int) -> bytes:
    out = b""
    while data:  # a gzip body may be several members
        machine = zlib.decompressobj(window)
        try:
            out += machine.decompress(data, limit + 1 - len(out))
        except zlib.error as error:
            raise DecodeError(f"the compressed body is broken: {error}", out) from None
        if len(out) > limit:
            raise DecodeError(f"the body unpacks to more than {limit} bytes", out[:limit])
        if not machine.eof:
            raise DecodeError(CUT, out)
        data = machine.unused_data.lstrip(b"\0")  # tape padding after the last member (RFC 1952 readers allow it)
    return out


def _gzip(data: bytes, limit: int) -> bytes:
    return _inflate(data, limit, 31)


def _deflate(data: bytes, limit: int) -> bytes:
    # RFC 9110 section 8.4.1.2: a zlib stream; some servers send the bare one.
    zlib_header = len(data) > 1 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
    machine = zlib.decompressobj(15 if zlib_header else -15)
    try:
        out = machine.decompress(data, limit + 1)
    except zlib.error as error:
        raise DecodeError(f"the compressed body is broken: {error}") from None
    if len(out) > limit:
        raise DecodeError(f"the body unpacks to more than {limit} bytes", out[:limit])
    if not machine.eof:
        raise DecodeError(CUT, out)
    return out


def _brotli(data: bytes, limit: int) -> bytes:
    machine = brotli.Decompressor()
    out, given = b"", data
    try:
        while not machine.is_finished():
            piece = machine.process(given, output_buffer_limit=max(1, limit + 1 - len(out)))
            out, given = out + piece, b""
            if len(out) > limit:
                raise DecodeError(f"the body unpacks to more than {limit} bytes", out[:limit])
            if not piece and not machine.is_finished() and machine.can_accept_more_data():
                raise DecodeError(CUT, out)
    except brotli.error as error:
        raise DecodeError(f"the compressed body is broken: {error}", out) from None
    return out


def _zstd(data: bytes, limit: int) -> bytes:
    out = b""
    while data:  # several frames are one body, skippable ones among them (RFC 8878 section 3.1)
        machine = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW})
        given = data
        try:
            while not machine.eof:
                piece = machine.decompress(given, limit + 1 - len(out))
                out, given = out + piece, b""
                if len(out) > limit:
                    raise DecodeError(f"the body unpacks to more than {limit} bytes", out[:limit])
                if not piece and machine.needs_input and not machine.eof:
                    raise DecodeError(CUT, out)
        except zstd.ZstdError as error:
            raise DecodeError(f"the compressed body is broken: {error}", out) from None
        data = machine.unused_data
    return out


CHUNK: Final = re.compile(rb"([0-9a-fA-F]{1,8})(?:;[^\r\n]{0,512})?\r\n")


def _aws_chunked(data: bytes, limit: int) -> bytes:
    """The framing of an AWS upload: sizes with a signature before each piece (Signature Version 4, streaming)."""
    if CHUNK.match(data) is None:
        return data  # SDKs name the coding on uploads that they then send unframed
    out, at = b"", 0
    while (head := CHUNK.match(data, at)) is not None:
        size = int(head[1], 16)
        if not size:
            return out
        piece = data[head.end() : head.end() + size]
        out, at = out + piece, head.end() + size + 2
        if len(out) > limit:
            raise DecodeError(f"the body unpacks to more than {limit} bytes", out[:limit])
        if len(piece) < size:
            break
    raise DecodeError(CUT, out)


DECODERS: Final[dict[str, Decoder]] = {
    "gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate, "br": _brotli, "zstd": _zstd, "aws-chunked": _aws_chunked,
}  # fmt: skip
ENCODERS: Final[dict[str, Encoder]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=5),
    "zstd": lambda data: zstd.compress(data),
}


# -- what a client accepts


def accepts(field: str | None, coding: str) -> bool:
    """Whether an Accept-Encoding field, None where there is none, takes a coding (RFC 9110 section 12.5.3).

    Without the field a server may send anything; a client that sends none seldom reads anything, so only identity.
    """
    weights = _weights(field or "")
    name = {"x-gzip": "gzip"}.get(coding, coding)
    if name == "identity":
        return weights.get("identity", weights.get("*", 1.0) if "*" in weights else 1.0) > 0
    return weights.get(name, weights.get("*", 0.0)) > 0


def best_coding(field: str | None) -> str | None:
    """A coding of ours for a client that refuses identity; None when it takes identity, or none of ours."""
    if accepts(field, "identity"):
        return None
    weights = _weights(field or "")
    able = [name for name in ENCODERS if accepts(field, name)]
    return max(able, key=lambda name: weights.get(name, weights.get("*", 0.0)), default=None)


def _weights(field: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in field.lower().split(","):
        name, _, parameters = part.partition(";")
        match = re.search(r"(?:^|;)\s*q\s*=\s*([0-9.]+)", parameters)
        try:
            weight = float(match[1]) if match else 1.0
        except ValueError:
            weight = 1.0
        if name := name.strip():
            found[{"x-gzip": "gzip"}.get(name, name)] = weight
    return found

"""WebSocket frames and server-sent events out of the timed pieces that passed. Pure.

The record keeps bytes as they came; a frame or event may begin in one piece and end in another.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .exchange import Chunk

KINDS = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
MAX_INFLATED = 1 << 20  # bytes of one frame: a deflated megabyte may stand for a gigabyte
MAX_TOTAL = 16 << 20  # bytes of all frames of one direction


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as its receiver read it: unmasked and inflated. `size` counts its payload on the wire."""

    at_ms: float  # when its last byte passed
    direction: str
    kind: str
    final: bool
    size: int
    data: bytes
    compressed: bool = False
    problem: str = ""

    @property
    def close_code(self) -> int | None:
        """The status code of a close frame (RFC 6455 section 5.5.1)."""
        return int.from_bytes(self.data[:2]) if self.kind == "close" and len(self.data) >= 2 else None


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event; `complete` is False for a last one without its blank line, which clients drop."""

    at_ms: float
    data: str
    event: str = "message"
    id: str = ""
    retry: int | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Deflate:
    """What permessage-deflate was agreed (RFC 7692): whether each side starts every message anew."""

    client_anew: bool = False
    server_anew: bool = False

    @classmethod
    def of(cls, extensions: str) -> Deflate | None:
        """From the response's Sec-WebSocket-Extensions; None without permessage-deflate."""
        for extension in extensions.split(","):
            name, *parameters = (part.strip().lower() for part in extension.split(";"))
            if name == "permessage-deflate":
                return cls("client_no_context_takeover" in parameters, "server_no_context_takeover" in parameters)
        return None


class FrameReader:
    """One direction of a WebSocket: feed pieces in order, get whole frames (RFC 6455 section 5.2)."""

    def __init__(self, direction: str, *, inflater: Inflater | None = None) -> None:
        self._direction = direction
        self._inflater = inflater
        self._rest = bytearray()
        self._deflated = False  # the message whose fragments are coming

    def feed(self, data: bytes, at_ms: float) -> Iterator[Frame]:
        self._rest += data
        while (head := _Head.read(self._rest)) is not None and len(self._rest) >= head.size + head.length:
            payload = bytes(self._rest[head.size : head.size + head.length])
            del self._rest[: head.size + head.length]
            yield self._frame(head, payload, at_ms)

    def end(self, at_ms: float) -> Iterator[Frame]:
        """What is left of a frame that never became whole."""
        if not self._rest:
            return
        head = _Head.read(self._rest)
        if head is None:
            yield Frame(at_ms, self._direction, "unknown", False, 0, b"", problem="cut off within its head")
            return
        got = bytes(self._rest[head.size :])
        problem = f"cut off: {len(got)} of {head.length} bytes are here"
        data = b"" if head.deflated else _unmask(got, head.mask)
        yield Frame(at_ms, self._direction, head.kind, head.final, head.length, data, head.deflated, problem)

    def _frame(self, head: _Head, payload: bytes, at_ms: float) -> Frame:
        data, problem = _unmask(payload, head.mask), ""
        if head.opcode in (1, 2):
            self._deflated = head.deflated
        compressed = self._deflated and head.opcode < 8
        if compressed:
            data, problem = (
                self._inflater.read(data, last=head.final)
                if self._inflater
                else (data, "compressed, yet nobody agreed to it")
            )
        return Frame(at_ms, self._direction, head.kind, head.final, head.length, data, compressed, problem)


@dataclass(frozen=True, slots=True)
class _Head:
    opcode: int
    final: bool
    deflated: bool
    length: int
    mask: bytes
    size: int  # of the head itself

    @property
    def kind(self) -> str:
        return KINDS.get(self.opcode, f"reserved {self.opcode}")

    @classmethod
    def read(cls, data: bytearray) -> _Head | None:
        if len(data) < 2:
            return None
        short, masked = data[1] & 0x7F, bool(data[1] & 0x80)
        wide = {126: 2, 127: 8}.get(short, 0)
        size = 2 + wide + 4 * masked
        if len(data) < size:
            return None
        length = int.from_bytes(data[2 : 2 + wide]) if wide else short
        mask = bytes(data[size - 4 : size]) if masked else b""
        return cls(data[0] & 0x0F, bool(data[0] & 0x80), bool(data[0] & 0x40), length, mask, size)


class Inflater:
    """Undoes permessage-deflate of one direction, never giving more than the limits."""

    def __init__(self, *, anew: bool, limit: int = MAX_INFLATED, total: int = MAX_TOTAL) -> None:
        self._anew, self._limit, self._room = anew, limit, total
        self._inflate = zlib.decompressobj(-15)
        self._lost = ""

    def read(self, data: bytes, *, last: bool) -> tuple[bytes, str]:
        """(the bytes, what is wrong); after a fault what follows cannot be told any more."""
        if self._lost:
            return b"", self._lost
        out, problem = self._read(data + b"\0\0\xff\xff" * last)
        self._room -= len(out)
        if problem:
            self._lost = "not inflated: an earlier frame of this side was cut or broken"
        elif last and (self._anew or self._inflate.eof):
            self._inflate = zlib.decompressobj(-15)
        return out, problem

    def _read(self, data: bytes) -> tuple[bytes, str]:
        limit = min(self._limit, self._room)
        if limit <= 0:
            return b"", "not inflated: the frames before it filled what is shown"
        try:
            out = self._inflate.decompress(data, limit + 1)
        except zlib.error as error:
            return b"", f"not valid deflate data: {error}"
        if len(out) > limit:
            return out[:limit], f"cut: more than {limit} bytes when inflated"
        return out, ""


def websocket_frames(chunks: Iterable[Chunk], deflate: Deflate | None = None) -> Iterator[Frame]:
    """The frames of both sides in the order in which they became whole."""
    sides = {
        "sent": FrameReader("sent", inflater=Inflater(anew=deflate.client_anew) if deflate else None),
        "received": FrameReader("received", inflater=Inflater(anew=deflate.server_anew) if deflate else None),
    }
    at = 0.0
    for chunk in chunks:
        at = chunk.at_ms
        yield from sides[chunk.direction].feed(chunk.data, at)
    for reader in sides.values():
        yield from reader.end(at)


class EventReader:
    """Server-sent events (WHATWG HTML section 9.2.6) out of pieces that may be cut anywhere."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._first = True
        self._after_cr = False
        self._fields: dict[str, str] = {}
        self._data: list[str] = []
        self._last_id = ""

    def feed(self, data: bytes, at_ms: float) -> Iterator[Event]:
        if self._after_cr and data[:1] == b"\n":
            data = data[1:]
        if data:
            self._after_cr = data.endswith(b"\r")
        self._line += data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = bytes(self._line).split(b"\n")
        self._line = bytearray(rest)
        for line in lines:
            if line:
                self._take(line)
            else:
                yield from self._dispatch(at_ms, complete=True)

    def end(self, at_ms: float) -> Iterator[Event]:
        """The last event, when its blank line never came."""
        if self._line:
            self._take(bytes(self._line))
        yield from self._dispatch(at_ms, complete=False)

    def _take(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        if self._first:
            text, self._first = text.removeprefix("\ufeff"), False
        name, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name in ("event", "retry"):
            self._fields[name] = value
        elif name == "id" and "\0" not in value:
            self._last_id = value

    def _dispatch(self, at_ms: float, *, complete: bool) -> Iterator[Event]:
        data, fields = self._data, self._fields
        self._data, self._fields, self._first = [], {}, False
        if data:
            retry = fields.get("retry", "")
            yield Event(
                at_ms, "\n".join(data), fields.get("event") or "message", self._last_id,
                int(retry) if retry.isascii() and retry.isdigit() and len(retry) < 12 else None, complete,
            )  # fmt: skip


def sse_events(chunks: Iterable[Chunk]) -> Iterator[Event]:
    """The events of a recorded stream, in order."""
    reader, at = EventReader(), 0.0
    for chunk in chunks:
        if chunk.direction == "received":
            at = chunk.at_ms
            yield from reader.feed(chunk.data, at)
    yield from reader.end(at)


def _unmask(data: bytes, mask: bytes) -> bytes:
    if not mask or not data:
        return data
    key = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(key)).to_bytes(len(data))

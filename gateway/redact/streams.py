"""One direction of a WebSocket sealed: whole messages unmasked, inflated, sealed and masked again. Pure.

A message that is not complete yet waits for its rest, so that a secret split over frames or pieces is found. One
without secrets keeps its bytes. One with secrets becomes a single frame; was it compressed (RFC 7692), what follows it
on this side is kept inflated, because a receiver could not inflate it any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from ..model.capture import Capture
from ..model.frames import Deflate, Inflater
from .json_text import Seal

TEXT, BINARY, CONTROL = 1, 2, 8
FINAL, DEFLATED, MASKED = 0x80, 0x40, 0x80
DATA: Final = (0, TEXT, BINARY)


class SealedFrame(NamedTuple):
    """A frame as it passed, and what it says once unmasked."""

    raw: bytes
    first: int  # its first byte: final, compressed, opcode
    mask: bytes
    payload: bytes

    @property
    def opcode(self) -> int:
        return self.first & 0x0F


class FrameSealer:
    """Feed it pieces in order, with the sealing of a payload; what comes back is to be kept instead."""

    def __init__(self, deflate: Deflate | None, *, sent: bool) -> None:
        self._rest = b""
        self._message: list[SealedFrame] = []  # the frames so far of a message whose end has not come
        anew = deflate is not None and (deflate.client_anew if sent else deflate.server_anew)
        self._inflater = Inflater(anew=anew) if deflate else None
        self._inflated = False  # whether a compressed message was replaced on this side

    def feed(self, data: bytes, seal: Seal, *, last: bool) -> bytes:
        """What may be kept now; with `last` everything, a cut frame included."""
        data, out = self._rest + data, []
        at = 0
        while (frame := frame_at(data, at)) is not None:
            at += len(frame.raw)
            out.append(self._frame(frame, seal))
        self._rest = data[at:]
        if last:
            out += [*self._sealed_apart(self._message, seal), self._cut(seal)]
            self._rest, self._message = b"", []
        return b"".join(out)

    def _frame(self, frame: SealedFrame, seal: Seal) -> bytes:
        if frame.opcode not in DATA:
            return frame.raw
        self._message.append(frame)
        if not frame.first & FINAL:
            return b""
        message, self._message = self._message, []
        return self._sealed(message, seal)

    def _sealed(self, message: list[SealedFrame], seal: Seal) -> bytes:
        first = message[0]
        payload = b"".join(one.payload for one in message)
        plain, readable = self._plain(payload, first.first)
        sealed = seal(plain) if readable else plain
        if sealed == plain and not (self._inflated and first.first & DEFLATED and readable):
            return b"".join(one.raw for one in message)
        self._inflated = self._inflated or bool(first.first & DEFLATED)
        return head(FINAL | first.opcode, len(sealed), first.mask) + masked(sealed, first.mask)

    def _plain(self, payload: bytes, first: int) -> tuple[bytes, bool]:
        """(the payload inflated, whether it could be)."""
        if not first & DEFLATED:
            return payload, True
        if self._inflater is None:
            return payload, False
        plain, problem = self._inflater.read(payload, last=True)
        return (payload, False) if problem else (plain, True)

    def _sealed_apart(self, frames: list[SealedFrame], seal: Seal) -> list[bytes]:
        """Frames of a message whose end never came."""
        return [one.raw if frames[0].first & DEFLATED else _again(one, seal(one.payload)) for one in frames]

    def _cut(self, seal: Seal) -> bytes:
        """A frame that was cut off: its head still tells its true length."""
        size = _head_size(self._rest)
        if size is None or len(self._rest) <= size or self._rest[0] & DEFLATED or self._rest[0] & 0x0F not in DATA:
            return self._rest
        mask = self._rest[size - 4 : size] if self._rest[1] & MASKED else b""
        return self._rest[:size] + masked(seal(masked(self._rest[size:], mask)), mask)


def _again(frame: SealedFrame, payload: bytes) -> bytes:
    if payload == frame.payload:
        return frame.raw
    return head(frame.first, len(payload), frame.mask) + masked(payload, frame.mask)


def frame_at(data: bytes, at: int) -> SealedFrame | None:
    """The whole frame at this place (RFC 6455 section 5.2)."""
    size = _head_size(data[at : at + 14])
    if size is None:
        return None
    short = data[at + 1] & 0x7F
    wide = {126: 2, 127: 8}.get(short, 0)
    length = int.from_bytes(data[at + 2 : at + 2 + wide]) if wide else short
    end = at + size + length
    if end > len(data):
        return None
    mask = data[at + size - 4 : at + size] if data[at + 1] & MASKED else b""
    return SealedFrame(data[at:end], data[at], mask, masked(data[at + size : end], mask))


def _head_size(data: bytes) -> int | None:
    if len(data) < 2:
        return None
    size = 2 + {126: 2, 127: 8}.get(data[1] & 0x7F, 0) + (4 if data[1] & MASKED else 0)
    return size if len(data) >= size else None


def head(first: int, length: int, mask: bytes) -> bytes:
    flag = MASKED if mask else 0
    if length < 126:
        size = bytes([flag | length])
    elif length < 1 << 16:
        size = bytes([flag | 126]) + length.to_bytes(2)
    else:
        size = bytes([flag | 127]) + length.to_bytes(8)
    return bytes([first]) + size + mask


def masked(data: bytes, mask: bytes) -> bytes:
    """Masks, or unmasks."""
    if not mask or not data:
        return data
    key = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(key)).to_bytes(len(data))


WAITS: Final = 64 << 10  # bytes of an event that may wait for its end
EVENT_END: Final = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")


class Direction(Protocol):
    """One direction of a stream."""

    def feed(self, data: bytes, seal: Seal, *, last: bool) -> bytes: ...


class EventSealer:
    """Server-sent events, whole ones at a time."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes, seal: Seal, *, last: bool) -> bytes:
        """What may be kept now: up to the end of the last whole event."""
        data = self._rest + data
        end = max((match.end() for match in EVENT_END.finditer(data)), default=0)
        if last or len(data) - end > WAITS:
            end = len(data)
        self._rest = data[end:]
        return seal(data[:end]) if end else b""


class PlainSealer:
    """Any other stream: each piece by itself."""

    def feed(self, data: bytes, seal: Seal, *, last: bool) -> bytes:
        return seal(data)


def direction_of(capture: Capture, *, sent: bool) -> Direction:
    """What seals this side of a stream."""
    makers: dict[str, Callable[[], Direction]] = {
        "websocket": lambda: FrameSealer(_agreed(capture), sent=sent), "sse": EventSealer,
    }  # fmt: skip
    return makers.get(capture.stream, PlainSealer)()


def _agreed(capture: Capture) -> Deflate | None:
    fields = [value for name, value in capture.response_headers if name.lower() == b"sec-websocket-extensions"]
    return Deflate.of(b",".join(fields).decode("latin-1"))

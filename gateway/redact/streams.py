"""Pieces of streams sealed in order: what may hold half a secret waits for the next piece. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol

from ..model.capture import Capture
from ..model.frames import Deflate
from .frames import FrameSealer
from .json_text import Seal

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

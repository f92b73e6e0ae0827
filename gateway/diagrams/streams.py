"""SSE and WebSocket exchanges as runs of messages in one direction. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ..model.exchange import Chunk, Exchange
from ..model.frames import sse_events, websocket_frames
from .diagram import Run
from .labels import counted, size

RUNS = 6  # a longer conversation shows its first runs and counts the rest
_DATA = frozenset({"text", "binary", "continuation"})


def runs(exchange: Exchange, chunks: Sequence[Chunk]) -> tuple[Run, ...]:
    """What passed on a stream; from the bodies where no chunk was kept."""
    if exchange.stream == "sse":
        return _events(exchange, chunks)
    if exchange.stream == "websocket":
        return _messages(chunks) if chunks else _sizes(exchange)
    return ()


def _events(exchange: Exchange, chunks: Sequence[Chunk]) -> tuple[Run, ...]:
    body = exchange.response.body.data if exchange.response else b""
    pieces = chunks or [Chunk(0, 0.0, "received", body)]
    total = sum(len(chunk.data) for chunk in pieces)
    events = sum(event.complete for event in sse_events(pieces))
    words = f"{counted(events, 'event')} · {size(total)}" if events else size(total)
    return (Run(True, words),) if total else ()


def _messages(chunks: Sequence[Chunk]) -> tuple[Run, ...]:
    found = []
    frames = (frame for frame in websocket_frames(chunks) if frame.kind in _DATA)
    for direction, group in groupby(frames, key=lambda frame: frame.direction):
        members = list(group)
        messages = sum(frame.final for frame in members)  # a message ends with its final frame
        words = f"{counted(messages, 'message')} · {size(sum(frame.size for frame in members))}"
        found.append(Run(direction == "received", words))
    rest = len(found) - RUNS
    return tuple(found) if rest <= 0 else (*found[:RUNS], Run(True, f"... and {counted(rest, 'more run')}"))


def _sizes(exchange: Exchange) -> tuple[Run, ...]:
    sent = exchange.request.body.size
    received = exchange.response.body.size if exchange.response else 0
    both = (Run(False, f"messages · {size(sent)}"), Run(True, f"messages · {size(received)}"))
    return tuple(run for run, count in zip(both, (sent, received), strict=True) if count)

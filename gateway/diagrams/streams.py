"""SSE and WebSocket exchanges as runs of messages in one direction. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ..model.exchange import Chunk, Exchange
from .diagram import Run
from .labels import counted, size

RUNS = 6  # a longer conversation shows its first runs and counts the rest


@dataclass(frozen=True, slots=True)
class Passed:
    """Messages that one chunk completed."""

    to_client: bool
    messages: int
    count: int  # bytes


def runs(exchange: Exchange, chunks: Sequence[Chunk]) -> tuple[Run, ...]:
    """What passed on a stream; from the bodies' sizes when no chunk was kept."""
    if exchange.stream == "sse":
        return _events(exchange, chunks)
    if exchange.stream == "websocket":
        return _messages(chunks) if chunks else _sizes(exchange)
    return ()


def _events(exchange: Exchange, chunks: Sequence[Chunk]) -> tuple[Run, ...]:
    data = b"".join(chunk.data for chunk in chunks if chunk.direction == "received")
    data = data or (exchange.response.body.data if exchange.response else b"")
    events = _event_count(data)
    words = f"{counted(events, 'event')} · {size(len(data))}" if events else size(len(data))
    return (Run(True, words),) if data else ()


def _event_count(data: bytes) -> int:
    """Blocks with a data field, ended by an empty line (WHATWG HTML 9.2.6)."""
    blocks = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n")[:-1]
    return sum(any(line.startswith(b"data") for line in block.split(b"\n")) for block in blocks)


def _messages(chunks: Sequence[Chunk]) -> tuple[Run, ...]:
    found = []
    for to_client, group in groupby(_passed(chunks), key=lambda passed: passed.to_client):
        members = list(group)
        messages, count = sum(each.messages for each in members), sum(each.count for each in members)
        if messages:
            found.append(Run(to_client, f"{counted(messages, 'message')} · {size(count)}"))
    rest = len(found) - RUNS
    return tuple(found) if rest <= 0 else (*found[:RUNS], Run(True, f"... and {counted(rest, 'more run')}"))


def _passed(chunks: Sequence[Chunk]) -> Iterator[Passed]:
    """Count the data frames with FIN that end inside each chunk (RFC 6455 section 5.2)."""
    waiting = {"sent": b"", "received": b""}
    for chunk in chunks:
        data, messages = waiting[chunk.direction] + chunk.data, 0
        while (length := _frame_length(data)) and length <= len(data):
            # A control frame (opcode 8 and up) may stand between the fragments of a message.
            messages += data[0] & 0x80 != 0 and data[0] & 0x0F < 8
            data = data[length:]
        waiting[chunk.direction] = data
        yield Passed(chunk.direction == "received", messages, len(chunk.data))


def _frame_length(data: bytes) -> int:
    """Bytes of the frame at the start of `data`, or 0 while its head is incomplete."""
    if len(data) < 2:
        return 0
    mask, short = (4 if data[1] & 0x80 else 0), data[1] & 0x7F
    if short < 126:
        return 2 + mask + short
    head = 4 if short == 126 else 10
    return head + mask + int.from_bytes(data[2:head], "big") if len(data) >= head else 0


def _sizes(exchange: Exchange) -> tuple[Run, ...]:
    sent = exchange.request.body.size
    received = exchange.response.body.size if exchange.response else 0
    both = (Run(False, f"messages · {size(sent)}"), Run(True, f"messages · {size(received)}"))
    return tuple(run for run, count in zip(both, (sent, received), strict=True) if count)

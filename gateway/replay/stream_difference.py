"""The messages of a WebSocket or an event stream, turn by turn, and what differs between two of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..model.exchange import Chunk, Exchange
from ..model.frames import Deflate, Frame, sse_events, websocket_frames
from ..model.message import Body, Message
from .difference import Difference, diff_bodies
from .noise import Context

Direction = Literal["sent", "received"]


@dataclass(frozen=True, slots=True)
class SocketMessage:
    """One whole message, its fragments joined. `sent` is seen from the client; `data` of a text is UTF-8."""

    sent: bool
    text: bool
    data: bytes
    at_ms: float = 0.0


def conversation(exchange: Exchange, chunks: Sequence[Chunk]) -> list[SocketMessage]:
    """What was said on a recorded WebSocket or event stream, in order; pings, comments and the like left out."""
    if exchange.stream == "sse":
        events = (event for event in sse_events(chunks) if event.complete)
        return [SocketMessage(False, True, event.data.encode(), event.at_ms) for event in events]
    if exchange.stream != "websocket" or exchange.response is None:
        return []
    agreed = Deflate.of(exchange.response.header("sec-websocket-extensions"))
    return list(whole(websocket_frames(chunks, agreed)))


def whole(frames: Iterable[Frame]) -> Iterator[SocketMessage]:
    """Frames as messages; what never became whole is left out (RFC 6455 section 5.4)."""
    open_ones: dict[str, tuple[str, bytes]] = {}
    for frame in frames:
        if frame.kind in ("text", "binary"):
            open_ones[frame.direction] = (frame.kind, frame.data)
        elif frame.kind == "continuation" and frame.direction in open_ones:
            kind, data = open_ones[frame.direction]
            open_ones[frame.direction] = (kind, data + frame.data)
        else:
            continue
        if frame.final and not frame.problem:
            kind, data = open_ones.pop(frame.direction)
            yield SocketMessage(frame.direction == "sent", kind == "text", data, frame.at_ms)


def turns(messages: Sequence[SocketMessage]) -> list[list[SocketMessage]]:
    """What the server said before the client's first message, after it, after its second ..."""
    found: list[list[SocketMessage]] = [[]]
    for message in messages:
        if message.sent:
            found.append([])
        else:
            found[-1].append(message)
    return found


def diff_conversations(
    recorded: Sequence[SocketMessage], replayed: Sequence[SocketMessage], context: Context
) -> Iterator[Difference]:
    """What the server said otherwise. How often it spoke in a turn is a matter of time, silence is not."""
    before, after = turns(recorded), turns(replayed)
    for number, said in enumerate(before):
        answered = after[number] if number < len(after) else []
        place = f"/{number}"
        if said and not answered:
            yield Difference("response.messages", place, _shown(said[0]), None, "high", "data", "removed")
        elif len(said) != len(answered):
            told = f"{len(said)} messages", f"{len(answered)} messages"
            why = "how many came in the time that it took"
            yield Difference("response.messages", place, *told, "none", "time", why=why)
        for at, (one, other) in enumerate(zip(said, answered, strict=False)):
            for found in diff_bodies("response.messages", _message(one), _message(other), context):
                yield replace(found, pointer=f"{place}/{at}{found.pointer}")


def _message(message: SocketMessage) -> Message:
    kind = "application/json" if message.text else "application/octet-stream"
    return Message(headers=(("Content-Type", kind),), body=Body(len(message.data), message.data))


def _shown(message: SocketMessage) -> str:
    return message.data.decode("utf-8", "replace")[:200] if message.text else f"[{len(message.data)} bytes]"

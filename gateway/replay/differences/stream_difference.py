"""The messages of a WebSocket or an event stream, turn by turn, and what differs between two of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from ...model.exchange import Chunk, Exchange
from ...model.frames import Deflate, Frame, sse_events, websocket_frames
from ...model.message import Body, Message
from .difference import Difference, diff_bodies
from .json_difference import read_json
from .noise import Context

Direction = Literal["sent", "received"]


@dataclass(frozen=True, slots=True)
class SocketMessage:
    """One whole message, its fragments joined. `sent` is seen from the client; `data` of a text is UTF-8."""

    sent: bool
    text: bool
    data: bytes
    at_ms: float = 0.0
    event: str = ""  # of an event stream: its name, where it is not "message"


def conversation(exchange: Exchange, chunks: Sequence[Chunk]) -> list[SocketMessage]:
    """What was said on a recorded WebSocket or event stream, in order; pings, comments and the like left out."""
    if exchange.stream == "sse":
        events = (one for one in sse_events(chunks) if one.complete)
        return [
            SocketMessage(False, True, one.data.encode(), one.at_ms, one.event if one.event != "message" else "")
            for one in events
        ]
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
    """What the server said otherwise, by kinds of messages. How often it said one in a turn is a matter of time.

    A kind that came later than in the recording came all the same; one that never came is missing.
    """
    before, after = turns(recorded), turns(replayed)
    for number, said in enumerate(before):
        answered = _by_kind(after[number] if number < len(after) else [])
        later = _by_kind([message for turn in after[max(number - 1, 0) :] for message in turn])
        for kind, messages in _by_kind(said).items():
            counterparts = answered.get(kind) or later.get(kind, [])
            if not counterparts:
                at, message = messages[0]
                place, why = f"/{number}/{at}", f"no message of the kind {kind} came"
                yield Difference("response.messages", place, _shown(message), None, "high", "data", "removed", why)
            same_count = len(messages) == len(counterparts)
            for (at, one), (_, other) in zip(messages if same_count else messages[:1], counterparts, strict=False):
                for found in diff_bodies("response.messages", _message(one), _message(other), context):
                    yield replace(found, pointer=f"/{number}/{at}{found.pointer}")
        if len(said) != len(after[number] if number < len(after) else []):
            told = f"{len(said)} messages", f"{len(after[number]) if number < len(after) else 0} messages"
            why = "how many came in the time that it took"
            yield Difference("response.messages", f"/{number}", *told, "none", "time", why=why)
    known = {kind for turn in before for kind in _by_kind(turn)}
    for kind, messages in _by_kind([message for turn in after for message in turn]).items():
        if known and kind not in known:
            yield Difference("response.messages", "", None, _shown(messages[0][1]), "low", "unknown", "added",
                             f"messages of the kind {kind} are new")  # fmt: skip


KINDS: Final = (
    "type",
    "event",
    "kind",
    "op",
    "action",
    "method",
    "cmd",
    "command",
    "msg_type",
    "topic",
    "t",
    "e",
    "channel",
)


def kind_of_message(message: SocketMessage) -> str:
    """What a message is: the name of its event, its `type` and the like, else which members it has."""
    if not message.text:
        return "binary"
    text = message.data.decode("utf-8", "replace")
    try:
        value = read_json(text)
    except ValueError:
        return message.event or "text"
    if isinstance(value, dict):
        named = next((str(value[name]) for name in KINDS if isinstance(value.get(name), str)), "")
        return " ".join(filter(None, (message.event, named))) or f"{{{', '.join(sorted(value))}}}"
    if isinstance(value, list) and value and isinstance(value[0], str):  # Socket.IO, WAMP: the name stands first
        return f"{message.event} [{value[0]}]".strip()
    return message.event or "JSON"


def _by_kind(messages: Sequence[SocketMessage]) -> dict[str, list[tuple[int, SocketMessage]]]:
    """The messages of each kind, with their numbers."""
    found: dict[str, list[tuple[int, SocketMessage]]] = {}
    for at, message in enumerate(messages):
        found.setdefault(kind_of_message(message), []).append((at, message))
    return found


def _message(message: SocketMessage) -> Message:
    kind = "application/json" if message.text else "application/octet-stream"
    return Message(headers=(("Content-Type", kind),), body=Body(len(message.data), message.data))


def _shown(message: SocketMessage) -> str:
    return message.data.decode("utf-8", "replace")[:200] if message.text else f"[{len(message.data)} bytes]"

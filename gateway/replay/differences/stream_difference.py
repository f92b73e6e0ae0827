"""The messages of a WebSocket or an event stream, turn by turn, and what differs between two of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

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
    "type", "event", "kind", "op", "action", "method", "cmd", "command", "msg_type", "msg", "topic", "t", "e",
    "channel",
)  # fmt: skip
NUMBERED: Final = re.compile(r"\d{1,2}(?:\d-)?(?:/[^,\[{]*,)?\d*(?=[\[{])")  # Socket.IO, Engine.IO: 42, 43/admin,7
STOMP: Final = re.compile(r"([A-Z]{3,16})\r?\n((?:[\w-]+:[^\n]*\n)*)\r?\n", re.ASCII)
PHOENIX: Final = 5  # [join_ref, ref, topic, event, payload]


def payload_of(text: str) -> tuple[str, str, str]:
    """(what stands before it, the document of a message, what stands behind it): heads of Socket.IO and STOMP."""
    head = NUMBERED.match(text) or STOMP.match(text)
    if head is None:
        return "", text, ""
    end = len(text.rstrip("\0\r\n")) if head.re is STOMP else len(text)
    return text[: head.end()], text[head.end() : end], text[end:]


def kind_of_message(message: SocketMessage) -> str:
    """What a message is: the name of its event, its `type` and the like, else which members it has."""
    if not message.text:
        return "binary"
    text = message.data.decode("utf-8", "replace")
    if frame := STOMP.match(text):
        there = re.search(r"(?m)^destination:([^\r\n]*)", frame[2])
        return " ".join(filter(None, (message.event, frame[1], there[1] if there else "")))
    try:
        value = read_json(payload_of(text)[1])
    except ValueError:
        return message.event or "text"
    if isinstance(value, dict):
        named = next((str(value[name]) for name in KINDS if isinstance(value.get(name), str)), "")
        return " ".join(filter(None, (message.event, named))) or f"{{{', '.join(sorted(value))}}}"
    if isinstance(value, list) and value:
        named = _kind_of_list(value)
        return f"{message.event} [{named}]".strip() if named else message.event or "JSON"
    return message.event or "JSON"


def _kind_of_list(value: list[Any]) -> str:
    """Phoenix has topic and event behind two numbers; Socket.IO begins with the name, WAMP and OCPP with a number."""
    if len(value) == PHOENIX and all(isinstance(each, str) for each in value[2:4]):
        return f"{value[2]} {value[3]}"
    first = value[0]
    number = isinstance(first, int | float) and not isinstance(first, bool) and len(value) > 1
    return str(first) if isinstance(first, str) or (number and isinstance(value[1], int | float | str)) else ""


def _by_kind(messages: Sequence[SocketMessage]) -> dict[str, list[tuple[int, SocketMessage]]]:
    """The messages of each kind, with their numbers."""
    found: dict[str, list[tuple[int, SocketMessage]]] = {}
    for at, message in enumerate(messages):
        found.setdefault(kind_of_message(message), []).append((at, message))
    return found


def _message(message: SocketMessage) -> Message:
    kind = "application/json" if message.text else "application/octet-stream"
    data = payload_of(message.data.decode("utf-8", "replace"))[1].encode() if message.text else message.data
    return Message(headers=(("Content-Type", kind),), body=Body(len(data), data))


def _shown(message: SocketMessage) -> str:
    return message.data.decode("utf-8", "replace")[:200] if message.text else f"[{len(message.data)} bytes]"

"""The messages of a WebSocket in a HAR become the frames that passed. Pure.

Chrome's `_webSocketMessages`: type, time, opcode, data. Proxies write the same members; some leave out the opcode or
the time, some call the types request and response, some write binary data as base64 and say so.
"""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime

from ...model.exchange import Chunk
from .base64_dialects import unpacked
from .foreign_json import JsonNode

MOST = 100_000  # messages of one WebSocket
_UNMASKED = b"\0\0\0\0"  # a mask that changes nothing
_TEXT, _BINARY = 1, 2
_OPCODES = (_TEXT, _BINARY, 8, 9, 10)  # RFC 6455 section 11.8
_SENT, _RECEIVED = ("send", "sent", "request", "outgoing"), ("receive", "received", "response", "incoming")


def messages(node: JsonNode, started_at: str) -> Iterator[Chunk]:
    """One chunk per message; none where the entry is no WebSocket."""
    began = datetime.fromisoformat(started_at).timestamp() if started_at else None
    for index, message in enumerate(node.at("_webSocketMessages").items()):
        if index >= MOST:
            raise node.at("_webSocketMessages").wrong(f"holds more than {MOST} messages")
        sent = message.at("type").one_of(*_SENT, *_RECEIVED) in _SENT
        data = _frame(message, masked=sent)
        moment = _seconds(message.at("time"))
        began = moment if began is None else began
        at_ms = max(0.0, round(((moment or began or 0.0) - (began or 0.0)) * 1000, 3))
        yield Chunk(index, at_ms, "sent" if sent else "received", data, len(data))


def _seconds(node: JsonNode) -> float | None:
    """Seconds since 1970; others write milliseconds, or ISO 8601."""
    if isinstance(node.value, str):
        try:
            return datetime.fromisoformat(node.value).timestamp()
        except ValueError:
            return None
    value = node.number()
    return value / 1000 if value is not None and value > 1e11 else value


def _frame(message: JsonNode, *, masked: bool) -> bytes:
    """RFC 6455 section 5.2: one final frame, without compression."""
    opcode = message.at("opcode").whole(_TEXT)
    if opcode not in _OPCODES:
        raise message.at("opcode").wrong(f"is not one of {', '.join(map(str, _OPCODES))}")
    data = _data(message, opcode)
    bit = 0x80 if masked else 0
    if len(data) < 126:
        head = bytes((0x80 | opcode, bit | len(data)))
    elif len(data) < 1 << 16:
        head = struct.pack(">BBH", 0x80 | opcode, bit | 126, len(data))
    else:
        head = struct.pack(">BBQ", 0x80 | opcode, bit | 127, len(data))
    return head + (_UNMASKED if masked else b"") + data


def _data(message: JsonNode, opcode: int) -> bytes:
    text = message.at("data").text("")
    encoding = message.at("encoding").value if message.has("encoding") else ""
    if opcode == _TEXT and encoding != "base64":
        return text.encode()
    try:
        return b64decode(text, validate=True)
    except ValueError:  # some write it in lines or without padding, others the bytes of a close frame as text
        return (unpacked(text) if encoding == "base64" else None) or text.encode()

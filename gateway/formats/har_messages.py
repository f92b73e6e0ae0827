"""The messages of a WebSocket in a HAR, as Chrome writes them, become the frames that passed. Pure."""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime

from ..model.exchange import Chunk
from .node import Node

MOST = 100_000  # messages of one WebSocket
_UNMASKED = b"\0\0\0\0"  # a mask that changes nothing
_TEXT = 1
_OPCODES = (_TEXT, 2, 8, 9, 10)  # RFC 6455 section 11.8


def messages(node: Node, started_at: str) -> Iterator[Chunk]:
    """One chunk per message; none where the entry is no WebSocket."""
    began = datetime.fromisoformat(started_at).timestamp() if started_at else None
    for index, message in enumerate(node.at("_webSocketMessages").items()):
        if index >= MOST:
            raise node.at("_webSocketMessages").wrong(f"holds more than {MOST} messages")
        sent = message.at("type").one_of("send", "receive") == "send"
        data = _frame(message, masked=sent)
        moment = message.at("time").number()
        began = moment if began is None else began
        at_ms = max(0.0, round(((moment or began or 0.0) - (began or 0.0)) * 1000, 3))
        yield Chunk(index, at_ms, "sent" if sent else "received", data, len(data))


def _frame(message: Node, *, masked: bool) -> bytes:
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


def _data(message: Node, opcode: int) -> bytes:
    text = message.at("data").text("")
    if opcode == _TEXT:
        return text.encode()
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return text.encode()  # some write the bytes of a close frame as text

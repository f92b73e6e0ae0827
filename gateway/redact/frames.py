"""WebSocket frames sealed inside the bytes that carried them: unmasked, sealed, masked again. Pure.

Covers whole, uncompressed text and binary frames in one piece of the stream; everything else passes as it is.
"""

from __future__ import annotations

from .json_text import Seal

TEXT, BINARY = 1, 2


def seal_frames(data: bytes, seal_payload: Seal) -> bytes:
    """The same frames with their secrets sealed; lengths are written anew where a payload's length changed."""
    out: list[bytes] = []
    at = 0
    while (frame := _frame(data, at)) is not None:
        start, end, mask = frame
        raw = data[start:end]
        compressed, opcode = data[at] & 0x40, data[at] & 0x0F
        sealed = raw
        if opcode in (0, TEXT, BINARY) and not compressed:
            payload = _masked(raw, mask)
            new = seal_payload(payload)
            sealed = raw if new == payload else _masked(new, mask)
        out.append(data[at:end] if sealed is raw else _head(data[at], len(sealed), mask) + sealed)
        at = end
    return b"".join([*out, data[at:]])


def _frame(data: bytes, at: int) -> tuple[int, int, bytes] | None:
    """(start and end of the payload, mask) of the whole frame at this place (RFC 6455 section 5.2)."""
    if len(data) < at + 2:
        return None
    short = data[at + 1] & 0x7F
    wide = {126: 2, 127: 8}.get(short, 0)
    length = int.from_bytes(data[at + 2 : at + 2 + wide]) if wide else short
    start = at + 2 + wide + (4 if data[at + 1] & 0x80 else 0)
    end = start + length
    if end > len(data):
        return None
    return start, end, data[start - 4 : start] if data[at + 1] & 0x80 else b""


def _head(first: int, length: int, mask: bytes) -> bytes:
    masked = 0x80 if mask else 0
    if length < 126:
        size = bytes([masked | length])
    elif length < 1 << 16:
        size = bytes([masked | 126]) + length.to_bytes(2)
    else:
        size = bytes([masked | 127]) + length.to_bytes(8)
    return bytes([first]) + size + mask


def _masked(data: bytes, mask: bytes) -> bytes:
    if not mask or not data:
        return data
    key = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(key)).to_bytes(len(data))

"""Bodies and timings in a form that people read: JSON laid out, bytes as hex, milliseconds as bars. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..formats.sealed import PLACEHOLDER
from ..model.bodies import SHOWN, decoded, pretty_json, text_of
from ..model.exchange import Exchange, Timing
from ..model.message import Message

HEX_BYTES = 512  # of a body that is not text
TEXT_SHOWN = 256 << 10  # characters; the whole is behind the download link


@dataclass(frozen=True, slots=True)
class ShownBody:
    """A body on a page. `raw` is set when `text` is laid out, and differs from what passed."""

    text: str
    raw: str | None = None
    is_hex: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the timing bar, in thousandths of its width."""

    name: str
    label: str
    x: float
    width: float
    ms: float


def readable_exchange(exchange: Exchange) -> dict[str, object]:
    """What the exchange page shows beside the exchange's JSON."""
    return {
        "request": readable_body(exchange.request),
        "response": readable_body(exchange.response) if exchange.response else None,
        "timing": segments(exchange.timing),
        "sealed": has_sealed(exchange),
    }


def has_sealed(exchange: Exchange) -> bool:
    """Whether placeholders stand for secrets somewhere in this exchange."""
    messages = [exchange.request, *([exchange.response] if exchange.response else [])]
    texts = [exchange.url.encode(), *(value.encode() for one in messages for _, value in one.headers)]
    return any(PLACEHOLDER.search(data) for data in (*texts, *(one.body.data for one in messages)))


def readable_body(message: Message) -> ShownBody:
    body, notes = message.body, []
    if body.truncated:
        notes.append(f"the record kept {len(body.data)} of {body.size} bytes")
    _, problem = decoded(message, SHOWN)
    if problem:
        notes.append(problem)
    text = text_of(message)
    if text is None:
        return ShownBody(hex_dump(body.data[:HEX_BYTES]), is_hex=True, notes=(*notes, *_more(body.data)))
    laid_out = pretty_json(text)
    if len(text) > TEXT_SHOWN:
        notes.append(f"the page shows the first {TEXT_SHOWN} characters of {len(text)}")
    shown = (laid_out or text)[:TEXT_SHOWN]
    raw = text[:TEXT_SHOWN] if laid_out is not None and laid_out != text else None
    return ShownBody(shown, raw, notes=tuple(notes))


def hex_dump(data: bytes) -> str:
    """Offset, sixteen bytes, and what of them is ASCII."""
    lines = []
    for start in range(0, len(data), 16):
        part = data[start : start + 16]
        ascii = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:08x}  {part.hex(' '):<47}  {ascii}")
    return "\n".join(lines)


def segments(timing: Timing) -> tuple[Segment, ...]:
    """Connect, wait for the first byte, receive: as parts of the total."""
    total = timing.total_ms or 0.0
    if total <= 0:
        return ()
    first = min(timing.first_byte_ms if timing.first_byte_ms is not None else total, total)
    connect = min(timing.connect_ms or 0.0, first)
    parts = (
        ("connect", "connecting", 0.0, connect),
        ("wait", "waiting for the first byte", connect, first),
        ("body", "receiving", first, total),
    )
    return tuple(
        Segment(name, label, round(1000 * start / total, 1), round(1000 * (end - start) / total, 1), end - start)
        for name, label, start, end in parts
        if end > start
    )


def _more(data: bytes) -> tuple[str, ...]:
    return (f"the page shows the first {HEX_BYTES} of {len(data)} bytes",) if len(data) > HEX_BYTES else ()

"""Bodies and timings in a form that people read: JSON laid out, bytes as hex, milliseconds as bars. Pure."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from html.parser import HTMLParser

from ..export.scenario.sealed_secrets import PLACEHOLDER
from ..model.bodies import SHOWN, decoded, media_type, pretty_json, text_of
from ..model.exchange import Exchange, Timing
from ..model.message import Message, Request, Response

HEX_BYTES = 512  # of a body that is not text
PICTURE = 512 << 10  # bytes of a picture that is shown in the page
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml", "image/avif", "image/x-icon")
SILENT = ("script", "style", "template")
INLINE = ("a", "abbr", "b", "cite", "code", "em", "i", "kbd", "label", "small", "span", "strong", "sub", "sup", "u")
TEXT_SHOWN = 256 << 10  # characters; the whole is behind the download link


@dataclass(frozen=True, slots=True)
class ShownBody:
    """A body on a page. `raw` is set when `text` is laid out, and differs from what passed."""

    text: str
    raw: str | None = None
    is_hex: bool = False
    notes: tuple[str, ...] = ()
    picture: str = ""  # a data: URL for <img>, where nothing in it can run
    words: str = ""  # of an HTML page, what a reader would read


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
        "request_head": wire(exchange.request),
        "response_head": wire(exchange.response) if exchange.response else "",
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
    if body.sealed_rest:
        notes.append(
            "what stands behind the text is sealed as a whole: it holds too much to look into, and is played back"
        )
    _, problem = decoded(message, SHOWN)
    if problem:
        notes.append(problem)
    text, picture = text_of(message), _picture(message)
    if text is None:
        dump = hex_dump(body.data[:HEX_BYTES])
        return ShownBody(dump, is_hex=True, notes=(*notes, *_more(body.data)), picture=picture)
    laid_out = pretty_json(text)
    if len(text) > TEXT_SHOWN:
        notes.append(f"the page shows the first {TEXT_SHOWN} characters of {len(text)}")
    shown = (laid_out or text)[:TEXT_SHOWN]
    raw = text[:TEXT_SHOWN] if laid_out is not None and laid_out != text else None
    return ShownBody(shown, raw, notes=tuple(notes), picture=picture, words=_words(message, text))


def wire(message: Message) -> str:
    """The head of a message as it stood on the wire, one line each."""
    if isinstance(message, Request):
        first = f"{message.method} {message.target} HTTP/{message.http_version}"
    elif isinstance(message, Response):
        first = f"HTTP/{message.http_version} {message.status} {message.reason}".rstrip()
    else:
        first = ""
    return "\n".join([first, *(f"{name}: {value}" for name, value in message.headers)])


def _picture(message: Message) -> str:
    """An image that is whole and of bearable size; formats that browsers know."""
    kind = media_type(message)
    data, problem = decoded(message, PICTURE)
    if kind not in PICTURES or problem or message.body.truncated or not 0 < len(data) < PICTURE:
        return ""
    return f"data:{kind};base64,{b64encode(data).decode()}"


def _words(message: Message, text: str) -> str:
    """The text of an HTML page, without its tags, scripts and styles."""
    if media_type(message) not in ("text/html", "application/xhtml+xml"):
        return ""
    reader = _Words()
    reader.feed(text[:TEXT_SHOWN])
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).splitlines())
    return "\n".join(line for line in lines if line)


class _Words(HTMLParser):
    """Collects what stands between the tags; a block begins a line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT
        if tag not in INLINE:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(self._silent - (tag in SILENT), 0)
        if tag not in INLINE:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


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

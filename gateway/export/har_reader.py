"""HAR files of other programs, read leniently: what is missing is filled in, what is senseless is refused. Pure.

Seen in the wild: a byte order mark, null redirectURL, no timings, sizes of -1 or as text, "http/2.0" and "h3",
pseudo headers, status 0, bodies that claim base64 and are none, addresses without their brackets.
"""

from __future__ import annotations

import re
import struct
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote_plus

from ..model.exchange import Chunk, Exchange, Failure, Timing
from ..model.message import Body, Pairs, Request, Response
from ..model.recording import Recording
from .foreign_json import Node
from .imported_recording import Imported, Locate, placed
from .urls import ascii_url, split_origin

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


VERSIONS = {"1.0": "1.0", "2": "2", "2.0": "2", "h2": "2", "3": "3", "3.0": "3", "h3": "3"}
_HTTP = ("http://", "https://", "ws://", "wss://")


def load(root: Node, locate: Locate) -> list[Imported]:
    """One recording per page of our own files, one for all entries of foreign ones."""
    log = root.at("log")
    ours = log.at("creator").at("name").value == "What-If Gateway" if log.has("creator") else False
    entries = [_entry(node, locate) for node in log.at("entries").items()]
    told = [one for one in entries if one is not None]
    if not told:
        raise log.at("entries").wrong("holds no exchange over HTTP")
    pages = list(log.at("pages").items())
    titles = {page.at("id").value: _words(page.at("title")) for page in pages if isinstance(page.at("id").value, str)}
    if not ours or len(titles) < 2:
        return [_recording(next(iter(titles.values()), ""), told)]
    groups = {id: [one for one in told if one.page == id] for id in titles}
    return [_recording(titles[id], found) for id, found in groups.items() if found]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of the log."""

    page: str
    exchange: Exchange
    chunks: tuple[Chunk, ...]


def _recording(title: str, entries: list[_Entry]) -> Imported:
    if all(one.exchange.started_at for one in entries):  # browsers write entries as they end
        entries.sort(key=lambda one: one.exchange.started_at)
    steps = tuple(replace(one.exchange, step=step) for step, one in enumerate(entries, 1))
    chunks = {step: one.chunks for step, one in enumerate(entries, 1) if one.chunks}
    return Imported(Recording(id="", title=title, session="", kind="import"), steps, chunks)


def _words(node: Node) -> str:
    return node.value.strip() if isinstance(node.value, str) else ""


def _entry(node: Node, locate: Locate) -> _Entry | None:
    """None for what did not go over HTTP: data:, blob:, chrome-extension: ..."""
    request = node.at("request")
    url = ascii_url(request.at("url").text().partition("#")[0].strip())
    if not url.lower().startswith(_HTTP):
        return None
    url = _bracketed(url)
    exchange = Exchange(
        id="",
        recording="",
        step=0,
        session="",
        started_at=_moment(node.at("startedDateTime")),
        url=url,
        request=_request(request, url),
        status=_status(node.at("response")),
        response=_response(node.at("response"), head=_words(request.at("method")).upper() == "HEAD"),
        failure=_failure(node.at("response")),
        timing=_timing(node),
        stream="websocket" if node.has("_webSocketMessages") else "",
        notes=tuple(_notes(node)),
        cluster=_words(node.at("_cluster")),
        environment=_words(node.at("_environment")),
        upstream_url=_words(node.at("_upstreamUrl")),
    )
    page = node.at("pageref").value
    found = exchange if exchange.cluster else placed(exchange, locate)
    return _Entry(page if isinstance(page, str) else "", found, tuple(messages(node, exchange.started_at)))


def _bracketed(url: str) -> str:
    """http://::1:8080/x, as some write it, becomes http://[::1]:8080/x."""
    origin, rest = split_origin(url)
    scheme, _, authority = origin.partition("://")
    if authority.count(":") > 1 and "[" not in authority and "@" not in authority:
        host, _, port = authority.rpartition(":")
        return f"{scheme}://[{host}]:{port}{rest}"
    return url


def _moment(node: Node) -> str:
    """ "" where there is none or it cannot be read."""
    try:
        moment = datetime.fromisoformat(_words(node))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _notes(node: Node) -> Iterator[str]:
    if comment := _words(node.at("comment")):
        yield comment


def _request(node: Node, url: str) -> Request:
    method = node.at("method").text("GET").strip() or "GET"
    if not method.isascii() or not method.isprintable() or " " in method:
        raise node.at("method").wrong("is no method")
    rest = split_origin(url)[1]
    return Request(
        http_version=_version(node),
        headers=_headers(node),
        body=_post_data(node),
        method=method,
        target=rest if rest.startswith("/") else f"/{rest}",
    )


def _version(node: Node) -> str:
    words = _words(node.at("httpVersion")).lower().removeprefix("http/")
    return VERSIONS.get(words, "1.1")


def _headers(node: Node) -> Pairs:
    """Without pseudo headers (":path" is the first line of HTTP/2) and without codings: a HAR has none."""
    found = []
    for item in node.at("headers").items():
        name, value = _words(item.at("name")), item.at("value").value
        text = "" if value is None else str(value) if not isinstance(value, str) else item.at("value").text()
        if name and not name.startswith(":") and name.lower() not in ("content-encoding", "transfer-encoding"):
            found.append((_line(name), _line(text)))
    return tuple(found)


def _line(text: str) -> str:
    return text.replace("\r\n", " ").replace("\n", " ").replace("\r", " ").replace("\0", "")


def _post_data(node: Node) -> Body:
    post = node.at("postData")
    if post.value is None:
        return Body()
    text = post.at("text")
    if isinstance(text.value, str) and text.value:
        data = _unpacked(text, _words(post.at("_encoding")) or _words(post.at("encoding")))
    else:
        pairs = ((_words(item.at("name")), _words(item.at("value"))) for item in post.at("params").items())
        data = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs).encode()
    return Body(_size(node.at("bodySize"), data, cut=post.at("_truncated").value is True), data)


def _size(node: Node, data: bytes, *, cut: bool) -> int:
    """The true size of what the file says it has only a part of."""
    size = node.value if isinstance(node.value, int) and not isinstance(node.value, bool) else 0
    return max(min(size, 1 << 53), len(data) + 1) if cut else len(data)


def _unpacked(node: Node, encoding: str) -> bytes:
    raw = node.text("").encode()
    if encoding.lower() == "base64":
        try:
            return b64decode(raw, validate=True)
        except ValueError:  # says base64 and is none
            return raw
    return raw


def _status(node: Node) -> int | None:
    value = node.at("status").value if node.value is not None else None
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 5:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 100 <= value <= 999:
        return None
    return value


def _response(node: Node, *, head: bool) -> Response | None:
    status = _status(node)
    if status is None or node.has("_error"):
        return None
    content = node.at("content")
    fields = _headers(node)
    if isinstance(content.value, dict) and isinstance(content.at("text").value, str):
        data = _unpacked(content.at("text"), _words(content.at("encoding")))
        body = Body(_size(node.at("bodySize"), data, cut=content.at("_truncated").value is True), data)
    else:
        body = Body(0 if head or status in (204, 304) else _left_out(node, content, fields))
    reason = _line(_words(node.at("statusText")))
    return Response(http_version=_version(node), headers=fields, body=body, status=status, reason=reason)


def _left_out(node: Node, content: Node, fields: Pairs) -> int:
    """The size of a body that was not written down, as browsers leave those out that no page has read."""
    told = [content.at("size").value if isinstance(content.value, dict) else None, node.at("bodySize").value]
    lengths = (value for name, value in fields if name.lower() == "content-length")
    told += [int(value) for value in lengths if re.fullmatch(r"\d{1,15}", value)]
    sizes = (size for size in told if isinstance(size, int) and not isinstance(size, bool))
    return next((size for size in sizes if 0 < size < 1 << 53), 0)


def _failure(node: Node) -> Failure | None:
    if node.value is not None and _status(node) is not None and not node.has("_error"):
        return None
    words = _words(node.at("_error")) if node.value is not None else ""
    return Failure("connection_terminated", words or "the file says nothing of an answer")


def _timing(node: Node) -> Timing:
    waits = node.at("timings")
    return Timing(
        total_ms=_ms(node.at("time")), connect_ms=_ms(waits.at("connect")) if waits.value is not None else None
    )


def _ms(node: Node) -> float | None:
    """Milliseconds; None for -1, null and nonsense."""
    value = node.value
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12
    return float(value) if known else None

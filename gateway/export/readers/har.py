"""HAR files of other programs, read leniently: what is missing is filled in, what is senseless is refused. Pure.

Seen in the wild: a byte order mark, null redirectURL, no timings, sizes of -1 or as text, "http/2.0" and "h3",
pseudo headers, status 0, bodies that claim base64 and are none, addresses without their brackets, queries, cookies and
forms that stand in their arrays only, headers as an object, statuses beside an error, entries without a time.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, quote_plus

from ...errors import UsageError
from ...model.bodies import CHARSET
from ...model.exchange import FAILURE_KINDS, Chunk, Exchange, Failure, Timing
from ...model.message import Body, Pairs, Request, Response
from ...model.multipart import Part, encode
from ...model.recording import Recording
from ..urls import split_origin
from .base64_dialects import unpacked
from .foreign_json import JsonNode
from .har_websocket import messages
from .import_report import Omission
from .import_url import utf8_url, without_user
from .imported_recording import Imported, Locate, placed

VERSIONS = {"1.0": "1.0", "2": "2", "2.0": "2", "h2": "2", "3": "3", "3.0": "3", "h3": "3"}
PHASES = ("blocked", "dns", "connect", "ssl", "send", "wait", "receive")
_HTTP = ("http://", "https://", "ws://", "wss://")
_FORM = "application/x-www-form-urlencoded"
# Firefox writes the headers of a form's stream before its data.
_STREAM_HEAD = re.compile(r"(?:Content-(?:Type|Length|Disposition):[^\r\n]*\r\n)+\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of the log."""

    page: str
    exchange: Exchange
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class _EntryReader:
    """How entries are read; `ours` marks a file of this gateway, which lacks nothing."""

    locate: Locate
    read_file: Callable[[str], bytes]
    ours: bool
    omissions: list[Omission]


def load(root: JsonNode, locate: Locate, read_file: Callable[[str], bytes]) -> tuple[list[Imported], list[Omission]]:
    """One recording per page of our own files, one for all entries of foreign ones; and what was left out."""
    log = root.at("log")
    ours = log.at("creator").at("name").value == "What-If Gateway" if log.has("creator") else False
    reader = _EntryReader(locate, read_file, ours, [])
    entries = [one for node in log.at("entries").items() if (one := _entry(node, reader)) is not None]
    schemes = Counter(scheme for node in log.at("entries").items() if (scheme := _foreign_scheme(node)))
    reader.omissions.extend(
        Omission(f"{count} entr{'y' if count == 1 else 'ies'} of {scheme}", "not sent over HTTP")
        for scheme, count in schemes.items()
    )
    if not entries:
        return [], reader.omissions
    pages = [page for page in log.at("pages").items() if isinstance(page.at("id").value, str)]
    titles = {page.at("id").text(): _words(page.at("title")) for page in pages}
    notes = {page.at("id").text(): _words(page.at("comment")) for page in pages}
    if not ours:
        return [_foreign(titles, notes, entries)], reader.omissions
    groups = {id: [one for one in entries if one.page == id] for id in titles}
    if len(groups) < 2:
        groups = {next(iter(titles), ""): entries}
    return [_recording(titles.get(id, ""), found, notes.get(id, "")) for id, found in groups.items() if found], []


def _foreign(titles: dict[str, str], notes: dict[str, str], entries: list[_Entry]) -> Imported:
    """Where there are several pages, the first step of each says which one begins with it."""
    found = _recording(next(iter(titles.values()), ""), entries, "\n".join(note for note in notes.values() if note))
    if len(titles) < 2:
        return found
    by_step = {step: one.page for step, one in enumerate(_in_order(entries), 1)}
    steps, begun = [], set()
    for exchange in found.exchanges:
        page = by_step[exchange.step]
        if page in titles and page not in begun:
            begun.add(page)
            exchange = replace(exchange, notes=(f"Page: {titles[page] or page}", *exchange.notes))
        steps.append(exchange)
    return replace(found, exchanges=tuple(steps))


def _recording(title: str, entries: list[_Entry], note: str) -> Imported:
    entries = _in_order(entries)
    steps = tuple(replace(one.exchange, step=step) for step, one in enumerate(entries, 1))
    chunks = {step: one.chunks for step, one in enumerate(entries, 1) if one.chunks}
    notes = (note,) if note else ()
    return Imported(Recording(id="", title=title, session="", kind="import", notes=notes), steps, chunks)


def _in_order(entries: list[_Entry]) -> list[_Entry]:
    """By time: browsers write entries as they end. One without a time stays behind the one that stands before it."""
    last = next((one.exchange.started_at for one in entries if one.exchange.started_at), "")
    timed = []
    for one in entries:
        if not one.exchange.started_at and last:
            told = replace(one.exchange, started_at=last, notes=(*one.exchange.notes, "The file gives no time for it."))
            one = replace(one, exchange=told)
        last = one.exchange.started_at or last
        timed.append(one)
    return sorted(timed, key=lambda one: one.exchange.started_at)


def _words(node: JsonNode) -> str:
    return node.value.strip() if isinstance(node.value, str) else ""


def _foreign_scheme(node: JsonNode) -> str:
    """ "data:", "blob:", "chrome-extension:"; "" for what is HTTP."""
    url = node.at("request").at("url").text().strip()
    if url.lower().startswith(_HTTP):
        return ""
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)", url)
    return found[0].lower() if found else "another kind"


def _entry(node: JsonNode, reader: _EntryReader) -> _Entry | None:
    """None for what did not go over HTTP: data:, blob:, chrome-extension: ..."""
    asked, answered = node.at("request"), node.at("response")
    if _foreign_scheme(node):
        return None
    url, user = without_user(utf8_url(_bracketed(asked.at("url").text().partition("#")[0].strip())))
    url = _with_query(url, asked)
    request, notes = _request(asked, url, user, reader)
    failure = _failure(node, reader)
    exchange = Exchange(
        id="",
        recording="",
        step=0,
        session="",
        started_at=_moment(node.at("startedDateTime")),
        url=split_origin(url)[0] + request.target,
        request=request,
        status=_status(answered),
        response=None if failure else _response(answered, reader, head=request.method.upper() == "HEAD"),
        failure=failure,
        timing=_timing(node),
        stream=_stream(node, url),
        notes=(*_notes(node, answered, failure), *notes),
        cluster=_words(node.at("_cluster")),
        environment=_words(node.at("_environment")),
        upstream_url=without_user(_words(node.at("_upstreamUrl")))[0],
    )
    page = node.at("pageref").value
    found = exchange if exchange.cluster else placed(exchange, reader.locate)
    return _Entry(page if isinstance(page, str) else "", found, tuple(messages(node, exchange.started_at)))


def _stream(node: JsonNode, url: str) -> str:
    if node.has("_webSocketMessages") or url.lower().startswith("ws"):
        return "websocket"
    return "websocket" if node.at("_stream").value == "websocket" else ""


def _bracketed(url: str) -> str:
    """http://::1:8080/x, as some write it, becomes http://[::1]:8080/x."""
    origin, rest = split_origin(url)
    scheme, _, authority = origin.partition("://")
    if authority.count(":") > 1 and "[" not in authority and "@" not in authority:
        host, _, port = authority.rpartition(":")
        return f"{scheme}://[{host}]:{port}{rest}"
    return url


def _with_query(url: str, node: JsonNode) -> str:
    """A query that stands only in `queryString`: names and values are decoded there (HAR 1.2)."""
    if "?" in url:
        return url
    pairs = [
        (_shown(item.at("name")), item.at("value").value, _shown(item.at("value")))
        for item in _objects(node.at("queryString"))
    ]
    query = "&".join(
        _query_part(name) + ("" if value is None else f"={_query_part(text)}")
        for name, value, text in pairs
        if name or text
    )
    return f"{url}?{query}" if query else url


def _query_part(text: str) -> str:
    """Some tools decode what stands there and some do not: what is percent-encoded already stays."""
    return quote(text, safe="%-._~!$'()*,;:@/?[]" if re.search(r"%[0-9A-Fa-f]{2}", text) else "-._~!$'()*,;:@/?[]")


def _moment(node: JsonNode) -> str:
    """ "" where there is none or it cannot be read. ISO 8601, a date of mail, or milliseconds since 1970."""
    value = node.value
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        else:
            moment = _parsed_moment(_words(node))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, OSError):
        return ""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _parsed_moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parsedate_to_datetime(text)


def _notes(node: JsonNode, response: JsonNode, failure: Failure | None) -> Iterator[str]:
    if comment := _words(node.at("comment")):
        yield comment
    error = _words(response.at("_error")) if response.value is not None else ""
    if error and failure is None:
        yield f"The file notes an error beside its response: {error}."


# Requests.


def _request(node: JsonNode, url: str, user: str, reader: _EntryReader) -> tuple[Request, list[str]]:
    method = node.at("method").text("GET").strip() or "GET"
    if not method.isascii() or not method.isprintable() or " " in method:
        raise node.at("method").wrong("is no method")
    rest = split_origin(url)[1]
    headers = _headers(node)
    if cookies := _cookies(node, headers):
        headers = (*headers, ("Cookie", cookies))
    if user and not _header(headers, "authorization"):
        headers = (*headers, ("Authorization", user))
    body, media, notes = _post_data(node, headers, reader)
    if media and not reader.ours:
        headers = _typed(headers, media)
    target = rest if rest.startswith("/") else f"/{rest}"
    return Request(http_version=_version(node), headers=headers, body=body, method=method, target=target), notes


def _cookies(node: JsonNode, headers: Pairs) -> str:
    """Cookies that stand only in their array."""
    if _header(headers, "cookie"):
        return ""
    return "; ".join(
        f"{_line(_shown(item.at('name')))}={_line(_shown(item.at('value')))}" for item in _objects(node.at("cookies"))
    )


def _typed(headers: Pairs, media: str) -> Pairs:
    """With the type of the body, where no header says it; a form that was made here needs the boundary of its parts."""
    given = _header(headers, "content-type")
    if not given:
        return (*headers, ("Content-Type", media))
    if "boundary=" in media and "boundary=" not in given:
        return tuple((name, media if name.lower() == "content-type" else value) for name, value in headers)
    return headers


def _version(node: JsonNode) -> str:
    words = _words(node.at("httpVersion")).lower().removeprefix("http/")
    return VERSIONS.get(words, "1.1")


def _objects(node: JsonNode) -> list[JsonNode]:
    """The objects of a list; some tools write null, or an object of names and values instead."""
    if isinstance(node.value, dict):
        return [JsonNode({"name": name, "value": value}, f"{node.place}.{name}") for name, value in node.value.items()]
    return [item for item in node.items() if isinstance(item.value, dict)]


def _shown(node: JsonNode) -> str:
    value = node.value
    return node.text() if isinstance(value, str) else "" if value is None else str(value)


def _headers(node: JsonNode) -> Pairs:
    """Without pseudo headers (":path" is the first line of HTTP/2) and without codings: a HAR has none."""
    found = []
    for item in _objects(node.at("headers")):
        name = _words(item.at("name"))
        if name and not name.startswith(":") and name.lower() not in ("content-encoding", "transfer-encoding"):
            # Chrome joins what came several times by line ends.
            lines = _shown(item.at("value")).split("\n") if name.lower() == "set-cookie" else [_shown(item.at("value"))]
            found += [(_line(name), _line(line.strip("\r"))) for line in lines]
    return tuple(found)


def _header(headers: Pairs, name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")


def _line(text: str) -> str:
    return text.replace("\r\n", " ").replace("\n", " ").replace("\r", " ").replace("\0", "")


def _post_data(node: JsonNode, headers: Pairs, reader: _EntryReader) -> tuple[Body, str, list[str]]:
    """(body, media type, notes about what is not in it)."""
    post = node.at("postData")
    if not isinstance(post.value, dict):
        return Body(), "", []
    media = _line(_words(post.at("mimeType")))
    declared = _header(headers, "content-type") or media
    text = _content_text(post.at("text"))
    if text:
        data = _bytes(text, _words(post.at("_encoding")) or _words(post.at("encoding")), declared)
        if media.lower().startswith(_FORM):
            data = data[found.end() :] if (found := _STREAM_HEAD.match(text)) else data
        return Body(_size(node.at("bodySize"), data, cut=post.at("_truncated").value is True), data), media, []
    if isinstance(file := post.at("_file").value, str):
        return *_beside(file, reader, post.place), []
    params = _objects(post.at("params"))
    if not params:
        return Body(), media if _words(post.at("text")) else "", []
    if "multipart/" in declared.lower():
        return _multipart(params, declared)
    data = "&".join(
        f"{quote_plus(_shown(one.at('name')))}={quote_plus(_shown(one.at('value')))}" for one in params
    ).encode()
    return Body(len(data), data), media or _FORM, []


def _beside(name: str, reader: _EntryReader, place: str) -> tuple[Body, str]:
    """Playwright keeps bodies in files beside the HAR."""
    try:
        data = reader.read_file(name)
    except UsageError as error:
        reader.omissions.append(Omission(f"the body in the file {name[:80]}", error.message, place))
        return Body(), ""
    return Body(len(data), data), ""


def _multipart(params: list[JsonNode], declared: str) -> tuple[Body, str, list[str]]:
    """The parts of a form with their file names; what a HAR has no content of is said."""
    parts, notes = [], []
    for one in params:
        name, content = _shown(one.at("name")), _shown(one.at("value"))
        file_name = one.at("fileName").value
        if isinstance(file_name, str) and not content:
            notes.append(f"The content of the file {file_name} (part {name}) is not in the HAR.")
        encoding = _words(one.at("_encoding")) or _words(one.at("encoding"))
        parts.append(
            Part(
                name, _bytes(content, encoding, ""), file_name if isinstance(file_name, str) else None,
                _line(_words(one.at("contentType"))),
            )
        )  # fmt: skip
    found = re.search(r'boundary="?([^";,\s]+)"?', declared)
    data, boundary = encode(parts, found[1] if found else "")
    return Body(len(data), data), f"{declared.partition(';')[0].strip()}; boundary={boundary}", notes


def _content_text(node: JsonNode) -> str:
    """Text; some tools write JSON as it is instead of as a text."""
    if isinstance(node.value, dict | list):
        return json.dumps(node.value, ensure_ascii=False, separators=(",", ":"))
    return _shown(node)


def _size(node: JsonNode, data: bytes, *, cut: bool) -> int:
    """The true size of what the file says it has only a part of."""
    size = node.value if isinstance(node.value, int) and not isinstance(node.value, bool) else 0
    return max(min(size, 1 << 53), len(data) + 1) if cut else len(data)


def _bytes(text: str, encoding: str, media: str) -> bytes:
    """base64 in its dialects; else the text in the charset that its type names, as it was on the wire."""
    if encoding.lower() == "base64":
        data = unpacked(text)
        if data is not None:  # some say base64 and write text
            return data
    declared = CHARSET.search(media)
    name = (declared[1] or declared[2] or "").strip() if declared else ""
    try:
        return text.encode(codecs.lookup(name).name) if name else text.encode("utf-8", "replace")
    except UnicodeEncodeError:  # browsers read more in some charsets than their names say; the mark says it is UTF-8
        return codecs.BOM_UTF8 + text.encode("utf-8", "replace")
    except (LookupError, ValueError):
        return text.encode("utf-8", "replace")


# Responses.


def _status(node: JsonNode) -> int | None:
    value = node.at("status").value if isinstance(node.value, dict) else None
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 5:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 100 <= value <= 999:
        return None
    return value


def _response(node: JsonNode, reader: _EntryReader, *, head: bool) -> Response | None:
    status = _status(node)
    if status is None:
        return None
    content = node.at("content")
    fields = _response_headers(node, content, status, reader)
    media = _header(fields, "content-type")
    if isinstance(content.value, dict) and isinstance(content.at("text").value, str | dict | list):
        data = _bytes(_content_text(content.at("text")), _words(content.at("encoding")), media)
        body = Body(_size(node.at("bodySize"), data, cut=content.at("_truncated").value is True), data)
    elif isinstance(content.value, dict) and isinstance(file := content.at("_file").value, str):
        body = _beside(file, reader, content.place)[0]
    else:
        body = Body(0 if head or status in (204, 304) else _left_out(node, content, fields))
    reason = _line(_words(node.at("statusText")))
    return Response(http_version=_version(node), headers=fields, body=body, status=status, reason=reason)


def _response_headers(node: JsonNode, content: JsonNode, status: int, reader: _EntryReader) -> Pairs:
    """With what stands only in members of its own: the type, cookies, the address of a redirect."""
    headers = _headers(node)
    if reader.ours:
        return headers
    media = _line(_words(content.at("mimeType"))) if isinstance(content.value, dict) else ""
    if (
        media
        and media != "x-unknown"
        and not _header(headers, "content-type")
        and isinstance(content.at("text").value, str)
    ):
        headers = (*headers, ("Content-Type", media))
    if not _header(headers, "set-cookie"):
        headers = (*headers, *(("Set-Cookie", _set_cookie(item)) for item in _objects(node.at("cookies"))))
    location = _line(_words(node.at("redirectURL")))
    if location and 300 <= status < 400 and not _header(headers, "location"):
        headers = (*headers, ("Location", location))
    return headers


def _set_cookie(node: JsonNode) -> str:
    found = f"{_line(_shown(node.at('name')))}={_line(_shown(node.at('value')))}"
    for member, attribute in (
        ("path", "Path"),
        ("domain", "Domain"),
        ("sameSite", "SameSite"),
        ("_sameSite", "SameSite"),
    ):
        if value := _line(_words(node.at(member))):
            found += f"; {attribute}={value}"
    if expires := _moment(node.at("expires")):
        found += f"; Expires={datetime.fromisoformat(expires):%a, %d %b %Y %H:%M:%S} GMT"
    found += "; HttpOnly" if node.at("httpOnly").value is True else ""
    return found + ("; Secure" if node.at("secure").value is True else "")


def _left_out(node: JsonNode, content: JsonNode, fields: Pairs) -> int:
    """The size of a body that was not written down, as browsers leave those out that no page has read."""
    told = [content.at("size").value if isinstance(content.value, dict) else None, node.at("bodySize").value]
    lengths = (value for name, value in fields if name.lower() == "content-length")
    told += [int(value) for value in lengths if re.fullmatch(r"\d{1,15}", value)]
    sizes = (size for size in told if isinstance(size, int) and not isinstance(size, bool))
    return next((size for size in sizes if 0 < size < 1 << 53), 0)


def _failure(node: JsonNode, reader: _EntryReader) -> Failure | None:
    """Our own files say which failure it was; in others a status is a response, whatever error is beside it."""
    told: Any = node.at("_failure").value
    if isinstance(told, dict) and told.get("kind") in FAILURE_KINDS:
        return Failure(told["kind"], str(told.get("detail") or ""))
    response = node.at("response")
    if _status(response) is not None and not (reader.ours and response.has("_error")):
        return None
    words = _words(response.at("_error")) if isinstance(response.value, dict) else ""
    return Failure("connection_terminated", words or "the file says nothing of a response")


# Times.


def _timing(node: JsonNode) -> Timing:
    """The phases as the file has them; the time to the first byte is what comes before `receive` (HAR 1.2)."""
    waits = node.at("timings")
    phases = {
        name: ms
        for name in PHASES
        if (ms := _ms(waits.at(name)) if isinstance(waits.value, dict) else None) is not None
    }
    before = [ms for name, ms in phases.items() if name not in ("receive", "ssl")]  # connect includes ssl
    total = _ms(node.at("time"))
    if total is None and phases:
        total = sum(before) + phases.get("receive", 0.0)
    first = min(round(sum(before), 3), total or 0.0) if "wait" in phases else None
    return Timing(
        total_ms=total, connect_ms=phases.get("connect"), first_byte_ms=first,
        phases=tuple(phases.items()),
    )  # fmt: skip


def _ms(node: JsonNode) -> float | None:
    """Milliseconds; None for -1, null and nonsense."""
    value = node.value
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12
    return float(value) if known and isinstance(value, int | float) else None

"""HAR 1.2, strict: every required member, nothing of our own without an underscore. Pure.

http://www.softwareishard.com/blog/har-12-spec/: one page per recording, one entry per exchange.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl

from ..model.bodies import decoded, text_of
from ..model.exchange import Chunk, Exchange, Timing
from ..model.frames import KINDS, Deflate, websocket_frames
from ..model.message import Message, Pairs, Response
from ..model.recording import Recording
from .format import ALONE, Beside, Recordings
from .json import dumped
from .urls import ascii_url, split_origin

_PHASES = ("blocked", "dns", "connect", "ssl", "send", "wait", "receive")
EPOCH = "1970-01-01T00:00:00.000Z"  # for imported exchanges without a time
Object = dict[str, Any]
_OPCODES = {kind: opcode for opcode, kind in KINDS.items()}


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """One log for all recordings; secrets stay placeholders."""
    log = {
        "version": "1.2",
        "creator": {"name": "What-If Gateway", "version": version},
        "pages": [_page(recording) for recording, _ in recordings],
        "entries": [
            _entry(exchange, beside.chunks(exchange.id) if exchange.stream == "websocket" else ())
            for _, exchanges in recordings
            for exchange in exchanges
        ],
    }
    return dumped({"log": log})


def _page(recording: Recording) -> Object:
    page: Object = {
        "startedDateTime": recording.started_at or EPOCH,
        "id": recording.id,
        "title": recording.title or recording.id,
        "pageTimings": {"onContentLoad": -1, "onLoad": -1},
    }
    return page | _comment(recording.notes)


def _comment(notes: tuple[str, ...]) -> Object:
    return {"comment": "\n".join(notes)} if notes else {}


def _entry(exchange: Exchange, chunks: Sequence[Chunk]) -> Object:
    timings = _timings(exchange.timing)
    entry: Object = {
        "pageref": exchange.recording,
        "startedDateTime": exchange.started_at or EPOCH,
        "time": _total(exchange.timing, timings),
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": timings,
    }
    messages = {"_webSocketMessages": _messages(exchange, chunks)} if chunks else {}
    return entry | _comment(exchange.notes) | _provenance(exchange) | messages


def _messages(exchange: Exchange, chunks: Sequence[Chunk]) -> list[Object]:
    """The frames of a WebSocket in the members that Chrome uses: binary data as base64."""
    extensions = exchange.response.header("sec-websocket-extensions") if exchange.response else ""
    began = datetime.fromisoformat(exchange.started_at or EPOCH).timestamp()
    return [
        {
            "type": "send" if frame.direction == "sent" else "receive",
            "time": round(began + frame.at_ms / 1000, 6),
            "opcode": _OPCODES[frame.kind],
            "data": frame.data.decode("utf-8", "replace") if frame.kind == "text" else b64encode(frame.data).decode(),
        }
        for frame in websocket_frames(chunks, Deflate.of(extensions))
        if frame.kind in _OPCODES
    ]


def _provenance(exchange: Exchange) -> Object:
    """What HAR has no word for; left out where there is nothing to say."""
    failure = exchange.failure
    facts = {
        "_id": exchange.id,
        "_step": exchange.step,
        "_session": exchange.session,
        "_cluster": exchange.cluster,
        "_environment": exchange.environment,
        "_upstreamUrl": exchange.upstream_url,
        "_routesRevision": exchange.routes_revision,
        "_mode": exchange.mode,
        "_override": exchange.override,
        "_state": exchange.state if exchange.state != "done" else "",
        "_stream": exchange.stream,
        "_tags": list(exchange.tags),
        "_failure": {"kind": failure.kind, "detail": failure.detail} if failure else None,
    }
    return {name: value for name, value in facts.items() if value not in (None, "", [])}


def _total(timing: Timing, timings: dict[str, float]) -> float:
    """The sum of the phases, of which `connect` includes `ssl`; what another tool measured stays."""
    if timing.phases and timing.total_ms is not None:
        return timing.total_ms
    return round(sum(value for name, value in timings.items() if value >= 0 and name != "ssl"), 3)


def _timings(timing: Timing) -> dict[str, float]:
    """-1 where a phase does not apply; send, wait and receive must be there and add up to the total."""
    if timing.phases:  # as another tool wrote them
        given = dict(timing.phases)
        zero = {"send": 0.0, "wait": 0.0, "receive": 0.0}
        return {name: given.get(name, zero.get(name, -1)) for name in _PHASES}
    total = max(timing.total_ms or 0.0, 0.0)
    connect = min(max(timing.connect_ms or 0.0, 0.0), total)
    first = min(max(timing.first_byte_ms if timing.first_byte_ms is not None else total, connect), total)
    return {
        "blocked": -1,
        "dns": -1,
        "connect": -1 if timing.connect_ms is None else round(connect, 3),
        "ssl": -1,
        "send": 0,
        "wait": round(first - connect, 3),
        "receive": round(total - first, 3),
    }


def _request(exchange: Exchange) -> Object:
    request, url = exchange.request, ascii_url(exchange.url)
    post = {"postData": _post_data(request)} if request.body.size else {}
    return {
        "method": request.method,
        "url": url,
        "httpVersion": f"HTTP/{request.http_version}",
        "cookies": _cookies(request),
        "headers": _pairs(request.headers),
        "queryString": _query(split_origin(url)[1].partition("?")[2]),
        **post,
        "headersSize": -1,
        "bodySize": request.body.size,
    }


def _pairs(pairs: Pairs) -> list[Object]:
    return [{"name": name, "value": value} for name, value in pairs]


def _query(text: str) -> list[Object]:
    return _pairs(tuple(parse_qsl(text, keep_blank_values=True)))


def _post_data(message: Message) -> Object:
    """Both `params` and `text` are required members. Bytes go as base64 and say so, which HAR has no member for."""
    text = text_of(message)
    form = message.content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"
    data: Object = {
        "mimeType": message.content_type or "application/octet-stream",
        "params": _query(text) if form and text else [],
        "text": text if text is not None else b64encode(_plain(message)).decode(),
    }
    return data | ({} if text is not None else {"_encoding": "base64"}) | _cut(message)


def _plain(message: Message) -> bytes:
    """Content codings taken off; as it is where that fails."""
    data, problem = decoded(message)
    return message.body.data if problem else data


def _cut(message: Message) -> Object:
    if not message.body.truncated:
        return {}
    body = message.body
    kept = len(body.data) if body.kept is None else body.kept
    return {"_truncated": True, "comment": f"the recording kept {kept} of {body.size} bytes"}


def _response(exchange: Exchange) -> Object:
    response = exchange.response
    if response is None:  # no answer from upstream; the status is what the gateway told the client
        failure = {"_error": exchange.failure.kind} if exchange.failure else {}
        return _response_head(exchange.status or 0, Response(http_version="")) | failure
    return _response_head(exchange.status or response.status, response)


def _response_head(status: int, response: Response) -> Object:
    return {
        "status": status,
        "statusText": response.reason,
        "httpVersion": f"HTTP/{response.http_version}" if response.http_version else "",
        "cookies": [_set_cookie(value) for name, value in response.headers if name.lower() == "set-cookie"],
        "headers": _pairs(response.headers),
        "content": _content(response),
        "redirectURL": response.header("location"),
        "headersSize": -1,
        "bodySize": response.body.size if response.http_version else -1,
    }


def _content(response: Response) -> Object:
    mime, body = response.content_type or "x-unknown", response.body
    if not body.data:
        return {"size": body.size, "mimeType": mime} | _cut(response)
    text, data = text_of(response), _plain(response)
    size = body.size if body.truncated else len(data)
    content: Object = {"size": size, "mimeType": mime}
    if size != body.size:
        content["compression"] = size - body.size
    if text is None:
        return content | {"text": b64encode(data).decode(), "encoding": "base64"} | _cut(response)
    return content | {"text": text} | _cut(response)


def _cookies(message: Message) -> list[Object]:
    fields = [value for name, value in message.headers if name.lower() == "cookie"]
    crumbs = [crumb.strip() for field in fields for crumb in field.split(";") if crumb.strip()]
    return [{"name": name, "value": value} for name, _, value in (crumb.partition("=") for crumb in crumbs)]


def _set_cookie(field: str) -> Object:
    """RFC 6265 section 5.2, without the judgement: attributes as they were sent."""
    first, *rest = field.split(";")
    name, _, value = first.partition("=")
    found: Object = {"name": name.strip(), "value": value.strip(), "httpOnly": False, "secure": False}
    for attribute in rest:
        key, _, setting = attribute.strip().partition("=")
        found |= _attribute(key.strip().lower(), setting.strip())
    return found


def _attribute(key: str, value: str) -> Object:
    if key in ("path", "domain"):
        return {key: value}
    if key == "expires":
        return _expires(value)
    flags: dict[str, Object] = {"httponly": {"httpOnly": True}, "secure": {"secure": True}}
    return {"_sameSite": value} if key == "samesite" else flags.get(key, {})


def _expires(value: str) -> Object:
    """ISO 8601, as HAR wants it; a date that cannot be read is left out."""
    try:
        moment = parsedate_to_datetime(re.sub(r"(\d\d)-(\w{3})-(\d{2,4})", r"\1 \2 \3", value))
        known = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, IndexError, OverflowError):
        return {}
    return {"expires": known.strftime("%Y-%m-%dT%H:%M:%S.000Z")}

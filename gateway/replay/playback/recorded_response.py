"""A recorded response made ready to be given again: secrets put back, moments moved to now. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final
from urllib.parse import quote_from_bytes, urlsplit

from ...model.bodies import format_of
from ...model.exchange import Chunk, Exchange
from ...model.frames import Deflate, Frame, websocket_frames
from ...model.message import Pairs, Response, sealed_rest
from ...redact import NUMBER, PLACEHOLDER, spelled

URLS: Final = frozenset(("location", "content-location", "refresh", "link"))  # fields in which secrets are escaped
MOMENTS: Final = frozenset(("date", "expires", "retry-after", "sunset"))
EXPIRES: Final = re.compile(r"(;\s*expires\s*=\s*)([^;]+)", re.IGNORECASE)

Secrets = Mapping[str, bytes]  # placeholder -> secret
Escape = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class PlayedResponse:
    """What goes on the wire; `fields` are without framing, `complete` is False when the record has only a part."""

    status: int
    reason: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes
    complete: bool = True


def unsealed(one: Exchange, secrets: Secrets) -> Exchange:
    """The exchange whose response has its secrets again; the request stays sealed, as it is compared."""
    if one.response is None or not secrets:
        return one
    response = one.response
    body = replace(response.body, data=_restore(response.body.data, secrets, _escape_of(response)))
    return replace(one, response=replace(response, headers=_headers(response.headers, secrets), body=body))


def unsealed_chunks(one: Exchange, chunks: Sequence[Chunk], secrets: Secrets) -> tuple[Chunk, ...]:
    """The pieces of an event stream with their secrets."""
    if one.stream != "sse":
        return ()
    return tuple(replace(piece, data=_restore(piece.data, secrets, _json_escape)) for piece in chunks)


def unsealed_frames(one: Exchange, chunks: Sequence[Chunk], secrets: Secrets) -> tuple[Frame, ...]:
    """The frames of a WebSocket with their secrets, inflated."""
    if one.stream != "websocket" or one.response is None:
        return ()
    frames = websocket_frames(chunks, Deflate.of(one.response.header("sec-websocket-extensions")))
    return tuple(replace(frame, data=_restore(frame.data, secrets, _json_escape)) for frame in frames)


def answer_of(one: Exchange, response: Response, *, origin: str, now: datetime | None) -> PlayedResponse:
    """The response for a client that reaches the gateway at `origin`; with `now`, as if it was recorded then."""
    fields = _at_origin(response.headers, recorded=_origin(one.url), origin=origin)
    if now is not None:
        fields = _at(fields, now - datetime.fromisoformat(one.started_at))
    if response.body.plain:  # the codings had to go with the secrets that were under them
        fields = tuple(pair for pair in fields if pair[0].lower() != "content-encoding")
    return PlayedResponse(
        response.status,
        response.reason.encode("utf-8", "replace"),
        tuple((name.encode("latin-1", "replace"), value.encode("utf-8", "replace")) for name, value in fields),
        response.body.data,
        complete=not response.body.truncated and (one.failure is None or bool(one.stream)),
    )


# -- secrets


def _headers(headers: Pairs, secrets: Secrets) -> Pairs:
    return tuple(
        (name, _restore(value.encode(), secrets, _quoted if name.lower() in URLS else bytes).decode("utf-8", "replace"))
        for name, value in headers
    )


def _restore(data: bytes, secrets: Secrets, escape: Escape) -> bytes:
    """With every placeholder whose secret is known as it was."""
    if b"ealed_" not in data:
        return data
    if (at := sealed_rest(data)) >= 0 and (rest := secrets.get(data[at:].decode())) is not None:
        return _restore(data[:at], secrets, escape) + rest

    def one(match: re.Match[bytes]) -> bytes:
        secret = secrets.get(spelled(match[0]).decode())
        return match[0] if secret is None else escape(secret)

    def number(match: re.Match[bytes]) -> bytes:
        return secrets.get(f"s{match[1].decode()}", match[0])

    return PLACEHOLDER.sub(one, NUMBER.sub(number, data))


def _escape_of(response: Response) -> Escape:
    """How a secret is spelled in this body: it is kept as what it stands for."""
    form = format_of(response) if b"ealed_" in response.body.data else ""
    return _json_escape if form == "json" else _quoted if form == "form" else bytes


def _json_escape(secret: bytes) -> bytes:
    try:
        return json.dumps(secret.decode(), ensure_ascii=False)[1:-1].encode()
    except ValueError:
        return secret


def _quoted(secret: bytes) -> bytes:
    return quote_from_bytes(secret, safe="").encode()


# -- addresses


def _at_origin(headers: Pairs, *, recorded: str, origin: str) -> Pairs:
    """Absolute URLs of the gateway itself lead to where it is now."""
    if recorded == origin:
        return headers
    return tuple((name, value.replace(recorded, origin) if name.lower() in URLS else value) for name, value in headers)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


# -- moments


def _at(headers: Pairs, later: timedelta) -> Pairs:
    return tuple((name, _moved(name.lower(), value, later)) for name, value in headers)


def _moved(name: str, value: str, later: timedelta) -> str:
    """Last-Modified stays: it is a name for a version, which clients send back."""
    if name == "age":
        return "0"
    if name == "set-cookie":
        return EXPIRES.sub(lambda match: match[1] + _date(match[2], later), value)
    return _date(value, later) if name in MOMENTS else value


def _date(text: str, later: timedelta) -> str:
    """An HTTP date moved (RFC 9110 section 5.6.7); anything else, and what lies in 1970 to delete a cookie, stays."""
    try:
        moment = parsedate_to_datetime(text.strip())
        if moment.year <= 1970:
            return text
        moved = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) + later
        return format_datetime(moved.astimezone(UTC), usegmt=True)
    except (ValueError, TypeError, IndexError, OverflowError):
        return text

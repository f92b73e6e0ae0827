"""Sealed secrets back in their places: a recorded request as its client sent it. Pure: the secrets come in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import quote_plus

from ..model.bodies import format_of
from ..model.message import Request, sealed_rest
from ..redact import NUMBER, PLACEHOLDER, spelled


def placeholders(request: Request) -> list[str]:
    """Every placeholder that stands in a request, once."""
    parts = [request.target.encode("latin-1", "replace"), request.body.data]
    parts += [value.encode("utf-8", "replace") for _, value in request.headers]
    return list(dict.fromkeys(spelled(found).decode() for part in parts for found in PLACEHOLDER.findall(part)))


def reveal(request: Request, secrets: Mapping[str, str]) -> Request:
    """The request with its secrets, each spelled as its place wants it; unknown placeholders stay."""
    if not any(name in secrets for name in placeholders(request)):
        return request
    target = _in(request.target.encode("latin-1"), secrets, _percent).decode("latin-1")
    headers = tuple((name, _in(value.encode(), secrets, str.encode).decode()) for name, value in request.headers)
    data = _in(request.body.data, secrets, _spelling(request))
    grown = len(data) - len(request.body.data)
    body = replace(request.body, data=data, size=request.body.size + grown, kept=None)
    return replace(request, target=target, headers=headers, body=body)


def revealed(message: bytes, secrets: Mapping[str, str]) -> bytes:
    """A message of a WebSocket with its secrets, spelled as JSON has them."""
    return _in(message, secrets, _json)


def revealed_text(value: str, secrets: Mapping[str, str]) -> str:
    """A value with the secrets that its placeholders stand for."""
    return revealed(value.encode("utf-8", "surrogatepass"), secrets).decode("utf-8", "surrogatepass")


def _in(data: bytes, secrets: Mapping[str, str], spell: Callable[[str], bytes]) -> bytes:
    if (at := sealed_rest(data)) >= 0 and (rest := secrets.get(data[at:].decode())) is not None:
        return _in(data[:at], secrets, spell) + rest.encode("utf-8", "surrogateescape")

    def one(match: re.Match[bytes]) -> bytes:
        secret = secrets.get(spelled(match[0]).decode())
        return match[0] if secret is None else spell(secret)

    def number(match: re.Match[bytes]) -> bytes:
        secret = secrets.get(f"s{match[1].decode()}")
        return match[0] if secret is None else secret.encode()

    return PLACEHOLDER.sub(one, NUMBER.sub(number, data)) if b"ealed_" in data else data


def _percent(secret: str) -> bytes:
    return quote_plus(secret).encode()


def _json(secret: str) -> bytes:
    return json.dumps(secret, ensure_ascii=False)[1:-1].encode()


def _spelling(request: Request) -> Callable[[str], bytes]:
    """How a secret is written in this body."""
    form = format_of(request) if b"ealed_" in request.body.data else ""
    return _percent if form == "form" else _json if form == "json" else str.encode

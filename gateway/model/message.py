"""Requests and responses as they stood on the wire. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Pairs = tuple[tuple[str, str], ...]  # headers: order, case and repeats kept

# A placeholder at the very end (redact.placeholders), of a secret longer than any that people send.
SEALED_REST: Final = re.compile(rb"sealed_[a-z2-7]{20}_([0-9]{4,10})\Z")
WHOLE: Final = 64 << 10  # bytes


def sealed_rest(data: bytes) -> int:
    """Where the placeholder begins behind which all the rest of a body is sealed; -1 without one."""
    found = SEALED_REST.search(data[-64:])
    return -1 if found is None or int(found[1]) < WHOLE else len(data) - len(found[0])


@dataclass(frozen=True, slots=True)
class Body:
    """A message body after transfer decoding, content encodings included (RFC 9112 section 6)."""

    size: int = 0  # bytes that passed
    data: bytes = b""  # what the record kept of them
    kept: int | None = None  # how many of them it kept, where sealing a secret made `data` longer or shorter
    plain: bool = False  # the content encodings are gone from `data`, because a secret under them was sealed

    @property
    def truncated(self) -> bool:
        return (len(self.data) if self.kept is None else self.kept) < self.size

    @property
    def sealed_rest(self) -> bool:
        """Whether all behind the first bytes is sealed as one secret, because looking into it was beyond the budget."""
        return sealed_rest(self.data) >= 0


@dataclass(frozen=True, slots=True)
class Message:
    """What a request and a response have in common."""

    http_version: str = "1.1"
    headers: Pairs = ()
    body: Body = Body()
    trailers: Pairs = ()

    def header(self, name: str, default: str = "") -> str:
        """The first value of a field, by its case-insensitive name (RFC 9110 section 5.1)."""
        low = name.lower()
        return next((value for key, value in self.headers if key.lower() == low), default)

    @property
    def content_type(self) -> str:
        return self.header("content-type")


@dataclass(frozen=True, slots=True)
class Request(Message):
    """`target` is the request target as the client sent it to the gateway, byte for byte (Latin-1)."""

    method: str = "GET"
    target: str = "/"


@dataclass(frozen=True, slots=True)
class Response(Message):
    """`reason` is the upstream's reason phrase, which may be empty."""

    status: int = 200
    reason: str = ""


def header_text(raw: bytes) -> str:
    """Header bytes as text: UTF-8 where they are, else Latin-1, so that no byte is lost."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))  # RFC 9110 section 9.2.1
# With these, frameworks take a request for one of another method.
METHOD_OVERRIDES: Final = frozenset(("x-http-method-override", "x-http-method", "x-method-override"))


def is_write(method: str, headers: Pairs | Sequence[tuple[str, str]]) -> bool:
    """Whether a request may change something at its server, by its method or by one that it asks to be taken for."""
    asked = [value.strip() for name, value in headers if name.lower() in METHOD_OVERRIDES]
    return not all(each in SAFE for each in (method, *asked))

"""What a request's headers say about its sender, byte by byte. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from ..errors import UsageError
from ..model.caches import BoundedCache, remembered
from ..model.headers import API_KEYS

COOKIE_NAME: Final = b"gateway_session"
LOGIN_COOKIE: Final = b"gateway_login"  # of the console: no upstream sees or sets it either
OWN_COOKIES: Final = (COOKIE_NAME, LOGIN_COOKIE)
MARK: Final = b"gateway_"  # what both begin with
HEADER: Final = "Gateway-Session"
BAGGAGE_KEY: Final = b"gateway-session"
LONGEST_KNOWN: Final = 1024  # bytes of the longest field that is remembered
ID = re.compile(rb"[\x21-\x7e]{1,128}")
LONGEST_NAME: Final = 128
MOST_NAMES: Final = 1024  # spellings of header names that are remembered
OLD_ID = re.compile(r"[A-Za-z0-9_-]{22,64}")  # in cookies that were sealed before ids had the dot

OTHER, NAMED, BAGGAGE, COOKIE, AGENT, ACCEPT, FETCH_MODE, LANGUAGE, TOKEN, API_KEY = range(10)
KNOWN: Final = {
    b"gateway-session": NAMED, b"baggage": BAGGAGE, b"cookie": COOKIE, b"user-agent": AGENT, b"accept": ACCEPT,
    b"sec-fetch-mode": FETCH_MODE, b"accept-language": LANGUAGE, b"authorization": TOKEN,
} | dict.fromkeys((name.encode() for name in API_KEYS), API_KEY)  # fmt: skip


class FieldKinds(BoundedCache[bytes, int]):
    """Raw field name -> what it tells us; filled on demand, and bounded because clients choose the names."""

    def __init__(self) -> None:
        super().__init__(MOST_NAMES)

    def __missing__(self, name: bytes) -> int:
        kind = KNOWN.get(name.lower(), OTHER)
        if len(name) <= LONGEST_NAME:
            self.keep(name, kind)
        return kind


def joined(kind: int, before: bytes, value: bytes) -> bytes:
    """A field that came twice, as one (RFC 9110 section 5.3; RFC 9113 section 8.2.3 for cookies). UsageError for two
    different session ids."""
    if kind != NAMED:
        return before + (b"; " if kind == COOKIE else b", ") + value
    if before != value:
        raise UsageError("two different session ids", where=HEADER, hint="send one")
    return value


def checked_id(value: bytes, source: str) -> str:
    """A session id that a client chose; UsageError when it is none."""
    if not ID.fullmatch(value):
        problem = (
            "is empty"
            if not value
            else f"has {len(value)} bytes"
            if len(value) > LONGEST_NAME
            else "has a character that"
        )
        problem += " is not visible ASCII" if problem.endswith("that") else ""
        raise UsageError(f"the session id {problem}", where=source, hint="send 1 to 128 visible ASCII characters")
    return value.decode("ascii")


def baggage_id(value: bytes) -> str:
    """The session id among the members of a W3C baggage field; "" without one."""
    for member in value.split(b","):
        key, equals, rest = member.partition(b";")[0].partition(b"=")
        if equals and key.strip(b" \t") == BAGGAGE_KEY:
            return checked_id(unquote_to_bytes(rest.strip(b" \t")), "baggage: gateway-session")
    return ""


def own_cookies(value: bytes) -> Iterator[bytes]:
    """The values of the pairs of our name in a Cookie field, which may hold several of different paths."""
    for pair in value.split(b";"):
        name, _, content = pair.partition(b"=")
        if name.strip(b" \t") == COOKIE_NAME:
            yield content.strip(b' \t"')


def strip_cookie(value: bytes) -> bytes:
    """A Cookie field value without our own pairs and their separators, else byte for byte; b"" when nothing is left."""
    if MARK not in value:
        return value
    return _known_stripped(value)


def _stripped(value: bytes) -> bytes:
    pairs = value.split(b";")
    kept = [pair for pair in pairs if pair.partition(b"=")[0].strip(b" \t") not in OWN_COOKIES]
    if len(kept) == len(pairs):
        return value
    if kept and kept[0] is not pairs[0]:
        kept[0] = kept[0].lstrip(b" \t")  # what stood between our pair's separator and it
    left = b";".join(kept)
    return left if left.strip(b" \t;") else b""


_known_stripped = remembered(2048, LONGEST_KNOWN)(_stripped)  # a session's cookies come with each of its requests


def is_navigation(accept: bytes, fetch_mode: bytes) -> bool:
    """Whether a browser is opening a page, which is when people begin and cookies work."""
    return fetch_mode == b"navigate" or (not fetch_mode and b"text/html" in accept)

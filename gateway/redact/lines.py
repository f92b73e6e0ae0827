"""Secrets that stand in text without quotes: settings, logs, header fields in a text, private keys. Pure."""

from __future__ import annotations

import re
from typing import Final

from .json_text import SCHEME, IsSecret, Seal, decoded
from .names import normal

# name=value anywhere, with nothing but a space or a sign before the name. Quoted values have their own rules.
SETTING: Final = re.compile(rb"(?<![\w\-%])([\w.\-]{2,100})[ \t]{0,8}=[ \t]{0,8}(?=[^\s=\"'])")
# name: value where a line begins; and within a string, where line ends are written as \\n.
FIELD: Final = re.compile(rb"^[ \t]{0,40}(?:- )?([\w.\-]{2,100})[ \t]{0,4}:[ \t]{1,8}(?=[^\s\"'])", re.MULTILINE)
ESCAPED: Final = re.compile(
    rb"(?:\\[nr]|[\"'](?=[^\"'\r\n]{1,400}\\[nr]))(?:[ \t]|\\t){0,40}(?:- )?([\w.\-]{2,100})[ \t]{0,4}:[ \t]{1,8}"
)
QUOTED: Final = re.compile(rb"[\"']((?:proxy-)?authorization|(?:set-)?cookie)[ \t]?:[ \t]{0,8}", re.IGNORECASE)
WORD: Final = re.compile(rb"[^\s\"'`<>\\,;&(){}\[\]|]+")
REST: Final = re.compile(rb"[^\r\n\"'`<>\\]+")
WHOLE: Final = (b"authorization", b"cookie", b"set_cookie")  # fields that go on to the end of their line
# What stands there for a value that is not known yet, or is none.
NO_VALUE: Final = re.compile(rb"(?:true|false|null|none|nil|undefined|string|str|\$.*|\*+|\.+|-+)", re.IGNORECASE)
BEARER: Final = re.compile(rb"\b((?:[Bb]earer|[Bb]asic)(?:[ \t]|%20|\+))([\w.~+/\-]{12,}={0,2})")
# RFC 7468, with the header lines of older ones; what is between the two lines.
PRIVATE_KEY: Final = re.compile(
    rb"(-----BEGIN(?:[ +]|%20)(?:[A-Z0-9]{1,20}(?:[ +]|%20)){0,4}PRIVATE(?:[ +]|%20)KEY(?:(?:[ +]|%20)BLOCK)?-----)"
    rb"([^\"'<>&]+?)(?=-----END|[\"'<>&]|\Z)"
)


def seal_private_keys(data: bytes, seal: Seal) -> bytes:
    """The inside of every private key in PEM."""

    def key(match: re.Match[bytes]) -> bytes:
        secret = decoded(match[2])
        sealed = seal(secret)
        return match[0] if sealed == secret else match[1] + sealed

    return PRIVATE_KEY.sub(key, data) if b"PRIVATE" in data else data


def seal_lines(data: bytes, is_secret: IsSecret, seal: Seal, *, escaped: bool = False) -> bytes:
    """`password=value`, `password: value` and `Authorization: Bearer value` in a text, or in strings of JSON, where
    every line end is an escape."""
    if not escaped:
        data = _after(data, FIELD, REST, is_secret, seal)
    if b"\\n" in data or b"\\r" in data:
        data = _after(data, ESCAPED, REST, is_secret, seal)
    if b"ookie:" in data or b"uthorization:" in data:
        data = _after(data, QUOTED, REST, is_secret, seal)
    if b"=" in data:
        data = _after(data, SETTING, WORD, is_secret, seal)
    if b"earer" in data or b"asic" in data:
        data = BEARER.sub(lambda m: m[1] + seal(m[2]) if _is_varied(m[2]) else m[0], data)
    return data


def _after(data: bytes, name: re.Pattern[bytes], usual: re.Pattern[bytes], is_secret: IsSecret, seal: Seal) -> bytes:
    out: list[bytes] = []
    done = 0
    for found in name.finditer(data):
        if found.start() < done or not is_secret(found[1]):
            continue
        start = found.end()
        whole = normal(found[1]).endswith(WHOLE)
        if whole and (scheme := SCHEME.match(data, start)):
            start = scheme.end()
        value = (REST if whole else usual).match(data, start)
        if value is None or not (text := value[0].rstrip()) or NO_VALUE.fullmatch(text):
            continue
        out += data[done:start], seal(text)
        done = start + len(text)
    return b"".join([*out, data[done:]]) if out else data


def _is_varied(token: bytes) -> bool:
    """No word that follows "basic" in a sentence."""
    return any(48 <= byte <= 57 for byte in token) or (token.lower() != token and token[1:].lower() != token[1:])

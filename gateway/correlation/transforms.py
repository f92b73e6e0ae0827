"""How a value of a response may be dressed up in a request, and back. Pure."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, unquote_plus

from .information import HEX, UUID, bits_of
from .keccak import checksum_address

ETAG: Final = re.compile(r'(?:W/)?"(.*)"', re.DOTALL)
HALF: Final = re.compile("[\ud800-\udfff]")  # half a character, as "\\ud800" in JSON: no bytes, and no encoding of them
ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
NUMBER: Final = re.compile(r"0x[0-9a-f]{8,}|0x[0-9A-F]{8,}")
BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")


# An id of all tables at once: base64 of "Customer:4471" or "gid://shop/Customer/4471" (the Relay specification,
# object identification). Its first letters are those of a letter.
GLOBAL: Final = re.compile(r"[QRSTUVWXYZa-e][A-Za-z0-9+/_-]{5,255}={0,2}")
TYPED: Final = re.compile(r"((?:gid://[\w.-]{1,40}/)?([A-Za-z][\w.]{1,60})[:/]{1,2})([\w-]{1,64})", re.ASCII)
FORMAT: Final = "format="  # a transform with a text of its own, in which {} is the value


@dataclass(frozen=True, slots=True)
class GlobalId:
    """What an id of all tables is made of: "Customer:" before the `id`, in an `encoding` of TRANSFORMS."""

    before: str
    type: str
    id: str
    encoding: str


def global_id(value: str) -> GlobalId | None:
    """Read an id of all tables; None where the value is none, or could not be written again byte for byte."""
    if not GLOBAL.fullmatch(value):
        return None
    try:
        text = _unbase64(value)
    except (ValueError, binascii.Error):
        return None
    found = TYPED.fullmatch(text)
    encoding = next((name for name in ENCODINGS if TRANSFORMS[name](text) == value), "")
    return GlobalId(found[1], found[2], found[3], encoding) if found and encoding else None


def _padded(text: str) -> str:
    return text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)


def _unbase64(text: str) -> str:
    return urlsafe_b64decode(_padded(text).replace("+", "-").replace("/", "_")).decode()


def _dashed(text: str) -> str:
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _unquoted(text: str) -> str:
    match = ETAG.fullmatch(text)
    return match[1] if match else text


# From the value of the response to the one of the request.
TRANSFORMS: Final[dict[str, Callable[[str], str]]] = {
    "percent-decode": unquote,
    "plus-decode": unquote_plus,
    "percent-encode": lambda text: quote(text, safe=""),
    "unquote": _unquoted,
    "quote": lambda text: f'"{text}"',
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64url": lambda text: urlsafe_b64encode(text.encode()).decode(),
    "base64url-bare": lambda text: urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "unbase64": _unbase64,
    "lower": str.lower,
    "upper": str.upper,
    "undashed": lambda text: text.replace("-", ""),
    "dashed": _dashed,
    "checksum": checksum_address,
}
ENCODINGS: Final = ("base64", "base64url", "base64url-bare")


def applied(value: str, transforms: tuple[str, ...]) -> str | None:
    """The value as the request needs it; None when it cannot be had from this one."""
    for name in transforms:
        if name.startswith(FORMAT):
            value = name.removeprefix(FORMAT).replace("{}", value, 1)
            continue
        try:
            value = TRANSFORMS[name](value)
        except (ValueError, binascii.Error):
            return None
    return value


def origins(value: str) -> Iterator[tuple[str, tuple[str, ...], float]]:
    """(what the response may have shown, the transforms from there, penalty): the likeliest first."""
    for text, transforms, penalty in _possible(value):
        if text != value and applied(text, transforms) == value:
            yield text, transforms, penalty


def _possible(value: str) -> Iterator[tuple[str, tuple[str, ...], float]]:
    yield f'"{value}"', ("unquote",), 0.02
    yield f'W/"{value}"', ("unquote",), 0.02
    if len(value) > 2 and value[0] == value[-1] == '"':
        yield value[1:-1], ("quote",), 0.02
    if bits_of(value) < 12 or HALF.search(value):
        return
    if value[-1] in "./":
        yield value[:-1], (f"{FORMAT}{{}}{value[-1]}",), 0.03  # shop.example. and /things/
    escaped = quote(value, safe="")
    yield escaped, ("percent-decode",), 0.03
    yield quote(value, safe="/:@!$&'()*+,;"), ("percent-decode",), 0.03
    yield quote(escaped, safe=""), ("percent-decode", "percent-decode"), 0.05
    if "%" in value:
        yield unquote(value), ("percent-encode",), 0.03
    if " " in value:
        yield escaped.replace("%20", "+"), ("plus-decode",), 0.03
    if ADDRESS.fullmatch(value):
        yield value.lower(), ("checksum",), 0.03
    elif NUMBER.fullmatch(value):
        yield from _cases(value)
    if UUID.fullmatch(value) or HEX.fullmatch(value):
        yield from _cases(value)
    yield from _base64(value)


def _cases(value: str) -> Iterator[tuple[str, tuple[str, ...], float]]:
    yield value.upper(), ("lower",), 0.03
    yield value.lower(), ("upper",), 0.03
    if UUID.fullmatch(value):
        yield value.replace("-", ""), ("dashed",), 0.03
    elif len(value) == 32:
        yield _dashed(value), ("undashed",), 0.03


def _base64(value: str) -> Iterator[tuple[str, tuple[str, ...], float]]:
    plain, safe = (code(value.encode()).decode() for code in (b64encode, urlsafe_b64encode))
    for text in dict.fromkeys((plain, plain.rstrip("="), safe, safe.rstrip("="))):
        yield text, ("unbase64",), 0.05
    if not BASE64.fullmatch(value):
        return
    try:
        inner = b64decode(_padded(value), altchars=b"-_" if "-" in value or "_" in value else None).decode()
    except (ValueError, binascii.Error):
        return
    for name in ENCODINGS:
        yield inner, (name,), 0.05

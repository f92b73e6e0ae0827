"""What pages of a demo never show: passwords, tokens, keys. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote_plus

from ..redact.names import PLAIN, SecretNames
from ..redact.values import ANY, DIGITS, TEXT

MASK = "•••••"
SHORTEST = 4  # a shorter secret would blank out half a page wherever it happens to stand

NAMES = SecretNames()  # the gateway's own list: what a recording seals, a page masks
SCHEME = re.compile(r"(Basic|Bearer|Digest|Token)\s+\S.*", re.IGNORECASE | re.DOTALL)
JWT = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
COOKIE = re.compile(r"(?<![^=;\s])([^=;\s]++)=[^;]*")


def is_secret_name(name: str) -> bool:
    """Whether a field, JSON key or session value of this name holds a secret: token, accessToken, api-key ..."""
    return NAMES.is_secret(name.encode("utf-8", "surrogatepass")) in (ANY, DIGITS, TEXT)


def holds_secret(name: str, value: Any) -> bool:
    """Whether a session value must not reach the disk in clear: by its name, or by what is inside it."""
    return is_secret_name(name) or masked_json(value) != value


def is_secret_header(name: str) -> bool:
    return NAMES.header(name.encode("utf-8", "surrogatepass")) != PLAIN


def masked_header(name: str, value: str) -> str:
    """A header's value as it may be shown: the scheme or the cookie's name stays."""
    if not is_secret_header(name):
        return value
    low = name.lower()
    if low == "set-cookie":
        return COOKIE.sub(rf"\1={MASK}", value, count=1)
    if low == "cookie":
        return COOKIE.sub(rf"\1={MASK}", value)
    scheme = SCHEME.fullmatch(value)
    return f"{scheme[1]} {MASK}" if scheme else MASK


def masked_json(value: Any) -> Any:
    """A JSON value whose secrets, by their keys, are masked at any depth, and tokens by their shape."""
    if isinstance(value, dict):
        return {
            key: MASK if is_secret_name(str(key)) and item not in (None, "") else masked_json(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [masked_json(item) for item in value]
    return JWT.sub(MASK, value) if isinstance(value, str) else value


def masked_pairs(text: str) -> str:
    """A query or a form body: name=value&..."""
    pairs = []
    for pair in text.split("&"):
        name, equals, value = pair.partition("=")
        pairs.append(f"{name}={MASK}" if value and is_secret_name(unquote_plus(name)) else f"{name}{equals}{value}")
    return "&".join(pairs)


def masked_url(url: str) -> str:
    head, mark, query = url.partition("?")
    return f"{head}?{masked_pairs(query)}" if mark else url


def masked_text(text: str, secrets: Iterable[str]) -> str:
    """Text in which known secrets, also percent-encoded, are masked wherever they stand."""
    for secret in sorted({s for s in secrets if len(s) >= SHORTEST}, key=len, reverse=True):
        text = text.replace(secret, MASK)
        encoded = quote(secret, safe="")
        if encoded != secret:
            text = text.replace(encoded, MASK)
    return text

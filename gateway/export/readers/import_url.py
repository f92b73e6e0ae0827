"""URLs of foreign files as the model keeps them: ASCII, with a host, without user and password. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import unquote_to_bytes

from ..urls import split_origin

_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}")


def utf8_url(url: str) -> str:
    """Other signs than ASCII as percent-encoded UTF-8, as browsers and curl send it (WHATWG URL); hosts as IDNA."""
    origin, rest = split_origin(url)
    if not origin.isascii():
        scheme, _, authority = origin.partition("://")
        user, at, host = authority.rpartition("@")
        try:
            origin = f"{scheme}://{user}{at}{host.encode('idna').decode()}"
        except UnicodeError:
            origin = _escaped(origin)
    return origin + _escaped(rest)


def _escaped(text: str) -> str:
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    return "".join(
        char if "!" <= char <= "~" else "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))
        for char in text
    )


def without_user(url: str) -> tuple[str, str]:
    """(URL, value of an Authorization header): clients send user and password of a URL as Basic (RFC 7617)."""
    origin, rest = split_origin(url)
    scheme, _, authority = origin.partition("://")
    user, at, host = authority.rpartition("@")
    if not at:
        return url, ""
    pair = unquote_to_bytes(user if ":" in user else f"{user}:")
    return f"{scheme}://{host}{rest}", f"Basic {b64encode(pair).decode()}" if user else ""


def named_host(host: str) -> str:
    """A host that is a variable without a value becomes a name that no network knows (RFC 2606, .invalid)."""
    found = _VARIABLE.search(host)
    if not found:
        return host
    name = re.sub(r"[^a-z0-9]+", "-", found[1].lower()).strip("-") or "unknown"
    return f"{name}.invalid"

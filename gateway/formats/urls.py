"""URLs as recorded, made fit for strict readers: no byte outside printable ASCII. Pure."""

from __future__ import annotations

import re

_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


def ascii_url(url: str) -> str:
    """Raw bytes percent-encoded, everything else as it was sent."""
    return "".join(char if "!" <= char <= "~" else _encoded(char) for char in url)


def _encoded(char: str) -> str:
    # A request target is kept as Latin-1, one character per byte; imported URLs may hold more.
    raw = char.encode("latin-1") if char <= "\xff" else char.encode("utf-8", "replace")
    return "".join(f"%{byte:02X}" for byte in raw)


def split_origin(url: str) -> tuple[str, str]:
    """("http://127.0.0.1:8080", "/api/orders?x=1"); the origin is "" for a bare path."""
    match = _ORIGIN.match(url)
    return (match[0], url[match.end() :]) if match else ("", url)

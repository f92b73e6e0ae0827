"""URLs as recorded, made fit for strict readers: no byte outside printable ASCII. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

_FOREIGN = re.compile(r"""[{}"<>\\^`|#]""")
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


def ascii_url(url: str) -> str:
    """Raw bytes percent-encoded, everything else as it was sent."""
    return "".join(char if "!" <= char <= "~" else _encoded(char) for char in url)


def sendable(url: str) -> str:
    """A URL without signs that no URL may have (RFC 3986): what stands between braces is a variable to many tools."""
    return _FOREIGN.sub(lambda found: _encoded(found[0]), ascii_url(url))


def is_utf8(url: str) -> bool:
    """Whether its percent-encoded bytes are text, as clients that decode URLs want it."""
    try:
        unquote_to_bytes(url).decode()
    except UnicodeDecodeError:
        return False
    return not re.search(r"%(?![0-9A-Fa-f]{2})", url)


def _encoded(char: str) -> str:
    # A request target is kept as Latin-1, one character per byte; imported URLs may hold more.
    raw = char.encode("latin-1") if char <= "\xff" else char.encode("utf-8", "replace")
    return "".join(f"%{byte:02X}" for byte in raw)


def split_origin(url: str) -> tuple[str, str]:
    """("http://127.0.0.1:8080", "/api/orders?x=1"); the origin is "" for a bare path."""
    match = _ORIGIN.match(url)
    return (match[0], url[match.end() :]) if match else ("", url)

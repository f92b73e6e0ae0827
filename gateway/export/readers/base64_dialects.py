"""base64 as people write it: in lines, without its padding, with the alphabet of URLs. Pure."""

from __future__ import annotations

import re
from base64 import b64decode

_ALPHABET = re.compile(r"[A-Za-z0-9+/]*={0,2}")


def unpacked(text: str) -> bytes | None:
    """The bytes; None for what is no base64 (RFC 4648 sections 4 and 5, RFC 2045 section 6.8 for lines)."""
    plain = re.sub(r"\s+", "", text).replace("-", "+").replace("_", "/")
    found = _ALPHABET.fullmatch(plain)
    if not found or len(plain.rstrip("=")) % 4 == 1:
        return None
    digits = plain.rstrip("=")
    return b64decode(digits + "=" * (-len(digits) % 4))

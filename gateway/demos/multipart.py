"""Fields and files as one multipart/form-data body (RFC 7578). Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .config import Upload


def multipart(parts: Iterable[tuple[str, str | Upload]]) -> tuple[bytes, str]:
    """(body, content type). The same parts make the same bytes: the boundary is made from them."""
    pieces = [_part(name, value) for name, value in parts]
    boundary = _boundary(pieces)
    mark = b"--" + boundary.encode()
    body = b"".join(mark + b"\r\n" + piece + b"\r\n" for piece in pieces) + mark + b"--\r\n"
    return body, f"multipart/form-data; boundary={boundary}"


def _part(name: str, value: str | Upload) -> bytes:
    head = f'Content-Disposition: form-data; name="{_quoted(name)}"'
    if isinstance(value, str):
        return f"{head}\r\n\r\n{value}".encode("utf-8", "surrogatepass")
    lines = f'{head}; filename="{_quoted(value.name)}"\r\nContent-Type: {value.content_type}\r\n\r\n'
    return lines.encode("utf-8", "surrogatepass") + value.data


def _quoted(text: str) -> str:
    """As browsers escape names in parts (HTML standard, multipart form data)."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _boundary(pieces: list[bytes]) -> str:
    """Sixteen bytes of a digest, again until they stand in no part."""
    digest = hashlib.sha256(b"\0".join(pieces)).hexdigest()
    while any(digest[:32].encode() in piece for piece in pieces):
        digest = hashlib.sha256(digest.encode()).hexdigest()
    return f"form-{digest[:32]}"

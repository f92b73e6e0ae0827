"""Fields and files of a form as one multipart/form-data body (RFC 7578). Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.multipart import Part, encode
from .definition.schema import Upload


def multipart(parts: Iterable[tuple[str, str | Upload]]) -> tuple[bytes, str]:
    """(body, content type). The same parts make the same bytes: the boundary is made from them."""
    body, boundary = encode([_part(name, value) for name, value in parts])
    return body, f"multipart/form-data; boundary={boundary}"


def _part(name: str, value: str | Upload) -> Part:
    if isinstance(value, str):
        return Part(name, value.encode("utf-8", "surrogatepass"))
    return Part(name, value.data, value.name, value.content_type)

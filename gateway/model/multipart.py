"""multipart/form-data (RFC 7578) from parts as other tools describe them, and its boundary. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .message import Pairs


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form; `name` is None for one without, `file_name` for a field; `headers` stand after its own."""

    name: str | None
    data: bytes
    file_name: str | None = None
    content_type: str = ""
    headers: Pairs = ()


# The types that curl and libcurl's users give to files by their endings (curl(1), --form); others are octet-stream.
TYPES = {
    "gif": "image/gif", "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "svg": "image/svg+xml",
    "txt": "text/plain", "htm": "text/html", "html": "text/html", "pdf": "application/pdf", "xml": "application/xml",
}  # fmt: skip


def type_of_file(name: str, default: str = "application/octet-stream") -> str:
    return TYPES.get(name.rpartition(".")[2].lower() if "." in name else "", default)


def percent_quoted(text: str) -> str:
    """As browsers and curl escape names in parts (HTML standard, multipart form data)."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def backslash_quoted(text: str) -> str:
    """As `curl --form-escape` and older clients do."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def encode(
    parts: Sequence[Part], boundary: str = "", *, quoted: Callable[[str], str] = percent_quoted
) -> tuple[bytes, str]:
    """(body, boundary). Without a boundary one is made from the parts: the same parts give the same bytes."""
    pieces = [_piece(part, quoted) for part in parts]
    boundary = boundary or _boundary(pieces)
    mark = b"--" + boundary.encode()
    return b"".join(mark + b"\r\n" + piece + b"\r\n" for piece in pieces) + mark + b"--\r\n", boundary


def _piece(part: Part, quoted: Callable[[str], str]) -> bytes:
    disposition = "form-data" if part.name is None else f'form-data; name="{quoted(part.name)}"'
    if part.file_name is not None:
        disposition += f'; filename="{quoted(part.file_name)}"'
    lines = [f"Content-Disposition: {disposition}"]
    if part.content_type:
        lines.append(f"Content-Type: {part.content_type}")
    lines += [f"{name}: {value}" for name, value in part.headers]
    head = "".join(f"{line}\r\n" for line in lines)
    return _encoded(head) + b"\r\n" + part.data


def _encoded(head: str) -> bytes:
    """Bytes that were no UTF-8 in an imported text are kept as surrogates there; half a pair from a form is none."""
    try:
        return head.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return head.encode("utf-8", "surrogatepass")


def _boundary(pieces: Sequence[bytes]) -> str:
    """Sixteen bytes of a digest, again until they stand in no part."""
    digest = hashlib.sha256(b"\0".join(pieces)).hexdigest()
    while any(digest[:32].encode() in piece for piece in pieces):
        digest = hashlib.sha256(digest.encode()).hexdigest()
    return f"form-{digest[:32]}"

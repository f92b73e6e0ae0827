"""Secrets in multipart bodies: fields whose name is secret, whole or cut off, and parts within parts. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .json_text import IsSecret, Seal

BOUNDARY: Final = re.compile(rb";\s*boundary\s*=\s*(?:\"([^\"]+)\"|([^\s;,]+))", re.IGNORECASE)
FIRST_LINE: Final = re.compile(rb"\s*--([^\r\n]{1,200}?)[ \t]*\r?\n")
# A header line may go on behind a line break (RFC 822), and a name may say its charset (RFC 5987).
NAME: Final = re.compile(
    rb"content-disposition:(?:[^\r\n]|\r?\n(?=[ \t]))*?[;\s]name\*?\s*=\s*(?:[\w\-]+'[\w\-]*')?"
    rb"(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;]+))",
    re.IGNORECASE,
)
KIND: Final = re.compile(rb"^content-type:[ \t]*((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
LOOKS_SO: Final = re.compile(rb"\s*--[^\r\n]{1,200}\r?\n(?:[\w\-]+:[^\r\n]*\r?\n)*?content-disposition:", re.IGNORECASE)
SealOther = Callable[[bytes, bytes], bytes]  # of a content and its type
HEAD_END: Final = re.compile(rb"\r?\n[ \t]*\r?\n")


def seal_parts(data: bytes, content_type: bytes, is_secret: IsSecret, seal: Seal, seal_other: SealOther) -> bytes:
    """Seal secret fields; what the other fields hold goes through `seal_other`."""
    found = BOUNDARY.search(content_type)
    if found is None or b"--" + (found[1] or found[2]) not in data:
        found = FIRST_LINE.match(data)
    if found is None:
        return seal_other(data, b"")
    mark = b"--" + (found[1] or found[found.re.groups])
    first, *parts = data.split(mark)
    return mark.join([first, *(_part(part, is_secret, seal, seal_other) for part in parts)])


def _part(part: bytes, is_secret: IsSecret, seal: Seal, seal_other: SealOther) -> bytes:
    end = HEAD_END.search(part)
    if end is None:
        return part
    head, content = part[: end.end()], part[end.end() :]
    line_end = b"\r\n" if content.endswith(b"\r\n") else b"\n" if content.endswith(b"\n") else b""
    content = content[: len(content) - len(line_end)]
    name = NAME.search(head)
    secret = name is not None and is_secret(name[1] or name[2] or b"")
    if content:
        kind = KIND.search(head)
        content = seal(content) if secret else seal_other(content, kind[1] if kind else b"")
    return head + content + line_end

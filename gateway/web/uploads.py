"""The one form that takes a whole file: read as it comes, in memory, up to the limit of files. I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, web

from ..errors import UsageError
from ..export.readers.import_file import LIMIT

IMPORT = "/_gateway/import"
FIELD = 4096  # bytes of a field that is no file
PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it was sent. Its name is the sender's word for it, never a path of ours."""

    name: str
    data: bytes


async def read_upload(request: web.Request) -> dict[str, Any]:
    """The fields of a multipart form by name, texts and Uploads. ValueError for parts within parts."""
    reader = await request.multipart()
    found: dict[str, Any] = {}
    async for part in reader:
        if not isinstance(part, BodyPartReader):
            raise ValueError("parts within parts")
        limit = FIELD if part.filename is None else LIMIT
        data = await _read(part, limit)
        found[part.name or ""] = data.decode() if part.filename is None else SentFile(part.filename, data)
    return found


async def _read(part: BodyPartReader, limit: int) -> bytes:
    data = bytearray()
    while piece := await part.read_chunk(PIECE):
        data += piece
        if len(data) > limit:
            raise UsageError(f"the file has more than {limit} bytes" if limit == LIMIT else "a field is too long")
    return bytes(data)

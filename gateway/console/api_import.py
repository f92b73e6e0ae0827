"""The JSON API's call that takes files of others as recordings. I/O."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from aiohttp import web

from ..errors import UsageError
from ..formats.imported import locating, renewed
from ..formats.reading import IMPORTS, LIMIT, read
from ..ids import new_id
from ..model.as_json import recording_json
from . import reads
from .keys import SERVICES
from .operation import Field, Operation, query_text
from .schemas import page

if TYPE_CHECKING:
    from ..formats.imported import Imported
    from ..protocols import Services


async def import_recordings(request: web.Request) -> web.Response:
    """The body is the file as it is."""
    services = request.app[SERVICES]
    data = await _body(request)
    found = await asyncio.to_thread(
        _read, services, data, name=query_text(request, "name"), format=query_text(request, "as")
    )
    for one in found:
        writing = services.recorder.add_recording(
            one.recording, one.exchanges, chunks=one.chunks, redact=services.routes.table.redact
        )
        await asyncio.wrap_future(writing)
    items = [recording_json(await reads.recording(services, one.recording.id)) for one in found]
    return web.json_response({"items": items, "next": None})


async def _body(request: web.Request) -> bytes:
    """Everything, up to the limit of files: larger than what forms may be."""
    parts, size = [], 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > LIMIT:
            raise UsageError(f"the file has more than {LIMIT} bytes")
        parts.append(part)
    return b"".join(parts)


def _read(services: Services, data: bytes, *, name: str, format: str) -> list[Imported]:
    locate = locating(services.routes.table.clusters.values(), services.url())
    return renewed(read(data, name=name, format=format, locate=locate), new_id=new_id, now=time.time())


OPERATIONS = (
    Operation(
        "POST",
        "import",
        import_recordings,
        "Take a file (HAR, Postman collection, curl commands, bundle) as new recordings",
        page("Recording"),
        query=(
            Field("as", "string", f"one of {', '.join(IMPORTS)}; found out without it"),
            Field("name", "string", "the file's name: a title where the file has none"),
        ),
        takes="the file as it is, whatever it is",
    ),
)

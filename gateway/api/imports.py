"""The JSON API's call that takes files of others as recordings. I/O."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from ..errors import UsageError
from ..export.import_file import IMPORTS, LIMIT, read
from ..export.imported_recording import locating, renewed
from ..ids import new_id
from ..model.json_shapes import recording_json
from ..services import listing
from ..web.guard import form_text
from ..web.keys import FORM, SERVICES
from ..web.uploads import Upload
from .operation import Field, Operation, query_text
from .schemas import page

if TYPE_CHECKING:
    from ..export.imported_recording import Imported
    from ..protocols import Services


async def import_recordings(request: web.Request) -> web.Response:
    """The body is the file as it is."""
    services = request.app[SERVICES]
    ids = await take(services, await _body(request), name=query_text(request, "name"), format=query_text(request, "as"))
    items = [recording_json(await listing.recording(services, id)) for id in ids]
    return web.json_response({"items": items, "next": None})


async def import_form(request: web.Request) -> web.Response:
    """The same from the page's form: the field `file`, and `as`. Leads to what came of it."""
    given = request[FORM].get("file")
    if not isinstance(given, Upload) or not given.name:
        raise UsageError("no file was chosen", hint="go back and choose a HAR, a Postman collection, curl or a bundle")
    ids = await take(request.app[SERVICES], given.data, name=given.name, format=form_text(request, "as"))
    raise web.HTTPSeeOther(
        f"/_gateway/recordings/{quote(ids[0], safe='')}" if len(ids) == 1 else "/_gateway/recordings"
    )


async def take(services: Services, data: bytes, *, name: str, format: str) -> list[str]:
    """The ids of the recordings that a file becomes; UsageError says why it is refused, and where."""
    found = await asyncio.to_thread(_read, services, data, name=name, format=format)
    for one in found:
        writing = services.recorder.add_recording(
            one.recording, one.exchanges, chunks=one.chunks, redact=services.routes.table.redact
        )
        await asyncio.wrap_future(writing)
    return [one.recording.id for one in found]


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

"""The JSON API's call that takes files of others as recordings. I/O."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from ..errors import UsageError
from ..export.readers.import_file import IMPORTS, LIMIT
from ..model.json_shapes import recording_json
from ..services import listing
from ..services.imports import ImportFile, locator, taken
from ..web.keys import SERVICES
from .operation import ApiCall, ApiField, query_text
from .schemas import page, ref

if TYPE_CHECKING:
    from ..export.readers.import_report import ImportReport
    from ..protocols import Services


async def import_recordings(request: web.Request) -> web.Response:
    """The body is the file as it is."""
    services = request.app[SERVICES]
    source = ImportFile(await _body(request), query_text(request, "name"), query_text(request, "as"))
    report = await take(services, source)
    items = [recording_json(await listing.recording(services, id)) for id, _, _ in report.recordings]
    return web.json_response({"items": items, "next": None, "report": report.as_json()})


async def take(services: Services, source: ImportFile) -> ImportReport:
    """Writes the recordings of a file; UsageError says why it is refused, and where."""
    locate = locator(services.routes.table.clusters.values(), services.url())
    found, report = await asyncio.to_thread(taken, source, locate)
    for one in found.recordings:
        writing = services.recorder.add_recording(
            one.recording, one.exchanges, chunks=one.chunks, redact=services.routes.table.redact
        )
        await asyncio.wrap_future(writing)
    return report


async def _body(request: web.Request) -> bytes:
    """Everything, up to the limit of files: larger than what forms may be."""
    parts, size = [], 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > LIMIT:
            raise UsageError(f"the file has more than {LIMIT} bytes")
        parts.append(part)
    return b"".join(parts)


OPERATIONS = (
    ApiCall(
        "POST",
        "import",
        import_recordings,
        "Take a file (HAR, bundle, curl commands, or of Postman, Insomnia, Bruno, Hurl or .http) as new recordings",
        page("Recording", report=ref("ImportReport")),
        query=(
            ApiField("as", "string", f"one of {', '.join(IMPORTS)}; found out without it"),
            ApiField("name", "string", "the file's name: a title where the file has none"),
        ),
        takes="the file as it is, whatever it is",
    ),
)

"""The JSON API under /_gateway/api/: one table serves the calls and describes them. I/O."""

from __future__ import annotations

from aiohttp import web

from .. import __version__
from . import (
    api_access,
    api_assertions,
    api_composing,
    api_correlations,
    api_import,
    api_live,
    api_playback,
    api_recordings,
    api_replay,
    api_routes,
    api_sealing,
    api_session,
    audit,
    preflight,
    rechecking,
)
from .keys import SERVICES
from .openapi import PREFIX, document
from .operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *api_recordings.OPERATIONS,
    *api_composing.OPERATIONS,
    *api_correlations.OPERATIONS,
    *api_assertions.OPERATIONS,
    *api_import.OPERATIONS,
    *api_playback.OPERATIONS,
    *api_replay.OPERATIONS,
    *preflight.OPERATIONS,
    *rechecking.OPERATIONS,
    *api_routes.OPERATIONS,
    *api_sealing.OPERATIONS,
    *api_session.OPERATIONS,
    *audit.OPERATIONS,
    *api_access.OPERATIONS,
    *api_live.OPERATIONS,
)


async def openapi(request: web.Request) -> web.Response:
    return web.json_response(document(OPERATIONS, version=__version__, server=request.app[SERVICES].url()))


def add_api(app: web.Application) -> None:
    for operation in OPERATIONS:
        path = PREFIX + operation.path
        if operation.method == "GET":  # a stream has no end, so it has no HEAD either
            app.router.add_get(path, operation.handler, allow_head=operation.media != "text/event-stream")
        else:
            app.router.add_route(operation.method, path, operation.handler)
    app.router.add_get("/_gateway/api/openapi.json", openapi)

"""The JSON API under /_gateway/api/: one table serves the calls and describes them. I/O."""

from __future__ import annotations

from aiohttp import web

from .. import __version__
from ..web.keys import SERVICES
from . import (
    access,
    assertions,
    audit,
    compose,
    correlations,
    imports,
    live,
    playback,
    preflight,
    rechecks,
    recordings,
    replay,
    routes,
    sealing,
    session,
    sessions,
)
from .openapi import PREFIX, document
from .operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *recordings.OPERATIONS,
    *compose.OPERATIONS,
    *correlations.OPERATIONS,
    *assertions.OPERATIONS,
    *imports.OPERATIONS,
    *playback.OPERATIONS,
    *replay.OPERATIONS,
    *preflight.OPERATIONS,
    *rechecks.OPERATIONS,
    *routes.OPERATIONS,
    *sealing.OPERATIONS,
    *session.OPERATIONS,
    *sessions.OPERATIONS,
    *audit.OPERATIONS,
    *access.OPERATIONS,
    *live.OPERATIONS,
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

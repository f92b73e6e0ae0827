"""The JSON API under /_gateway/api/: one table serves the calls and describes them. I/O."""

from __future__ import annotations

from functools import wraps

from aiohttp import web
from aiohttp.typedefs import Handler

from .. import __version__
from ..errors import UsageError, did_you_mean
from ..web.keys import SERVICES
from . import (
    access,
    assertions,
    audit,
    compose,
    correlations,
    drift,
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
from .operation import ApiCall

OPERATIONS: tuple[ApiCall, ...] = (
    *recordings.OPERATIONS,
    *compose.OPERATIONS,
    *correlations.OPERATIONS,
    *assertions.OPERATIONS,
    *imports.OPERATIONS,
    *playback.OPERATIONS,
    *replay.OPERATIONS,
    *drift.OPERATIONS,
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


def _with_known_query(operation: ApiCall) -> Handler:
    """The call, refusing parameters that it does not know: a misspelt one would be passed over in silence."""
    known = {field.name: field for field in operation.query}

    @wraps(operation.handler)
    async def checked(request: web.Request) -> web.StreamResponse:
        for name in request.query:
            if name not in known:
                takes = f"it takes {', '.join(known)}" if known else "it takes none"
                near = did_you_mean(name, known)
                raise UsageError(f"{name[:80]!r} is not a parameter of this call{near}", hint=takes)
        return await operation.handler(request)

    return checked


def add_api(app: web.Application) -> None:
    for operation in OPERATIONS:
        path = PREFIX + operation.path
        handler = _with_known_query(operation)
        if operation.method == "GET":  # a stream has no end, so it has no HEAD either
            app.router.add_get(path, handler, allow_head=operation.media != "text/event-stream")
        else:
            app.router.add_route(operation.method, path, handler)
    app.router.add_get("/_gateway/api/openapi.json", openapi)

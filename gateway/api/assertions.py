"""The JSON API's calls about assertions: what the steps of a recording must answer. I/O."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ..services import listing
from ..services.assertions import assert_about, assertions_json
from ..web.keys import SERVICES
from .operation import ApiCall, ApiField, read_body
from .schemas import BOOLEAN, INTEGER, TEXT, TEXT_OR_NULL, shape

CHANGES = (
    ApiField(
        "add", "strings", "such as 3:status=201, 3:$.total>=25, 3:took<200ms, 3:schema; status: all steps as recorded"
    ),
    ApiField("remove", "strings", "assertions to take back"),
)
ASSERTIONS = shape(
    items={"type": "array", "items": shape(step=INTEGER, assertion=TEXT, passed=BOOLEAN, message=TEXT_OR_NULL)},
    next=TEXT_OR_NULL,
)


async def list_assertions(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    found = await listing.recording(services, request.match_info["id"])
    return web.json_response(await asyncio.to_thread(assertions_json, services.store, found.id))


async def change_assertions(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    id = await assert_about(services, request.match_info["id"], await read_body(request, CHANGES))
    return web.json_response(await asyncio.to_thread(assertions_json, services.store, id))


OPERATIONS = (
    ApiCall(
        "GET",
        "recordings/{id}/assertions",
        list_assertions,
        "What its steps must answer, and whether they did when they were recorded",
        ASSERTIONS,
    ),
    ApiCall(
        "PATCH",
        "recordings/{id}/assertions",
        change_assertions,
        "Assert something about its steps, or take it back",
        ASSERTIONS,
        body=CHANGES,
    ),
)

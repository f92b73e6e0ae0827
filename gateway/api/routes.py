"""The JSON API's calls about the route table. I/O."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from ..services import changes, listing
from ..web.access import who_of
from ..web.keys import MOVES, SERVICES, SESSION_OF
from .operation import ApiCall, ApiField, query_int, read_body
from .schemas import TEXT, TEXTS, page, ref

MOVE = (
    ApiField("environment", "string", "where the cluster shall live", required=True),
    ApiField("source", "string", 'who asks, for the history; "api" without it'),
    ApiField("why", "string", "the reason, for the history and the audit"),
)


async def list_routes(request: web.Request) -> web.Response:
    return web.json_response(listing.routes_json(request.app[SERVICES], request.app[SESSION_OF](request)))


async def move_cluster(request: web.Request) -> web.Response:
    body = await read_body(request, MOVE)
    source = "".join(c for c in body.get("source", "api")[:80] if c.isprintable())
    moved = await changes.move(
        request.app[SERVICES],
        request.match_info["cluster"],
        body["environment"],
        source=source or "api",
        who=who_of(request),
        why=body.get("why", ""),
    )
    request.app[MOVES].remember(moved)
    found = asdict(moved)
    for shown_on_the_board in ("by", "why", "is_undo"):
        del found[shown_on_the_board]
    del found["at"]
    return web.json_response(found)


async def list_history(request: web.Request) -> web.Response:
    limit = query_int(request, "limit", 100, most=1000)
    return web.json_response({"items": await listing.history(request.app[SERVICES], limit=limit), "next": None})


OPERATIONS = (
    ApiCall(
        "GET",
        "routes",
        list_routes,
        "The clusters in force, with health and version of every upstream",
        page("Cluster", environments=TEXTS, revision=TEXT, file=TEXT, problems=TEXTS),
    ),
    ApiCall("POST", "routes/{cluster}/move", move_cluster, "Move a cluster", ref("Moved"), body=MOVE),
    ApiCall(
        "GET",
        "routes/history",
        list_history,
        "Accepted route tables, newest first",
        page("Revision"),
        query=(ApiField("limit", "integer", "how many at most"),),
    ),
)

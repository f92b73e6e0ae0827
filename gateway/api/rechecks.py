"""What the board and the JSON API show of marked recordings that were checked again after a move. I/O."""

from __future__ import annotations

from aiohttp import web

from ..services.listing import known_cluster
from ..services.recheck import Rechecks
from ..web.guard import form_text
from ..web.keys import SERVICES
from .operation import ApiCall, ApiField, read_body
from .schemas import BOOLEAN, TEXT, TEXT_OR_NULL, shape

RECHECKS: web.AppKey[Rechecks] = web.AppKey("rechecks")
BODY = (ApiField("writes", "boolean", "run them whole, writes too; without it only what reads is sent"),)
ONE = shape(
    cluster=TEXT, environment=TEXT, recording=TEXT, title=TEXT, good=BOOLEAN, why=TEXT, look=TEXT_OR_NULL, at=TEXT
)
LIST = shape(items={"type": "array", "items": ONE}, next=TEXT_OR_NULL)


async def list_rechecks(request: web.Request) -> web.Response:
    return web.json_response({"items": [one.as_json() for one in request.app[RECHECKS].results()], "next": None})


async def recheck_cluster(request: web.Request) -> web.Response:
    cluster = known_cluster(request.app[SERVICES], request.match_info["cluster"])
    body = await read_body(request, BODY)
    found = await request.app[RECHECKS].check(cluster.name, writes=body.get("writes", False))
    return web.json_response({"items": [one.as_json() for one in found], "next": None})


async def recheck_form(request: web.Request) -> web.Response:
    """Field cluster; leads to the board."""
    cluster = known_cluster(request.app[SERVICES], form_text(request, "cluster"))
    await request.app[RECHECKS].check(cluster.name)
    raise web.HTTPSeeOther("/_gateway/#rechecked")


def add_rechecks(app: web.Application) -> None:
    app[RECHECKS] = Rechecks(app[SERVICES])
    app.router.add_post("/_gateway/recheck", recheck_form)
    app.on_shutdown.append(_close)


async def _close(app: web.Application) -> None:
    await app[RECHECKS].close()


OPERATIONS = (
    ApiCall("GET", "rechecks", list_rechecks, "Marked recordings that were checked again after a move", LIST),
    ApiCall(
        "POST",
        "routes/{cluster}/recheck",
        recheck_cluster,
        "Check the marked recordings that touch a cluster again; only what reads is sent",
        LIST,
        body=BODY,
    ),
)

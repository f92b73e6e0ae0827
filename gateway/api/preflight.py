"""The look before the meeting, as a call of the JSON API and as a page. I/O."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web

from ..replay.plan import ReplayOptions
from ..replay.readiness import readiness_json
from ..services import listing
from ..services.preflight import preflight
from ..services.replay_request import environments
from ..web.guard import form_text
from ..web.keys import FORM, SERVICES
from .operation import ApiCall, ApiField, read_body
from .replay import TO
from .schemas import BOOLEAN, TEXT, TEXT_OR_NULL, TEXTS, shape

KEPT = 50  # recordings whose last look is remembered
LOOKS: web.AppKey[dict[str, dict[str, Any]]] = web.AppKey("looks")
BODY = (TO, ApiField("from", "integer", "the first step"), ApiField("until", "integer", "the last step"))
CHECK = shape(kind=TEXT, state={"enum": ["ok", "warning", "bad"]}, what=TEXT, message=TEXT, steps={"type": "array"})
READINESS = shape(
    of=TEXT, ready=BOOLEAN, recording=TEXT_OR_NULL, checks={"type": "array", "items": CHECK},
    offline=shape(clusters=TEXTS, steps={"type": "array"}),
)  # fmt: skip


async def look(app: web.Application, id: str, wanted: ReplayOptions) -> dict[str, Any]:
    """Look now, and remember what was found."""
    found = readiness_json(await preflight(app[SERVICES], id, wanted))
    looks = app[LOOKS]
    looks.pop(id, None)
    looks[id] = found
    while len(looks) > KEPT:
        del looks[next(iter(looks))]
    return found


async def preflight_recording(request: web.Request) -> web.Response:
    found = await listing.recording(request.app[SERVICES], request.match_info["id"])
    body = await read_body(request, BODY)
    wanted = ReplayOptions(first=body.get("from", 1), last=body.get("until"), to=environments(body.get("to", ())))
    return web.json_response(await look(request.app, found.id, wanted))


async def preflight_form(request: web.Request) -> web.Response:
    """Fields to.CLUSTER = environment; leads to the page that tells what was found."""
    found = await listing.recording(request.app[SERVICES], request.match_info["id"])
    to = {name[3:]: form_text(request, name) for name in request[FORM] if name.startswith("to.")}
    await look(request.app, found.id, ReplayOptions(to={name: value for name, value in to.items() if value}))
    raise web.HTTPSeeOther(f"/_gateway/recordings/{quote(found.id, safe='')}/preflight")


def add_preflight(app: web.Application) -> None:
    app[LOOKS] = {}
    app.router.add_post("/_gateway/recordings/{id}/preflight", preflight_form)


OPERATIONS = (
    ApiCall(
        "POST",
        "recordings/{id}/preflight",
        preflight_recording,
        "Can it be run live now? Sends only what reads, and proposes what to play offline",
        READINESS,
        body=BODY,
    ),
)

"""The JSON API's calls about sessions seen lately, each by its id, and about front ends of other origins. I/O."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from ..errors import UsageError
from ..services import changes, origins, seen_sessions
from ..services.audit_log import note
from ..web.access import who_of
from ..web.keys import LINKS, SERVICES, SESSION_OF
from .operation import ApiCall, ApiField, read_body
from .playback import PLAY, clear_modes, play_session
from .schemas import BOOLEAN, NUMBER, TEXT, TEXTS, page, ref, shape
from .session import FAULT, PIN, inject_fault, pin_cluster, remove_fault, unpin_cluster

LINK = (
    ApiField("pins", "strings", 'what the link pins, such as "orders=qa"; without any it joins the session'),
    ApiField("ttl", "string", 'for how long a pin holds, such as "2h"'),
)
ALLOW = (ApiField("origin", "string", "as a browser sends it: http://localhost:4200", required=True),)
PLAY_SESSION = (ApiField("recording", "string", "what to play", required=True), *PLAY)


async def list_sessions(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    items = await seen_sessions.seen(services, request.app[SESSION_OF](request))
    return web.json_response({"items": items, "next": None})


async def make_link(request: web.Request) -> web.Response:
    body = await read_body(request, LINK)
    services = request.app[SERVICES]
    session = seen_sessions.find(services, request.match_info["session"])
    pins = dict(_pair(text) for text in body.get("pins", ()))
    changes.check_pins(services, pins)
    changes.read_ttl(body.get("ttl", ""))
    token = request.app[LINKS].make(session, pins=pins, ttl=body.get("ttl", ""))
    note(services, "link", session.id, "pins " + ", ".join(pins) if pins else "join", who=who_of(request), source="api")
    page = "pin" if pins else "join"
    return web.json_response({"url": f"{request.scheme}://{request.host}/_gateway/{page}?token={quote(token)}"})


def _pair(text: str) -> tuple[str, str]:
    cluster, equals, environment = text.partition("=")
    if not equals:
        raise UsageError(f"{text[:80]!r} is not cluster=environment")
    return cluster.strip(), environment.strip()


async def list_origins(request: web.Request) -> web.Response:
    return web.json_response(origins.origins_json(request.app[SERVICES]))


async def allow_origin(request: web.Request) -> web.Response:
    body = await read_body(request, ALLOW)
    found = await origins.allow(request.app[SERVICES], body["origin"], source="api", who=who_of(request))
    return web.json_response(found)


SESSION = ref("Session")
REFUSED = {"type": "array", "items": shape(origin=TEXT, count=NUMBER, at=TEXT, cluster=TEXT, call=TEXT)}
ORIGINS = {"origins": TEXTS, "credentials": BOOLEAN, "refused": REFUSED}
AT = "sessions/{session}/"
OPERATIONS = (
    ApiCall("GET", "sessions", list_sessions, "Sessions seen lately, the last first", page("SeenSession")),
    ApiCall("PUT", AT + "pins/{cluster}", pin_cluster, "Pin a cluster for a session", SESSION, body=PIN),
    ApiCall("DELETE", AT + "pins/{cluster}", unpin_cluster, "Take a session's pin away", SESSION),
    ApiCall("PUT", AT + "faults/{cluster}", inject_fault, "Inject a fault into its calls", SESSION, body=FAULT),
    ApiCall("DELETE", AT + "faults/{cluster}", remove_fault, "Inject no more fault into them", SESSION),
    ApiCall("POST", AT + "playback", play_session, "Play a recording for a session", SESSION, body=PLAY_SESSION),
    ApiCall("DELETE", AT + "playback", clear_modes, "Lead a session back to live", SESSION),
    ApiCall(
        "POST", AT + "link", make_link, "A link, good once, by which a browser joins a session or has it pinned",
        shape(url=TEXT), body=LINK,
    ),
    ApiCall("GET", "cors", list_origins, "Front ends of other origins: listed, and refused", shape(**ORIGINS)),
    ApiCall(
        "POST", "cors/allow", allow_origin, "Let a front end call, by one line of routes.yaml",
        shape(origin=TEXT, file=TEXT, line={"type": ["integer", "null"]}, **ORIGINS), body=ALLOW,
    ),
)  # fmt: skip

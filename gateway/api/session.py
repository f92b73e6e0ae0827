"""The JSON API's calls about the caller's own session. I/O."""

from __future__ import annotations

from aiohttp import web

from ..errors import UsageError
from ..model.units import read_duration
from ..replay.fault import read_fault
from ..services import changes, listing
from ..web.keys import SERVICES, SESSION_OF
from ..web.sessions import session_for
from .operation import ApiCall, ApiField, read_body
from .schemas import ref

PIN = (
    ApiField("environment", "string", "where this session's calls to the cluster go", required=True),
    ApiField("ttl", "string", 'for how long, such as "2h"; for the session\'s life without it'),
)
FAULT = (
    ApiField("delay", "string", 'how late the answer comes, such as "200ms"'),
    ApiField("status", "integer", "the answer's status; alone it leaves the upstream untouched"),
    ApiField("drop", "strings", "what the answer is to lack: json:/id, header:ETag"),
    ApiField("alter", "strings", "what it is to say instead: json:/price=0"),
    ApiField("rate", "number", "the share of the calls, above 0 and at most 1; all of them without it"),
)
START = (ApiField("title", "string", "the new recording's title"),)


async def get_session(request: web.Request) -> web.Response:
    return web.json_response(listing.session_json(request.app[SESSION_OF](request)))


async def pin_cluster(request: web.Request) -> web.Response:
    body = await read_body(request, PIN)
    services, session = request.app[SERVICES], session_for(request)
    name = listing.known_cluster(services, request.match_info["cluster"]).name
    changes.pin(services, session, {name: body["environment"]}, ttl=changes.read_ttl(body.get("ttl", "")))
    return web.json_response(listing.session_json(session))


async def unpin_cluster(request: web.Request) -> web.Response:
    services, session = request.app[SERVICES], session_for(request)
    services.sessions.unpin(session, request.match_info["cluster"])
    return web.json_response(listing.session_json(session))


async def inject_fault(request: web.Request) -> web.Response:
    body = await read_body(request, FAULT)
    services, session = request.app[SERVICES], session_for(request)
    name = listing.known_cluster(services, request.match_info["cluster"]).name
    try:
        delay = read_duration(body.get("delay", "") or 0)
    except ValueError as error:
        raise UsageError(f"delay: {error}") from None
    fault = read_fault(
        delay=delay, status=body.get("status"), alter=body.get("alter", ()), drop=body.get("drop", ()),
        rate=body.get("rate", 1.0),
    )  # fmt: skip
    if fault is None:
        raise UsageError("this fault does nothing", hint='{"status": 503}, {"delay": "2s"} or {"drop": ["json:/id"]}')
    session.faults[name] = fault
    services.sessions.keep(session)
    return web.json_response(listing.session_json(session))


async def remove_fault(request: web.Request) -> web.Response:
    services, session = request.app[SERVICES], session_for(request)
    session.faults.pop(request.match_info["cluster"], None)
    services.sessions.keep(session)
    return web.json_response(listing.session_json(session))


async def start_recording(request: web.Request) -> web.Response:
    body = await read_body(request, START)
    services, session = request.app[SERVICES], request.app[SESSION_OF](request)
    services.sessions.start_recording(session, body.get("title", "").strip())
    return web.json_response(listing.session_json(session))


OPERATIONS = (
    ApiCall("GET", "session", get_session, "This session: its recording, pins and modes", ref("Session")),
    ApiCall("PUT", "session/pins/{cluster}", pin_cluster, "Pin a cluster for this session", ref("Session"), body=PIN),
    ApiCall("DELETE", "session/pins/{cluster}", unpin_cluster, "Take a pin away", ref("Session")),
    ApiCall(
        "PUT",
        "session/faults/{cluster}",
        inject_fault,
        "Inject a fault into this session's calls to a cluster",
        ref("Session"),
        body=FAULT,
    ),
    ApiCall("DELETE", "session/faults/{cluster}", remove_fault, "Inject no more fault", ref("Session")),
    ApiCall("POST", "session/recording", start_recording, "Start a new recording", ref("Session"), body=START),
)

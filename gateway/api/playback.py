"""The JSON API's calls about playback: what answers the caller's own session. I/O."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ..services import listing, playback
from ..web.keys import SERVICES, SESSION_OF
from ..web.sessions import session_for
from .operation import ApiCall, ApiField, read_body
from .schemas import ref

PLAY = (
    ApiField("mode", "string", f"{', '.join(playback.MODES)}; playback without it"),
    ApiField(
        "clusters",
        "strings",
        "only these of its clusters; without it all, with playback those that were not recorded too",
    ),
    ApiField("match", "string", "strict, loose or by-order; loose without it"),
    ApiField("end", "string", "after the last recorded answer: last (again), cycle, 404 or live; last without it"),
    ApiField("ignore_headers", "strings", "header fields that do not count"),
    ApiField("ignore_query", "strings", "query parameters that do not count"),
    ApiField("ignore_json", "strings", "JSON pointers that do not count, with what lies below; * is any one part"),
    ApiField("roles", "boolean", "whether values of earlier answers match by their role; true without it"),
    ApiField("pace", "number", "streams wait as long as recorded, times this; 0 is at once"),
    ApiField("shift", "boolean", "move dates, cookie expiries and Age to now; true without it"),
)
MODE = (
    ApiField("mode", "string", f"live, {', '.join(playback.MODES)}", required=True),
    ApiField("recording", "string", "what to play; without it, what the session plays already"),
)


async def play_recording(request: web.Request) -> web.Response:
    body = await read_body(request, PLAY)
    return await _play(request, request.match_info["id"], body)


async def play_session(request: web.Request) -> web.Response:
    body = await read_body(request, (ApiField("recording", "string", "what to play", required=True), *PLAY))
    return await _play(request, body.pop("recording"), body)


async def _play(request: web.Request, recording: str, body: dict[str, Any]) -> web.Response:
    services, session = request.app[SERVICES], session_for(request)
    await playback.play(
        services,
        session,
        recording,
        mode=body.get("mode", "playback"),
        clusters=body.get("clusters", ()),
        rules=playback.read_rules(body),
        pace=float(body.get("pace", 1.0)),
        shift=body.get("shift", True),
    )
    return web.json_response(listing.session_json(session))


async def set_mode(request: web.Request) -> web.Response:
    body = await read_body(request, MODE)
    services, session = request.app[SERVICES], request.app[SESSION_OF](request)
    cluster = request.match_info["cluster"]
    await playback.set_mode(services, session, cluster, body["mode"], ref=body.get("recording", ""))
    return web.json_response(listing.session_json(session))


async def clear_mode(request: web.Request) -> web.Response:
    services, session = request.app[SERVICES], request.app[SESSION_OF](request)
    session.modes.pop(request.match_info["cluster"], None)
    services.sessions.keep(session)
    return web.json_response(listing.session_json(session))


async def clear_modes(request: web.Request) -> web.Response:
    session = session_for(request)
    playback.back_to_live(request.app[SERVICES], session)
    return web.json_response(listing.session_json(session))


SESSION = ref("Session")
OPERATIONS = (
    ApiCall(
        "POST",
        "recordings/{id}/playback",
        play_recording,
        "Play a recording for this session, from its first step",
        SESSION,
        body=PLAY,
    ),
    ApiCall("PUT", "session/modes/{cluster}", set_mode, "How this session's calls are answered", SESSION, body=MODE),
    ApiCall("DELETE", "session/modes/{cluster}", clear_mode, "Take one cluster back to live", SESSION),
    ApiCall("DELETE", "session/modes", clear_modes, "Take every cluster back to live", SESSION),
)

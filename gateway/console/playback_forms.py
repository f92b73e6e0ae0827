"""What the forms of playback do: play a recording by rules, change one cluster's mode, go back to live. I/O."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from aiohttp import web

from ..errors import UsageError
from ..services import playback
from ..web.guard import form_text
from ..web.keys import FORM, SERVICES, SESSION_OF
from ..web.sign_in import local

BOARD = "/_gateway/"
RECORDINGS = "/_gateway/recordings/"
LISTS = ("ignore_headers", "ignore_query", "ignore_json")


async def play(request: web.Request) -> web.Response:
    """Fields mode, match, end, pace and the ignore lists (separated by commas or spaces); roles and shift are boxes,
    of which a hidden `boxes` says that they are in the form; mode.CLUSTER for those that do otherwise."""
    form, session = request[FORM], request.app[SESSION_OF](request)
    boxes = "boxes" in form
    playing = await playback.play(
        request.app[SERVICES],
        session,
        request.match_info["id"],
        mode=form_text(request, "mode"),
        rules=playback.read_rules(_rules(request, boxes=boxes)),
        pace=_pace(form_text(request, "pace")) if "pace" in form else 1.0,
        shift=form.get("shift") == "yes" if boxes or "shift" in form else True,
    )
    await _by_cluster(request)
    raise _to(playing.tape.recording)


async def modes(request: web.Request) -> web.Response:
    """Fields mode.CLUSTER: each goes on from where its playback is."""
    found = await _by_cluster(request)
    if not found:
        raise UsageError("no cluster is named", hint="mode.orders = live, say")
    raise _to(request.match_info["id"])


async def back_to_live(request: web.Request) -> web.Response:
    """Field next: the page of a demo on which it was pressed, to stay there."""
    session, wanted = request.app[SESSION_OF](request), local(str(request[FORM].get("next", "")))
    played = next(iter(session.modes.values()), None)
    playback.back_to_live(request.app[SERVICES], session)
    if wanted.startswith("/demos/"):
        raise web.HTTPSeeOther(wanted)
    raise web.HTTPSeeOther(f"{RECORDINGS}{quote(played.playback.tape.recording, safe='')}" if played else BOARD)


async def _by_cluster(request: web.Request) -> int:
    """How many clusters were given a mode of their own."""
    session, id = request.app[SESSION_OF](request), request.match_info["id"]
    chosen = {name[5:]: str(mode) for name, mode in request[FORM].items() if name.startswith("mode.") and mode}
    for cluster, mode in chosen.items():
        ref = "" if session.modes or mode == playback.LIVE else id
        await playback.set_mode(request.app[SERVICES], session, cluster, mode, ref=ref)
    return len(chosen)


def _rules(request: web.Request, *, boxes: bool) -> dict[str, Any]:
    form = request[FORM]
    given: dict[str, Any] = {name: form_text(request, name) for name in ("match", "end") if name in form}
    for name in LISTS:
        if name in form:
            given[name] = [one for one in re.split(r"[,\s]+", form_text(request, name)) if one]
    return given | ({"roles": form.get("roles") == "yes"} if boxes else {})


def _pace(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"pace: {text[:40]!r} is not a number") from None


def _to(recording: str) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(f"{RECORDINGS}{quote(recording, safe='')}?tab=export#playback")


def add_playing_forms(app: web.Application) -> None:
    app.router.add_post("/_gateway/session/live", back_to_live)
    app.router.add_post("/_gateway/recordings/{id}/playback", play)
    app.router.add_post("/_gateway/recordings/{id}/modes", modes)

"""The pages that list what was recorded: every exchange as it happens, and recordings; each with its filter. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from aiohttp import web

from ..api.operation import query_int
from ..errors import NotFoundError, UsageError
from ..model.filter import quoted
from ..model.json_shapes import recording_json
from ..services import listing
from ..services.seen_sessions import client_in_words
from ..web.keys import SERVICES, SESSION_OF
from ..web.view import View, view
from . import saved_filters
from .call_pane import read_pane
from .live_groups import chips, grouped

if TYPE_CHECKING:
    from ..protocols import LiveSession, Services

RECENT: Final = 50  # rows that a page begins with
MOST: Final = 1000  # that one asks for at once


async def live(request: web.Request) -> View:
    query, limit = request.query.get("q", ""), query_int(request, "limit", RECENT, most=MOST)
    selected, part = request.query.get("sel", ""), request.query.get("part", "")
    pane = await shown_pane(request, selected)
    if part == "pane":
        return view({}, template="live_pane.html", pane=pane, base=address(request))
    try:
        rows, older = await listing.latest(
            request.app[SERVICES], limit=limit, cursor=request.query.get("cursor"), query=query
        )
    except UsageError as error:
        return refused(request, query, error)
    kept = await saved_filters.saved(request.app[SERVICES], "live")
    if request.path.endswith(".json"):
        return view({"q": query, "items": rows, "next": older, "saved": kept})
    own = request.app[SESSION_OF](request)
    return view(
        {"q": query, "items": rows, "next": older, "saved": kept},
        template="live_rows.html" if part == "rows" else "",
        problem=None, pane=pane, selected=selected, base=address(request),
        groups=grouped(rows, await asyncio.to_thread(_described, request.app[SERVICES], rows, own)),
        chips=chips(query, rows, own.id),
    )  # fmt: skip


async def shown_pane(request: web.Request, selected: str) -> dict[str, Any] | None:
    """The pane of the call that ?sel= names, on the tab that ?pane= names."""
    if not selected or request.path.endswith(".json"):
        return None
    whole = request.query.get("lines") == "all"
    return await read_pane(request.app[SERVICES], selected, request.query.get("pane", ""), whole=whole)


def address(request: web.Request) -> str:
    """This list's address, to which a row adds what it selects: "/_gateway/live?q=404&"."""
    kept = {name: value for name, value in request.query.items() if name not in ("sel", "part", "lines", "pane")}
    return f"{request.path}?{urlencode(kept)}{'&' if kept else ''}"


def _described(
    services: Services, rows: Sequence[Mapping[str, Any]], own: LiveSession
) -> dict[str, tuple[str, str, int]]:
    """By recording: its title, whose calls it holds in words, how many there are. Blocking."""
    found = {}
    for row in rows:
        id = row["recording"]
        if id in found:
            continue
        try:
            recording = services.store.recording(id)
        except NotFoundError:
            continue
        session = services.sessions.get(row["session"])
        client = client_in_words(session.agent) if session else ""
        if session is own:
            client = "this browser"
        found[id] = (recording.title, client, recording.steps)
    return found


async def recordings(request: web.Request) -> View:
    query, limit = request.query.get("q", ""), query_int(request, "limit", RECENT, most=MOST)
    try:
        found = await asyncio.to_thread(
            request.app[SERVICES].store.recordings, query, limit=limit, cursor=request.query.get("cursor")
        )
    except UsageError as error:
        return refused(request, query, error)
    kept = await saved_filters.saved(request.app[SERVICES], "recordings")
    items = [recording_json(one) for one in found.items]
    own = request.app[SESSION_OF](request).id
    return view(
        {"q": query, "items": items, "next": found.next, "saved": kept}, problem=None, own=quoted(own, bare=True)
    )


def refused(request: web.Request, query: str, error: UsageError) -> View:
    """The filter box keeps what was typed, and says what is off."""
    if request.path.endswith(".json"):
        raise error
    data: dict[str, Any] = {"q": query, "items": [], "next": None, "saved": []}
    return view(
        data,
        status=status_of(request, error),
        problem=error,
        own=quoted(request.app[SESSION_OF](request).id, bare=True),
        pane=None,
        selected="",
        base=address(request),
        groups=(),
        chips=(),
    )


def status_of(request: web.Request, problem: UsageError | None) -> int:
    """Who is still typing a filter has done nothing wrong: the box only says what is off so far."""
    return 400 if problem and "HX-Request" not in request.headers else 200

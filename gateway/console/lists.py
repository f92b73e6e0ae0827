"""The pages that list what was recorded: every exchange as it happens, and recordings; each with its filter. I/O."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web

from ..api.operation import query_int
from ..errors import UsageError
from ..model.json_shapes import recording_json
from ..services import listing
from ..web.keys import SERVICES
from ..web.view import View, view
from . import saved_filters

RECENT: Final = 50  # rows that a page begins with
MOST: Final = 1000  # that one asks for at once


async def live(request: web.Request) -> View:
    query, limit = request.query.get("q", ""), query_int(request, "limit", RECENT, most=MOST)
    try:
        rows, older = await listing.latest(
            request.app[SERVICES], limit=limit, cursor=request.query.get("cursor"), query=query
        )
    except UsageError as error:
        return refused(request, query, error)
    kept = await saved_filters.saved(request.app[SERVICES], "live")
    return view({"q": query, "items": rows, "next": older, "saved": kept}, problem=None)


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
    return view({"q": query, "items": items, "next": found.next, "saved": kept}, problem=None)


def refused(request: web.Request, query: str, error: UsageError) -> View:
    """The filter box keeps what was typed, and says what is off."""
    if request.path.endswith(".json"):
        raise error
    data: dict[str, Any] = {"q": query, "items": [], "next": None, "saved": []}
    return view(data, status=status_of(request, error), problem=error)


def status_of(request: web.Request, problem: UsageError | None) -> int:
    """Who is still typing a filter has done nothing wrong: the box only says what is off so far."""
    return 400 if problem and "HX-Request" not in request.headers else 200

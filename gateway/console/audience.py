"""The audience: read-only pages behind a link that ends, led by the presenter, with the link back. I/O.

They show neither secrets, nor speaker's notes, nor the console; nothing in them can be changed.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from aiohttp import web

from ..web.access import AUDIENCE
from ..web.keys import SERVICES
from ..web.page_shell import rendered
from .presentations import SHOWS, WATCHERS
from .presenter_slides import DECKS, slide_context

if TYPE_CHECKING:
    from .presentations import Show

HEARTBEAT: Final = 15.0


async def follow_page(request: web.Request) -> web.Response:
    """Where the presenter is now."""
    show = _show(request)
    return await _page(request, show, show.at)


async def slide_page(request: web.Request) -> web.Response:
    """A slide that was shown already; nobody looks ahead."""
    show, text = _show(request), request.match_info["slide"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else show.at
    return await _page(request, show, min(number, show.furthest))


async def events(request: web.Request) -> web.StreamResponse:
    """An event "at" with the state whenever the presenter moves; "over" at the end."""
    show, shows = _show(request), request.app[SHOWS]
    if show.watchers >= WATCHERS:
        raise web.HTTPServiceUnavailable(text=f"{WATCHERS} people watch already.")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    code = request.match_info["code"]
    show.watchers += 1
    try:
        with suppress(ConnectionError):  # people leave
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            while show.code == code and show.is_open(time.time()) and not shows.closed:
                await response.write(_event("at", show))
                await show.wait(min(HEARTBEAT, max(0.1, show.until - time.time())))
            if not shows.closed:
                await response.write(b"event: over\ndata: {}\n\n")
    finally:
        show.watchers -= 1
    return response


def _event(name: str, show: Show) -> bytes:
    return f"event: {name}\ndata: {json.dumps(show.state(time.time()))}\n\n".encode()


def _show(request: web.Request) -> Show:
    return request.app[SHOWS].by_code(request.match_info["code"])


async def _page(request: web.Request, show: Show, number: int) -> web.Response:
    found = await request.app[DECKS].of(request.app[SERVICES], show.recording)
    address = AUDIENCE + show.code
    context = await slide_context(request, found, number, show, address=address)
    context |= {"at": show.at, "with_what_if": show.what_if and number == show.at, "furthest": show.furthest,
                "black": show.black, "until": show.until, "is_live": show.stepping is not None}  # fmt: skip
    return await rendered(request, "console/watch.html", context, in_layout=False)


def add_watch(app: web.Application) -> None:
    app.router.add_get(AUDIENCE + "{code}", follow_page)
    app.router.add_get(AUDIENCE + "{code}/events", events, allow_head=False)
    app.router.add_get(AUDIENCE + "{code}/{slide}", slide_page)

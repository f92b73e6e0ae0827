"""Saved filters: names for filters of the live page and the recordings, shared by all who use this gateway. I/O."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiohttp import web

from ..errors import UsageError
from ..web.guard import form_text
from ..web.keys import SERVICES

if TYPE_CHECKING:
    from ..protocols import Services

# They are kept where values of sessions are, under a name that no session can have: it has spaces.
SHELF = "the saved filters"
PAGES = {"live": "/_gateway/live", "recordings": "/_gateway/recordings"}
MOST, LONGEST = 100, 80


async def saved(services: Services, page: str) -> list[dict[str, str]]:
    """The filters of one page by name, with their permalinks."""
    found = await asyncio.to_thread(services.store.values, SHELF)
    return [
        {"name": name.partition(":")[2], "q": str(query), "href": address(page, str(query))}
        for name, query in sorted(found.items())
        if name.startswith(f"{page}:")
    ]


def address(page: str, query: str) -> str:
    return f"{PAGES[page]}?{urlencode({'q': query})}"


async def save(request: web.Request) -> web.Response:
    """Fields page, name, q; without q the filter of that name is forgotten."""
    services, page = request.app[SERVICES], form_text(request, "page")
    name, query = form_text(request, "name").strip()[:LONGEST], form_text(request, "q").strip()
    if page not in PAGES:
        raise UsageError(f"{page[:40]!r} is not one of {', '.join(PAGES)}")
    if not name:
        raise UsageError("a filter needs a name")
    if query and len(await saved(services, page)) >= MOST:
        raise UsageError(f"there are {MOST} saved filters already", hint="forget one first")
    kept: dict[str, Any] = {f"{page}:{name}": query or None}
    await asyncio.wrap_future(services.recorder.keep_values(SHELF, kept))
    raise web.HTTPSeeOther(address(page, query) if query else PAGES[page])

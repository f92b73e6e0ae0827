"""The search of every page: an id or a title leads there, words list pages, clusters, recordings and calls. I/O."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from aiohttp import web

from ..errors import GatewayError, NotFoundError, UsageError
from ..model.json_shapes import recording_json
from ..services import listing
from ..web.keys import SERVICES
from ..web.page_shell import ADMIN, PAGES
from ..web.view import View, view

if TYPE_CHECKING:
    from ..protocols import Services

RECORDINGS: Final = 5  # shown at once; their own page has the rest
CALLS: Final = 20
_ID = re.compile(r"[0-9A-Z]{26}")


async def find(request: web.Request) -> View:
    """What `q` names: an id or an exact title is gone to, all else is a list; filter syntax works too."""
    services, wanted = request.app[SERVICES], request.query.get("q", "").strip()
    data: dict[str, Any] = {"q": wanted, "pages": [], "clusters": [], "recordings": [], "calls": []}
    if not wanted:
        return view(data, problem=None)
    if address := await _exact(services, wanted):
        raise web.HTTPFound(address)
    data["pages"], data["clusters"] = _pages(wanted), _clusters(services, wanted)
    try:
        found = await asyncio.to_thread(services.store.recordings, wanted, limit=RECORDINGS)
        data["recordings"] = [recording_json(one) for one in found.items]
        data["calls"], _ = await listing.latest(services, limit=CALLS, query=wanted)
    except UsageError as error:
        if request.path.endswith(".json"):
            raise
        return view(data, problem=error)
    return view(data, problem=None)


async def _exact(services: Services, wanted: str) -> str:
    """The page of an exchange or a recording that is named exactly; "" for words."""
    if _ID.fullmatch(wanted):
        try:
            return f"/_gateway/exchanges/{quote((await listing.exchange(services, wanted)).id, safe='')}"
        except NotFoundError:
            pass
    try:
        return f"/_gateway/recordings/{quote((await listing.recording(services, wanted)).id, safe='')}"
    except GatewayError:  # no such recording, or a prefix of several
        return ""


def _pages(wanted: str) -> list[dict[str, str]]:
    known = [(name, href) for name, href, *_ in PAGES] + list(ADMIN)
    return [{"name": name, "href": href} for name, href in known if wanted.casefold() in name.casefold()]


def _clusters(services: Services, wanted: str) -> list[str]:
    return [name for name in services.routes.table.clusters if wanted.casefold() in name.casefold()][:RECORDINGS]

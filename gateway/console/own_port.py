"""Console, API and demos on a port of their own: on the port of the traffic they only say where they are. I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from .access import SAFE, canonical
from .keys import OWN_PORT

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

# What proxies and problem pages need on the port of the traffic, too.
EVERYWHERE = frozenset(("/_gateway/healthz", "/_gateway/readyz", "/_gateway/static/{name}"))


@web.middleware
async def check_port(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lead readers to the console's port, and refuse everything else that comes to the wrong one: 421.

    The host was checked before, so that nobody is led elsewhere.
    """
    port = request.app[OWN_PORT]
    pattern = canonical(request)
    if port is None or _port_of(request) == port or pattern in EVERYWHERE:
        return await handler(request)
    if not pattern and not request.path.startswith("/_gateway"):  # a client's 404
        return await handler(request)
    there = f"{request.scheme}://{_bracketed(request)}:{port}"
    if request.method in SAFE and "text/html" in request.headers.get(hdrs.ACCEPT, ""):
        raise web.HTTPTemporaryRedirect(there + request.raw_path)
    raise web.HTTPMisdirectedRequest(text=f"Console, API and demos of this gateway are at {there}.")


def _port_of(request: web.Request) -> int | None:
    """The port that the client connected to."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return name[1] if isinstance(name, tuple) else None


def _bracketed(request: web.Request) -> str:
    host = urlsplit(f"//{request.host}").hostname or "127.0.0.1"
    return f"[{host}]" if ":" in host else host

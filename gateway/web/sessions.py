"""Which session a request is about: its own, or another one that its path names. I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..services import seen_sessions
from .keys import SERVICES, SESSION_OF

if TYPE_CHECKING:
    from aiohttp import web

    from ..protocols import LiveSession


def session_for(request: web.Request) -> LiveSession:
    """The session named in the path, else the request's own; NotFoundError. Who may name one is decided before."""
    id = request.match_info.get("session")
    return request.app[SESSION_OF](request) if id is None else seen_sessions.find(request.app[SERVICES], id)

"""Keys of what several pages and calls share in the aiohttp application and in a request; what one page alone uses has
its key beside it. I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from ..access import Access, Login
    from ..protocols import LiveSession, Services
    from ..services.changes import Moves
    from ..services.seen_sessions import SessionLinks
    from ..services.stepwise_replay import Steppers, StoppedReplays

SERVICES: web.AppKey[Services] = web.AppKey("services")
SESSION_OF: web.AppKey[Callable[[web.Request], LiveSession]] = web.AppKey("session_of")
MOVES: web.AppKey[Moves] = web.AppKey("moves")
LINKS: web.AppKey[SessionLinks] = web.AppKey("links")
STEPPERS: web.AppKey[Steppers] = web.AppKey("steppers")
STOPPED: web.AppKey[StoppedReplays] = web.AppKey("stopped")
ACCESS: web.AppKey[Access] = web.AppKey("access")
OWN_PORT: web.AppKey[int | None] = web.AppKey("own_port")  # None: on the port of the traffic
CSRF_KEYS: web.AppKey[Callable[[], Sequence[bytes]]] = web.AppKey("csrf_keys")  # newest first
FORM: web.RequestKey[Mapping[str, Any]] = web.RequestKey("form")
LOGIN: web.RequestKey[Login] = web.RequestKey("login")  # absent where nobody needs to sign in

# The request being answered: templates reach it through their globals, so that a page needs to pass nothing on.
CURRENT: ContextVar[web.Request] = ContextVar("gateway_request")

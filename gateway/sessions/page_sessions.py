"""Sessions of our own pages: which one a request has, its cookie on the response, aiohttp-session's view of it. I/O."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import aiohttp_session
from aiohttp import hdrs, web
from aiohttp_session import AbstractStorage, Session, SessionData

from ..model.forwarding import Sender, TrustedProxies, claims_of, sender_of
from ..protocols import LiveSession
from .identity import COOKIE_NAME

if TYPE_CHECKING:
    from .registry import LiveSessions

SESSION: Final = web.RequestKey("session", LiveSession)
OFFER: Final = web.RequestKey("offer", str)
SENDER: Final = web.RequestKey("sender", Sender)
TRUSTED: Final = web.AppKey("trusted", TrustedProxies)
SESSIONS: Final[web.AppKey[LiveSessions]] = web.AppKey("sessions")
NOBODY: Final = TrustedProxies(())
PLAIN: Final = web.AppKey("plain", str)  # what the plain port does beside a TLS port: keep, redirect or off


def sender_of_page(request: web.Request) -> Sender:
    """Who sent a request for a page of ours, through trusted proxies or not."""
    sender = request.get(SENDER)
    if sender is None:
        claims, secure = claims_of(request.raw_headers), request.scheme == "https"
        trusted = request.app.get(TRUSTED) or NOBODY
        sender = sender_of(request.remote or "", request.host.encode(), claims, trusted, secure=secure)
        request[SENDER] = sender
    return sender


def only_https(request: web.Request) -> bool:
    """Whether a cookie of ours may be Secure: while the plain port answers as well, a Secure one would lock its session
    out of the same browser."""
    over_tls = request.scheme == "https"
    return sender_of_page(request).scheme == b"https" and (not over_tls or request.app.get(PLAIN, "keep") != "keep")


def session_of(sessions: LiveSessions, request: web.Request) -> LiveSession:
    """The session of a request; its cookie, when it needs one, is kept for the response's head."""
    session = request.get(SESSION)
    if session is None:
        client = sender_of_page(request).address
        session, offer = sessions.identify(list(request.raw_headers), client=client, secure=only_https(request))
        session = request[SESSION] = sessions.confirmed(session)
        if offer is not None:
            request[OFFER] = offer.decode("ascii")
    return session


def join_session(request: web.Request, session: LiveSession) -> None:
    """From now on the browser that sent this request takes part in another session."""
    sessions = request.app[SESSIONS]
    request[SESSION] = session
    request[OFFER] = sessions.join(session, secure=only_https(request)).decode("ascii")


def setup_sessions(
    app: web.Application, sessions: LiveSessions, *, trusted: TrustedProxies | None = None, plain: str = "keep"
) -> Callable[[web.Request], LiveSession]:
    """Send the cookie with whatever answer goes out: pages, errors, files, streams. Returns `session_of`."""
    app[SESSIONS] = sessions
    app[TRUSTED], app[PLAIN] = trusted or TrustedProxies(), plain
    app.on_response_prepare.append(send_cookie)
    aiohttp_session.setup(app, LiveSessionStorage(sessions))
    return partial(session_of, sessions)


async def send_cookie(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Runs when a head is about to leave; only a session asked for before then can have a cookie."""
    offer = request.get(OFFER)
    if offer is not None:
        response.headers.add(hdrs.SET_COOKIE, offer)


class LiveSessionStorage(AbstractStorage):
    """The sessions of our own pages for aiohttp-session: `await get_session(request)` gives what the pages keep of the
    live session, `session.identity` is its id.

    The id and the cookie are LiveSessions' business: the middleware of aiohttp-session never sees streamed responses,
    and a cookie that held the values would lose one of two concurrent writes. Values of demos live in the store.
    """

    def __init__(self, sessions: LiveSessions) -> None:
        super().__init__(cookie_name=COOKIE_NAME.decode("ascii"), httponly=True, samesite="Lax")
        self._sessions = sessions

    async def load_session(self, request: web.Request) -> Session:
        live = session_of(self._sessions, request)
        return Session(live.id, data=SessionData(created=0, session=live.page), new=False)

    async def save_session(self, request: web.Request, response: web.StreamResponse, session: Session) -> None:
        live = session_of(self._sessions, request)
        live.page.clear()
        live.page.update(session)

"""Sessions seen lately: whose calls they are, in words, and links by which a browser takes part in one. I/O.

A link carries a token that is good once: the browser that opens it gets the session's cookie, or has its calls
sent elsewhere.
The session's id is no such proof, because pages and files show it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from ..errors import NotFoundError
from .listing import session_json

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..protocols import LiveSession, Services

MOST: Final = 50  # sessions that are listed
LASTS: Final = 3600.0  # seconds a link may wait
MOST_LINKS: Final = 1000

BROWSERS: Final = (  # the more special first: Edge and Opera call themselves Chrome, and Chrome calls itself Safari
    ("Edge", re.compile(r"Edg(?:e|A|iOS)?/(\d+)")),
    ("Opera", re.compile(r"OPR/(\d+)")),
    ("Samsung Internet", re.compile(r"SamsungBrowser/(\d+)")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"(?:Headless)?(?:Chrome|CriOS|Chromium)/(\d+)")),
    ("Safari", re.compile(r"Version/(\d{1,9}).{0,80}Safari/")),
)
SYSTEMS: Final = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"), ("Macintosh", "macOS"), ("Linux", "Linux"),
)  # fmt: skip
PRODUCT: Final = re.compile(r"([A-Za-z][\w.-]{0,40})(?:/([\w.-]{1,20}))?")


def client_in_words(agent: str) -> str:
    """ "Firefox 153 on Linux", "curl 8.5.0"; "" where the client does not say what it is."""
    if agent.startswith("Mozilla/"):
        system = next((f" on {name}" for word, name in SYSTEMS if word in agent), "")
        for name, pattern in BROWSERS:
            if match := pattern.search(agent):
                return f"{name} {match[1]}{system}"
        return f"a browser{system}"
    product = PRODUCT.match(agent)
    return " ".join(filter(None, product.groups())) if product else ""


async def seen(services: Services, own: LiveSession) -> list[dict[str, Any]]:
    """The sessions of clients, seen last first; replays and the like, which the gateway makes itself, are left out."""
    sessions = [one for one in services.sessions.all() if one.mode == "live" and (one.steps or one is own)][:MOST]
    last = await asyncio.to_thread(_last_calls, services, sessions)
    return [_described(one, last.get(one.id)) | {"yours": one is own} for one in sessions]


def find(services: Services, id: str) -> LiveSession:
    """NotFoundError when no such session was seen."""
    session = services.sessions.get(id)
    if session is not None:
        session = services.sessions.confirmed(session)
    if session is None:
        raise NotFoundError(f"no session {id[:80]!r} was seen lately", hint="GET sessions lists them")
    return session


def _last_calls(services: Services, sessions: list[LiveSession]) -> dict[str, Exchange]:
    found = {}
    for session in sessions:
        if session.steps:
            with contextlib.suppress(NotFoundError):
                found[session.id] = services.store.step(session.recording, session.steps)
    return found


def _described(session: LiveSession, last: Exchange | None) -> dict[str, Any]:
    agent = session.agent or _agent_of(last)
    about = {name: value for name, value in session_json(session).items() if name != "id"}
    call = None
    if last is not None:
        call = {"exchange": last.id, "method": last.method, "path": last.path, "status": last.status}
    return {
        "session": session.id,
        "client": client_in_words(agent),
        "agent": agent,
        "address": session.address,
        "told_by": session.told_by,
        "seen_at": datetime.fromtimestamp(session.seen, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "last": call,
        **about,
    }


def _agent_of(last: Exchange | None) -> str:
    headers = last.request.headers if last is not None else ()
    return next((value for name, value in headers if name.lower() == "user-agent"), "")


@dataclass(frozen=True, slots=True)
class SessionLink:
    """What a link does: join the session, or pin its clusters."""

    session: str
    until: float
    pins: Mapping[str, str] = field(default_factory=dict)
    ttl: str = ""


class SessionLinks:
    """Links that were given out and not used yet; known by a hash of their token."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._links: dict[str, SessionLink] = {}

    def make(self, session: LiveSession, *, pins: Mapping[str, str] | None = None, ttl: str = "") -> str:
        """The token of a new link."""
        now, token = self._clock(), secrets.token_urlsafe(24)
        self._links = {key: one for key, one in self._links.items() if one.until > now}
        while len(self._links) >= MOST_LINKS:
            del self._links[next(iter(self._links))]
        self._links[_hash(token)] = SessionLink(session.id, now + LASTS, dict(pins or {}), ttl)
        return token

    def look(self, token: str) -> SessionLink:
        """What a token is good for; NotFoundError when it was used, has expired or is none."""
        link = self._links.get(_hash(token))
        if link is None or link.until <= self._clock():
            raise NotFoundError(
                "this link was used already, or has expired", hint="make another one: /_gateway/sessions"
            )
        return link

    def use(self, token: str) -> SessionLink:
        """The same, and it is good no more."""
        link = self.look(token)
        del self._links[_hash(token)]
        return link


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()

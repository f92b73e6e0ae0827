"""The live sessions: found in a dictionary for a cookie seen before, made, pinned, kept. I/O (clock, randomness).

A cookie holds an id and the time, encrypted. Only what we sealed ourselves counts, so nobody can be given an id of
another's choice. Ids are no secrets: those that we make cannot be sent as a name (identity.py), and what leads into
such a session is a cookie, or for the gateway's own calls a pass, both sealed. docs/security.md has the rules for
clients without a cookie.

    request ─ identify: header or baggage name ─> the session of that name
                        our cookie or pass     ─> the session of its id
                        neither                ─> by address, agent and marks (cookieless.py), and a cookie is offered
    a session: live ─ unseen while MOST others came ─> forgotten here; its recording and its cookie stay valid
               live ─ start_recording ─> the same session, the next recording
               pins ─ ttl ─> gone at the first look after that

What may never happen: a session found by an id alone; two sessions with one id; a table here that grows without a
limit (MOST, MOST_COOKIES, and those of cookieless.py).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from cryptography.fernet import InvalidToken

from ..ids import DOT, new_id, renewed_id, session_id
from ..model.caches import are_on
from ..model.headers import Fields
from ..protocols import LiveSession, Pin
from . import identity
from .cookieless import (
    WINDOW,
    CookielessClients,
    CookielessRequest,
    Mark,
    api_key_marks,
    cookie_marks,
    is_browser,
    token_marks,
)
from .identity import COOKIE_NAME, FieldKinds

if TYPE_CHECKING:
    from ..keys import Keys
    from ..model.capture import RawPairs
    from .sharing import SessionSharing

MOST: Final = 100_000  # sessions in memory
MOST_COOKIES: Final = 10_000
PATIENCE: Final = 1.0  # seconds that the response to a change waits for the store
LONGEST: Final = 1024  # bytes of a cookie of ours; a real one has about 250
ATTRIBUTES: Final = b"; HttpOnly; Path=/; SameSite=Lax"


class LiveSessions:
    """Implements protocols.Sessions. For one event loop."""

    def __init__(
        self,
        keys: Keys,
        *,
        clock: Callable[[], float] = time.time,
        most: int = MOST,
        titled: Callable[[LiveSession], object] = lambda session: None,
        keep: Callable[[LiveSession], Future[None] | None] = lambda session: None,
        soon: Callable[[], object] = lambda: None,
        sharing: SessionSharing | None = None,
    ) -> None:
        """`titled` is called for a session that has begun a recording with a title, `keep` for one to be stored now,
        `soon` when there are `newcomers` to be stored; `sharing` where other gateways have the sessions as well."""
        self._cipher, self._clock, self._most, self._titled = keys.cookie, clock, most, titled
        self._keep, self._soon, self._sharing = keep, soon, sharing
        self.changes = 0
        self._saved: Future[None] | None = None  # the last change on its way into the store
        self._newcomers: dict[str, LiveSession] = {}
        self._marks_key = keys.marks
        self._sessions: dict[str, LiveSession] = {}  # the longest unseen first
        self._changed: dict[str, LiveSession] = {}
        self._fields: dict[bytes, str] = {}  # whole Cookie field -> session id
        self._cookies: dict[bytes, str] = {}  # our cookie -> session id
        self._cookieless = CookielessClients(session_id, key=keys.marks)
        self._passes: dict[bytes, str] = {}  # our pass -> session id
        self._kinds = FieldKinds()

    # -- who is calling

    def identify(self, headers: RawPairs, *, client: str, secure: bool = False) -> tuple[LiveSession, bytes | None]:
        """The session of a request, and a Set-Cookie value to send when the client should get one; `secure` when it is
        never sent over plain HTTP."""
        if type(headers) is Fields and headers.session:
            return self._proved(headers.session), None
        kinds, found = self._kinds, dict[int, bytes]()
        for name, value in headers:
            kind = kinds[name]
            if kind:
                found[kind] = identity.joined(kind, found[kind], value) if kind in found else value
        named = found.get(identity.NAMED)
        if named is not None and len(named) > identity.LONGEST_NAME and (id := self._by_pass(named)):
            return self._proved(id), None
        if id := self._own_choice(named, found.get(identity.BAGGAGE, b"")):
            return self._noted(self._named(id), found, client, "its Gateway-Session" if named else "its baggage"), None
        field = found.get(identity.COOKIE)
        if field is not None and (id := self._fields.get(field) or self._by_cookie(field)):
            if type(headers) is Fields:
                headers.session = id
            return self._noted(self._proved(id), found, client, "its cookie"), None
        return self._without_cookie(found, client, secure=secure)

    def _noted(self, session: LiveSession, found: dict[int, bytes], client: str, told_by: str) -> LiveSession:
        """With what is shown of its client."""
        session.agent, session.address = found.get(identity.AGENT, b"")[:300].decode("latin-1"), client
        session.told_by = told_by
        return session

    def _own_choice(self, named: bytes | None, baggage: bytes) -> str:
        """The id that a client gave itself, by header or else by baggage; "" when it did not."""
        if named is not None:
            return identity.checked_id(named, identity.HEADER)
        return identity.baggage_id(baggage) if identity.BAGGAGE_KEY in baggage else ""

    def renew(self, keys: Keys) -> None:
        """From now on lock cookies with these keys."""
        self._cipher = keys.cookie
        self._passes.clear()

    def strip_cookie(self, value: bytes) -> bytes:
        return identity.strip_cookie(value)

    def _named(self, id: str) -> LiveSession:
        session = self._session(id)
        session.named, session.by_cookie = True, False
        return session

    def _proved(self, id: str) -> LiveSession:
        session = self._session(id)
        session.by_cookie = True
        return session

    def _session(self, id: str, *, is_new: bool = False) -> LiveSession:
        """The live session of an id, moved to the end of the queue of the unseen; `is_new` where nobody can know it."""
        session = self._sessions.pop(id, None)
        sharing = self._sharing
        if session is None or (sharing is not None and sharing.is_elsewhere(session)):
            claimed = None if is_new or sharing is None else sharing.claim(id)
            return self._add(claimed or session or LiveSession(id, recording=new_id()))
        self._sessions[id] = self._changed[id] = session
        session.seen = self._clock()
        if session.pins:
            self._expire(session)
        return session

    def confirmed(self, session: LiveSession) -> LiveSession:
        """The session as it is in the store, where other gateways may have changed it: for what is about to be shown or
        changed. Another object than before where one of them has."""
        sharing = self._sharing
        if sharing is None or not sharing.is_elsewhere(session, surely=True):
            return session
        claimed = sharing.claim(session.id)
        if claimed is None:
            return session
        for name in ("named", "by_cookie", "told_by", "agent", "address"):
            setattr(claimed, name, getattr(session, name))
        self._sessions.pop(session.id, None)
        return self._add(claimed)

    def _add(self, session: LiveSession) -> LiveSession:
        while len(self._sessions) >= self._most:
            self._forget(next(iter(self._sessions)))
        while len(self._changed) >= self._most:  # the store is slower than strangers are
            self._changed.pop(next(iter(self._changed)))
        session.seen = self._clock()
        self._sessions[session.id] = self._changed[session.id] = session
        return session

    def _forget(self, id: str) -> None:
        """It is not known here any more."""
        del self._sessions[id]
        if self._sharing is not None:
            self._sharing.forget(id)

    # -- cookies

    def _by_cookie(self, field: bytes) -> str:
        """The session id of the first cookie that we sealed; "" when there is none."""
        if COOKIE_NAME not in field:
            return ""
        for cookie in identity.own_cookies(field):
            id = self._cookies.get(cookie) or self._unsealed(cookie)
            if id:
                if len(field) <= 4 * LONGEST:
                    _remember(self._fields, field, id)
                return id
        return ""

    def _unsealed(self, cookie: bytes) -> str:
        """Decrypt a cookie that was not seen before; anything that is not ours is no cookie at all."""
        if len(cookie) > LONGEST:
            return ""
        try:
            found = json.loads(self._cipher.decrypt(cookie))["session"]
            id = found["id"]
        except (InvalidToken, ValueError, TypeError, KeyError):
            return ""
        if not isinstance(id, str) or "pass" in found:
            return ""
        if DOT not in id and not found.get("named"):
            if not identity.OLD_ID.fullmatch(id):
                return ""
            id = renewed_id(id)
        _remember(self._cookies, cookie, id)
        if found.get("named"):
            self._named(id)
        else:
            self._cookieless.claim(id)
        return id

    def offer(self, id: str, *, secure: bool = False) -> bytes:
        """Set-Cookie for a session, in the shape of aiohttp-session's encrypted cookies."""
        session = {"id": id} if DOT in id else {"id": id, "named": True}
        value = json.dumps({"created": int(self._clock()), "session": session}, separators=(",", ":"))
        return COOKIE_NAME + b"=" + self._cipher.encrypt(value.encode()) + ATTRIBUTES + (b"; Secure" if secure else b"")

    # -- the gateway's own calls

    def begin(self, kind: str) -> LiveSession:
        """A session of the gateway's own, such as a replay's; only its pass leads into it."""
        return self._session(session_id(kind), is_new=True)

    def credential(self, session: LiveSession) -> str:
        """The value of Gateway-Session with which the gateway calls itself for a session. Never to be shown."""
        if session.named:
            return session.id
        value = json.dumps({"session": {"id": session.id, "pass": True}}, separators=(",", ":"))
        return self._cipher.encrypt(value.encode()).decode("ascii")

    def _by_pass(self, value: bytes) -> str:
        """The session that a pass of ours is for; "" when it is none."""
        id = self._passes.get(value, "")
        if id or len(value) > LONGEST:
            return id
        try:
            found = json.loads(self._cipher.decrypt(value))["session"]
        except (InvalidToken, ValueError, TypeError, KeyError):
            return ""
        if not found.get("pass"):
            return ""
        _remember(self._passes, value, found["id"])
        return str(found["id"])

    # -- clients without a cookie

    def _without_cookie(
        self, found: dict[int, bytes], client: str, *, secure: bool
    ) -> tuple[LiveSession, bytes | None]:
        agent, fetch_mode = found.get(identity.AGENT, b""), found.get(identity.FETCH_MODE, b"")
        asked = CookielessRequest(
            key=(client, agent, found.get(identity.LANGUAGE, b"")),
            navigation=identity.is_navigation(found.get(identity.ACCEPT, b""), fetch_mode),
            browser=is_browser(agent, fetch_mode),
            marks=_marks(found, self._marks_key),
        )
        known = self._cookieless.find(asked, self._clock())
        session = self._session(known.session, is_new=known.is_new)
        session.by_cookie = False
        self._noted(session, found, client, known.told_by)
        if known.is_news and len(self._newcomers) < self._most:
            self._newcomers[session.id] = session
            self._soon()
        return session, self.offer(known.offer, secure=secure) if known.offer else None

    def learn(self, session: LiveSession, set_cookie: bytes) -> None:
        """An upstream gives this client a cookie, by which it may be known."""
        self._cookieless.learn(session.id, set_cookie)

    def join(self, session: LiveSession, *, secure: bool = False) -> bytes:
        """The Set-Cookie value by which a browser takes part in a session; its calls without a cookie stay in it."""
        self._cookieless.join(session.id)
        self.keep(session)
        return self.offer(session.id, secure=secure)

    # -- sessions by id

    def next_step(self, session: LiveSession) -> int:
        session.steps += 1
        return session.steps

    def get(self, id: str) -> LiveSession | None:
        session = self._sessions.get(id)
        if session is not None:
            self._expire(session)
        return session

    def all(self) -> Sequence[LiveSession]:
        """Those seen last first."""
        sessions = list(reversed(self._sessions.values()))
        for session in sessions:
            self._expire(session)
        return sessions

    def start_recording(self, session: LiveSession, title: str = "") -> str:
        session.recording, session.steps, session.title = new_id(), 0, title
        self._changed[session.id] = session
        if title:
            self._titled(session)
        self.keep(session)
        return session.recording

    def keep(self, session: LiveSession) -> Future[None] | None:
        self.changes += 1
        self._saved = self._keep(self._whole(session))
        return self._saved

    async def settle(self) -> None:
        saved = self._saved  # the writer keeps the order: those before it are stored as well
        if saved is None:
            return
        stored = asyncio.wrap_future(saved)
        stored.add_done_callback(_failed)
        await asyncio.wait([stored], timeout=PATIENCE)
        if self._sharing is not None and stored.done() and not _failed(stored):
            await self._sharing.settle()

    def pin(self, session: LiveSession, cluster: str, environment: str, *, ttl: float = 0.0) -> None:
        session.pins[cluster] = Pin(environment, self._clock() + ttl if ttl else 0.0)
        self._changed[session.id] = session  # and once more, for a store that fails now
        self.keep(session)

    def unpin(self, session: LiveSession, cluster: str) -> None:
        if session.pins.pop(cluster, None) is not None:
            self._changed[session.id] = session
            self.keep(session)

    def _expire(self, session: LiveSession) -> None:
        if not session.pins:
            return
        now = self._clock()
        over = [cluster for cluster, pin in session.pins.items() if pin.until and pin.until <= now]
        for cluster in over:
            self.unpin(session, cluster)

    # -- over a restart

    def restore(self, sessions: Iterable[LiveSession]) -> None:
        """Take over the sessions of the last run, at the steps where their recordings go on."""
        for session in sorted(sessions, key=lambda each: each.seen)[-self._most :]:
            self._sessions[session.id] = session
            self._recall(session)

    def follow(self, changed: Iterable[LiveSession]) -> None:
        """These are another gateway's now, or were changed there: their next request claims them again. Their clients
        without a cookie are known here, too."""
        for session in changed:
            for known in (self._sessions, self._changed, self._newcomers):
                known.pop(session.id, None)
            if self._sharing is not None:
                self._sharing.forget(session.id)
            self._recall(session)

    def _recall(self, session: LiveSession) -> None:
        """How a client without a cookie is known."""
        if session.caller and self._clock() - session.seen <= WINDOW:
            with suppress(ValueError, TypeError, KeyError, AttributeError):  # written otherwise: a stranger then
                self._cookieless.restore(session.id, json.loads(session.caller))

    def changed(self) -> list[LiveSession]:
        """The sessions seen or changed since the last call, to be saved."""
        changed, self._changed = list(self._changed.values()), {}
        return [self._whole(session) for session in changed]

    def newcomers(self) -> list[LiveSession]:
        """The sessions since the last call of clients without a cookie, or with a mark they had not shown before: to be
        saved soon, for a server that is killed."""
        newcomers, self._newcomers = list(self._newcomers.values()), {}
        return [self._whole(session) for session in newcomers]

    def _whole(self, session: LiveSession) -> LiveSession:
        """With how its client is known, ready to be stored."""
        facts = self._cookieless.facts_of(session.id)
        session.caller = json.dumps(facts) if facts else session.caller
        return session


def _failed(stored: asyncio.Future[None]) -> bool:
    return stored.cancelled() or stored.exception() is not None


def _marks(found: dict[int, bytes], key: bytes) -> tuple[Mark, ...]:
    """What else tells a client from one that looks alike."""
    token, cookies = found.get(identity.TOKEN, b""), found.get(identity.COOKIE, b"")
    marks = (*token_marks(token, key), *cookie_marks(cookies, key))
    # An API key is often an application's, the same for all who use it: it counts when nothing else does.
    return marks or tuple(api_key_marks(found.get(identity.API_KEY, b""), key))


def _remember(cache: dict[bytes, str], key: bytes, id: str) -> None:
    if not are_on():
        return
    if len(cache) >= MOST_COOKIES:
        del cache[next(iter(cache))]
    cache[key] = id

"""Clients that send neither a session id nor our cookie: which session is theirs, whose cookie is offered. Pure.

A client is known by its address, its User-Agent and its Accept-Language. Three things make that hard:

- **A browser sends its first calls before it has a cookie.** A page behind a dev server makes several at once, and so
  do tabs that are restored together. Calls of one browser within BURST seconds of the first are one page load: all
  are of one session and all are offered the same cookie. On the machine of the gateway itself (a loopback address)
  that goes on until the cookie has come back once: there is one person at its screen.
- **Two people may look alike.** Once a cookie has come back it is its owner's alone, so a later call without one is of
  somebody else: it begins another session. Programs, which send no Sec-Fetch-Mode and call themselves otherwise than
  browsers do, are distinguished even within a burst.
- **Something else may tell them apart**: a token, or a session cookie of an upstream. The first that a client shows
  becomes a mark of its session; a different one of the same kind belongs to another. JSON Web Tokens are compared by
  issuer and subject, so that a refreshed token is the same person's. Marks are keyed hashes: they are stored with the
  session, so that a restart tells clients apart as before, and no token can be found from its mark.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any, Final

WINDOW: Final = 1800.0  # seconds: the contract's idle window of a client without a cookie
BURST: Final = 5.0  # seconds after the first call in which a browser's calls without a cookie are one page load
OFFERS: Final = 8  # cookies offered to one such client before we take it that it keeps none
MARKS: Final = 20  # of one client: clients name their cookies as they like
MOST: Final = 10_000  # of clients, and of marks
LONGEST: Final = 8192  # bytes of a field that is looked into

# Names of cookies by which servers know their clients; those of statistics and settings change, and tell nothing.
SESSION_NAME: Final = re.compile(rb"sess|sid|auth|token|login|jwt|identity", re.IGNORECASE)
NO_SESSION_NAME: Final = re.compile(rb"[cx]srf|\s", re.IGNORECASE)

Key = tuple[str, bytes, bytes]  # address, User-Agent, Accept-Language
Mark = tuple[str, object]  # kind, what tells one from another


@dataclass(slots=True)
class CookielessClient:
    """A client without our cookie."""

    session: str
    key: Key
    begun: float
    seen: float
    offers: int = 0
    claimed: bool = False  # a cookie of the session has come back
    joined: bool = False  # a person said that it is theirs: it stays, although the cookie is used elsewhere
    marks: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CookielessRequest:
    """What a request without our cookie shows of its sender."""

    key: Key
    navigation: bool = False  # a browser opens a page
    browser: bool = False
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class CookielessSession:
    """The session of a request, the session whose cookie is offered with the response ("" for none), and by what the
    client was known."""

    session: str
    offer: str
    told_by: str
    is_news: bool = False  # the client began, or showed a mark for the first time: to be stored soon
    is_new: bool = False  # the client began: nobody else can know its session


class CookielessClients:
    """The clients without a cookie that were seen within the window. For one event loop."""

    def __init__(self, fresh_id: Callable[[], str], *, key: bytes = b"", most: int = MOST) -> None:
        """`key` is that of the marks."""
        self._fresh_id, self._key, self._most = fresh_id, key, most
        self._clients: dict[Key, CookielessClient] = {}  # the longest unseen first
        self._marked: dict[tuple[Key, str, object], CookielessClient] = {}
        self._by_session: dict[str, CookielessClient] = {}

    def find(self, asked: CookielessRequest, now: float) -> CookielessSession:
        """The session of a request; begins one when it is of nobody known."""
        client, by_mark = self._known(asked, now)
        if client is None:
            client = self._begin(asked.key, now, open=True)
        elif not by_mark and self._differs(client, asked.marks):
            client, by_mark = self._begin(asked.key, now, open=False), True
        client.seen = now
        client.offers += 1
        is_news = self._mark(client, asked) or client.offers == 1
        told_by = _told_by(asked, by_mark=by_mark)
        return CookielessSession(client.session, self._offer(client, asked, now), told_by, is_news, client.offers == 1)

    def facts_of(self, session: str) -> dict[str, Any]:
        """What is known of the client of a session, as JSON has it; empty for one that has never come without a cookie.
        `restore` reads it."""
        client = self._by_session.get(session)
        if client is None:
            return {}
        address, agent, language = client.key
        return {
            "address": address, "agent": agent.decode("latin-1"), "language": language.decode("latin-1"),
            "begun": client.begun, "seen": client.seen, "offers": client.offers, "claimed": client.claimed,
            "joined": client.joined, "open": self._clients.get(client.key) is client,
            "marks": {kind: mark for kind, mark in client.marks.items() if isinstance(mark, str)},
        }  # fmt: skip

    def restore(self, session: str, facts: dict[str, Any]) -> None:
        """A client of the last run. ValueError, TypeError or KeyError when these are no facts of one."""
        key = (str(facts["address"]), facts["agent"].encode("latin-1"), facts["language"].encode("latin-1"))
        marks: dict[str, object] = {str(kind): str(mark) for kind, mark in facts["marks"].items()}
        client = CookielessClient(
            session, key, float(facts["begun"]), float(facts["seen"]), int(facts["offers"]), bool(facts["claimed"]),
            bool(facts["joined"]), marks,
        )  # fmt: skip
        self._add(client, open=bool(facts["open"]))
        for kind, mark in marks.items():
            self._remember((key, kind, mark), client)

    def claim(self, session: str) -> None:
        """A cookie of the session came back."""
        client = self._by_session.get(session)
        if client is not None:
            client.claimed = True

    def join(self, session: str) -> None:
        """A person said that the session is theirs: its calls without a cookie stay with it."""
        client = self._by_session.get(session)
        if client is not None:
            client.joined = True

    def learn(self, session: str, set_cookie: bytes) -> None:
        """An upstream gives a client of the session another cookie: a client that shows it is still the same."""
        client = self._by_session.get(session)
        if client is None or len(set_cookie) > LONGEST:
            return
        for kind, mark in cookie_marks(set_cookie.partition(b";")[0], self._key):
            if kind in client.marks:
                client.marks[kind] = mark
                self._remember((client.key, kind, mark), client)

    def _known(self, asked: CookielessRequest, now: float) -> tuple[CookielessClient | None, bool]:
        """(the client, whether a mark told it)."""
        for kind, mark in asked.marks:
            client = self._marked.get((asked.key, kind, mark))
            if client is not None and now - client.seen <= WINDOW:
                return client, True
        client = self._clients.get(asked.key)
        if client is None or now - client.seen > WINDOW or not self._is_theirs(client, asked, now):
            return None, False
        self._clients[asked.key] = self._clients.pop(asked.key)  # seen last
        return client, False

    def _is_theirs(self, client: CookielessClient, asked: CookielessRequest, now: float) -> bool:
        """Whether the session that began with this address and browser may be this request's as well."""
        if client.joined or (asked.browser and now - client.begun <= BURST):
            return True
        if client.claimed:
            return False
        return not asked.navigation or (asked.browser and _is_here(asked.key))

    def _differs(self, client: CookielessClient, marks: tuple[Mark, ...]) -> bool:
        return any(client.marks.get(kind, mark) != mark for kind, mark in marks)

    def _mark(self, client: CookielessClient, asked: CookielessRequest) -> bool:
        """Remember what it shows; whether there is something new in it."""
        is_new = False
        for kind, mark in asked.marks:
            if client.marks.get(kind) != mark and (kind in client.marks or len(client.marks) < MARKS):
                client.marks[kind] = mark
                self._remember((asked.key, kind, mark), client)
                is_new = True
        return is_new

    def _remember(self, where: tuple[Key, str, object], client: CookielessClient) -> None:
        while len(self._marked) >= self._most:
            del self._marked[next(iter(self._marked))]
        self._marked[where] = client

    def _begin(self, key: Key, now: float, *, open: bool) -> CookielessClient:
        return self._add(CookielessClient(self._fresh_id(), key, now, now), open=open)

    def _add(self, client: CookielessClient, *, open: bool) -> CookielessClient:
        if open:
            self._clients.pop(client.key, None)
            while len(self._clients) >= self._most:
                self._clients.pop(next(iter(self._clients)))
            self._clients[client.key] = client
        while len(self._by_session) >= 2 * self._most:
            del self._by_session[next(iter(self._by_session))]
        self._by_session[client.session] = client
        return client

    def _offer(self, client: CookielessClient, asked: CookielessRequest, now: float) -> str:
        """The first response offers the session itself; so do all of a page load. A later one may be somebody else's,
        who looks alike and keeps cookies: it offers a session of its own, and nobody is merged by our doing."""
        if asked.browser and (now - client.begun <= BURST or asked.navigation or _is_here(asked.key)):
            return client.session if asked.navigation or client.offers <= OFFERS else ""
        if client.offers == 1:
            return client.session
        return self._fresh_id() if client.offers <= OFFERS else ""


def is_browser(agent: bytes, fetch_mode: bytes) -> bool:
    """Every browser has called itself Mozilla for thirty years; young ones also say how they fetch."""
    return bool(fetch_mode) or agent.startswith(b"Mozilla/")


def token_marks(authorization: bytes, key: bytes = b"") -> Iterator[Mark]:
    """The mark of an Authorization value: by its scheme, so that the Basic credentials of a token request and the
    Bearer token that it gives do not tell one client apart from itself."""
    scheme, _, rest = authorization.strip().partition(b" ")
    kind = scheme.lower().decode("latin-1")
    # The messages of NTLM and Negotiate differ within one sign-in (RFC 4559 section 5).
    if rest and len(authorization) <= LONGEST and kind not in ("ntlm", "negotiate"):
        yield f"token:{kind}", _mark_of(rest.strip(), key)


def api_key_marks(value: bytes, key: bytes = b"") -> Iterator[Mark]:
    """The mark of an API key or token in a header of its own."""
    if value and len(value) <= LONGEST:
        yield "token:key", _mark_of(value.strip(), key)


def cookie_marks(cookies: bytes, key: bytes = b"") -> Iterator[Mark]:
    """The marks of a Cookie value without our own cookie."""
    if len(cookies) <= LONGEST:
        for cookie in cookies.split(b";"):
            name, _, value = cookie.lstrip(b" \t").partition(b"=")
            if value and SESSION_NAME.search(name) and not NO_SESSION_NAME.search(name):
                yield f"cookie:{name.decode('latin-1')}", _mark_of(value, key)


def _mark_of(token: bytes, key: bytes) -> str:
    """Equal for equal tokens, and for tokens of one subject."""
    subject = _subject(token)
    said = token if subject is None else json.dumps(subject).encode()
    return blake2b(said, key=key, digest_size=16, person=b"token" if subject is None else b"subject").hexdigest()


def _subject(token: bytes) -> tuple[str, str] | None:
    """(issuer, subject) of a JSON Web Token (RFC 7519); None for any other token. Nothing is verified: a forged one
    tells its sender apart from others, and that is all that is asked of it."""
    parts = token.split(b".")
    if len(parts) != 3 or not token.startswith(b"eyJ"):
        return None
    try:
        claims: Any = json.loads(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    if not isinstance(claims, dict) or not isinstance(claims.get("sub"), str):
        return None
    return str(claims.get("iss", "")), claims["sub"]


def _is_here(key: Key) -> bool:
    """Whether the client runs on the gateway's own machine."""
    try:
        return ip_address(key[0]).is_loopback
    except ValueError:
        return False


def _told_by(asked: CookielessRequest, *, by_mark: bool) -> str:
    """In words, for the list of sessions."""
    words = "its address and browser" if asked.browser else "its address and User-Agent"
    if by_mark and asked.marks:
        kind, _, name = asked.marks[0][0].partition(":")
        words += f", and the cookie {name}" if kind == "cookie" else ", and its token"
    return words

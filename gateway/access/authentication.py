"""Judges tokens and passwords, gives out one-time links, knows who is signed in. I/O; for one event loop."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import ConfigError
from . import logins
from .credentials import FILE, Credential, SignInRole, identity_of, read_credentials
from .hashing import hash_password, hash_token, is_hash, matches, new_token
from .logins import Login, Logins

BURST: Final = 5.0  # wrong attempts of one address before it has to wait
EVERY: Final = 10.0  # seconds after which one of them is forgotten
ALL_BURST: Final = 50.0  # the same for all addresses together: many addresses are no way around
ALL_EVERY: Final = 1.0
MOST: Final = 10_000  # addresses remembered


class Bucket:
    """Fills by one with every attempt, and empties by time."""

    __slots__ = ("at", "burst", "every", "level")

    def __init__(self, burst: float, every: float) -> None:
        self.burst, self.every = burst, every
        self.level = self.at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until one more fits."""
        self.level = max(0.0, self.level - max(0.0, now - self.at) / self.every)
        self.at = now
        return max(0.0, (self.level + 1 - self.burst) * self.every)


class Attempts:
    """Counts before an attempt is judged, so that many at once are no way around either."""

    def __init__(self) -> None:
        self._all = Bucket(ALL_BURST, ALL_EVERY)
        self._each: dict[str, Bucket] = {}

    def take(self, address: str, now: float) -> float:
        """0 when the attempt may be made, and then it counts as a wrong one; else the seconds to wait."""
        mine = self._each.setdefault(network(address), Bucket(BURST, EVERY))
        wait = max(mine.wait(now), self._all.wait(now))
        if wait <= 0:
            mine.level += 1
            self._all.level += 1
        while len(self._each) > MOST:
            del self._each[next(iter(self._each))]
        return wait

    def right(self, address: str) -> None:
        """The attempt was a right one: what this address did wrong before is forgotten."""
        if self._each.pop(network(address), None):
            self._all.level = max(0.0, self._all.level - 1)


def network(address: str) -> str:
    """One household's IPv6 addresses are one (a /64); anything else stands for itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 6:
        return str(found.ipv4_mapped or ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
    return address


log = logging.getLogger("gateway.access")

LINK_LASTS: Final = 24 * 3600.0
MOST_KNOWN: Final = 256
AT_ONCE: Final = 2  # passwords judged at the same time: each takes a core for some 40 ms
HERE: Final = "this machine"  # the name under which commands beside the recordings act
LINKED: Final = "link"


@dataclass(frozen=True, slots=True)
class SignInVerdict:
    """`credential` is None when nothing fits, and when there was no judging because `wait` seconds must pass first."""

    credential: Credential | None = None
    wait: float = 0.0


class Access:
    """Everything that the console asks about who may use it. Without `folder` nothing outlives the process."""

    def __init__(
        self, folder: Path | None = None, *, remote: bool = False, password: str = "", viewer_password: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._clock = clock
        self._file = folder / FILE if folder else None
        self._seen: tuple[int, ...] | None = None
        self._from_file: tuple[Credential, ...] = ()
        self._pepper = secrets.token_bytes(32)
        self._known: dict[bytes, Credential] = {}  # what was right before, by a keyed hash of it
        self._links: dict[str, tuple[SignInRole, float]] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.attempts = Attempts()
        self.here_token = new_token()
        given = ((password, "password", "operator"), (viewer_password, "viewer password", "viewer"))
        self._given = tuple(Credential(name, role, _kept(word)) for word, name, role in given if word)  # type: ignore[arg-type]
        self._own = Credential(HERE, "operator", hash_token(self.here_token))
        self._remote = remote
        self.logins = Logins(folder / logins.FILE if folder else None, clock)

    @property
    def needed(self) -> bool:
        """Whether anybody has to sign in at all: when others can reach the console, or as soon as somebody can."""
        return self._remote or self.has_any

    def credentials(self) -> Sequence[Credential]:
        """All that count now: those of the settings, those of the file, and that of this machine's commands."""
        return (*self._given, *self._look(), self._own)

    @property
    def has_any(self) -> bool:
        """Whether somebody can sign in without a link."""
        return bool(self._given or self._look())

    async def judge(self, secret: str, *, address: str) -> SignInVerdict:
        """Who shows this token or password. A wrong one costs its address one of a few attempts."""
        digest = hashlib.blake2b(secret.encode("utf-8", "replace"), key=self._pepper).digest()
        credentials = self.credentials()
        known = self._known.get(digest)
        if known is not None and known in credentials:
            return SignInVerdict(known)
        wait = self.attempts.take(address, self._clock())
        if wait > 0:
            return SignInVerdict(wait=wait)
        async with self._gate:
            found = await asyncio.to_thread(_matching, secret, credentials)
        if found is not None:
            self.attempts.right(address)
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[digest] = found
        return SignInVerdict(found)

    def link_code(self, role: SignInRole = "operator", *, lasts: float = LINK_LASTS) -> str:
        """The code of a link that signs in once."""
        code, now = new_token(), self._clock()
        self._links = {key: one for key, one in self._links.items() if one[1] > now}
        self._links[hash_token(code)] = (role, now + lasts)
        return code

    def use_link(self, code: str) -> SignInRole | None:
        """The role that a code gives, once."""
        role, until = self._links.pop(hash_token(code), ("viewer", 0.0))
        return role if until > self._clock() else None

    def is_link(self, code: str) -> bool:
        """Whether it would be taken."""
        return self._links.get(hash_token(code), ("viewer", 0.0))[1] > self._clock()

    def holds(self, login: Login) -> bool:
        """Whether a login still counts: streams ask again and again."""
        if login.handle:
            self._look()
            return self.logins.is_open(login)
        return any(one.name == login.name for one in self.credentials())

    def _look(self) -> tuple[Credential, ...]:
        """The file's, read again when it changed. One that is taken out of it is signed out at once."""
        if self._file is None:
            return ()
        seen = identity_of(self._file)
        if seen != self._seen:
            self._seen = seen
            try:
                found = read_credentials(self._file)
            except ConfigError as error:
                log.error("nobody of %s can sign in until it is mended: %s", self._file, error.message)
                found = ()
            gone = {one.name for one in self._from_file} - {one.name for one in found}
            self._from_file = found
            if gone:
                self.logins.end(lambda login: login.name in gone)
        return self._from_file


def _kept(word: str) -> str:
    return word if is_hash(word) else hash_password(word)


def _matching(secret: str, credentials: Sequence[Credential]) -> Credential | None:
    """All are looked at, so that the time tells nothing of which one it was."""
    fits = [one for one in credentials if matches(secret, one.kept)]
    return fits[0] if fits else None

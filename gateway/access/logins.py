"""Who is signed in, by cookie: known by a hash, kept over a restart, ended by a word. I/O."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from .credentials import SignInRole, write_private

log = logging.getLogger("gateway.access")

FILE: Final = "gateway.logins.json"
LASTS: Final = 7 * 86400.0  # seconds from sign-in
MOST: Final = 1000
ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"  # what people do not confuse when they read a handle aloud


@dataclass(frozen=True, slots=True)
class Login:
    """A signed-in browser, or a program that shows its token. `handle` names it in lists and in the audit."""

    handle: str
    name: str  # of its credential
    role: SignInRole
    address: str = ""
    agent: str = ""
    since: float = 0.0  # epoch seconds
    until: float = 0.0


class Logins:
    """`file` None keeps them in memory only. The cookie itself is nowhere but in the browser."""

    def __init__(self, file: Path | None, clock: Callable[[], float]) -> None:
        self._file, self._clock = file, clock
        self._kept: dict[str, Login] = self._read()

    def add(self, name: str, role: SignInRole, *, address: str, agent: str) -> tuple[Login, str]:
        """A new login, and the value of its cookie: always a fresh one, whatever the browser brought."""
        now, cookie = self._clock(), secrets.token_urlsafe(32)
        handle = "".join(secrets.choice(ALPHABET) for _ in range(6))
        login = Login(handle, name, role, address, agent[:200], now, now + LASTS)
        self._kept[_key(cookie)] = login
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]
        self._write()
        return login, cookie

    def find(self, cookie: str) -> Login | None:
        login = self._kept.get(_key(cookie))
        return login if login is not None and login.until > self._clock() else None

    def all(self) -> list[Login]:
        """Newest first."""
        now = self._clock()
        return sorted((one for one in self._kept.values() if one.until > now), key=lambda one: -one.since)

    def is_open(self, login: Login) -> bool:
        """Whether it still holds: a stream looks again and again."""
        return login in self._kept.values() and login.until > self._clock()

    def end(self, of: Callable[[Login], bool]) -> list[Login]:
        """End those that meet a condition; who they were."""
        gone = [login for login in self._kept.values() if of(login)]
        if gone:
            self._kept = {key: login for key, login in self._kept.items() if login not in gone}
            self._write()
        return gone

    def _read(self) -> dict[str, Login]:
        if self._file is None or not self._file.exists():
            return {}
        try:
            found = json.loads(self._file.read_text("utf-8"))
            return {str(key): Login(**facts) for key, facts in found.items()}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("%s cannot be read, so everybody has to sign in again: %s", self._file, error)
            return {}

    def _write(self) -> None:
        if self._file is None:
            return
        now = self._clock()
        try:
            kept = {key: asdict(login) for key, login in self._kept.items() if login.until > now}
            write_private(self._file, json.dumps(kept, indent=1) + "\n")
        except OSError as error:
            log.warning("sign-ins will not outlive a restart: %s cannot be written: %s", self._file, error)


def _key(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()

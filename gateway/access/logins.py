"""Who is signed in, by cookie: known by a hash, kept over a restart, ended by a word. I/O.

Gateways of one folder share the file: each change is made to the file as it then stands, under a lock, and each look
sees what others changed. So no gateway's sign-ins are lost to another's, and who is signed out is out everywhere.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from .credentials import SignInRole, identity_of, write_private

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
        self._seen: tuple[int, ...] | None = None
        self._kept: dict[str, Login] = {}
        self._look()

    def add(self, name: str, role: SignInRole, *, address: str, agent: str) -> tuple[Login, str]:
        """A new login, and the value of its cookie: always a fresh one, whatever the browser brought."""
        now, cookie = self._clock(), secrets.token_urlsafe(32)
        handle = "".join(secrets.choice(ALPHABET) for _ in range(6))
        login = Login(handle, name, role, address, agent[:200], now, now + LASTS)
        with self._changing():
            self._kept[_key(cookie)] = login
            while len(self._kept) > MOST:
                del self._kept[next(iter(self._kept))]
        return login, cookie

    def find(self, cookie: str) -> Login | None:
        self._look()
        login = self._kept.get(_key(cookie))
        return login if login is not None and login.until > self._clock() else None

    def all(self) -> list[Login]:
        """Newest first."""
        self._look()
        now = self._clock()
        return sorted((one for one in self._kept.values() if one.until > now), key=lambda one: -one.since)

    def is_open(self, login: Login) -> bool:
        """Whether it still holds: a stream looks again and again."""
        self._look()
        return login in self._kept.values() and login.until > self._clock()

    def end(self, of: Callable[[Login], bool]) -> list[Login]:
        """End those that meet a condition; who they were."""
        self._look()
        if not any(map(of, self._kept.values())):
            return []
        with self._changing():
            gone = [login for login in self._kept.values() if of(login)]
            self._kept = {key: login for key, login in self._kept.items() if login not in gone}
        return gone

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """What is changed inside is changed in the file as it stands, while no other gateway changes it."""
        if self._file is None:
            yield
            return
        with locked(self._file):
            self._look()
            yield
            self._write()

    def _look(self) -> None:
        """Read the file again when it is another one than the last read or written."""
        if self._file is None:
            return
        seen = identity_of(self._file)
        if seen != self._seen:
            self._seen = seen
            self._kept = self._read()

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
            self._seen = identity_of(self._file)
        except OSError as error:
            log.warning("sign-ins will not outlive a restart: %s cannot be written: %s", self._file, error)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Alone among the gateways of this folder; where the system has no such lock, or the folder takes none, not."""
    handle = -1
    with suppress(OSError, ImportError):
        import fcntl

        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(file.with_name(file.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle >= 0:
            os.close(handle)


def _key(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()

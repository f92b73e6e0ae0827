"""The keys of a running gateway: changed while it runs, in everything that seals or unseals. I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.fernet import InvalidToken

from .secrets import Keys, check_in_file, fingerprints, load_keys, retire, rotate


class Keyring:
    """The keys now in force. Whoever uses them subscribes."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder, self._environ = folder, environ
        self._users: list[Callable[[Keys], None]] = []
        self.keys = load_keys(folder, environ)

    def subscribe(self, renew: Callable[[Keys], None]) -> None:
        """Call `renew` with the keys whenever they have changed."""
        self._users.append(renew)

    def names(self) -> list[str]:
        """A short name for each key, newest first."""
        return fingerprints(self._folder, self._environ)

    def rotate(self) -> None:
        """A new key locks from now on, the others still open. UsageError when the keys are not in our file."""
        check_in_file(self._environ)
        rotate(self._folder)
        self._renew()

    def retire(self) -> int:
        """Take all keys but the newest away; how many they were. What only they open is lost."""
        check_in_file(self._environ)
        gone = retire(self._folder)
        self._renew()
        return gone

    def renewed(self, sealed: bytes) -> bytes | None:
        """A sealed secret under the newest key; None when no key opens it."""
        try:
            return self.keys.sealing.rotate(sealed)
        except InvalidToken:
            return None

    def _renew(self) -> None:
        self.keys = load_keys(self._folder, self._environ)
        for renew in self._users:
            renew(self.keys)

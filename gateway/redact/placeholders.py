"""Placeholders: equal secrets get equal ones under one key, and nobody without the key can test a guess. Pure."""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from typing import Final, Protocol

from ..model.caches import BoundedCache

# sealed_<100 bits of an HMAC>_<length of the secret, rounded up to a power of two>. Only characters that JSON,
# URLs, cookies, forms and headers take as they are.
# A JSON number is sealed as a string whose first letter is written as an escape: the value is the same, and a replay
# can tell that a number stood there.
PLACEHOLDER: Final = re.compile(rb"(?:s|\\u0073)ealed_[a-z2-7]{20}_[0-9]{1,10}")
NUMBER: Final = re.compile(rb'"\\u0073(ealed_[a-z2-7]{20}_[0-9]{1,10})"')
MOST: Final = 4096  # secrets remembered: a session's token comes with every request
LONGEST: Final = 4096  # bytes of a secret worth remembering


class Cipher(Protocol):
    """What seals and unseals: gateway.secrets.SealingKeys. Placeholder and recording are its authenticated context."""

    def encrypt(self, secret: bytes, placeholder: bytes, recording: str) -> bytes: ...
    def decrypt(self, sealed: bytes, placeholder: bytes) -> bytes: ...


class PlaceholderKeys(Protocol):
    """The two keys needed here; gateway.secrets.Keys has them."""

    @property
    def sealing(self) -> Cipher: ...
    @property
    def placeholder(self) -> bytes: ...


class Vault:
    """Makes placeholders. For one thread; remembers the latest secrets, because encrypting is the slow part."""

    def __init__(self, keys: PlaceholderKeys) -> None:
        self._cipher, self._key = keys.sealing, keys.placeholder
        self._known: BoundedCache[tuple[bytes, str], tuple[bytes, bytes]] = BoundedCache(MOST)

    def seal(self, secret: bytes, recording: str) -> tuple[bytes, bytes]:
        """(placeholder, ciphertext) of a secret of a recording."""
        found = self._known.get((secret, recording))
        if found is None:
            placeholder = self.placeholder(secret)
            found = placeholder, self._cipher.encrypt(secret, placeholder, recording)
            if len(secret) <= LONGEST:
                self._known.keep((secret, recording), found)
        return found

    def unseal(self, placeholder: bytes, ciphertext: bytes) -> bytes:
        """The secret; ValueError or InvalidToken when the ciphertext belongs to another placeholder or key."""
        secret = self._cipher.decrypt(ciphertext, placeholder)
        if len_class(secret) != int(placeholder.rpartition(b"_")[2]):
            raise ValueError("this ciphertext belongs to another placeholder")
        return secret

    def placeholder(self, secret: bytes) -> bytes:
        """What stands for a secret; nothing is remembered."""
        digest = b32encode(hmac.digest(self._key, secret, "sha256"))[:20].lower()
        return b"sealed_%s_%d" % (digest, len_class(secret))


def spelled(placeholder: bytes) -> bytes:
    """The placeholder without the escape that marks a number."""
    return placeholder.replace(b"\\u0073", b"s", 1)


def number_of(placeholder: bytes) -> bytes:
    """The placeholder as it stands for a JSON number, in its quotes."""
    return b'"\\u0073' + placeholder[1:] + b'"'


def len_class(secret: bytes) -> int:
    return 1 << max(2, (len(secret) - 1).bit_length())

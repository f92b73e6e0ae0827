"""Tokens and passwords at rest: tokens of ours by SHA-256, what people choose by scrypt. I/O (randomness)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

# 16 MiB and some 40 ms for one guess (RFC 7914); written into each hash, so that it may grow.
COST: Final = (1 << 14, 8, 1)
MOST_MEMORY: Final = 64 << 20
TOKEN: Final = "sha256"
PASSWORD: Final = "scrypt"


def new_token() -> str:
    """256 bits of chance: nobody guesses it, so a fast hash keeps it."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    return f"{TOKEN}${hashlib.sha256(token.encode()).hexdigest()}"


def hash_password(password: str) -> str:
    """Takes some 40 ms, on purpose."""
    salt = secrets.token_bytes(16)
    return "$".join((PASSWORD, *map(str, COST), _text(salt), _text(_scrypt(password, salt, COST))))


def is_hash(text: str) -> bool:
    """Whether it is written as one of the two above."""
    parts = text.split("$")
    if parts[0] == TOKEN:
        return len(parts) == 2 and len(parts[1]) == 64 and all(c in "0123456789abcdef" for c in parts[1])
    return _read(parts) is not None


def matches(given: str, kept: str) -> bool:
    """Whether `given` is what was hashed; takes the same time wherever they differ."""
    parts = kept.split("$")
    if parts[0] == TOKEN:
        return hmac.compare_digest(hash_token(given), kept)
    read = _read(parts)
    if read is None:
        return False
    cost, salt, digest = read
    return hmac.compare_digest(_scrypt(given, salt, cost), digest)


def _scrypt(password: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    n, r, p = cost
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=MOST_MEMORY, dklen=32)


def _read(parts: list[str]) -> tuple[tuple[int, int, int], bytes, bytes] | None:
    """(cost, salt, digest); None for what scrypt would not take."""
    try:
        name, n, r, p, salt, digest = parts
        cost = (int(n), int(r), int(p))
        found = (cost, base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True))
    except (ValueError, binascii.Error):
        return None
    fits = 2 <= cost[0] <= 1 << 18 and cost[0] & (cost[0] - 1) == 0 and cost[1] > 0 and cost[2] > 0
    small = 128 * cost[0] * cost[1] < MOST_MEMORY and cost[2] <= 16
    return found if name == PASSWORD and fits and small and len(found[2]) == 32 else None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

"""Who may use console and API when others can reach them: tokens, passwords, sign-ins, attempts. I/O."""

from __future__ import annotations

from .authentication import Access, SignInVerdict
from .credentials import FILE, Credential, read_credentials, write_credentials, write_private
from .hashing import hash_password, hash_token, is_hash, new_token
from .logins import Login, Logins

__all__ = [
    "FILE",
    "Access",
    "Credential",
    "Login",
    "Logins",
    "SignInVerdict",
    "hash_password",
    "hash_token",
    "is_hash",
    "new_token",
    "read_credentials",
    "write_credentials",
    "write_private",
]

"""Secrets in headers: credentials, cookies, and URLs in any field. Pure."""

from __future__ import annotations

import re
from base64 import b64decode
from contextlib import suppress
from typing import Final

from ..model.capture import RawPairs
from ..model.headers import Fields
from .json_text import Seal
from .names import COOKIE, CREDENTIALS, MAYBE, PLAIN, PROTOCOLS, SecretNames
from .text import seal_text, seal_url
from .values import ANY, FLAG, looks_random

# The scheme stays, so that a token here equals the same token in a body. Only schemes that are known: the first word
# of anything else may be half a secret.
SCHEME: Final = re.compile(
    rb"((?:Basic|Bearer|Digest|Negotiate|NTLM|Token|ApiKey|Api-Key|Key|JWT|DPoP|GNAP|OAuth|Hawk|HOBA|MAC|Mutual|VAPID"
    rb"|Signature|PrivateToken|SharedAccessSignature|SharedKey(?:Lite)?"
    rb"|SCRAM-SHA-(?:1|256)|AWS4-HMAC-SHA256)[ \t]+)(.*)",
    re.IGNORECASE | re.DOTALL,
)


AUTH_SCHEMES: Final = (b"bearer", b"basic", b"jwt", b"auth", b"apikey", b"authorization")

# Another cookie behind the attributes of one: some proxies join fields that must not be joined (RFC 9110 section 5.3).
FOLDED: Final = re.compile(rb"(,[ \t]*)([^\s;,=\"]+=[^;,]*)")


def seal_headers(headers: RawPairs, names: SecretNames, seal: Seal) -> RawPairs:
    """The fields with their secrets sealed; the very same list when there are none."""
    clean = names.clean_pairs
    if not any(seal_header(pair, names, seal) is not pair for pair in [pair for pair in headers if pair not in clean]):
        return headers
    return [seal_header(pair, names, seal) for pair in headers]


def seal_header(pair: tuple[bytes, bytes], names: SecretNames, seal: Seal) -> tuple[bytes, bytes]:
    """A field with its secrets sealed; the very same pair when there are none."""
    name, value = pair
    kind = names.header(name)
    if kind == PLAIN:
        sealed = seal_plain(value, names, seal)
        if sealed == value:
            names.remember_clean_pair(pair)
    elif kind == CREDENTIALS:
        sealed = seal_credentials(value, seal)
    elif kind == MAYBE:
        sealed = seal_credentials(value, seal) if _is_random(value) else seal_plain(value, names, seal)
    elif kind == PROTOCOLS:
        sealed = seal_protocols(value, names, seal)
    else:
        sealed = seal_cookies(value, seal, only_first=kind != COOKIE)
    return pair if sealed == value else (name, sealed)


def typed_passwords(headers: RawPairs) -> list[bytes]:
    """The passwords of `Authorization: Basic` (RFC 7617), in clear."""
    found: list[bytes] = []
    for name, value in headers:
        if len(name) in (13, 19) and name.lower().endswith(b"authorization") and value[:6].lower() == b"basic ":
            with suppress(ValueError):
                found.append(b64decode(value[6:].strip(), validate=True).partition(b":")[2])
    return found


def content_of(headers: RawPairs) -> tuple[bytes, list[bytes]]:
    """(content type, content codings in the order in which they were applied)."""
    if type(headers) is Fields:
        if headers.content is None:
            headers.content = _content_of(headers)
        return headers.content
    return _content_of(headers)


def _content_of(headers: RawPairs) -> tuple[bytes, list[bytes]]:
    kind, codings = b"", b""
    for name, value in headers:
        if len(name) == 12 and name.lower() == b"content-type":
            kind = value
        elif len(name) == 16 and name.lower() == b"content-encoding":
            codings += b"," + value
    words = (word.strip().lower() for word in codings.split(b","))
    return kind, [word for word in words if word and word != b"identity"] if codings else []


def seal_credentials(value: bytes, seal: Seal) -> bytes:
    """All of it, but for a known scheme before it."""
    match = SCHEME.fullmatch(value)
    scheme, secret = (match[1], match[2]) if match else (b"", value)
    return value if FLAG.fullmatch(secret) else scheme + seal(secret)


def _is_random(value: bytes) -> bool:
    match = SCHEME.fullmatch(value)
    return looks_random(match[2] if match else value)


def seal_protocols(value: bytes, names: SecretNames, seal: Seal) -> bytes:
    """Tokens among the subprotocols of a WebSocket: browsers can send no other header with one.

    `access_token, eyJ...`; `base64url.bearer.authorization.k8s.io.dG9rZW4`; `openai-insecure-api-key.sk-...`.
    """
    out: list[bytes] = []
    after_name = False
    for item in value.split(b","):
        word = item.strip(b" \t")
        name, dot, last = word.rpartition(b".")
        is_named = bool(dot) and any(names.is_secret(part) for part in (name, *name.split(b".")))
        secret = last if is_named else word if after_name or looks_random(word) else b""
        if secret:
            at = item.rindex(secret)
            out.append(item[:at] + seal(secret) + item[at + len(secret) :])
        else:
            out.append(seal_plain(item, names, seal))
        after_name = not dot and (names.is_secret(word) == ANY or word.lower() in AUTH_SCHEMES)
    return b",".join(out)


def seal_cookies(value: bytes, seal: Seal, *, only_first: bool) -> bytes:
    """Each cookie's value on its own: names stay, and so do the attributes of a Set-Cookie (`only_first`)."""
    if not only_first:
        return b";".join(_cookie(pair, seal) for pair in value.split(b";"))
    first, separator, rest = value.partition(b";")
    return _cookie(first, seal) + separator + FOLDED.sub(lambda match: match[1] + _cookie(match[2], seal), rest)


def _cookie(pair: bytes, seal: Seal) -> bytes:
    name, equals, value = pair.partition(b"=")
    if not equals:  # a value without a name (RFC 6265bis section 5.6)
        name, value = b"", pair
    content = value.strip(b' \t"')
    if not content:
        return pair
    at = value.index(content)
    return name + equals + value[:at] + seal(content) + value[at + len(content) :]


def seal_plain(value: bytes, names: SecretNames, seal: Seal) -> bytes:
    """A field that is no secret by its name may still hold a URL, a token or JSON."""
    if value in names.clean:
        return value
    sealed = value
    if names.has_word(value):
        is_url = b" " not in value and (b"?" in value or b"#" in value)
        sealed = (seal_url if is_url else seal_text)(value, names.is_secret, seal)
        if names.personal is not None:
            sealed = names.personal.seal(sealed, seal)
    if sealed == value:
        names.remember_clean(value)
    return sealed

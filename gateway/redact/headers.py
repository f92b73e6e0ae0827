"""Secrets in header fields: credentials, cookies, and URLs in any field. Pure."""

from __future__ import annotations

import re
from typing import Final

from ..model.capture import RawPairs
from ..model.headers import Fields
from .json_text import Seal
from .names import COOKIE, CREDENTIALS, PLAIN, Names
from .text import seal_text, seal_url

# The scheme stays, so that a token here equals the same token in a body. Only schemes that are known: the first word
# of anything else may be half a secret.
SCHEME: Final = re.compile(
    rb"((?:Basic|Bearer|Digest|Negotiate|NTLM|Token|ApiKey|Api-Key|Key|JWT|DPoP|GNAP|OAuth|Hawk|HOBA|MAC|Mutual|VAPID"
    rb"|Signature|PrivateToken|SharedAccessSignature|SCRAM-SHA-(?:1|256)|AWS4-HMAC-SHA256)[ \t]+)(.*)",
    re.IGNORECASE | re.DOTALL,
)


# Another cookie behind the attributes of one: some proxies join fields that must not be joined (RFC 9110 section 5.3).
FOLDED: Final = re.compile(rb"(,[ \t]*)([^\s;,=\"]+=[^;,]*)")


def seal_headers(headers: RawPairs, names: Names, seal: Seal) -> RawPairs:
    """The fields with their secrets sealed; the very same list when there are none."""
    clean = names.clean_pairs
    if not any(_sealed(pair, names, seal) is not pair for pair in [pair for pair in headers if pair not in clean]):
        return headers
    return [_sealed(pair, names, seal) for pair in headers]


def _sealed(pair: tuple[bytes, bytes], names: Names, seal: Seal) -> tuple[bytes, bytes]:
    """A field with its secrets sealed; the very same pair when there are none."""
    name, value = pair
    kind = names.header(name)
    if kind == PLAIN:
        sealed = seal_plain(value, names, seal)
        if sealed == value:
            names.remember_clean_pair(pair)
    elif kind == CREDENTIALS:
        sealed = seal_credentials(value, seal)
    else:
        sealed = seal_cookies(value, seal, only_first=kind != COOKIE)
    return pair if sealed == value else (name, sealed)


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
    return scheme + seal(secret) if secret else value


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


def seal_plain(value: bytes, names: Names, seal: Seal) -> bytes:
    """A field that is no secret by its name may still hold a URL, a token or JSON."""
    if value in names.clean:
        return value
    sealed = value
    if names.has_word(value):
        is_url = b" " not in value and (b"?" in value or b"#" in value)
        sealed = (seal_url if is_url else seal_text)(value, names.is_secret, seal)
    if sealed == value:
        names.remember_clean(value)
    return sealed

"""Keeps proxied pages from acting with the console's rights: sandboxes, and service workers that stay away. Pure.

With --sandbox-html every response is sandboxed unless no browser runs it, whatever it guesses: the other way round, a
list of types that are pages, fails for types nobody thought of, for two types at once and for types that are none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

# An opaque origin: scripts run, but they are of no site, so they read neither console nor cookies. A second
# Content-Security-Policy beside the upstream's own only ever forbids more (CSP level 3, section 8.1).
SANDBOX: Final = b"Content-Security-Policy: sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts"
NOSNIFF: Final = b"X-Content-Type-Options: nosniff"
# One media type with no parameter but a plain charset; what does not read so is sandboxed, browsers may guess
# (WHATWG MIME Sniffing, section 7).
WELL_FORMED: Final = re.compile(rb"([a-z]+/[a-z0-9.+-]+)[ \t]*(?:;[ \t]*charset=\"?[a-z0-9_-]{1,30}\"?)?")
INERT: Final = frozenset(
    (b"application/json", b"application/problem+json", b"application/x-ndjson", b"application/octet-stream",
     b"application/x-www-form-urlencoded", b"application/javascript", b"application/zip", b"application/gzip",
     b"application/wasm", b"application/grpc", b"application/x-protobuf", b"application/msgpack", b"application/cbor",
     b"application/yaml", b"text/plain", b"text/css", b"text/javascript", b"text/csv", b"text/event-stream",
     b"image/png", b"image/jpeg", b"image/gif", b"image/webp", b"image/avif", b"image/x-icon",
     b"image/vnd.microsoft.icon", b"image/bmp")
)  # fmt: skip
INERT_KINDS: Final = (b"audio/", b"video/", b"font/")
CONSOLE: Final = (b"/_gateway/", b"/demos/")


def is_inert(types: Sequence[bytes]) -> bool:
    """Whether no browser runs a response with these Content-Type headers, if it may not guess."""
    if len(types) != 1:
        return False
    match = WELL_FORMED.fullmatch(types[0].strip(b" \t").lower())
    if match is None:
        return False
    kind = match[1]
    return (
        kind in INERT or kind.startswith(INERT_KINDS) or (kind.startswith(b"application/") and kind.endswith(b"+json"))
    )


def sandboxed(lines: list[bytes], types: Sequence[bytes]) -> list[bytes]:
    """The header lines of a response under --sandbox-html."""
    if not is_inert(types):
        return [*lines, SANDBOX]
    # The first value counts (Fetch standard, 3.8): the upstream's own must not stand before ours.
    return [*(line for line in lines if line[:23].lower() != b"x-content-type-options:"), NOSNIFF]


def worker_scope(value: bytes, prefix: bytes) -> bytes | None:
    """Service-Worker-Allowed as the client may have it: what the upstream calls its root lies below `prefix`; None when
    it could cover the console (Service Workers, section 4.1)."""
    path = value.strip(b" \t")
    if not prefix or not path.startswith(b"/") or path.startswith(b"//") or re.search(rb"\.\.|[%\\?#\s]|/\./", path):
        return None
    return path if path.startswith(prefix + b"/") else prefix + path


def covers_console(target: bytes) -> bool:
    """Whether a service worker whose script lies there has a scope, by default its folder, with the console in it."""
    folder = target.partition(b"?")[0].rpartition(b"/")[0] + b"/"
    return b"%" in folder or any(console.startswith(folder) for console in CONSOLE)

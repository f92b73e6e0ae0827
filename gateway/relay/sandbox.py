"""Keeps proxied pages from acting with the console's rights: a Content-Security-Policy puts them in a sandbox. Pure."""

from __future__ import annotations

from typing import Final

# What browsers may run as a document. A response without a type may be taken for any of them.
DOCUMENTS: Final = (b"text/html", b"application/xhtml+xml", b"image/svg+xml", b"text/xml", b"application/xml")
# An opaque origin: scripts run, but they are of no site, so they read neither console nor cookies. A second
# Content-Security-Policy beside the upstream's own only ever forbids more (CSP level 3, section 8.1).
POLICY: Final = b"Content-Security-Policy: sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts"


def keep_apart(lines: list[bytes], content_type: bytes, *, wanted: bool) -> None:
    """Where it is wanted, add the field to the lines of a response head that a browser may run as a page."""
    if not wanted:
        return
    kind = content_type.partition(b";")[0].strip().lower()
    if not kind or kind in DOCUMENTS:
        lines.append(POLICY)

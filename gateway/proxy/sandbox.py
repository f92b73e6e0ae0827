"""Keeps proxied pages from acting with the console's rights: a Content-Security-Policy puts them in a sandbox. Pure."""

from __future__ import annotations

from typing import Final

# What browsers may run as a document. A response without a type may be taken for any of them.
DOCUMENTS: Final = (b"text/html", b"application/xhtml+xml", b"image/svg+xml", b"text/xml", b"application/xml")
# An opaque origin: scripts run, but they are of no site, so they read neither console nor cookies. A second
# Content-Security-Policy beside the upstream's own only ever forbids more (CSP level 3, section 8.1).
SANDBOX: Final = b"Content-Security-Policy: sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts"


def is_page(kind: bytes) -> bool:
    """Whether a browser may run a response of this media type (lower case, without parameters) as a page."""
    return not kind or kind in DOCUMENTS

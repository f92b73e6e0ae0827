"""Exchanges that a diagram hides and counts: preflights, assets, health checks. Pure."""

from __future__ import annotations

import re

from ..model.exchange import Exchange
from ..model.text import counted

_ASSET = re.compile(
    r"\.(?:css|m?js|map|png|jpe?g|gif|svg|ico|webp|avif|woff2?|ttf|otf|eot|wasm|webmanifest)$", re.IGNORECASE
)
_ASSET_DESTINATIONS = frozenset({"script", "style", "image", "font", "manifest"})  # Sec-Fetch-Dest
_HEALTH = re.compile(r"/(?:health|healthz|healthcheck|livez|readyz|ready|alive|ping)/?$", re.IGNORECASE)


def noise(exchange: Exchange) -> str:
    """One of "preflight", "asset", "health check", or "" for an exchange that tells something."""
    if exchange.method == "OPTIONS" and exchange.request.header("access-control-request-method"):
        # A refused preflight is why the browser never sent the real request: that is news.
        return "" if exchange.failure or (exchange.status or 0) >= 400 else "preflight"
    if exchange.method not in ("GET", "HEAD"):
        return ""
    if exchange.request.header("sec-fetch-dest") in _ASSET_DESTINATIONS or _ASSET.search(exchange.path):
        return "asset"
    return "health check" if _HEALTH.search(exchange.path) else ""


def hidden(kinds: list[str]) -> str:
    """The footnote: "hidden: 3 preflights, 1 asset"."""
    words = [counted(kinds.count(kind), kind) for kind in dict.fromkeys(kinds)]
    return f"hidden: {', '.join(words)}" if words else ""

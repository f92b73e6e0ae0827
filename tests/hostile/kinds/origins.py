"""Foreign web pages that try to use the gateway: by a name of their own (DNS rebinding), or from another site."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random

from ..lab import Lab
from . import Kind, Trial

NAMES = ("evil.example", "a.evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example.", "EVIL.example",
         "xn--evl-hoa.example", "127.0.0.1.nip.io", "evil.localhost.example", "localhost.localdomain.evil", "10.0.0.1.example", "1.2.3",
         "gateway.evil-example.com", "evil_example.com", "127.0.0.1:80@evil.example", "evil.example%00.localhost", "localhost,evil.example")  # fmt: skip
PLACES = ("/api/a/x", "/api/injected/me", "/_gateway/", "/_gateway/api/v1/recordings", "/demos/x", "/")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE", "PURGE", "LINK", "PROPPATCH")
TYPES = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json", "")
SITES = (
    (("Sec-Fetch-Site", "cross-site"), ("Origin", "http://evil.example")),
    (("Sec-Fetch-Site", "cross-site"),),
    (("Origin", "http://evil.example"),),
    (("Origin", "null"), ("Sec-Fetch-Site", "cross-site")),
    (("Sec-Fetch-Site", "same-site"), ("Origin", "http://localhost:1")),
    (("Origin", "http://127.0.0.1:1"),),
    (("Origin", "https://evil.example"), ("Sec-Fetch-Mode", "no-cors")),
    (("Referer", "http://evil.example/"), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")),
    (("ORIGIN", "HTTP://EVIL.EXAMPLE"),),
)  # fmt: skip


def _rebound(name: str, port: bool, place: str, site: str, lab: Lab) -> str:
    host = f"{name}:{lab.port}" if port else name
    before = len(lab.dev.seen)
    headers = [("Origin", f"http://{host}"), ("Sec-Fetch-Site", site)] if site else []
    answer = lab.ask("GET", place, headers, host=host, patience=5.0)
    if len(lab.dev.seen) > before:
        return "reached the upstream"
    return f"answered {answer.status}" if answer.status < 400 and answer.status else ""


def _cross_site(method: str, type: str, site: tuple[tuple[str, str], ...], lab: Lab) -> str:
    before = len(lab.dev.seen)
    headers = [*site, *([("Content-Type", type)] if type else [])]
    answer = lab.ask(method, "/api/injected/orders", headers, b"qty=1", patience=5.0)
    if len(lab.dev.seen) > before:
        return f"reached the upstream with {lab.dev.seen[-1].header('authorization')[:20]}"
    return "" if answer.status == 403 else f"answered {answer.status}"


def trials(rng: Random, count: int) -> Iterator[Trial]:
    rebound = list(product(NAMES, (True, False), PLACES, ("same-origin", "none", "")))
    crossing = list(product(UNSAFE, TYPES, SITES))
    for name, port, place, site in rng.sample(rebound, min(count // 2 + 1, len(rebound))):
        yield Trial(
            f"Host {name} {place} {site}",
            lambda lab, name=name, port=port, place=place, site=site: _rebound(name, port, place, site, lab),
        )
    for method, type, site in rng.sample(crossing, min(count // 2, len(crossing))):
        yield Trial(
            f"{method} {type} {site}",
            lambda lab, method=method, type=type, site=site: _cross_site(method, type, site, lab),
        )


KIND = Kind("origins", "foreign pages reach no upstream with what routes.yaml adds", 300, trials)

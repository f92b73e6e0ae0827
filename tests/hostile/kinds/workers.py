"""Scripts for service workers that could cover the console (W3C Service Workers, section 4.1: the scope)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random
from urllib.parse import unquote, urljoin, urlsplit

from ..lab import Lab
from . import Kind, Trial

ALLOWED = (
    "/",
    "/_gateway/",
    "/_",
    "/_gateway",
    "/_gateway/api/",
    "//",
    "/./",
    "/%5fgateway/",
    "http://127.0.0.1/",
    "",
    "../",
    "/api/../",
    "/api",
)
ASKS = (
    ("Service-Worker", "script"),
    ("service-worker", "SCRIPT"),
    ("Sec-Fetch-Dest", "serviceworker"),
    ("Sec-Fetch-Dest", "ServiceWorker"),
)
NAMES = ("Service-Worker-Allowed", "service-worker-allowed", "SERVICE-WORKER-ALLOWED")
PATHS = ("/api/a", "/api/injected")


def _attempt(asks: tuple[tuple[str, str], ...], path: str, name: str, allowed: str, status: int, lab: Lab) -> str:
    said = f"HTTP/1.1 {status} X\r\nContent-Type: text/javascript\r\n{name}: {allowed}\r\nContent-Length: 4\r\n\r\n1//2".encode()
    answer = lab.ask("GET", path + lab.dev.say(said), asks, patience=5.0)
    if answer.status >= 400:
        return ""
    script = f"http://127.0.0.1{path}/say/1"
    for scope in answer.all("service-worker-allowed"):
        covered = urlsplit(urljoin(script, unquote(scope))).path
        if any(page.startswith(covered) for page in ("/_gateway/", "/demos/", "/_gateway/api/v1/routes")):
            return f"the scope is widened to {scope}"
    return ""


def trials(rng: Random, count: int) -> Iterator[Trial]:
    wanted = list(
        product(
            ((ASKS[0],), (ASKS[1],), (ASKS[2],), (ASKS[3],), ASKS[:3:2], ()), PATHS, NAMES, ALLOWED, (200, 203, 304)
        )
    )
    for asks, path, name, allowed, status in rng.sample(wanted, min(count, len(wanted))):
        yield Trial(
            f"{asks} {path} {name}: {allowed}",
            lambda lab, a=asks, p=path, n=name, w=allowed, s=status: _attempt(a, p, n, w, s, lab),
        )


KIND = Kind("workers", "no proxied script gets a scope that covers the console", 150, trials)

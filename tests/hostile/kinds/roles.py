"""Every call of the API and every form of the console, tried by viewers and by nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from ..lab import OPERATOR, VIEWER, Lab
from . import Kind, Trial

SIGNS = (
    "",
    "Bearer wrong",
    f"bearer  {OPERATOR}x",
    f"Basic {OPERATOR}",
    "Bearer",
    f"Bearer {OPERATOR[:-1]}",
    f"Token {OPERATOR}",
)
BODIES = (
    b"{}",
    b'{"yes": true}',
    b"[]",
    b'{"title": "x", "environment": "test", "role": "operator", "secret": "x"}',
    b"\xff",
)
TYPES = (
    "application/json",
    "application/json; charset=utf-8",
    "application/x-www-form-urlencoded",
    "text/plain",
    "multipart/form-data; boundary=x",
)
OVERRIDES = (("X-HTTP-Method-Override", "GET"), ("X-Original-URL", "/_gateway/healthz"), ("X-Forwarded-For", "127.0.0.1"), ("X-Rewrite-URL", "/"),
             ("Forwarded", "for=127.0.0.1"), ("X-Real-IP", "::1"))  # fmt: skip
# What the console's documentation lets viewers send.
VIEWERS = re.compile(r"/_gateway/api/v1/session/(pins/\{cluster\}|recording)$")


def prepare(lab: Lab) -> None:
    described = lab.api("GET", "../openapi.json", token=OPERATOR)
    if described.status != 200:
        described = lab.ask("GET", "/_gateway/api/openapi.json", [("Authorization", f"Bearer {OPERATOR}")])
    paths = described.json()["paths"]
    base = next(iter(described.json().get("servers", [{"url": ""}])))["url"]
    lab.notes["calls"] = [
        (method.upper(), path if path.startswith("/_gateway") else "/_gateway/api/v1/" + path.lstrip("/"))
        for path, calls in paths.items()
        for method in calls
        if method in ("get", "post", "put", "patch", "delete")
    ]
    lab.notes["base"] = base


def _attempt(at: int, sign: str, body: bytes, type: str, extra: tuple[str, str], lab: Lab) -> str:
    method, path = lab.notes["calls"][at % len(lab.notes["calls"])]
    headers = [("Content-Type", type), extra] + ([("Authorization", sign)] if sign else [])
    answer = lab.ask(method, re.sub(r"\{\w+\}", "a", path), headers, body, patience=5.0)
    if sign.endswith(VIEWER):
        wrong = method != "GET" and not VIEWERS.search(path) and answer.status not in (401, 403, 404, 405, 415)
        return f"a viewer's {method} {path}: {answer.status} {answer.body[:80]!r}" if wrong else ""
    return (
        ""
        if answer.status in (401, 403, 404, 405, 429)
        else f"nobody's {method} {path}: {answer.status} {answer.body[:80]!r}"
    )


def trials(rng: Random, count: int) -> Iterator[Trial]:
    for at in range(count):
        sign = f"Bearer {VIEWER}" if at % 2 else rng.choice(SIGNS)
        body, type, extra = rng.choice(BODIES), rng.choice(TYPES), rng.choice(OVERRIDES)
        yield Trial(
            f"call {at} as {sign[:12]!r}",
            lambda lab, at=at // 2, s=sign, b=body, t=type, e=extra: _attempt(at, s, b, t, e, lab),
        )


KIND = Kind("roles", "viewers only look, and nobody unknown gets in", 250, trials, setup="signed", prepare=prepare)

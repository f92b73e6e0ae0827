"""Replays, branches and stepwise edits that try to write where routes.yaml says `writes: never`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any
from urllib.parse import quote

from ..lab import Lab
from . import Kind, Trial

PINNED = "hostile-pinned"  # a session whose cluster is pinned to the guarded environment
WRITER, READER = "hostile-writer", "hostile-reader"

ENVS = ("Gateway-Env", "gateway-env", "GATEWAY-ENV", "Gateway-env")
ENV_VALUES = (
    "a=test",
    " a = test ",
    "a=test,",
    ",a=test",
    "injected=dev, a=test",
    "a=dev, a=test",
    "a=test, a=dev",
    "a=\ttest",
    "a=test;x",
)
BAGGAGE = ("gateway-env.a=test", "x=1, gateway-env.a=test", "gateway-env.a=test;p=1", " gateway-env.a = test", "gateway-env.a=dev,gateway-env.a=test",
           f"gateway-session={PINNED}", f"gateway-session={quote(PINNED)};a=b", f"x=y,gateway-session={PINNED}")  # fmt: skip
METHODS = ("POST", "PUT", "PATCH", "DELETE", "PURGE", "post", "MKCOL", "Post")
TARGETS = (
    "/api/a/x",
    "/api/./a/x",
    "/api/a/../a/x",
    "/api/a//x",
    "/api/a/x?y=z",
    "/api/%61/x",
    "//api/a/x",
    "/api/injected/../a/x",
)
PLACES = ("header.{name}={value}", "header:{name}={value}")


def _edits(rng: Random) -> dict[str, Any]:
    """The body of a branch: edits that may change where the request goes, or what it is."""
    body: dict[str, Any] = {}
    headers = []
    for _ in range(rng.choice((1, 1, 2))):
        name, value = rng.choice(
            (
                (rng.choice(ENVS), rng.choice(ENV_VALUES)),
                (rng.choice(("baggage", "Baggage", "BAGGAGE")), rng.choice(BAGGAGE)),
                (rng.choice(("Gateway-Session", "gateway-session")), PINNED),
                ("Host", rng.choice(("evil", "127.0.0.1:1", "x y"))),
                ("X-HTTP-Method-Override", "DELETE"),
                ("Cookie", "gateway_session=x"),
            )
        )
        headers.append((name, value))
    if rng.random() < 0.5:
        body["header"] = [f"{name}: {value}" for name, value in headers]
    else:
        body["set"] = [f"header:{name}={value}" for name, value in headers]
    if rng.random() < 0.4:
        body.setdefault("set", []).append(f"method={rng.choice(METHODS)}")
    if rng.random() < 0.3:
        body.setdefault("set", []).append(f"path={rng.choice(TARGETS)}")
    if rng.random() < 0.2:
        body["env"] = ["a=test"]
    if rng.random() < 0.2:
        body["repeat"] = True
    if rng.random() < 0.2:
        body["delay"] = 0.01
    return body


def prepare(lab: Lab) -> None:
    """Two recordings, one that writes and one that reads, and a session that is pinned to the guarded environment."""
    lab.api("PUT", "session/pins/a", {"environment": "test"}, session=PINNED)
    json = ("Content-Type", "application/json")
    lab.ask("POST", "/api/a/x", [("Gateway-Session", WRITER), json], b"{}")
    lab.ask("GET", "/api/a/x", [("Gateway-Session", READER)])
    lab.notes["recordings"] = {name: lab.recording_of(name) for name in (WRITER, READER)}


def _wrote(lab: Lab, before: int) -> str:
    written = [
        f"{r.method} {r.target}" for r in lab.guarded.seen[before:] if r.method not in ("GET", "HEAD", "OPTIONS")
    ]
    return f"reached the guarded environment: {written}" if written else ""


def _branch(of: str, body: dict[str, Any], session: str, lab: Lab) -> str:
    before = len(lab.guarded.seen)
    lab.api(
        "POST", f"recordings/{lab.notes['recordings'][of]}/branch", {"step": 1, "yes": True, **body}, session=session
    )
    return _wrote(lab, before)


def _replay(of: str, body: dict[str, Any], session: str, lab: Lab) -> str:
    before = len(lab.guarded.seen)
    edits = [f"1:{one}" for one in body.get("set", ())]
    edits += ["1:header:" + one.replace(": ", "=", 1) for one in body.get("header", ())]
    asked = {"yes": True, "set": edits} | ({"to": body["env"]} if "env" in body else {})
    lab.api("POST", f"recordings/{lab.notes['recordings'][of]}/replay", asked, session=session)
    return _wrote(lab, before)


def _stepwise(of: str, body: dict[str, Any], session: str, lab: Lab) -> str:
    before = len(lab.guarded.seen)
    answer = lab.api(
        "POST", f"recordings/{lab.notes['recordings'][of]}/replay", {"yes": True, "stepwise": True}, session=session
    )
    if answer.status not in (200, 202):
        return f"stepwise did not begin: {answer.status} {answer.body[:100]!r}"
    token = answer.json()["token"] if "token" in answer.json() else answer.json()["id"]
    edits = {name: body[name] for name in ("set", "header") if name in body}
    lab.api("POST", f"replays/{token}", {"do": "go", **edits}, session=session)
    lab.api("POST", f"replays/{token}", {"do": "stop"}, session=session)
    return _wrote(lab, before)


def trials(rng: Random, count: int) -> Iterator[Trial]:
    ways = {"branch": _branch, "replay": _replay, "stepwise": _stepwise}
    fixed = list(product(ways, (WRITER, READER), ("", PINNED)))
    for at in range(count):
        way, of, session = fixed[at % len(fixed)]
        body = _edits(rng)
        yield Trial(
            f"{way} of {of} from {session or 'no session'}: {body}",
            lambda lab, way=way, of=of, body=body, session=session: ways[way](of, body, session, lab),
        )


KIND = Kind("writing", "writes: never holds, whatever a replay edits", 300, trials, prepare=prepare)

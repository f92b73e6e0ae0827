"""Strangers and viewers who try to get into another's session with what they can see of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import product
from random import Random
from urllib.parse import quote

from ..lab import OPERATOR, VIEWER, Lab
from . import Kind, Trial

SECRET = "Zq9dJ2kLmN8pQ4rS6tU0vWxYhostile"  # a token that only the operator's own session may see again
NAMED = "hostile-named"  # a session that a client named: its name is no secret, and opens nothing sealed
SPELLINGS = (str, str.lower, str.upper, quote, lambda s: f" {s} ", lambda s: s[:-1], lambda s: s + "=", lambda s: f'"{s}"',
             lambda s: base64.b64encode(s.encode()).decode(), lambda s: s.lstrip("~"), lambda s: "~" + s)  # fmt: skip


def prepare(lab: Lab) -> None:
    """The operator signs in, logs in to an API in a browser's session, and plays the recording."""
    token = ("Authorization", f"Bearer {OPERATOR}")
    page = lab.ask("GET", "/_gateway/", [token, ("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate")])
    cookie = "; ".join(value.partition(";")[0] for value in page.all("set-cookie"))
    body = b'{"access_token": "%b"}' % SECRET.encode()
    said = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    path = "/api/a" + lab.dev.say(said)
    lab.ask("GET", path, [("Cookie", cookie)])
    lab.ask("GET", path, [("Gateway-Session", NAMED)])
    lab.recording_of(NAMED, token=OPERATOR)
    items = lab.api("GET", "recordings", token=OPERATOR).json()["items"]
    own = next(one for one in items if one["session"] != NAMED and one["steps"])
    lab.notes |= {"cookie": cookie, "path": path, "handle": own["session"], "recording": own["id"]}
    lab.ask(
        "POST", f"/_gateway/api/v1/recordings/{own['id']}/playback",
        [token, ("Cookie", cookie), ("Content-Type", "application/json")], b"{}",
    )  # fmt: skip
    lab.api("POST", f"recordings/{own['id']}/playback", {}, token=OPERATOR, session=NAMED)
    lab.notes["before"] = _state(lab)


def _state(lab: Lab) -> tuple[object, ...]:
    """What another must not change: the operator's pins, faults, modes and recording."""
    headers = [("Authorization", f"Bearer {OPERATOR}"), ("Cookie", lab.notes["cookie"])]
    found = lab.ask("GET", "/_gateway/api/v1/session", headers).json()
    return (*(repr(found[name]) for name in ("pins", "faults", "modes")), found["recording"])


def _headers(way: str, name: str) -> list[tuple[str, str]]:
    return {
        "header": [("Gateway-Session", name)],
        "baggage": [("baggage", f"gateway-session={name}")],
        "cookie": [("Cookie", f"gateway_session={name}")],
        "both": [("Gateway-Session", name), ("baggage", f"gateway-session={name}")],
        "query": [],
    }[way]


def _plays(way: str, name: str, lab: Lab) -> str:
    """An unknown client asks as if it were the session: no token may come out of the recording."""
    before = len(lab.dev.seen)
    answer = lab.ask("GET", lab.notes["path"], _headers(way, name))
    if SECRET.encode() in answer.body and len(lab.dev.seen) == before:
        return f"the sealed token came out of playback: {answer.status}"
    return ""


def _changes(way: str, name: str, call: tuple[str, str, bytes], lab: Lab) -> str:
    method, path, body = call
    headers = [("Authorization", f"Bearer {VIEWER}"), ("Content-Type", "application/json"), *_headers(way, name)]
    if way == "query":
        path += f"?session={quote(name)}"
    lab.ask(method, path, headers, body)
    return f"{method} {path} changed it" if _state(lab) != lab.notes["before"] else ""


CALLS = (
    ("PUT", "/_gateway/api/v1/session/pins/a", b'{"environment": "test"}'),
    ("DELETE", "/_gateway/api/v1/session/pins/a", b""),
    ("PUT", "/_gateway/api/v1/session/faults/a", b'{"status": 503}'),
    ("POST", "/_gateway/api/v1/session/recording", b'{"title": "taken"}'),
    ("DELETE", "/_gateway/api/v1/session/modes", b""),
    ("DELETE", "/_gateway/api/v1/session/modes/a", b""),
    ("PUT", "/_gateway/api/v1/session/modes/a", b'{"mode": "live"}'),
    ("GET", "/_gateway/pin?a=test", b""),
)
PAGES = ("/_gateway/", "/_gateway/recordings", "/_gateway/recordings/{recording}", "/_gateway/api/v1/recordings", "/_gateway/api/v1/session",
         "/_gateway/api/v1/recordings/{recording}", "/_gateway/api/v1/recordings/{recording}/exchanges", "/_gateway/audit",
         "/_gateway/api/v1/audit", "/_gateway/live", *(f"/_gateway/api/v1/recordings/{{recording}}/export?as={f}" for f in
         ("har", "json", "bundle", "html", "markdown", "curl", "postman", "mermaid", "svg", "openapi", "hurl", "python")))  # fmt: skip
TOKEN = re.compile(rb"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{24}(?![A-Za-z0-9_-])")


def _shows(page: str, lab: Lab) -> str:
    """Whatever a page shows that could be an id made for a cookie must not lead into the session."""
    answer = lab.ask(
        "GET", page.format(**lab.notes), [("Authorization", f"Bearer {OPERATOR}"), ("Cookie", lab.notes["cookie"])]
    )
    for found in set(TOKEN.findall(answer.body)):
        if problem := _plays("header", found.decode(), lab):
            return f"{found!r} on the page: {problem}"
    return ""


def trials(rng: Random, count: int) -> Iterator[Trial]:
    ways, names = ("header", "baggage", "cookie", "both"), ("handle", "named", "recording")
    playing = [("plays", way, which, spell, None) for way, which, spell in product(ways, names, SPELLINGS)]
    changing = [
        ("changes", way, "handle", spell, call) for way, spell, call in product((*ways, "query"), SPELLINGS[:4], CALLS)
    ]
    chosen = (
        rng.sample(playing + changing, min(count - len(PAGES), len(playing + changing)))
        if count > len(PAGES)
        else playing[:count]
    )
    for page in PAGES[: max(1, count // 4)]:
        yield Trial(f"page {page}", lambda lab, page=page: _shows(page, lab))
    for what, way, which, spell, call in chosen:

        def attempt(lab: Lab, what: str = what, way: str = way, which: str = which, spell=spell, call=call) -> str:
            name = spell(NAMED if which == "named" else lab.notes[which])
            return _plays(way, name, lab) if what == "plays" else _changes(way, name, call, lab)

        yield Trial(f"{what} by {way} {which} {call}", attempt)


KIND = Kind(
    "sessions",
    "nobody gets into another's session by what is shown of it",
    250,
    trials,
    setup="signed",
    prepare=prepare,
)

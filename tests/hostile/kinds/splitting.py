"""Responses of an upstream that try to split, to smuggle or to speak for the gateway (RFC 9112 section 11.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from random import Random

from ..lab import Lab, responses
from . import Kind, Trial

NEXT = b"HTTP/1.1 200 EVIL\r\nContent-Length: 0\r\n\r\n"
BREAKS = (b"\r", b"\n", b"\r\n ", b"\r\n\t", b"\0", b"\x0b", b"\x85", b"\r\r\n", b"\n\r")
OWN = (b"Gateway-Exchange: FAKE", b"Gateway-Route: FAKE@x", b"Gateway-Playback: FAKE", b"gateway-exchange: FAKE", b"GATEWAY-ROUTE: FAKE",
       b"Set-Cookie: gateway_login=FAKE; Path=/", b"set-cookie: gateway_session=FAKE", b"Set-Cookie:gateway_login=FAKE",
       b"Set-Cookie: \tgateway_login=FAKE")  # fmt: skip
FRAMES = (b"Content-Length: 0", b"Content-Length: 2", b"Content-Length: 2\r\nContent-Length: 40", b"Content-Length: -2",
          b"Content-Length: 2, 2", b"Transfer-Encoding: chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, identity",
          b"Transfer-Encoding: chunked\r\nContent-Length: 2", b"Connection: content-length\r\nContent-Length: 2", b"X: y")  # fmt: skip
STATUSES = (b"200 OK", b"204 No", b"304 Not", b"101 Switch", b"100 Continue", b"103 Hints", b"099 X", b"1000 X", b"20 X", b"200", b"200 O\rK",
            b"-200 X", b"2 00 X", b"205 Reset", b"301 Moved\r\nLocation: http://y/\r\nX-Y: z")  # fmt: skip
BODIES = (b"", b"ok", b"ok" + NEXT, b"0\r\n\r\n" + NEXT, b"2\r\nok\r\n0\r\n\r\n" + NEXT, b"FFFFFFFFFFFFFFFFF\r\nok", b"2\r\nok\r\n0\r\nSet-Cookie: gateway_login=FAKE\r\n\r\n",
          b"2;" + b"x" * 9000 + b"\r\nok\r\n0\r\n\r\n", b"5\r\nok\r\n0\r\n\r\n")  # fmt: skip


def _responses() -> Iterator[tuple[str, bytes]]:
    for status, frame, body in product(STATUSES, FRAMES, BODIES):
        yield f"{status!r} {frame!r} {body[:30]!r}", b"HTTP/1.1 " + status + b"\r\n" + frame + b"\r\n\r\n" + body
    for mark, field in product(BREAKS, (b"X", b"Location", b"Set-Cookie", b"Content-Type", b"Refresh")):
        head = field + b": a" + mark + b"Set-Cookie: EVIL=1"
        yield f"{field!r} {mark!r}", b"HTTP/1.1 200 OK\r\n" + head + b"\r\nContent-Length: 2\r\n\r\nok"
    for own, status in product(OWN, STATUSES[:6]):
        yield f"{own!r} {status!r}", b"HTTP/1.1 " + status + b"\r\n" + own + b"\r\nContent-Length: 2\r\n\r\nok"


def _attempt(data: bytes, lab: Lab) -> str:
    path = "/api/a" + lab.dev.say(data)
    ask = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode()
    answers = lab.raw(ask + b"GET /api/a/next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", patience=1.0)
    found = responses(answers)
    if any(one.header("gateway-exchange") == "" for one in found):
        return f"a response that is not the gateway's: {[one.status for one in found]}"
    if len(found) > 2:
        return f"{len(found)} responses to two requests"
    first = answers.partition(b"\r\n\r\n")[0]
    if re.search(rb"(?mi)^set-cookie: *(evil|gateway_(login|session)=FAKE)", first + b"\r\n"):
        return f"a header was split off or the gateway's own cookie was set: {first[:200]!r}"
    if re.search(rb"(?mi)^gateway-[a-z]+: FAKE", answers):
        return "the upstream spoke in the gateway's name"
    if re.search(rb"[^\r]\n|\r[^\n]|\0", first):
        return f"a bare line break went on: {first[:200]!r}"
    return ""


def trials(rng: Random, count: int) -> Iterator[Trial]:
    wanted = list(_responses())
    for name, data in rng.sample(wanted, min(count, len(wanted))):
        yield Trial(name, lambda lab, data=data: _attempt(data, lab))


KIND = Kind("splitting", "no response splits, smuggles or speaks for the gateway", 300, trials)

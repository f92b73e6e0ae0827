"""A million names, cookies, agents and header spellings at the seam where each table is: more than a socket carries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from cryptography.fernet import Fernet

from gateway.keys import Keys
from gateway.model.addresses import AllowedHosts
from gateway.proxy.header_rules import REQUEST, RESPONSE
from gateway.sessions.identity import FieldKinds
from gateway.sessions.registry import LiveSessions

from . import Kind, Trial

EACH = 100_000
GROWTH = 64 << 20  # bytes that one table may come to hold
LIVE = LiveSessions(Keys.of([Fernet.generate_key().decode()]), most=20_000)
KINDS, HOSTS = FieldKinds(), AllowedHosts()

WAYS: dict[str, Callable[[int], object]] = {
    "session names": lambda n: LIVE.identify([(b"Gateway-Session", b"s%d" % n)], client="10.0.0.1"),
    "baggage": lambda n: LIVE.identify([(b"baggage", b"gateway-session=b%d" % n)], client="10.0.0.1"),
    "addresses": lambda n: LIVE.identify(
        [(b"User-Agent", b"tool")], client=f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
    ),
    "agents": lambda n: LIVE.identify([(b"User-Agent", b"a%d" % n)], client="10.0.0.1"),
    "tokens": lambda n: LIVE.identify([(b"Authorization", b"Bearer t%d" % n)], client="10.0.0.1"),
    "cookies": lambda n: LIVE.identify([(b"Cookie", b"sess%d=%d" % (n, n))], client="10.0.0.1"),
    "spellings": lambda n: (KINDS[b"x-%d" % n], REQUEST[b"x-%d" % n], RESPONSE[b"x-%d" % n]),
    "hosts": lambda n: HOSTS.has(b"h%d.example" % n),
    "own cookies": lambda n: LIVE.identify([(b"Cookie", b"gateway_session=%d" % n)], client="10.0.0.1"),
    "languages": lambda n: LIVE.identify([(b"Accept-Language", b"l%d" % n)], client="10.0.0.1"),
}


def _memory() -> int:
    """Bytes that this process holds."""
    match = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(match[1]) * 1024 if match else 0


def _attempt(way: Callable[[int], object], first: int) -> str:
    before = _memory()
    for number in range(first, first + EACH):
        way(number)
    grown = _memory() - before
    return f"{EACH} of them left {grown >> 20} MiB" if grown > GROWTH else ""


def trials(rng: Random, count: int) -> Iterator[Trial]:
    for name, way in list(WAYS.items())[:count]:
        yield Trial(f"{EACH} {name}", lambda lab, way=way: _attempt(way, rng.randrange(1 << 24)))


KIND = Kind("seams", f"a million names ({len(WAYS)} tables, {EACH} each) stay within the limits", len(WAYS), trials)

"""Strangers who send ever new names: sessions, headers, cookies, agents, methods, paths. No table grows without bound."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from random import Random

from ..lab import Lab
from . import Kind, Trial

BATCH = 400  # requests of one trial, on one connection
GROWTH = 48 << 20  # bytes that one batch may leave behind


def _request(way: str, number: int) -> bytes:
    lines = {
        "session": f"Gateway-Session: s{number:x}",
        "baggage": f"baggage: gateway-session=b{number:x}",
        "agent": f"User-Agent: a{number:x}",
        "header": f"X-{number:x}: {number:x}",
        "cookie": f"Cookie: c{number:x}={number:x}; gateway_session={number:x}",
        "override": f"Gateway-Env: c{number:x}=dev",
        "origin": f"Origin: http://o{number:x}.example",
        "language": f"Accept-Language: l{number:x}",
        "forwarded": f"X-Forwarded-For: 10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
    }
    method = (
        f"M{number % 100_000:05d}".translate(str.maketrans("0123456789", "ABCDEFGHIJ")) if way == "method" else "GET"
    )
    path = f"/api/a/{number:x}" if way == "path" else f"/{number:x}" if way == "nowhere" else "/api/a/x"
    host = f"h{number:x}" if way == "host" else "127.0.0.1"
    more = [lines[way]] if way in lines else []
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *more, "", ""]).encode()


WAYS = (
    "session",
    "baggage",
    "agent",
    "header",
    "cookie",
    "override",
    "origin",
    "language",
    "forwarded",
    "method",
    "path",
    "nowhere",
    "host",
)


def _attempt(way: str, first: int, lab: Lab) -> str:
    before = lab.memory()
    numbers = iter(range(first, first + BATCH))
    number = next(numbers, None)
    while number is not None:  # a response that closes the connection is followed by another connection
        with socket.create_connection(("127.0.0.1", lab.port), timeout=10) as client, client.makefile("rb") as file:
            while number is not None:
                client.sendall(_request(way, number))
                number = next(numbers, None)
                if not _passed(file):
                    break
    grown = lab.memory() - before
    return f"{BATCH} of them left {grown >> 20} MiB" if grown > GROWTH else ""


def _passed(file: object) -> bool:
    """Read one response; False when the connection is over."""
    head = b""
    while line := file.readline():  # type: ignore[attr-defined]
        head += line.lower()
        if line == b"\r\n":
            break
    if not head or b"connection: close" in head:
        return False
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0].strip()
    file.read(int(length or 0))  # type: ignore[attr-defined]
    return True


def trials(rng: Random, count: int) -> Iterator[Trial]:
    for at in range(count):
        way, first = WAYS[at % len(WAYS)], rng.randrange(1 << 40)
        yield Trial(f"{BATCH} times another {way}", lambda lab, way=way, first=first: _attempt(way, first, lab))


KIND = Kind("limits", "no table grows without bound by what strangers send", 60, trials)

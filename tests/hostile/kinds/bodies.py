"""Bodies that are dear to search: the loop must not wait for the search, and other clients must be served."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterator
from random import Random

from ..lab import Lab
from . import Kind, Trial

SLOWEST = 5.0  # seconds that another client may wait on a busy machine; the pause of the loop is measured apart
SIZES = (1_000, 8_000, 24_000, 64_000, 300_000)
UNITS = ("\\", '\\"', '"password":"', "'", '"', "{", "[", "<a ", "&", "%25", "\\u005c", "=", ";", ":", "-----BEGIN ", "eyJ", ".", "a.", "@", "://",
         "<password>", "</", "<!--", "<![CDATA[", "]]", "token=", "\n", "\r", " ", "\t", "0", "%", "+", "\x00", "é", "Bearer ", "data: ", "\\n", "//", "/*")  # fmt: skip
HEADS = (
    '"password":"',
    "password=",
    '{"a":"',
    "<password>",
    "Authorization: Bearer ",
    "",
    '{"password": {"a": ',
    "https://u:",
    "-----BEGIN RSA PRIVATE KEY-----",
)
TYPES = ("text/plain", "application/json", "text/html", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
         "text/event-stream", "application/graphql", "text/csv", "application/javascript", "text/yaml", "application/octet-stream")  # fmt: skip


def _run(rng: Random, size: int) -> bytes:
    """One unit again and again behind a head that the search looks for."""
    unit = rng.choice(UNITS)
    return (rng.choice(HEADS) + unit * (size // len(unit)))[:size].encode()


def _mixed(rng: Random, size: int) -> bytes:
    units = rng.sample(UNITS, 3)
    text = "".join(rng.choice(units) for _ in range(size // 4))
    return (rng.choice(HEADS) + text)[:size].encode()


def _deep(rng: Random, size: int) -> bytes:
    depth = min(size // 8, 20_000)
    opening, closing = rng.choice((('{"a":', "}"), ("[", "]"), ('{"password":[', "]}"), ("<a>", "</a>")))
    return (opening * depth + "1" + closing * depth).encode()


def _nested_text(rng: Random, size: int) -> bytes:
    """JSON in a string of JSON, many times: each level doubles the backslashes."""
    value = '{"password": "x"}'
    while len(value) < size // 3:
        value = json.dumps({"v": value})
    return value.encode()


def _many(rng: Random, size: int) -> bytes:
    name = rng.choice(("password", "token", "a", "x-api-key", "Authorization"))
    pairs = [f'"{name}{n}": "{rng.getrandbits(64):x}"' for n in range(size // 40)]
    return ("{" + ",".join(pairs) + "}").encode()


SHAPES: tuple[Callable[[Random, int], bytes], ...] = (_run, _run, _mixed, _deep, _nested_text, _many)


def _headers(rng: Random, body: bytes) -> tuple[list[tuple[str, str]], bytes]:
    headers = [("Content-Type", rng.choice(TYPES)), ("Gateway-Session", "hostile-bodies")]
    packed = rng.random()
    if packed < 0.1:
        return [*headers, ("Content-Encoding", "gzip")], gzip.compress(body)
    if packed < 0.15:
        return [*headers, ("Content-Encoding", "deflate")], zlib.compress(body * 20)
    return headers, body


def _attempt(headers: list[tuple[str, str]], body: bytes, lab: Lab) -> str:
    answer = lab.ask("POST", "/api/a/x", headers, body, patience=30.0)
    begun = time.monotonic()
    lab.ask("GET", "/_gateway/healthz", patience=30.0)
    waited = time.monotonic() - begun
    if waited > SLOWEST:
        return f"another client waited {waited:.1f} s"
    return "" if answer.status == 200 else f"answered {answer.status}"


def trials(rng: Random, count: int) -> Iterator[Trial]:
    for _ in range(count):
        shape, size = rng.choice(SHAPES), rng.choice(SIZES)
        headers, body = _headers(rng, shape(rng, size))
        yield Trial(
            f"{shape.__name__} {size} {headers[0][1]} {body[:40]!r}",
            lambda lab, headers=headers, body=body: _attempt(headers, body, lab),
        )


KIND = Kind("bodies", "no body keeps other clients waiting", 250, trials)

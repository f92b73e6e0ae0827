"""The requests and response bodies of the benches: one that repeats, and traffic that varies as that of people does.

Varied: every URL, query value, trace id and response body is new; each session has a cookie and a token of its own,
and its requests come over any connection; a third are writes with 150 bytes of JSON, a ninth of these with a password.
Pure.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Sequence
from itertools import cycle

TEXT = """
amber anchor apple basket beacon bridge candle canyon carbon cedar circle clover copper coral cotton crystal dawn delta
desert ember falcon feather fern field forest garden ginger glacier granite harbour hazel heron island ivory jasper
juniper lagoon lantern lemon linen maple marble meadow mirror needle nickel ocean olive opal orchard pebble pepper
planet prairie quartz quill raven river saffron salmon shadow silver spruce stone summer thistle timber topaz tulip
valley velvet violet walnut willow winter
"""
WORDS = TEXT.split()
AGENTS = (
    b"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    b"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1",
    b"okhttp/4.12.0",
    b"python-requests/2.32.3",
    b"axios/1.7.7",
)
KINDS = (b"orders", b"customers", b"books", b"invoices", b"carts")
MAIN = 820  # bytes of a response body of the main figure
LEAST, MOST, MIDDLE, WIDTH = 200, 64 << 10, 2048, 1.3  # bytes of the spread: a log-normal distribution, cut off
POOL = 4096  # pieces from which bodies are put together

Generator = Callable[[], bytes]


class Session:
    """What one client sends with each of its requests."""

    def __init__(self, number: int, cookie: bytes, chance: random.Random) -> None:
        self.token = b"%040x" % chance.getrandbits(160)
        if number % 4 == 0:
            self.token = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI%d.%040x" % (number, chance.getrandbits(160))
        own = b"; " + cookie if cookie else b""
        self.lines = (
            b"User-Agent: %b\r\nAccept: application/json\r\nAccept-Language: en-GB,en;q=0.%d\r\n"
            b"Accept-Encoding: gzip, deflate\r\nAuthorization: Bearer %b\r\nCookie: sid=%032x%b\r\n"
        ) % (AGENTS[number % len(AGENTS)], 1 + number % 9, self.token, chance.getrandbits(128), own)


def repeated(host: bytes, path: bytes, cookies: Sequence[bytes]) -> Generator:
    """The same GET again and again, in turn for each session."""
    made = [
        b"GET %b HTTP/1.1\r\nHost: %b\r\nUser-Agent: browser/%d\r\nCookie: %b\r\nAccept: application/json\r\n\r\n"
        % (path, host, number, cookie or b"a=b")
        for number, cookie in enumerate(cookies)
    ]
    return cycle(made).__next__


def varied(host: bytes, path: bytes, cookies: Sequence[bytes], seed: int) -> Generator:
    """Requests below `path` of which no two are equal."""
    chance = random.Random(seed)
    sessions = [Session(number, cookie, chance) for number, cookie in enumerate(cookies)]
    bits, pick = chance.getrandbits, chance.choice

    def make() -> bytes:
        session, kind = pick(sessions), pick(KINDS)
        trace = b"traceparent: 00-%032x-%016x-01\r\nX-Request-Id: %032x\r\n" % (bits(128), bits(64) | 1, bits(128))
        head = b" HTTP/1.1\r\nHost: " + host + b"\r\n" + session.lines + trace
        if bits(16) % 3:
            query = b"?page=%d&q=%b+%b&since=%d" % (bits(7), pick(WORDS).encode(), pick(WORDS).encode(), bits(31))
            return b"GET %b/%b/%d%b%b\r\n" % (path, kind, bits(40), query if bits(1) else b"", head)
        body = write_body(chance)
        length = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        return b"POST %b/%b/%d%b%b%b" % (path, kind, bits(40), head, length, body)

    return make


def write_body(chance: random.Random) -> bytes:
    """About 150 bytes of JSON."""
    words = chance.choices(WORDS, k=6)
    if chance.getrandbits(16) % 9 == 0:
        text = '{"user":"%s.%s","password":"%s-%x","remember":true,"device":{"name":"%s %s","id":"%032x"},"kind":"web"}'
        return (text % (*words[:3], chance.getrandbits(48), *words[3:5], chance.getrandbits(128))).encode()
    text = '{"order":%d,"book":"%s %s","quantity":%d,"customer":"%s.%s@example.com","note":"%s %s","price":%d.5}'
    numbers = chance.getrandbits(32), 1 + chance.getrandbits(2), chance.getrandbits(9)
    return (text % (numbers[0], *words[:2], numbers[1], *words[2:4], *words[4:6], numbers[2])).encode()


class Bodies:
    """Response bodies that are new each time."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        words = self._chance.choices
        self._items = [
            b'{"id":%d,"title":"%b","price":%d.5,"in_stock":true}'
            % (self._chance.getrandbits(32), " ".join(words(WORDS, k=4)).encode(), self._chance.getrandbits(9))
            for _ in range(POOL)
        ]
        self._lines = [
            b'<li class="book"><a href="/books/%d?from=list">%b</a> <span>%d.50</span></li>\n'
            % (self._chance.getrandbits(32), " ".join(words(WORDS, k=4)).encode(), self._chance.getrandbits(9))
            for _ in range(POOL)
        ]

    def json(self, size: int) -> bytes:
        """JSON of about this many bytes."""
        bits = self._chance.getrandbits
        head = b'{"id":%d,"next":"/orders?page=%d","trace":"%032x","items":[' % (bits(40), bits(8), bits(128))
        return head + self._pieces(self._items, b",", size - len(head) - 2) + b"]}"

    def html(self, size: int) -> bytes:
        """A page of about this many bytes."""
        head = b"<!doctype html><title>Books %d</title>\n<ul>\n" % self._chance.getrandbits(40)
        return head + self._pieces(self._lines, b"", size - len(head) - 6) + b"</ul>\n"

    def _pieces(self, pool: list[bytes], between: bytes, size: int) -> bytes:
        at = self._chance.getrandbits(12)
        count = max(1, size // (len(pool[at]) + len(between)))
        return between.join((pool * 2)[at : at + count] if at + count > POOL else pool[at : at + count])

    def spread(self) -> tuple[bytes, bytes, bytes]:
        """(content type, content coding, body) of realistic sizes: a fifth HTML, a third compressed."""
        size = int(min(MOST, max(LEAST, self._chance.lognormvariate(0, WIDTH) * MIDDLE)))
        is_page = self._chance.getrandbits(16) % 5 == 0
        body = self.html(size) if is_page else self.json(size)
        kind = b"text/html; charset=utf-8" if is_page else b"application/json"
        if self._chance.getrandbits(16) % 3:
            return kind, b"", body
        return kind, b"gzip", gzip.compress(body, 1, mtime=0)


def check() -> None:
    """What is said of the traffic is true; raises AssertionError."""
    chance = random.Random(1)
    bodies = [write_body(chance) for _ in range(2000)]
    assert all(json.loads(body) for body in bodies)
    assert 130 <= sum(map(len, bodies)) / len(bodies) <= 170
    made = Bodies(1)
    assert all(abs(len(made.json(MAIN)) - MAIN) < 80 and json.loads(made.json(MAIN)) for _ in range(200))


if __name__ == "__main__":
    check()

"""What sealing costs: microseconds of CPU per exchange on the writer thread, by what its body holds. All come with a
cookie and a token in their fields.

python bench/sealing.py        (a part of make bench)
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cryptography.fernet import Fernet

from gateway.keys import Keys
from gateway.model.capture import Capture
from gateway.model.headers import Fields
from gateway.redact import Sealer

ROUNDS = 5
DIFFERENT = 600  # bodies that differ: more than a sealer remembers
SECOND = 0.2  # seconds of a round
LINK = b'<a class="nav-item" href="/shop?page=1">a book about something</a>\n'
BOOKS = [{"id": number, "title": f"a book about something {number}", "price": number * 1.5} for number in range(16)]

# As those of a client that keeps its connection: they come with every request.
FIELDS = Fields(
    [(b"Host", b"127.0.0.1:8080"), (b"Accept", b"application/json"), (b"User-Agent", b"bench/1"),
     (b"Cookie", b"sid=0123456789abcdef"), (b"Authorization", b"Bearer abcdefghijklmnop0123456789")]
)  # fmt: skip

Made = tuple[str, bytes, bytes, bytes]  # name, content type, content coding, body


def bodies() -> list[Made]:
    kind = b"application/json"
    plain = json.dumps({"items": BOOKS[:15]}).encode()
    token = json.dumps({"access_token": "abcdef0123456789", "items": BOOKS[:14]}).encode()
    many = json.dumps([{"token": f"abc{number % 50}def", "name": "x" * 40} for number in range(15_000)]).encode()
    page = b"<html>" + LINK * 1500 + b'<input name="csrf_token" value="abc123def456"></html>'
    return [
        ("1 KiB of JSON without a secret", kind, b"", plain),
        ("1 KiB of JSON that comes again", kind, b"", plain),
        ("1 KiB of JSON with a token", kind, b"", token),
        ("the same, cut off in the middle", kind, b"", token[:-20]),
        ("the same, gzip", kind, b"gzip", gzip.compress(token)),
        (
            "a form with a password",
            b"application/x-www-form-urlencoded",
            b"",
            b"user=ada&password=lovelace1815&next=%2F",
        ),
        ("100 KB of HTML with a hidden field", b"text/html", b"", page),
        ("64 KiB of JSON without a secret", kind, b"", json.dumps(BOOKS * 57).encode()),
        ("64 KiB of JSON that comes again", kind, b"", json.dumps(BOOKS * 57).encode()),
        ("1 MB of JSON with 15,000 tokens", kind, b"", many),
    ]


@cache
def answer_fields(kind: bytes, coding: bytes) -> Fields:
    return Fields([(b"Content-Type", kind), *([(b"Content-Encoding", coding)] if coding else [])])


def capture(made: Made, number: int = 0) -> Capture:
    """`number` tells bodies apart: one that comes again is remembered."""
    _, kind, coding, body = made
    body += b"" if coding else b"\n" * number
    one = Capture()
    one.id, one.method, one.target = "01X", b"GET", b"/api/orders/orders/12?page=3&sort=price"
    one.origin, one.upstream_url = b"http://127.0.0.1:8080", "http://127.0.0.1:9202/orders/12?page=3&sort=price"
    one.request_headers, one.response_headers = FIELDS, answer_fields(kind, coding)
    one.reason, one.status, one.response_body = b"OK", 200, [body]
    return one


def cost(made: Made) -> float:
    """Seconds per exchange: the best of some rounds, with what a sealer remembers already warm."""
    sealer, best = Sealer(Keys.of([Fernet.generate_key().decode()])), float("inf")
    sealer(capture(made))
    for _ in range(ROUNDS):
        count, begun = 0, time.process_time()
        while time.process_time() - begun < SECOND:
            sealer(capture(made, 0 if made[0].endswith("again") else 1 + count % DIFFERENT))
            count += 1
        best = min(best, (time.process_time() - begun) / count)
    return best


def main() -> int:
    for made in bodies():
        print(f"{made[0]:38} {cost(made) * 1e6:12,.1f} us", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Small factories: an exchange, and the bookshop recording that the golden files show."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

from gateway.model.exchange import Exchange, Failure, Timing
from gateway.model.message import Body, Pairs, Request, Response
from gateway.model.recording import Recording

# How fast a loaded machine is, no test here asks.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

JSON: Pairs = (("Content-Type", "application/json"),)


def make_exchange(step: int = 1, **more: Any) -> Exchange:
    method, target = more.pop("method", "GET"), more.pop("target", "/api/orders/orders")
    sent: bytes = more.pop("sent", b"")
    received: bytes = more.pop("received", b"{}")
    status = more.pop("status", 200)
    cluster = more.pop("cluster", "orders")
    answer = Response(
        headers=more.pop("answer_headers", JSON),
        status=status or 0,
        reason=more.pop("reason", "OK"),
        body=Body(more.pop("received_size", len(received)), received),
    )
    request = Request(
        method=method,
        target=target,
        headers=more.pop("headers", (("Host", "127.0.0.1:8080"), ("Accept", "*/*"))),
        body=Body(more.pop("sent_size", len(sent)), sent),
    )
    return Exchange(
        id=f"01JEXCHANGE{step:015d}",
        recording="01JRECORDING00000000000000",
        step=step,
        session="meeting",
        started_at=f"2026-11-22T06:00:{step % 60:02d}.123456Z",
        url=more.pop("origin", "http://127.0.0.1:8080") + target,
        request=request,
        response=more.pop("response", answer if status else None),
        status=status,
        cluster=cluster,
        environment=more.pop("environment", "qa" if cluster else ""),
        upstream_url=f"http://127.0.0.1:9202{target.removeprefix('/api/' + cluster)}" if cluster else "",
        timing=more.pop("timing", Timing(total_ms=14.25, connect_ms=0.5, first_byte_ms=12.0, upstream_ms=13.0)),
        **more,
    )


def make_recording(count: int, **more: Any) -> Recording:
    started = "2026-11-22T06:00:01.123456Z"
    names = {"id": "01JRECORDING00000000000000", "title": "Order a book", "session": "meeting"} | more
    return Recording(**names, started_at=started, updated_at=started, steps=count, clusters=("orders@qa",))


TOKEN = "sealed_abcdefghijklmnopqrst_l32"
PASSWORD = "sealed_aaaabbbbccccddddeeee_s12"


def the_bookshop() -> tuple[Recording, list[Exchange]]:
    bearer: Pairs = (("Host", "127.0.0.1:8080"), ("Accept", "*/*"), ("Authorization", f"Bearer {TOKEN}"))
    cookie = ("Set-Cookie", "shop=1; Path=/; Expires=Wed, 09-Jun-2027 10:18:14 GMT; HttpOnly; SameSite=Lax")
    refused = Failure("connection_refused", "nobody listens at 127.0.0.1:9303")
    packed = gzip.compress(b'{"title": "Caf\xc3\xa9 Python"}', mtime=0)
    page = packed[:9] + b"\x03" + packed[10:]  # the header's system: 3 up to Python 3.12, 255 from 3.13 on
    steps: list[dict[str, Any]] = [
        {"method": "POST", "target": "/api/users/login", "cluster": "users", "headers": JSON,
         "sent": b'{"user": "ada", "password": "%s"}' % PASSWORD.encode(),
         "received": b'{"token": "%s"}' % TOKEN.encode(),
         "answer_headers": (*JSON, cookie)},
        {"target": "/api/catalogue/books/978-1?lang=fr&q=caf%C3%A9+noir&empty=", "cluster": "catalogue",
         "headers": (("Accept-Encoding", "gzip"), ("Cookie", "shop=1; theme=dark")), "received": page,
         "answer_headers": (("Content-Type", "application/json; charset=utf-8"), ("Content-Encoding", "gzip"))},
        {"method": "POST", "headers": (*bearer, ("Content-Type", "application/x-www-form-urlencoded")),
         "sent": b"isbn=978-1&gift=it%27s+yours", "status": 201, "reason": "Created", "notes": ("Orders\nthe book",),
         "answer_headers": (*JSON, ("Location", "/api/orders/orders/501"))},
        {"method": "PUT", "target": "/api/orders/orders/501/cover", "headers": (("Content-Type", "image/png"),),
         "sent": b"\x89PNG\r\n\x1a\n\x00\xff", "status": 204, "reason": "No Content", "received": b"",
         "answer_headers": ()},
        {"target": "/api/orders/orders/501", "environment": "test", "status": 404, "reason": "Not Found",
         "received": b"\x00\xfe", "answer_headers": ()},
        {"method": "POST", "target": "/api/payments/orders/501/payments", "cluster": "payments", "sent": b"{}",
         "status": 502, "failure": refused, "response": None, "timing": Timing(total_ms=1.5)},
        {"method": "PUT", "target": "/api/orders/big", "sent": b"part", "sent_size": 4096, "received": b"some",
         "received_size": 9000},
        {"target": "/api/orders/stock", "status": 101, "reason": "Switching Protocols", "stream": "websocket",
         "received": b"", "answer_headers": ()},
        {"method": "HEAD", "target": "/catalog/books/1", "cluster": "", "status": 404, "reason": "Not Found",
         "received": b""},
    ]  # fmt: skip
    exchanges = [make_exchange(step, **each) for step, each in enumerate(steps, 1)]
    return make_recording(len(exchanges)), exchanges


@pytest.fixture
def an_exchange() -> Callable[..., Exchange]:
    return make_exchange


@pytest.fixture
def a_recording() -> Callable[..., Recording]:
    return make_recording


@pytest.fixture
def bookshop() -> tuple[Recording, list[Exchange]]:
    return the_bookshop()

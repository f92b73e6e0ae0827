"""Small factories: an exchange, a bookshop recording of ten steps, a long one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.model.exchange import Exchange, Failure, Timing
from gateway.model.message import Body, Request, Response
from gateway.model.recording import Recording


def make_exchange(
    step: int = 1, *, method: str = "GET", target: str = "/api/orders/orders", status: int | None = 200, **more: Any
) -> Exchange:
    reason, body = more.pop("reason", ""), more.pop("body", b"{}")
    headers = more.pop("headers", (("Accept", "*/*"),))
    cluster = more.pop("cluster", target.split("/")[2] if target.startswith("/api/") else "")
    response = Response(status=status, reason=reason, body=Body(len(body), body)) if status else None
    return Exchange(
        id=more.pop("id", f"01J{step:023d}"),
        recording="01JREC",
        step=step,
        session="s",
        started_at=f"2026-11-22T06:00:{step % 60:02d}.000000Z",
        url="http://127.0.0.1:8080" + target,
        request=Request(method=method, target=target, headers=headers),
        response=more.pop("response", response),
        status=status,
        cluster=cluster,
        environment=more.pop("environment", "qa" if cluster else ""),
        timing=more.pop("timing", Timing(total_ms=10.0 + step)),
        **more,
    )


def make_recording(exchanges: list[Exchange], title: str = "Order a book") -> Recording:
    return Recording("01JREC", title, "s", started_at="2026-11-22T06:00:00.000000Z", steps=len(exchanges))


def ten_steps() -> list[Exchange]:
    refused = Failure("connection_refused", "nobody listens at 127.0.0.1:9303")
    shop: list[dict[str, Any]] = [
        {"method": "POST", "target": "/api/users/login"},
        {"target": "/api/catalogue/books?q=python&sort=price"},
        {"target": "/api/catalogue/books/978-1"},
        {"method": "POST", "target": "/api/orders/orders", "status": 201, "reason": "Created"},
        {"target": "/api/catalogue/books/978-1", "status": 404, "reason": "Not Found", "environment": "test"},
        {"target": "/api/catalogue/titles/978-1", "environment": "test"},
        {"method": "POST", "target": "/api/payments/orders/501/payments", "status": 502, "failure": refused,
         "response": None},
        {"target": "/api/orders/orders/501/items/17/attachments/0000-1111-2222-3333/preview?size=large", "status": 302,
         "reason": "Found"},
        {"target": "/api/orders/orders/501/events", "stream": "sse", "body": b"data: paid\n\ndata: sent\n\n"},
        {"target": "/catalog/books/1", "status": 404, "reason": "Not Found"},
    ]  # fmt: skip
    return [make_exchange(step, **each) for step, each in enumerate(shop, 1)]


def many_steps(count: int) -> list[Exchange]:
    """Ten different steps, a poll of eight until 200, then browsing, over and over."""
    found: list[Exchange] = []
    while len(found) < count:
        found += [make_exchange(len(found) + 1 + at, **_again(each)) for at, each in enumerate(ten_steps())]
        poll = "/api/orders/orders/501/receipt"
        statuses = [404] * 7 + [200]
        found += [make_exchange(len(found) + 1 + at, target=poll, status=each) for at, each in enumerate(statuses)]
    return found[:count]


def _again(exchange: Exchange) -> dict[str, Any]:
    return {
        "method": exchange.method, "target": exchange.request.target, "status": exchange.status,
        "environment": exchange.environment, "failure": exchange.failure, "stream": exchange.stream,
    }  # fmt: skip


@pytest.fixture
def an_exchange() -> Callable[..., Exchange]:
    return make_exchange


@pytest.fixture
def a_recording() -> Callable[..., Recording]:
    return make_recording


@pytest.fixture
def ten() -> list[Exchange]:
    return ten_steps()


@pytest.fixture
def many() -> Callable[[int], list[Exchange]]:
    return many_steps

"""Heads of which only some values vary are worked out once; what comes of them is what each by itself would give.

Covers: proxy/request, proxy/response, proxy/head_lines, redact/cache.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st
from relaying import Fixed, Kept, orders_at, table_of

from gateway.keys import Keys
from gateway.metrics import Metrics
from gateway.model.capture import Capture
from gateway.protocols import Options
from gateway.proxy import head_lines
from gateway.proxy.head_lines import OFTEN, ListTemplate, parsed_head
from gateway.proxy.server import Relay
from gateway.proxy.upstream import UpstreamConnection
from gateway.redact import SealedCapture, Sealer
from gateway.sessions.registry import LiveSessions

KEYS = Keys.of([Fernet.generate_key().decode()])
TABLE = table_of(orders_at("http://127.0.0.1:9", "        headers: {X-Route: one}\n"))
TRACES = [b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01", b"00-" + b"3" * 32 + b"-" + b"4" * 16 + b"-00", b"broken"]
# What a client sends with each request; the cookie of its session is added.
CONSTANT = [
    [b"Host: a", b"Accept: */*"],
    [b"Accept: */*", b"Host: a", b"User-Agent: x", b"Authorization: Bearer tok3n-AbCdEf0123456789x"],
    [b"Host: a", b"Origin: http://a", b"Referer: http://a/api/orders/x"],
    [b"Host: a", b"Connection: keep-alive", b"X-Api-Key: hush-hush"],
    [b"Host: a", b"Gateway-Env: orders=qa", b"Via: 1.1 other"],
]
VARYING = [b"X-Request-Id", b"traceparent", b"tracestate", b"Date", b"X-Secret-Token", b"X-Often"]
ANSWER_CONSTANT = [
    [b"Content-Type: application/json"],
    [b"Content-Type: application/json", b"Cache-Control: no-cache", b"Server: s"],
    [b"Content-Type: text/html", b"Cache-Control: no-store"],
    [b"Content-Type: application/x-www-form-urlencoded", b"Strict-Transport-Security: max-age=1"],
    [b"Content-Type: application/json", b"Location: http://127.0.0.1:9/x"],
    [b"Content-Type: application/json", b"Set-Cookie: sid=0123456789abcdefXYZ"],
    [b"Content-Type: application/json", b"Connection: close"],
]
ANSWER_VARYING = [b"ETag", b"Last-Modified", b"Date", b"X-Request-Id", b"Expires", b"Age", b"X-Often"]
values = st.sampled_from([b"a1", b"0123456789abcdef0123456789abcdef", b"tok3n-AbCdEf0123456789x", b"token=hush-hush"])
# Clients and their servers: the lines that stay, the names of those that vary, whether there is a cookie.
clients = st.lists(
    st.tuples(
        st.sampled_from(CONSTANT), st.lists(st.sampled_from(VARYING), max_size=4), st.booleans(),
        st.sampled_from(ANSWER_CONSTANT), st.lists(st.sampled_from(ANSWER_VARYING), max_size=4),
    ),
    min_size=1, max_size=2,
)  # fmt: skip
exchanges = st.lists(
    st.tuples(st.integers(0, 1), st.lists(values, min_size=8, max_size=8), st.sampled_from(TRACES), st.integers(0, 2)),
    min_size=5, max_size=12,
)  # fmt: skip


@dataclass
class Wire:
    """A transport that keeps what is written."""

    written: list[bytes] = field(default_factory=list)
    closed: bool = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = write_eof = close

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else None


class Side:
    """A relay without sockets. With `forgetful` it takes each head for the first that it ever saw."""

    def __init__(self, *, forgetful: bool) -> None:
        self.recorder, self.sessions, self.forgetful = Kept(), LiveSessions(KEYS), forgetful
        self.relay = Relay(
            options=Options(Path("r"), Path("g")), routes=Fixed(TABLE), recorder=self.recorder, sessions=self.sessions,
            metrics=Metrics(), own_pages=lambda: pytest.fail("a page"), tls_context=lambda tls: pytest.fail("tls"),
            own_cookies=(b"gateway_session",), clock=lambda: 1.0,
        )  # fmt: skip
        self.recorder.hold = True
        self.relay.via = b"Via: 1.1 gateway (x)"
        self.pool = self.relay.pool(TABLE.clusters["orders"].upstreams["qa"])
        self.sealer = Sealer(KEYS)

    def exchange(self, request: bytes, answer: bytes) -> tuple[object, ...]:
        """What went to the upstream and to the client, and what is recorded."""
        if self.forgetful:
            head_lines._known.clear()
            self.relay.shapes._known.clear()
            self.pool.shapes._known.clear()
        client, upstream = self.relay.accept(), UpstreamConnection(self.pool)
        there, here = Wire(), Wire()
        client.connection_made(here)
        upstream.connection_made(there)
        self.pool._idle[:] = [upstream]
        client.data_received(request)
        upstream.data_received(answer)
        self.recorder.release()
        capture = self.recorder.captures.pop()
        sealed = self.sealer.seal(capture) if self.forgetful else self.sealer(capture)
        return (
            without_chance(b"".join(there.written), capture),
            without_chance(b"".join(here.written), capture),
            *(stored(sealed)),
        )


def without_chance(data: bytes, capture: Capture) -> bytes:
    made = capture.trace.encode() if capture.trace.endswith("+") else b"+"
    data = data.replace(capture.id.encode(), b"ID").replace(made[:-1] or b"\0", b"TRACE")
    return re.sub(rb"Set-Cookie: gateway_session=[^\r]*", b"Set-Cookie: OURS", data)


def stored(sealed: SealedCapture | Capture) -> tuple[object, ...]:
    capture, secrets = (sealed, ()) if isinstance(sealed, Capture) else (sealed.capture, sealed.secrets)
    facts = (
        capture.request_headers, capture.response_headers, capture.rewritten, capture.status,
        capture.request_size, capture.target, capture.failure, capture.trace.endswith("+"),
    )  # fmt: skip
    return (*map(repr, facts), sorted(placeholder for placeholder, _ in secrets))


def message(line: bytes, lines: list[bytes], body: bytes) -> bytes:
    length = [b"Content-Length: %d" % len(body)] if body or line.startswith(b"HTTP") else []
    return b"\r\n".join([line, *lines, *length, b"", body])


@given(clients, exchanges)
@settings(deadline=None, max_examples=60)
def test_a_head_of_a_known_shape_becomes_what_it_would_become_alone(senders, told):
    quick, slow = Side(forgetful=False), Side(forgetful=True)
    cookie = quick.sessions.offer(quick.sessions.begin("client").id).partition(b";")[0]
    for number in range(OFTEN + 2):  # a name of which every value is new
        parsed_head(b"X-Often: %d\r\n\r\n" % number, 0)
    for number, (sender, fresh, trace, size) in enumerate(told):
        constant, names, with_cookie, answered, answer_names = senders[sender % len(senders)]
        lines = [*constant, *([b"Cookie: a=b; " + cookie] if with_cookie else [])]
        lines += [name + b": " + (trace if name == b"traceparent" else fresh[at]) for at, name in enumerate(names)]
        body = b"{}"[:size] + b" " * number if size else b""
        request = message(b"POST /api/orders/%d HTTP/1.1" % number, lines, body)
        lines = [*answered, *(name + b": " + fresh[4 + at] for at, name in enumerate(answer_names))]
        answer = message(b"HTTP/1.1 200 OK", lines, b"x" * size)
        assert quick.exchange(request, answer) == slow.exchange(request, answer)


def test_a_shape_is_known_when_it_comes_for_the_third_time():
    side, known = Side(forgetful=False), []
    head_lines._known.clear()
    head_lines._values.clear()
    head_lines._varying.clear()
    for number in range(5):
        head = message(b"GET /api/orders HTTP/1.1", [b"Host: a", b"X-Request-Id: %d" % number], b"")
        side.exchange(head, message(b"HTTP/1.1 200 OK", [b"Server: s", b"ETag: %d" % number], b"x"))
        known.append((bool(any(side.relay.shapes._known.values())), bool(any(side.pool.shapes._known.values()))))
    assert known == [(False, False)] * 2 + [(True, True)] * 3


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=12), st.lists(st.integers(0, 9), unique=True, max_size=4))
def test_a_template_is_filled_at_the_places_of_what_varies(items, varying):
    template = ListTemplate(items, varying)
    assert template.fill(varying) == items
    others = [-1 - one for one in varying]
    assert template.fill(others) == [-1 - one if one in varying else one for one in items]
    assert [items[at] for at in template.places] == [one for one in items if one in varying]

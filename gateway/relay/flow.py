"""One exchange on its way: from the routed request to the recorded response. I/O.

A flow is told what arrives by the client's connection on one side and the upstream's on the other;
it writes to both, keeps what passed in a Capture, and holds the last bytes of the response until the
record of the exchange is safe.
"""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import TYPE_CHECKING

from ..model.capture import Capture, RawPairs
from ..problems import ProblemDetails, problem
from ..routing.rewrite import forward_target, public_cookie, public_location
from .cors import answer_preflight, cors_fields
from .heads import LOCATION, REFRESH
from .response import ClientHead, status_line
from .upstream import ConnectFailed, Pool, ResponseHead, UpstreamConnection

if TYPE_CHECKING:
    from ..protocols import LiveSession
    from ..routing.table import CompiledCluster, CompiledUpstream, RouteTable
    from .client import ClientConnection
    from .relay import Relay
    from .request import RequestHead

IDEMPOTENT = frozenset(
    (b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"QUERY", b"PROPFIND")
)  # RFC 9110 section 9.2.2
HIGH_WATER = 64 * 1024  # bytes of a request gathered while its upstream connection is being opened
VISIBLE_AFTER = 1.0  # seconds after which an exchange under way shows in the recording
HALF_CLOSED = 5.0  # seconds a client that stopped sending may wait for its answer


class Flow:
    """One exchange under way."""

    __slots__ = (
        "_begun", "_client_chunked", "_close", "_done", "_head", "_out", "_pending", "_pending_size", "_pool", "_request_done",
        "_request_room", "_responded", "_response_room", "_retried", "_task", "_tunnel", "_visible", "_waits_for_client",
        "active", "capture", "chunked", "client", "cluster", "connection", "cookie", "half_closed", "head_only", "length",
        "recorded", "relay", "request", "session", "table", "upstream",
    )  # fmt: skip

    def __init__(
        self, relay: Relay, client: ClientConnection, table: RouteTable, cluster: CompiledCluster,
        request: RequestHead, session: LiveSession, cookie: bytes | None, capture: Capture,
    ) -> None:  # fmt: skip
        self.relay, self.client, self.table, self.cluster = relay, client, table, cluster
        self.request, self.session, self.cookie, self.capture = request, session, cookie, capture
        self.upstream: CompiledUpstream | None = None
        self.connection: UpstreamConnection | None = None
        self.chunked, self.length = request.chunked, request.length
        self.head_only = client.method == b"HEAD"
        self.active = capture.begun  # when something last moved
        self.half_closed = False
        self.recorded = not table.recording.skips(client.method, client.target.partition(b"?")[0])
        self._pool: Pool | None = None
        self._task: asyncio.Task[None] | None = None
        self._head = b""
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._out: list[bytes] = []
        self._request_room = self._response_room = capture.max_body
        self._begun = self._responded = self._done = self._request_done = self._retried = False
        self._tunnel = self._visible = self._client_chunked = self._waits_for_client = False
        self._close = client.version == "1.0" and b"keep-alive" not in request.options or b"close" in request.options

    # -- the request

    def start(self) -> None:
        """Choose the upstream and send the head, or answer with the reason why not."""
        refusal = self._refusal() or self._choose_upstream()
        if refusal is not None:
            self.answer(refusal)
            return
        if self.client.method == b"OPTIONS" and self.request.preflight and (fields := self._preflight()):
            self._answer_here(204, b"No Content", fields, b"")
            return
        fault = self.cluster.fault
        if fault is not None and random.random() < fault.rate:
            self._inject(fault.delay, fault.status)
        else:
            self._connect()

    def _refusal(self) -> ProblemDetails | None:
        request = self.request
        if any(self.relay.pseudonym in via for via in request.via):
            return self._problem("proxy_loop_detected", "the request has passed through this gateway before",
                                 hint="check that no upstream of the cluster points back here")  # fmt: skip
        if request.codings and not request.chunked:
            return ProblemDetails(
                501, "Transfer coding not supported", request.codings.decode("latin-1") + "; only chunked is"
            )
        if request.chunked and self.client.version == "1.0":
            return self._problem("http_request_error", "an HTTP/1.0 request cannot be chunked")
        if request.expect and request.expect.lower() != b"100-continue":
            return ProblemDetails(417, "Expectation failed", "only 100-continue is understood")
        if request.websocket and request.origin and not self._same_site(request.origin):
            return self._problem("http_request_denied", f"a WebSocket from the foreign origin {request.origin.decode('latin-1')}",
                                 hint="list the origin under cors.origins in routes.yaml")  # fmt: skip
        return None

    def _preflight(self) -> list[bytes]:
        asked = {name.lower(): value for name, value in self.client.headers}
        method = asked[b"access-control-request-method"]
        headers = asked.get(b"access-control-request-headers", b"")
        return answer_preflight(self.table.cors, self.request.origin, method, headers)

    def _same_site(self, origin: bytes) -> bool:
        return origin.partition(b"://")[2].lower() == self.request.host.lower() or origin in self.table.cors.origins

    def _choose_upstream(self) -> ProblemDetails | None:
        capture, cluster = self.capture, self.cluster
        environment = cluster.environment
        try:
            source, chosen = self.request.chosen()
        except ValueError as error:
            return self._problem(
                "http_request_error", f"Gateway-Env: {error}", hint="Gateway-Env: orders=qa, payments=test"
            )
        if chosen:
            if refusal := self._unknown(chosen):
                return refusal
            if cluster.name in chosen:
                environment, capture.override = chosen[cluster.name], source
        pins = self.session.pins
        if pins and capture.override is None and (pin := pins.get(cluster.name)) is not None:
            if not pin.until or pin.until > capture.started_at:
                environment, capture.override = pin.environment, "pin"
        capture.environment = environment
        self.upstream = cluster.upstreams.get(environment)
        if self.upstream is None:
            known = ", ".join(cluster.upstreams)
            return self._problem("destination_unavailable", f"{cluster.name} has no upstream in {environment}; it has {known}",
                                 hint=f"gateway move {cluster.name} {next(iter(cluster.upstreams), 'ENVIRONMENT')}")  # fmt: skip
        return None

    def _unknown(self, chosen: dict[str, str]) -> ProblemDetails | None:
        for name, environment in chosen.items():
            other = self.table.clusters.get(name)
            if other is None:
                return self._problem("http_request_error", f"no cluster is named {name!r}",
                                     hint="the clusters are " + ", ".join(self.table.clusters))  # fmt: skip
            if environment not in other.upstreams:
                return self._problem("http_request_error", f"{name} has no environment {environment!r}",
                                     hint=f"{name} lives in " + ", ".join(other.upstreams))  # fmt: skip
        return None

    def _inject(self, delay: float, status: int | None) -> None:
        self.capture.mode = "fault"
        then = self._connect if status is None else partial(self._answer_fault, status)
        if delay:
            asyncio.get_running_loop().call_later(delay, then)
        else:
            then()

    def _answer_fault(self, status: int) -> None:
        if not self._done:
            self.answer(
                ProblemDetails(
                    status, "Injected fault", f"clusters.{self.cluster.name}.fault in routes.yaml asks for it"
                )
            )

    def _connect(self) -> None:
        upstream = self.upstream
        if self._done or upstream is None:
            return
        capture = self.capture
        target = forward_target(self.cluster, upstream, capture.target)
        capture.upstream_url = _url(upstream, target)
        self._head = self.request.upstream_head(
            self.client.method, target, self.cluster, upstream, client=self.client.address, via=self.relay.via
        )
        self._pending.insert(0, self._head)
        self._pool = self.relay.pool(upstream)
        self.connection = self._pool.reuse(repeatable=self.client.method in IDEMPOTENT)
        if self.connection is None:
            self._open(upstream)

    def _open(self, upstream: CompiledUpstream) -> None:
        self._task = asyncio.get_running_loop().create_task(self._open_connection(upstream))

    async def _open_connection(self, upstream: CompiledUpstream) -> None:
        assert self._pool is not None
        try:
            connection = await self._pool.open(upstream.connect_timeout)
        except ConnectFailed as failed:
            self.upstream_failed(failed.kind, failed.detail)
            return
        if self._done:
            connection.drop()
            return
        self.capture.connected = self.active = self.relay.clock()
        self.connection = connection
        self.request_flush()
        self._let_client_send()

    def request_data(self, data: bytes) -> None:
        """A piece of the request's body, transfer coding removed."""
        capture = self.capture
        capture.request_size += len(data)
        if self._request_room > 0:
            capture.request_body.append(data[: self._request_room])
            self._request_room -= len(data)
        if self._done or self._responded and capture.status >= 400:
            return
        if self.chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self._pending.append(data)
        if self.connection is None:
            self._pending_size += len(data)
            if self._pending_size > HIGH_WATER and not self._waits_for_client:
                self._waits_for_client = True
                self.client.pause()

    def request_end(self, trailers: RawPairs) -> None:
        """The request is complete."""
        self._request_done = True
        if self.chunked:
            self.capture.request_trailers = trailers
            self._pending.append(_last_chunk(trailers))

    def request_flush(self) -> None:
        """Send on what has gathered."""
        connection = self.connection
        if connection is None or not self._pending or self._done:
            return
        data = b"".join(self._pending) if len(self._pending) > 1 else self._pending[0]
        self._pending.clear()
        self.active = self.relay.clock()
        if self._begun:
            connection.transport.write(data)
        else:
            self._begun = True
            self.capture.sent = self.active
            connection.begin(self, data)

    def request_raw(self, data: bytes) -> None:
        if self.connection is not None and not self._done:
            self.active = self.relay.clock()
            self.connection.transport.write(data)
            self.relay.recorder.chunk(self.capture, at=self.active, sent=True, data=data)

    def request_broken(self, detail: str) -> None:
        """The client's body is malformed: nothing more of it goes on."""
        if self._done:
            self.client.abort()
        else:
            self.upstream_failed("http_request_error", detail)

    # -- the response

    def response_head(self, head: ResponseHead) -> None:
        capture = self.capture
        self.active = self.relay.clock()
        if head.interim:
            self._interim(head)
            return
        if head.status == 101 and not self.request.websocket:
            self._let_go()
            self.upstream_failed("http_upgrade_failed", "the upstream switched protocols though nobody asked")
            return
        self._responded = True
        capture.first_byte, capture.status, capture.reason = self.active, head.status, head.reason
        capture.response_version = head.version
        bodiless = self.head_only or head.status in (204, 304)
        fields = ClientHead(head, self._rewrite)
        capture.response_headers, capture.rewritten = fields.recorded, fields.rewritten
        lines = [status_line(head.status, head.reason), *fields.fields]
        if head.status == 101:
            self._switch(head, lines)
            return
        self._frame(head, lines, bodiless=bodiless)
        self._share(lines)
        self._add_ours(lines)
        self._out.append(b"\r\n".join(lines))
        if fields.content_type[:17].lower() == b"text/event-stream":
            capture.stream = "sse"
            self._show()

    def _interim(self, head: ResponseHead) -> None:
        """1xx answers pass at once to clients that know them (RFC 9110 section 15.2)."""
        if self.client.version == "1.1":
            fields = ClientHead(head, self._rewrite)
            self.client.write(b"\r\n".join([status_line(head.status, head.reason), *fields.fields, b"", b""]))

    def _frame(self, head: ResponseHead, lines: list[bytes], *, bodiless: bool) -> None:
        """How the body is delimited towards the client (RFC 9112 section 6)."""
        if bodiless:
            if head.chunked and self.head_only and self.client.version == "1.1":
                lines.append(b"Transfer-Encoding: chunked")
        elif head.chunked or head.length is None:
            if self.client.version == "1.1":
                self._client_chunked = True
                lines.append(b"Transfer-Encoding: chunked")
            else:
                self._close = True

    def _add_ours(self, lines: list[bytes]) -> None:
        capture = self.capture
        took = (capture.first_byte - capture.sent) * 1000 if capture.first_byte else 0.0
        lines += (
            b"Via: 1.1 gateway",
            b"Gateway-Exchange: " + capture.id.encode(),
            b"Gateway-Route: " + f"{capture.cluster}@{capture.environment}".encode("latin-1", "replace"),
            b"Server-Timing: gateway;dur=%.1f, upstream;dur=%.1f" % ((self.active - capture.begun) * 1000 - took, took),
        )
        if self.cookie is not None:
            lines.append(b"Set-Cookie: " + self.cookie)
        if self._close or not self._request_done:
            lines.append(b"Connection: close")
            self._close = True
        elif self.client.version == "1.0":
            lines.append(b"Connection: keep-alive")
        lines += (b"", b"")

    def _share(self, lines: list[bytes]) -> None:
        """CORS for a listed origin: the gateway's word instead of the upstream's, never both."""
        if self.request.origin and (fields := cors_fields(self.table.cors, self.request.origin)):
            lines[:] = [line for line in lines if line[:15].lower() != b"access-control-"]
            lines += fields

    def _rewrite(self, fate: int, value: bytes) -> bytes | None:
        assert self.upstream is not None
        if fate == LOCATION:
            return public_location(self.cluster, self.upstream, value, self.capture.origin)
        if fate == REFRESH:
            before, mark, url = value.partition(b"=")
            return before + mark + public_location(self.cluster, self.upstream, url, self.capture.origin)
        if value.startswith(self.relay.cookie_name + b"="):
            return None  # an upstream must not set the gateway's own session
        return public_cookie(self.cluster, self.upstream, value)

    def response_data(self, data: bytes) -> None:
        """A piece of the response's body, transfer coding removed."""
        capture = self.capture
        capture.response_size += len(data)
        if self._response_room > 0:
            capture.response_body.append(data[: self._response_room])
            self._response_room -= len(data)
        if self._client_chunked:
            self._out += (b"%x\r\n" % len(data), data, b"\r\n")
        else:
            self._out.append(data)
        if capture.stream:
            self.relay.recorder.chunk(capture, at=self.relay.clock(), sent=False, data=data)

    def response_flush(self) -> None:
        """Send on what has gathered; the end is not in it."""
        if self._out and not self._done:
            self.active = self.relay.clock()
            self.client.write(b"".join(self._out))
            self._out.clear()

    def response_end(self, trailers: RawPairs) -> None:
        """The response is complete: hold its last bytes until the record is safe."""
        self.connection = None
        if self._client_chunked:
            self.capture.response_trailers = trailers
            self._out.append(_last_chunk(trailers))
        self._finish(b"".join(self._out))

    def response_raw(self, data: bytes) -> None:
        self.active = self.relay.clock()
        self.client.write(data)
        self.relay.recorder.chunk(self.capture, at=self.active, sent=False, data=data)

    def _switch(self, head: ResponseHead, lines: list[bytes]) -> None:
        """101: both connections leave HTTP; bytes pass as they come and are kept as timed chunks."""
        assert self.connection is not None
        lines += (b"Connection: Upgrade", b"Upgrade: " + (head.upgrade or self.request.upgrade))
        self._close = False
        self._add_ours(lines)
        self.capture.stream, self._tunnel = "websocket", True
        self._show()
        self.client.write(b"\r\n".join(lines))
        self.connection.go_raw()
        self.client.go_raw()

    def _show(self) -> None:
        """Make the exchange visible while it is still open."""
        if not self._visible and self.recorded:
            self._visible = True
            self.relay.recorder.opened(self.capture)

    # -- ends

    def _finish(self, last: bytes) -> None:
        self._close_books()
        finish = partial(self.client.finish, last, close=self._close)
        if self.recorded:
            self.relay.recorder.put(self.capture, finish)
        else:
            finish()

    def _close_books(self) -> None:
        self._done = True
        self._out.clear()
        self.relay.flows.discard(self)
        self.capture.ended = self.relay.clock()
        self.relay.metrics.count(self.capture)

    def _broken_off(self, kind: str, detail: str) -> None:
        """The client got a part: it must see that it is only a part."""
        self.capture.failure = (kind, detail)
        self.response_flush()
        self._close_books()
        if self.recorded:
            self.relay.recorder.put(self.capture)
        if self._client_chunked or self.client.version == "1.1":
            self.client.transport.close()
        else:
            self.client.abort()

    def answer(self, details: ProblemDetails, failure: tuple[str, str] | None = None) -> None:
        """The gateway's own answer instead of an upstream's."""
        if details.kind and failure is None:
            failure = (details.kind, details.detail)
        self.capture.failure = failure
        kind, body = details.body(self.request.accept.decode("latin-1"))
        fields = [f"{n}: {v}".encode("latin-1", "replace") for n, v in details.headers().items()]
        fields += [b"Content-Type: " + kind.encode(), b"Content-Length: %d" % len(body)]
        self._share(fields)
        self._answer_here(details.status, details.title.encode("latin-1", "replace"), fields, body)

    def _answer_here(self, status: int, reason: bytes, fields: list[bytes], body: bytes) -> None:
        self.active = self.relay.clock()
        self.capture.status, self.capture.reason = status, reason
        lines = [status_line(status, reason), *fields]
        if not self._request_done and not self.chunked and not self.length:
            self._request_done = True
        self._add_ours(lines)
        self._finish(b"\r\n".join(lines) + (b"" if self.head_only else body))

    def upstream_failed(self, kind: str, detail: str) -> None:
        """No response, or not all of it."""
        if self._done:
            return
        reused = self.connection is not None and self.connection.uses > 1
        self.connection = None
        if self._tunnel:
            self._finish(b"")
            self.client.transport.close()
        elif self._responded:
            self._broken_off(kind, detail)
        elif reused and kind == "connection_terminated" and self._may_repeat():
            self._retry()
        else:
            self._log(kind, detail)
            self.answer(self._problem(kind, detail))

    def _may_repeat(self) -> bool:
        """Once, only what may be sent twice, and only while all of its body is still here."""
        whole = self._request_room >= 0
        return not self._retried and whole and self.client.method in IDEMPOTENT

    def _retry(self) -> None:
        assert self.upstream is not None
        self._retried, self._begun = True, False
        self.capture.attempts += 1
        body = self.capture.request_body
        unsent = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in body) if self.chunked else b"".join(body)
        self._pending = [self._head, unsent]
        if self._request_done and self.chunked:
            self._pending.append(_last_chunk(self.capture.request_trailers))
        self._open(self.upstream)

    def client_lost(self) -> None:
        """The client went away: let go of the upstream and keep what there is."""
        if self._task is not None:
            self._task.cancel()
        if self._done:
            return
        if self._tunnel and self.connection is not None:
            self.connection.flow = None
            self.connection.transport.close()
        else:
            self._let_go()
            self.capture.failure = (
                "client_closed",
                "the client closed the connection before the response was complete",
            )
        self._close_books()
        if self.recorded:
            self.relay.recorder.put(self.capture)

    def client_half_closed(self) -> bool:
        """Whether the connection may stay open for the answer."""
        self.half_closed = True
        return not self._tunnel and not self.capture.stream

    def _let_go(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.drop()

    # -- back-pressure and time

    def client_paused(self, paused: bool) -> None:
        """The client reads slowly: stop reading from the upstream."""
        if self.connection is not None and not self.connection.transport.is_closing():
            transport = self.connection.transport
            transport.pause_reading() if paused else transport.resume_reading()
        self.active = self.relay.clock()
        self._waits_for_client = paused

    def upstream_paused(self, paused: bool) -> None:
        """The upstream reads slowly: stop reading from the client."""
        self.client.pause() if paused else self.client.resume()

    def _let_client_send(self) -> None:
        if self._waits_for_client:
            self._waits_for_client = False
            self.client.resume()

    def tick(self, now: float) -> None:
        """Called a few times a second: what takes too long is ended, what takes long is shown."""
        if self._done:
            return
        if now - self.capture.begun > VISIBLE_AFTER:
            self._show()
        if self.half_closed and now - self.client.since > HALF_CLOSED:
            self.client.abort()
        elif self.upstream is not None and self._begun and not self.capture.stream and not self._waits_for_client:
            self._check_time(self.upstream, now - self.active)

    def _check_time(self, upstream: CompiledUpstream, quiet: float) -> None:
        if self._responded:
            if quiet > upstream.idle_timeout:
                self._let_go()
                self._broken_off("connection_read_timeout", f"nothing came for {upstream.idle_timeout:g} s")
        elif self._request_done:
            if quiet > upstream.response_timeout:
                self._let_go()
                self.upstream_failed("http_response_timeout", f"no response within {upstream.response_timeout:g} s")
        elif quiet > upstream.idle_timeout:
            self._let_go()
            self.answer(
                ProblemDetails(408, "Request time-out", f"the request body stopped for {upstream.idle_timeout:g} s")
            )

    # -- words

    def _problem(self, kind: str, detail: str, hint: str = "") -> ProblemDetails:
        capture = self.capture
        return problem(
            kind, detail, cluster=capture.cluster, environment=capture.environment,
            upstream=self.upstream.url if self.upstream else "", instance=f"/_gateway/exchanges/{capture.id}",
            hint=hint or HINTS.get(kind, "").format(cluster=capture.cluster),
        )  # fmt: skip

    def _log(self, kind: str, detail: str) -> None:
        self.relay.failed(self.capture, kind, detail)


HINTS = {
    "connection_refused": "start the upstream, or `gateway move {cluster} ENVIRONMENT` to where it runs",
    "connection_timeout": "check VPN and firewall, or raise timeout.connect of the upstream",
    "dns_error": "check the host name in routes.yaml and the VPN",
    "dns_timeout": "check the VPN and the name servers",
    "http_response_timeout": "look at the upstream's log, or raise timeout.response",
    "tls_certificate_error": "name the issuing CA under tls.ca of the upstream, or set tls.verify: false for this one",
    "tls_protocol_error": "check that the upstream's port speaks TLS and that its URL begins with the right scheme",
    "tls_alert_received": "the upstream may want a client certificate: tls.cert and tls.key",
    "connection_terminated": "look at the upstream's log: it closed the connection without an answer",
}


def _last_chunk(trailers: RawPairs) -> bytes:
    return b"0\r\n" + b"".join(n + b": " + v + b"\r\n" for n, v in trailers) + b"\r\n"


def _url(upstream: CompiledUpstream, target: bytes) -> str:
    """The absolute URL of a target at an upstream."""
    scheme = "https" if upstream.tls else "http"
    return f"{scheme}://{upstream.authority.decode('latin-1')}{target.decode('latin-1')}"

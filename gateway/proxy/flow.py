"""One exchange on its way: from the routed request to the recorded response. I/O.

The client's connection tells a flow what arrives on one side, the upstream's connection on the other. The flow writes
to both, keeps what passed in a Capture, and holds the last bytes of the response until the record is safe.

Stages, by the flags that are set for good:

    routed        `start` chooses the environment and the upstream, or answers with the reason why not
    sent          `outgoing.begun`: the head has left. Until then a lost reused connection costs one repetition, of
                  methods that may be sent twice, with all of the body (RFC 9110 section 9.2.2)
    responded     `_responded`: the final head came, and from here on a failure can only break the response off
    tunnel        `_tunnel`: 101 was passed on, both sides are raw
    done          `_done`: `_end` ran. It runs once, from exactly one of `_finish`, `_broken_off`, `client_lost`

The two sides end in any order. A response that is complete before its request waits for the rest of it, LATE seconds
at the most (`Outgoing.when_complete`), so that the record has the whole request. The last bytes leave from the
recorder's `on_safe`: after the commit, or after the journal has them. A failed store calls it as well, and counts.

What may never happen:
- a last byte that leaves before the record is safe (`durability: relaxed` says otherwise on purpose);
- an exchange that is recorded twice or not at all: `relay.flows` loses the flow in `_end`, where the recorder gets it;
- a success that hides a failure: with a failure before the head the client gets the gateway's own problem, after it a
  connection that closes within the body;
- memory that grows with a slow peer: each side pauses the reading of the other (`client_paused`, `upstream_paused`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..ids import new_trace
from ..model.capture import Capture, RawPairs
from ..problems import ProblemDetails, problem
from ..routes.addresses import Viewpoint
from .admission import RefusedError, check, check_site, check_write, choose_environment, upstream_in
from .cors import answer_preflight, share
from .header_rules import route_field, trace_text
from .own_responses import placed, wire
from .request import for_proxy
from .request_sender import Outgoing, last_chunk
from .response import ResponseHead
from .sandbox import covers_console, sandboxed

if TYPE_CHECKING:
    from ..protocols import LiveSession
    from ..routes.lookup import Destination
    from ..routes.table import CompiledUpstream, RouteTable
    from .client import ClientConnection
    from .request import RequestHead
    from .server import Relay

WORKER = "the service worker of this script would see what the console's pages ask for"
CACHED = (b"GET", b"HEAD")  # of which browsers keep responses
VARY = b"Vary: Gateway-Env"  # what a browser keeps is of the environment that was asked for
VISIBLE_AFTER = 1.0  # seconds after which an exchange under way shows in the recording
HALF_CLOSED = 5.0  # seconds a client that stopped sending may wait for its response


class Flow:
    """One exchange under way."""

    __slots__ = (
        "_client_chunked", "_client_slow", "_close", "_done", "_out", "_responded", "_room", "_tunnel", "_visible",
        "active", "capture", "client", "cluster", "cookie", "destination", "half_closed", "head_only", "length",
        "outgoing", "recorded", "relay", "request", "session", "table", "upstream",
    )  # fmt: skip

    def __init__(
        self, relay: Relay, client: ClientConnection, table: RouteTable, destination: Destination,
        request: RequestHead, session: LiveSession, cookie: bytes | None, capture: Capture,
    ) -> None:  # fmt: skip
        self.relay, self.client, self.table = relay, client, table
        self.destination, self.cluster = destination, destination.cluster
        self.request, self.session, self.cookie, self.capture = request, session, cookie, capture
        self.length = (client.values or request.values).length  # of the request's body, when it has one
        self.outgoing = Outgoing(self, capture, chunked=request.chunked)
        self.upstream: CompiledUpstream | None = None
        self.head_only = client.method == b"HEAD"
        self.active = capture.begun  # when something last moved
        self.half_closed, self.recorded = False, capture.step > 0
        self._out: list[bytes] = []  # towards the client, not written yet
        self._room = capture.max_body
        self._responded = self._done = self._tunnel = self._visible = False
        self._client_chunked = self._client_slow = False
        self._close = (client.version == "1.0" and b"keep-alive" not in request.options) or b"close" in request.options

    # -- the request

    def start(self) -> None:
        """Choose the upstream and send the head, or answer with the reason why not."""
        request, capture = self.request, self.capture
        try:
            if not request.plain:
                check(request, self.client.version, self.table, self.relay.pseudonym)
            environment, capture.override = choose_environment(
                request, self.table, self.cluster, self.session.pins, capture.started_at
            )
            capture.environment = environment
            self.upstream = upstream_in(self.cluster, environment)
            if request.worker:
                self._check_worker()
            if self.upstream.adds_credentials:
                check_site(request, self.client.method, self.upstream, self.table)
        except RefusedError as refused:
            self.answer(refused.details)
            return
        if self.client.method == b"OPTIONS" and self.request.preflight and (fields := self._preflight()):
            self._answer_here(204, b"No Content", fields, b"")
            return
        self._send_on()

    def _check_worker(self) -> None:
        """Refuse a script whose service worker could sit between a reader and the console."""
        if self.relay.options.console_port is None and covers_console(self.client.target):
            hint = "--console-port gives console and demos an origin of their own"
            raise RefusedError(problem("http_request_denied", WORKER, hint=hint))

    def _send_on(self) -> None:
        """To the upstream, or first into the fault that routes.yaml injects."""
        fault = self.cluster.fault
        if fault is not None and random.random() < fault.rate:
            self._inject(fault.delay, fault.status)
        else:
            self._connect()

    def _preflight(self) -> list[bytes]:
        asked = {name.lower(): value for name, value in self.client.headers}
        method = asked[b"access-control-request-method"]
        headers = asked.get(b"access-control-request-headers", b"")
        return answer_preflight(self.table.cors, self.request.origin, method, headers)

    def _inject(self, delay: float, status: int | None) -> None:
        self.capture.mode = "fault"
        asked = f"clusters.{self.cluster.name}.fault in routes.yaml asks for it"
        answer = None if status is None else ProblemDetails(status, "Injected fault", asked)
        asyncio.get_running_loop().call_later(delay, self._connect if answer is None else partial(self.answer, answer))

    def _connect(self) -> None:
        upstream = self.upstream
        if self._done or upstream is None:
            return
        if self.session.is_guarded and (refused := self._guarded(upstream)):
            self.answer(refused)
            return
        target, self.capture.upstream_url = self.destination.at(upstream)
        try:
            pool = self.relay.pool(upstream)
        except ValueError as error:  # a variable of the environment that names a proxy
            self.answer(problem("proxy_internal_error", str(error)))
            return
        head = self.request.upstream_head(
            self.client.method, target, self.cluster, upstream, via=self.relay.via, trace=new_trace,
            cors=self.table.cors, values=self.client.values,
        )  # fmt: skip
        self.capture.trace = trace_text(self.request.trace, made=self.request.is_trace_made)
        if pool.absolute is not None:
            head = for_proxy(head, self.capture.upstream_url, pool.absolute)
        self.outgoing.send_head(head, upstream, pool, bind=self.request.binds)
        if self.capture.mode == "fault":  # later than the client's bytes, which have gathered
            self.request_flush()

    def _guarded(self, upstream: CompiledUpstream) -> ProblemDetails | None:
        """Why the write guard does not let this request of a replay pass."""
        client, yes = self.client, self.session.may_write
        try:
            check_write(client.method, client.headers, self.cluster, upstream, yes=yes)
        except RefusedError as refused:
            return refused.details
        return None

    @property
    def request_complete(self) -> bool:
        return self.outgoing.complete

    def upstream_connected(self) -> None:
        """A new connection stands."""
        if self._done:
            self.outgoing.let_go()
            return
        self.capture.connected = self.relay.clock()
        self.request_flush()

    def request_data(self, data: bytes) -> None:
        """A piece of the request's body, transfer coding removed."""
        # An upstream that has refused the request wants no more of it.
        self.outgoing.data(data, forward=not self._done and not (self._responded and self.capture.status >= 400))

    def request_end(self, trailers: RawPairs) -> None:
        """The request is complete."""
        self.outgoing.end(trailers)

    def request_flush(self) -> None:
        """Send on what has gathered."""
        if not self._done:
            self.active = self.relay.clock()
            self.outgoing.flush(self.active)

    def request_raw(self, data: bytes) -> None:
        connection = self.outgoing.connection
        if connection is not None and not self._done:
            self.active = self.relay.clock()
            connection.transport.write(data)
            self.relay.recorder.chunk(self.capture, at=self.active, sent=True, data=data)

    def request_broken(self, detail: str) -> None:
        """The client's body is malformed: nothing more of it goes on."""
        if self._done:
            self.client.abort()
        else:
            self.outgoing.let_go()
            self.upstream_failed("http_request_error", detail)

    # -- the response

    def response_head(self, head: ResponseHead) -> None:
        capture = self.capture
        self.active = self.relay.clock()
        if head.interim:
            self._interim(head)
            return
        if head.status == 101 and not self.request.websocket:
            self.outgoing.let_go()
            self.upstream_failed("http_upgrade_failed", "the upstream switched protocols though nobody asked")
            return
        self._responded = True
        capture.first_byte, capture.status, capture.reason = self.active, head.status, head.reason
        capture.response_version = head.version
        if head.changing:
            self._translate(head)
        lines = head.lines
        capture.response_headers, capture.rewritten = head.recorded, head.rewritten
        if head.status == 101:
            self._switch(head)
            return
        if head.may_be_kept and not self.destination.keeps_cache and self.client.method in CACHED:
            lines, capture.response_headers, capture.rewritten = head.unkept()
        lines = lines.copy()  # the upstream's connection may use its head again
        self._frame(head, lines)
        if head.kept and self.destination.keeps_cache:
            lines.append(VARY)
        if self.request.origin:
            self._share(lines)
        if self.relay.options.sandbox_html:
            lines = sandboxed(lines, head.types)
        self._add_ours(lines)
        self._out.append(b"\r\n".join(lines))
        if head.is_events:
            capture.stream = "sse"
            self._show()

    def _translate(self, head: ResponseHead) -> None:
        """Addresses and cookies as the client can use them; a client without a cookie is known by a new one."""
        for value in head.new_cookies:
            self.relay.sessions.learn(self.session, value)
        view = self.view()
        secure = self.origin.startswith(b"https:")
        head.rewrite(self.table.addresses, view, self.relay.own_cookies, secure=secure)

    def view(self) -> Viewpoint:
        """From where this exchange looks at addresses."""
        assert self.upstream is not None
        return Viewpoint(self.cluster, self.upstream, self.origin, self._environment_of, self.relay.own_origin)

    def _share(self, lines: list[bytes]) -> None:
        """Let a front end of another origin read the response; one that is not listed is remembered."""
        request, capture = self.request, self.capture
        if not share(lines, self.table.cors, request.origin) and not request.is_same_origin:
            self.relay.refused_origins.note(
                request.origin, cluster=capture.cluster, method=capture.method, path=self.destination.path,
                at=capture.started_at,
            )  # fmt: skip

    @property
    def console(self) -> bytes:
        """The beginning of a Link to an exchange's page, relative where the console is at the client's own address."""
        if self.destination.cluster is not self.table.clusters.get(self.cluster.name):
            return b"Link: <" + self.relay.console_origin + b"/_gateway/exchanges/"
        return self.relay.explained

    @property
    def origin(self) -> bytes:
        """How the client reaches the gateway: b"http://127.0.0.1:8080"."""
        assert self.request.sender is not None
        return self.request.sender.origin

    def _environment_of(self, cluster: str) -> str:
        """Where this session's calls to a cluster go now."""
        pin = self.session.pins.get(cluster)
        return pin.environment if pin is not None else self.table.clusters[cluster].environment

    def _interim(self, head: ResponseHead) -> None:
        """1xx responses pass at once to clients that know them (RFC 9110 section 15.2)."""
        if self.client.version == "1.1":
            lines = [line for line in head.lines if line[:11].lower() != b"set-cookie:"]  # final responses set cookies
            self.client.write(b"\r\n".join([*lines, b"", b""]))

    def _frame(self, head: ResponseHead, lines: list[bytes]) -> None:
        """How the body is delimited towards the client (RFC 9112 section 6)."""
        if self.head_only or head.status in (204, 304):
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
        # Nothing was sent where the gateway answers by itself: a forced status, a refusal.
        took = max(0.0, capture.first_byte - capture.sent) * 1000 if capture.first_byte and capture.sent else 0.0
        own = max(0.0, (self.active - capture.begun) * 1000 - took)
        lines += (
            b"Via: 1.1 gateway\r\nGateway-Exchange: " + capture.id.encode(),
            route_field(capture.cluster, capture.environment),
            b"Server-Timing: gateway;dur=%.1f, upstream;dur=%.1f" % (own, took),
        )
        if self.cookie is not None:
            lines.append(b"Set-Cookie: " + self.cookie)
        if self.recorded and (capture.status >= 400 or capture.failure):  # from a failed call to what explains it
            lines.append(self.console + capture.id.encode() + b'>; rel="describedby"')
        if self._close or not self.outgoing.complete:
            lines.append(b"Connection: close")
            self._close = True
        elif self.client.version == "1.0":
            lines.append(b"Connection: keep-alive")
        lines += (b"", b"")

    def response_data(self, data: bytes) -> None:
        """A piece of the response's body, transfer coding removed."""
        capture = self.capture
        capture.response_size += len(data)
        if self._room > 0:
            capture.response_body.append(data[: self._room])
            self._room -= len(data)
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
        self.outgoing.connection = None
        if self._client_chunked:
            self.capture.response_trailers = trailers
            self._out.append(last_chunk(trailers))
        self.outgoing.when_complete(self._finish, b"".join(self._out))

    def response_raw(self, data: bytes) -> None:
        self.active = self.relay.clock()
        self.client.write(data)
        self.relay.recorder.chunk(self.capture, at=self.active, sent=False, data=data)

    def _switch(self, head: ResponseHead) -> None:
        """101: both connections leave HTTP; bytes pass as they come and are kept as timed chunks."""
        connection = self.outgoing.connection
        assert connection is not None
        lines = [*head.lines, b"Connection: Upgrade", b"Upgrade: " + (head.upgrade or self.request.upgrade)]
        self._close = False
        self._add_ours(lines)
        self.capture.stream, self._tunnel = "websocket", True
        self._show()
        self.client.write(b"\r\n".join(lines))
        connection.go_raw()
        self.client.go_raw()

    def _show(self) -> None:
        """Make the exchange visible while it is still open."""
        if not self._visible and self.recorded:
            self._visible = True
            self.relay.recorder.opened(self.capture)

    # -- ends

    def _finish(self, last: bytes) -> None:
        """The last bytes leave when the record is safe."""
        if not self._done:
            self._end(partial(self.client.finish, last, self._close))

    def _end(self, on_safe: Callable[[], None] | None = None) -> None:
        self._done = True
        self._out.clear()
        self.outgoing.leave()
        self.relay.flows.discard(self)
        self.capture.ended = self.relay.clock()
        self.relay.metrics.count(self.capture)
        if self.recorded:
            self.relay.recorder.put(self.capture, on_safe)
        elif on_safe is not None:
            on_safe()

    def _broken_off(self, kind: str, detail: str) -> None:
        """The client got a part: it must see that it is only a part."""
        self.capture.failure = (kind, detail)
        self.response_flush()
        self._end()
        if self._client_chunked or self.client.version == "1.1":
            self.client.transport.close()
        else:
            self.client.abort()

    def answer(self, details: ProblemDetails) -> None:
        """The gateway's own response instead of an upstream's."""
        if self._done:
            return
        self.capture.failure = (details.kind, details.detail) if details.kind else None
        fields, body = wire(placed(details, self.capture, self.upstream), self.request.accept)
        if self.request.origin:
            self._share(fields)
        self._answer_here(details.status, details.title.encode("latin-1", "replace"), fields, body)

    def _answer_here(self, status: int, reason: bytes, fields: list[bytes], body: bytes) -> None:
        self.active = self.relay.clock()
        self.capture.status, self.capture.reason = status, reason
        lines = [b"HTTP/1.1 %d %b" % (status, reason), *fields]
        if not self.request.chunked and not self.length:
            self.outgoing.complete = True
        self._add_ours(lines)
        last = b"\r\n".join(lines) + (b"" if self.head_only else body)
        self.outgoing.when_complete(self._finish, last)

    def upstream_failed(self, kind: str, detail: str) -> None:
        """No response, or not all of it."""
        if self._done:
            return
        connection, self.outgoing.connection = self.outgoing.connection, None
        reused = connection is not None and connection.uses > 1
        if self._tunnel:
            self._finish(b"")
            self.client.transport.close()
        elif self._responded:
            self._broken_off(kind, detail)
        elif not (reused and kind == "connection_terminated" and self.outgoing.repeat()):
            self.relay.failed(self.capture, kind, detail)
            self.answer(problem(kind, detail))

    def client_lost(self) -> None:
        """The client went away: let go of the upstream and keep what there is."""
        if self._done:
            return
        connection = self.outgoing.connection
        if self._tunnel and connection is not None:
            connection.flow = None
            connection.transport.close()
        else:
            self.outgoing.let_go()
            self.capture.failure = (
                "client_closed",
                "the client closed the connection before the response was complete",
            )
        self._end()

    def cut(self) -> None:
        """The gateway stops: end what is under way, so that the record says who did."""
        if self._done:
            return
        detail = "the gateway was stopped before the exchange was complete"
        if not self._responded:
            self.outgoing.let_go()
            self.outgoing.complete = True  # nobody waits for the rest of it
            self.answer(problem("gateway_stopped", detail, hint="send it again when the gateway is back"))
            return
        self.response_flush()
        self.outgoing.let_go()
        self.capture.failure = ("gateway_stopped", detail)
        self._end()
        self.client.transport.close()

    def client_half_closed(self) -> bool:
        """Whether the connection may stay open for the response."""
        self.half_closed = True
        return not self._tunnel and not self.capture.stream

    # -- back-pressure and time

    def client_paused(self, paused: bool) -> None:
        """The client reads slowly: stop reading from the upstream."""
        self._client_slow, self.active = paused, self.relay.clock()
        self.outgoing.hold_back(paused)

    def upstream_paused(self, paused: bool) -> None:
        """The upstream reads slowly: stop reading from the client."""
        self.client.pause(paused)

    def tick(self, now: float) -> None:
        """Called a few times a second: what takes too long is ended, what takes long is shown."""
        if self._done:
            return
        if now - self.capture.begun > VISIBLE_AFTER:
            self._show()
        if self.half_closed and now - self.client.since > HALF_CLOSED:
            self.client.abort()
        elif self.upstream is not None and self.outgoing.begun and not self.capture.stream and not self._client_slow:
            self._check_time(self.upstream, now - self.active)

    def _check_time(self, upstream: CompiledUpstream, quiet: float) -> None:
        if self._responded:
            if quiet > upstream.idle_timeout:
                self.outgoing.let_go()
                self._broken_off("connection_read_timeout", f"nothing came for {upstream.idle_timeout:g} s")
        elif self.outgoing.complete:
            if quiet > upstream.response_timeout:
                self.outgoing.let_go()
                self.upstream_failed("http_response_timeout", f"no response within {upstream.response_timeout:g} s")
        elif quiet > upstream.idle_timeout:
            self.outgoing.let_go()
            self.answer(
                ProblemDetails(408, "Request time-out", f"the request body stopped for {upstream.idle_timeout:g} s")
            )

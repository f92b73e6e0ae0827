"""What all connections share: the table in force, sessions, recorder, pools, and the sweeper. I/O."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import random
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..ids import new_id
from ..model.addresses import AllowedHosts, is_remote
from ..model.capture import Capture
from ..model.forwarding import TrustedProxies, claims_of, sender_of
from ..problems import ProblemDetails, problem
from ..protocols import ElsewhereError
from ..routes.lookup import Destinations
from ..routes.outbound_proxy import proxy_for
from ..routes.rewrite import is_own
from ..routes.table import PORT
from .body_rewrite import RewriteFlow
from .client import ClientConnection, Heir
from .cors import RefusedOrigins, answer_preflight
from .flow import Flow
from .pool import Pool
from .request import RequestHead, RequestShapes

if TYPE_CHECKING:
    from ..metrics import Metrics
    from ..protocols import LiveSession, Options, Recorder, RefusedOriginList, Routes, Sessions
    from ..redact import SealedCapture
    from ..routes.table import CompiledUpstream, RouteTable, Tls

log = logging.getLogger("gateway.relay")
SWEEP = 0.25  # seconds between two looks for what takes too long
HURRY = 1.5  # seconds that Ctrl-C waits for exchanges under way: streams never end by themselves
STEP = 0.02  # seconds between two looks whether all has ended
LAST = 0.5  # seconds in which what was cut is recorded, and says so to its client
QUIET = 10.0  # seconds in which one kind of failure of one upstream is logged once


class Relay:
    """Builds a connection object per client and answers their questions."""

    def __init__(
        self, *, options: Options, routes: Routes, recorder: Recorder, sessions: Sessions, metrics: Metrics,
        own_pages: Callable[[], asyncio.Protocol], tls_context: Callable[[Tls], ssl.SSLContext],
        own_cookies: tuple[bytes, ...], clock: Callable[[], float] = time.monotonic,
        refused_origins: RefusedOriginList | None = None, own_origin: str = "", console_origin: str = "",
        seal: Callable[[Capture], SealedCapture] | None = None, needs_sign_in: Callable[[], bool] = lambda: False,
        hosts: AllowedHosts | None = None, seal_apart: Callable[[Capture], Awaitable[SealedCapture]] | None = None,
        pseudonym: bytes = b"",
    ) -> None:  # fmt: skip
        """`pseudonym` is given where several processes are one gateway."""
        self.options, self.routes, self.recorder, self.sessions = options, routes, recorder, sessions
        self.metrics, self.own_pages, self.clock = metrics, own_pages, clock
        self.own_cookies = own_cookies
        self.needs_sign_in = needs_sign_in  # whether people sign in: then a recording's secrets are not for everybody
        self.refused_origins = refused_origins or RefusedOrigins()
        self.trusted = TrustedProxies(options.trust_proxy)
        self.redirects = options.plain == "redirect"  # the plain port only leads to the TLS port
        self.tls_port = 0
        self.own_origin = own_origin.encode()  # b"http://127.0.0.1:8080"
        self.console_origin = (console_origin or own_origin).encode()
        self.explained = b"Link: <" + console_origin.encode() + b"/_gateway/exchanges/"
        self.seal = seal  # what a playback compares is sealed, as recordings are
        self.seal_apart = seal_apart  # the same in a thread
        self.pseudonym = pseudonym or secrets.token_hex(6).encode()  # tells a loop from another gateway in the chain
        self.via = b"Via: 1.1 gateway (" + self.pseudonym + b")"
        self.shapes = RequestShapes()
        self.clients: set[ClientConnection] = set()
        self.flows: set[Flow] = set()
        self.draining = False
        self.in_hurry = False  # somebody waits at a terminal for the end
        # Where workers relay: who takes a client over whose session they can serve; None while this process goes on.
        self.heir_of: Callable[[ClientConnection, LiveSession], Heir | None] | None = None
        self._tls_context = tls_context
        self._pools: dict[tuple[str, int, Tls | None, str], Pool] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._destinations = Destinations(routes.table)
        self._hosts = hosts or AllowedHosts(any=True)
        self._mounted: dict[str, Destinations] = {}  # of clusters that have a name or port to themselves
        self._logged: dict[tuple[str, str], float] = {}

    def accept(self, mount: str = "") -> ClientConnection:
        """The protocol of a new client connection; `mount` is the cluster at whose own port it came in."""
        return ClientConnection(self, mount)

    async def start(self) -> None:
        self._sweeper = asyncio.create_task(self._sweep_forever())

    async def drain(self, seconds: float) -> None:
        """Finish what is under way, for at most `seconds`; idle connections close at once."""
        self.draining = True
        end = self.clock() + (min(seconds, HURRY) if self.in_hurry else seconds)
        while self.clients and self.clock() < end:
            for client in list(self.clients):
                if client.idle or client.lingering:
                    client.transport.close()
                client.closing = True
            if not self.flows and not any(c.flow for c in self.clients):
                break
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """End every connection; exchanges under way are recorded as cut by the gateway."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for flow in list(self.flows):
            flow.cut()
        for _ in range(round(LAST / STEP)):  # their records become safe, and they say so
            if not any(client.flow for client in self.clients):
                break
            await asyncio.sleep(STEP)
        for client in list(self.clients):
            client.transport.abort()
        for pool in self._pools.values():
            pool.close()
        await asyncio.sleep(0)  # lets connection_lost run
        await asyncio.sleep(0)

    def pool(self, upstream: CompiledUpstream) -> Pool:
        """The connections to where an upstream lives; clusters on one server share them."""
        key = (upstream.host, upstream.port, upstream.tls, upstream.proxy)
        pool = self._pools.get(key)
        if pool is None:
            context = self._tls_context(upstream.tls) if upstream.tls else None
            proxy = proxy_for(
                upstream.proxy, upstream.host, upstream.port, secure=context is not None, environ=os.environ
            )
            pool = self._pools[key] = Pool(upstream, context, self.clock, proxy)
        return pool

    def route(self, client: ClientConnection) -> Flow | None:
        """The exchange that a request begins; None when it is refused, for the gateway's own pages, or when another
        process serves its session."""
        table = self.routes.table
        if self.redirects and not client.secure and self._led_to_tls(client):
            return None
        destinations = self._destinations_of(client, table)
        destination = destinations.find(client.target)
        if destination is None:
            self._own_preflight(client, table)
            return None
        cluster = destination.cluster
        if why := destination.refusal:
            client.reject(problem("http_request_error", f"the path is refused: {why}", cluster=cluster.name))
            return None
        sent = self._sent_by(client, table, destinations, cluster.name)
        if sent is None:
            return None
        request, session, cookie = sent
        if client.parsed is not None and client.values is None and destinations is self._destinations:
            self.shapes.learn(client, client.parsed, request)
        capture = self._capture(client, table, request)
        capture.session, capture.recording, capture.mode = session.id, session.recording, session.mode
        if not table.recording.skips(client.method, destination.path):  # what is not recorded is no step
            capture.step = self.sessions.next_step(session)
            if not capture.step:
                return None
        capture.cluster, capture.environment, capture.prefix = cluster.name, cluster.environment, cluster.prefix
        if destinations is not self._destinations:
            self._record_by_path(capture, table)
        kind: type[Flow] = RewriteFlow if cluster.rewrite_bodies else Flow
        if session.modes and cluster.name in session.modes:
            from .playback import PlaybackFlow  # what put it into this mode has imported it

            kind = PlaybackFlow
        elif session.faults and (fault := session.faults.get(cluster.name)) is not None:
            from .fault import FaultFlow

            kind = FaultFlow if fault.rate >= 1 or random.random() < fault.rate else kind
        flow = kind(self, client, table, destination, request, session, cookie, capture)
        self.flows.add(flow)
        return flow

    def _sent_by(
        self, client: ClientConnection, table: RouteTable, destinations: Destinations, cluster: str
    ) -> tuple[RequestHead, LiveSession, bytes | None] | None:
        """The request, its session, and the cookie to offer. None when it is refused, or another process serves it."""
        try:
            request = client.request
            if request is None:
                request = client.request = self._request(client)
                if not self._answers_to(request.host, client, table, destinations):
                    client.reject(_misdirected(request.host))
                    return None
            sender = request.sender
            assert sender is not None
            session, cookie = self.sessions.identify(
                client.headers, client=sender.address, secure=sender.scheme == b"https" and self._only_https(client)
            )
        except ElsewhereError:
            return None
        except (UsageError, ValueError) as error:
            client.reject(problem("http_request_error", str(error), cluster=cluster))
            return None
        if self.heir_of is not None and (heir := self.heir_of(client, session)) is not None:
            client.heir = heir
            return None
        return request, session, cookie

    def _destinations_of(self, client: ClientConnection, table: RouteTable) -> Destinations:
        """Those of the table in force: of one cluster, where a request came by a name or port of its own."""
        if self._destinations.table is not table:
            self._destinations, self._mounted = Destinations(table), {}
        return self._mounted_at(client, table) if client.mount or table.by_name else self._destinations

    def _answers_to(self, host: bytes, client: ClientConnection, table: RouteTable, destinations: Destinations) -> bool:
        """Whether traffic may come under this Host: a cluster's own name is listed in routes.yaml; at its own port the
        rules of all traffic hold, unless others than this machine may reach that port."""
        if destinations is self._destinations:
            return self._hosts.has(host)
        cluster = table.by_listen.get(client.mount)
        if cluster is None or cluster.listen is None:
            return True
        own = PORT.sub(b"", host).lower().rstrip(b".") in cluster.names
        return own or is_remote(cluster.listen[0]) or self._hosts.has(host)

    def _mounted_at(self, client: ClientConnection, table: RouteTable) -> Destinations:
        """Where a request leads that came by a name or port which a cluster has to itself; else as all others."""
        cluster = table.by_listen.get(client.mount)
        if cluster is None and table.by_name:
            host = next((value for name, value in client.headers if name.lower() == b"host"), b"")
            cluster = table.by_name.get(PORT.sub(b"", host).lower().rstrip(b"."))
        if cluster is None:
            return self._destinations
        found = self._mounted.get(cluster.name)
        if found is None:
            found = self._mounted[cluster.name] = Destinations(table, cluster)
        return found

    def _record_by_path(self, capture: Capture, table: RouteTable) -> None:
        """Recorded under the cluster's path, where replays and documents find it; Host says which name was used."""
        cluster = table.clusters[capture.cluster]
        capture.origin = self.own_origin
        capture.prefix = cluster.prefix
        if cluster.strip:
            capture.target = cluster.prefix + capture.target

    def _led_to_tls(self, client: ClientConnection) -> bool:
        """Lead a reader of the plain port to the TLS port, and refuse everything else. What tells how to trust the
        certificate stays open, and so does what a trusted proxy got by https."""
        path = client.target.partition(b"?")[0]
        if path == b"/_gateway/tls" or path.startswith(b"/_gateway/tls/"):
            return False
        host = next((value for name, value in client.headers if name.lower() == b"host"), b"")
        sender = sender_of(client.address, host, claims_of(client.headers), self.trusted)
        if sender.scheme == b"https":
            return False
        there = b"https://" + PORT.sub(b"", host) + b":%d" % self.tls_port + client.target
        if client.method in (b"GET", b"HEAD"):
            client.respond(b"HTTP/1.1 308 Permanent Redirect", [b"Location: " + there, b"Cache-Control: no-store"])
        else:
            hint = "call it there at once: what was sent here in the clear may have been read"
            client.reject(
                problem("http_request_denied", f"this port only leads to {there.decode('latin-1')}", hint=hint)
            )
        return True

    def _own_preflight(self, client: ClientConnection, table: RouteTable) -> None:
        """A listed front end may learn that nothing is here: without a preflight its browser would hide the 404."""
        if client.method != b"OPTIONS" or is_own(client.target):
            return
        asked = {name.lower(): value for name, value in client.headers}
        method = asked.get(b"access-control-request-method")
        if method is not None:
            headers = asked.get(b"access-control-request-headers", b"")
            if fields := answer_preflight(table.cors, asked.get(b"origin", b""), method, headers):
                client.respond(b"HTTP/1.1 204 No Content", fields)

    def _only_https(self, client: ClientConnection) -> bool:
        """Whether the session's cookie may be Secure: while the plain port answers as well, a Secure one would lock its
        session out of the same browser."""
        return not client.secure or self.options.plain != "keep"

    def _request(self, client: ClientConnection) -> RequestHead:
        """What comes of a client's headers, and who sent them."""
        lines = client.parsed.lines if client.parsed is not None else ()
        request = RequestHead(client.headers, self.sessions.strip_cookie, lines)
        request.peer = client.address.encode("latin-1")
        request.sender = sender_of(client.address, request.host, request.claims, self.trusted, secure=client.secure)
        return request

    def _capture(self, client: ClientConnection, table: RouteTable, request: RequestHead) -> Capture:
        capture = Capture()
        capture.id = new_id()
        capture.started_at = time.time()
        capture.begun = self.clock()
        assert request.sender is not None
        capture.client = request.sender.address
        capture.method, capture.target, capture.request_version = client.method, client.target, client.version
        capture.origin = request.sender.origin
        capture.request_headers = (client.values or request).recorded
        capture.routes_revision = table.revision
        capture.max_body = table.recording.max_body
        capture.redact = table.redact
        return capture

    # -- what happened

    def refused(self, client: ClientConnection, answer: ProblemDetails) -> None:
        """A request that never became an exchange."""
        self.metrics.refused[answer.status] += 1
        log.info("refused a request from %s: %d %s: %s", client.address, answer.status, answer.title, answer.detail)

    def failed(self, capture: Capture, kind: str, detail: str) -> None:
        """An upstream failed: logged, but the same news at most every ten seconds."""
        key, now = (f"{capture.cluster}@{capture.environment}", kind), self.clock()
        if now - self._logged.get(key, -QUIET) >= QUIET:
            self._logged[key] = now
            log.warning("%s: %s: %s (exchange %s)", key[0], kind, detail, capture.id)

    # -- time

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            try:
                self.sweep(self.clock())
            except Exception:
                log.exception("the sweeper failed; it goes on")

    def sweep(self, now: float) -> None:
        """End what takes too long: exchanges, slow heads, idle connections on both sides."""
        for flow in list(self.flows):
            flow.tick(now)
        limits = self.options
        for client in list(self.clients):
            if client.reading_head and now - client.since > limits.header_timeout:
                client.reject(
                    ProblemDetails(408, "Request time-out", f"the head took longer than {limits.header_timeout:g} s")
                )
            elif client.idle and now - client.since > limits.keep_alive:
                client.transport.close()
            elif client.lingering and now - client.since > 2.0:
                client.transport.abort()
        for pool in self._pools.values():
            pool.sweep()


@contextlib.contextmanager
def seldom_collecting() -> Iterator[None]:
    """Exchanges hold no cycles, so the collector finds little in what they leave: it need not look so often. What the
    start built lives on, and is not looked at again. A look pauses the loop for as long as there are new objects:
    100,000 took 16 to 26 ms, 20,000 about 5. The second generation waits for ten such looks, the third for 2,000."""
    usual = gc.get_threshold()
    if gc.isenabled():
        gc.collect()
    gc.freeze()
    gc.enable()  # the command line begins without
    gc.set_threshold(20_000, 10, 200)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _misdirected(host: bytes) -> ProblemDetails:
    """A web site that points its own name at this machine would be the page's own origin here (DNS rebinding)."""
    return ProblemDetails(
        421, "Not a name of this gateway",
        f"The Host {host.decode('latin-1')[:200]!a} is not one that this gateway answers to.",
        hint="use 127.0.0.1 or localhost, or start it with --allow-host NAME; --any-host lets every name pass",
    )  # fmt: skip

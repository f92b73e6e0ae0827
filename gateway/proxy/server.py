"""What all connections share: the table in force, sessions, recorder, pools, and the sweeper. I/O."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..ids import new_id
from ..model.capture import Capture
from ..model.hosts import AllowedHosts
from ..problems import ProblemDetails, problem
from ..routes.lookup import Destinations
from .client import ClientConnection
from .fault import FaultFlow
from .flow import Flow
from .playback import PlaybackFlow
from .pool import Pool
from .request import RequestHead

if TYPE_CHECKING:
    from ..metrics import Metrics
    from ..protocols import Options, Recorder, Routes, Sessions
    from ..redact import SealedCapture
    from ..routes.table import CompiledUpstream, RouteTable, Tls

log = logging.getLogger("gateway.relay")
SWEEP = 0.25  # seconds between two looks for what takes too long
QUIET = 10.0  # seconds in which one kind of failure of one upstream is logged once


class Relay:
    """Builds a connection object per client and answers their questions."""

    def __init__(
        self, *, options: Options, routes: Routes, recorder: Recorder, sessions: Sessions, metrics: Metrics,
        own_pages: Callable[[], asyncio.Protocol], tls_context: Callable[[Tls], ssl.SSLContext],
        own_cookies: tuple[bytes, ...], clock: Callable[[], float] = time.monotonic,
        seal: Callable[[Capture], SealedCapture] | None = None, needs_sign_in: Callable[[], bool] = lambda: False,
        hosts: AllowedHosts | None = None,
    ) -> None:  # fmt: skip
        self.options, self.routes, self.recorder, self.sessions = options, routes, recorder, sessions
        self.metrics, self.own_pages, self.clock = metrics, own_pages, clock
        self.own_cookies = own_cookies
        self.needs_sign_in = needs_sign_in  # whether people sign in: then a recording's secrets are not for everybody
        self.seal = seal  # what a playback compares is sealed, as recordings are
        self.pseudonym = secrets.token_hex(6).encode()  # tells a loop from another gateway in the chain
        self.via = b"Via: 1.1 gateway (" + self.pseudonym + b")"
        self.clients: set[ClientConnection] = set()
        self.flows: set[Flow] = set()
        self.draining = False
        self._tls_context = tls_context
        self._pools: dict[tuple[str, int, Tls | None], Pool] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._destinations = Destinations(routes.table)
        self._hosts = hosts or AllowedHosts(any=True)
        self._logged: dict[tuple[str, str], float] = {}

    def accept(self) -> ClientConnection:
        """The protocol of a new client connection."""
        return ClientConnection(self)

    async def start(self) -> None:
        self._sweeper = asyncio.create_task(self._sweep_forever())

    async def drain(self, seconds: float) -> None:
        """Finish what is under way, for at most `seconds`; idle connections close at once."""
        self.draining = True
        end = self.clock() + seconds
        while self.clients and self.clock() < end:
            for client in list(self.clients):
                if client.idle or client.lingering:
                    client.transport.close()
                client.closing = True
            if not self.flows and not any(c.flow for c in self.clients):
                break
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """End every connection; exchanges under way are recorded as they stand."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for client in list(self.clients):
            client.transport.abort()
        for pool in self._pools.values():
            pool.close()
        await asyncio.sleep(0)  # lets connection_lost run
        await asyncio.sleep(0)

    def pool(self, upstream: CompiledUpstream) -> Pool:
        """The connections to where an upstream lives; clusters on one server share them."""
        key = (upstream.host, upstream.port, upstream.tls)
        pool = self._pools.get(key)
        if pool is None:
            context = self._tls_context(upstream.tls) if upstream.tls else None
            pool = self._pools[key] = Pool(upstream, context, self.clock)
        return pool

    def route(self, client: ClientConnection) -> Flow | None:
        """The exchange that a request begins; None when it is refused or for the gateway's own pages."""
        table = self.routes.table
        if self._destinations.table is not table:
            self._destinations = Destinations(table)
        destination = self._destinations.find(client.target)
        if destination is None:
            return None
        cluster = destination.cluster
        if why := destination.refusal:
            client.reject(problem("http_request_error", f"the path is refused: {why}", cluster=cluster.name))
            return None
        try:
            request = client.request
            if request is None:
                request = client.request = RequestHead(client.headers, self.sessions.strip_cookie)
                if not self._hosts.has(request.host):
                    client.reject(_misdirected(request.host))
                    return None
            session, cookie = self.sessions.identify(client.headers, client=client.address)
        except (UsageError, ValueError) as error:
            client.reject(problem("http_request_error", str(error), cluster=cluster.name))
            return None
        capture = self._capture(client, table, request)
        capture.session, capture.recording, capture.mode = session.id, session.recording, session.mode
        if not table.recording.skips(client.method, destination.path):  # what is not recorded is no step
            session.steps += 1
            capture.step = session.steps
        capture.cluster, capture.environment = cluster.name, cluster.environment
        kind: type[Flow] = PlaybackFlow if session.modes and cluster.name in session.modes else Flow
        if session.faults and kind is Flow and (fault := session.faults.get(cluster.name)) is not None:
            kind = FaultFlow if fault.rate >= 1 or random.random() < fault.rate else Flow
        flow = kind(self, client, table, destination, request, session, cookie, capture)
        self.flows.add(flow)
        return flow

    def _capture(self, client: ClientConnection, table: RouteTable, request: RequestHead) -> Capture:
        capture = Capture()
        capture.id = new_id()
        capture.started_at = time.time()
        capture.begun = self.clock()
        capture.client = client.address
        capture.method, capture.target, capture.request_version = client.method, client.target, client.version
        capture.origin = b"http://" + request.host
        capture.request_headers = request.recorded
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


def _misdirected(host: bytes) -> ProblemDetails:
    """A web site that points its own name at this machine would be the page's own origin here (DNS rebinding)."""
    return ProblemDetails(
        421, "Not a name of this gateway",
        f"The Host {host.decode('latin-1')[:200]!a} is not one that this gateway answers to.",
        hint="use 127.0.0.1 or localhost, or start it with --allow-host NAME; --any-host lets every name pass",
    )  # fmt: skip

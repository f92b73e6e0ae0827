"""Asks every upstream, again and again, whether it is up and which build it is. I/O."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from ..errors import GatewayError
from ..protocols import EventSink, Health, Routes
from .outbound_proxy import proxy_for
from .table import CompiledCluster, CompiledUpstream, Tls
from .tls import client_context

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger("gateway.health")

AT_ONCE = 16  # upstreams that are asked at the same time
LIMIT = 2.0  # seconds for one response
REMEMBERED = 20  # polls whose median is what an upstream usually takes
MAX_VERSION = 64 << 10  # bytes of a version answer
UNKNOWN = Health()

Key = tuple[str, str]  # cluster, environment


Built = Callable[[str, str, str], object]  # told of every version that is new: cluster, environment, version


def unheard(_cluster: str, _environment: str, _version: str) -> None:
    """For those who keep no versions."""


def _shown(health: Health) -> tuple[str, str, bool, bool]:
    """What pages say of it in words."""
    return health.state, health.version, health.is_slow, health.checked_at == 0


class HealthPoller:
    """Implements protocols.HealthBoard. Follows the table in force."""

    def __init__(
        self, routes: Routes, *, live: EventSink, interval: float = 5.0, limit: float = LIMIT, built: Built = unheard
    ) -> None:
        self._routes, self._live, self._interval, self._limit = routes, live, interval, limit
        self._built = built
        self._found: dict[Key, Health] = {}
        self._usual: dict[Key, deque[float]] = {}  # how long the last polls took that found it up
        self._contexts: dict[Tls, ssl.SSLContext] = {}
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    def of(self, cluster: str, environment: str) -> Health:
        return self._found.get((cluster, environment), UNKNOWN)

    async def start(self) -> None:
        self._routes.subscribe(lambda revision, problems: self._wake.set() if revision else None)
        self._task = asyncio.create_task(self._poll_forever(), name="health")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def check(self) -> None:
        """Ask everybody now, and return when all have answered or ran out of time."""
        async with self._client() as client:
            await self._round(client)

    def _client(self) -> aiohttp.ClientSession:
        import aiohttp  # a fifth of a start, and no cluster may have a health path

        # Own connections, closed after each response: a poll must not depend on what an earlier one left behind.
        connector = aiohttp.TCPConnector(force_close=True, limit=0, use_dns_cache=False)
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=True,
            timeout=aiohttp.ClientTimeout(total=self._limit), headers={"User-Agent": "gateway-health"},
        )  # fmt: skip

    async def _poll_forever(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            client: aiohttp.ClientSession | None = None
            while True:
                if client is None and self._asked():
                    client = await stack.enter_async_context(self._client())
                try:
                    if client is not None:
                        await self._round(client)
                except Exception:  # the next round comes, whatever was wrong with this one
                    log.exception("a health poll failed")
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._interval)

    def _asked(self) -> set[Key]:
        """The upstreams that have a path to ask for."""
        clusters = self._routes.table.clusters.values()
        return {(one.name, key) for one in clusters if one.health or one.version_path for key in one.upstreams}

    async def _round(self, client: aiohttp.ClientSession) -> None:
        """Ask everybody once; forget who is not in the table any more."""
        clusters, asked = self._routes.table.clusters, self._asked()
        for key in self._found.keys() - asked:
            del self._found[key]
            self._usual.pop(key, None)
        places = asyncio.Semaphore(AT_ONCE)

        async def ask(cluster: CompiledCluster, upstream: CompiledUpstream) -> None:
            async with places:
                self._note((cluster.name, upstream.environment), await self._ask(client, cluster, upstream))

        async with asyncio.TaskGroup() as group:
            for name, environment in sorted(asked):
                group.create_task(ask(clusters[name], clusters[name].upstreams[environment]))

    def _note(self, key: Key, health: Health) -> None:
        """Keep it, and tell the pages when something that they show in words has changed."""
        before = self._found.get(key, UNKNOWN)
        usual = self._usual.setdefault(key, deque(maxlen=REMEMBERED))
        health = replace(
            health,
            since=before.since if before.state == health.state and before.since else health.checked_at,
            usual_ms=round(median(usual), 1) if usual else None,
        )
        if health.state == "up" and health.took_ms is not None:
            usual.append(health.took_ms)
        self._found[key] = health
        if health.version and health.version != before.version:
            self._built(*key, health.version)
        if _shown(before) != _shown(health):
            if health.state == "down":
                log.warning("%s@%s is down: %s", *key, health.detail)
            elif before.state == "down":
                log.info("%s@%s is up again", *key)
            self._live.publish("health", {"cluster": key[0], "environment": key[1], **asdict(health)})

    async def _ask(self, client: aiohttp.ClientSession, cluster: CompiledCluster, upstream: CompiledUpstream) -> Health:
        import aiohttp

        begun, now = time.monotonic(), time.time()
        try:
            status, reason, _ = await self._get(client, upstream, cluster.health or cluster.version_path or "/", 0)
        except (aiohttp.ClientError, OSError, TimeoutError, GatewayError, ValueError) as error:
            return Health("down", _words(error, self._limit), "", now)
        took = round((time.monotonic() - begun) * 1000, 1)
        health = Health("up" if 200 <= status < 400 else "down", f"{status} {reason} in {took:.0f} ms", "", now, took)
        if cluster.version_path is None:
            return health
        return replace(health, version=await self._version(client, cluster, upstream))

    async def _version(
        self, client: aiohttp.ClientSession, cluster: CompiledCluster, upstream: CompiledUpstream
    ) -> str:
        """What the upstream says of its build; "" when it does not."""
        import aiohttp

        try:
            status, _, raw = await self._get(client, upstream, cluster.version_path or "/", MAX_VERSION)
            return _picked(raw, cluster.version_pointer or "") if status == 200 else ""
        except (aiohttp.ClientError, OSError, TimeoutError, GatewayError, ValueError):
            return ""

    async def _get(
        self, client: aiohttp.ClientSession, upstream: CompiledUpstream, path: str, room: int
    ) -> tuple[int, str, bytes]:
        from yarl import URL

        scheme = "https" if upstream.tls else "http"
        host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
        url = f"{scheme}://{host}:{upstream.port}{upstream.base_path.decode()}{path}"
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in upstream.headers}
        headers.setdefault("Host", upstream.authority.decode())
        proxy = proxy_for(
            upstream.proxy, upstream.host, upstream.port, secure=upstream.tls is not None, environ=os.environ
        )
        way: dict[str, Any] = {"proxy": proxy.url} if proxy else {}
        if proxy and proxy.authorization:
            # aiohttp sends proxy_headers with CONNECT alone; a request that the proxy reads itself carries its own.
            where = way.setdefault("proxy_headers", {}) if upstream.tls else headers
            where["Proxy-Authorization"] = proxy.authorization.decode()
        async with client.get(
            URL(url, encoded=True), headers=headers, allow_redirects=False, **self._secured(upstream.tls), **way
        ) as answer:
            raw = b""
            while len(raw) < room and (piece := await answer.content.read(room - len(raw))):
                raw += piece
            return answer.status, answer.reason or "", raw

    def _secured(self, tls: Tls | None) -> dict[str, Any]:
        if tls is None:
            return {}
        context = self._contexts.get(tls)
        if context is None:
            context = self._contexts[tls] = client_context(tls)
        return {"ssl": context, "server_hostname": tls.server_name}


def _picked(raw: bytes, pointer: str) -> str:
    """The value that a JSON Pointer names (RFC 6901), or the whole text."""
    if not pointer:
        return raw.decode("utf-8", "replace").strip()[:80]
    import jsonpath

    found = jsonpath.pointer.resolve(pointer, json.loads(raw), default=None)
    return "" if found is None or isinstance(found, (dict, list)) else str(found)[:80]


def _words(error: BaseException, limit: float) -> str:
    import aiohttp

    if isinstance(error, TimeoutError):
        return f"no answer within {limit:g} s"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name is not known"
    if isinstance(error, aiohttp.ClientConnectorError):
        return os.strerror(error.errno).lower() if error.errno else str(error.os_error)
    return str(error) or type(error).__name__

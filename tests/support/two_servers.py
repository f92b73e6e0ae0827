"""Two servers of our own behind a gateway, one for each environment, and a replay from the first to the second."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from gateway.app import Gateway, running
from gateway.protocols import Options
from gateway.replay.plan import ReplayOptions
from gateway.replay.report import ReplayResult
from gateway.services.replay import replay
from gateway.services.replay_run import ReplayOrder

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Server:
    """A server of our own, whose handler decides; every request line it saw."""

    handler: Handler
    seen: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.method, request.raw_path))
        return await self.handler(request)

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [one for one in self.seen if one[0] not in ("GET", "HEAD")]


@asynccontextmanager
async def two(folder: Path, dev: Server, qa: Server) -> AsyncIterator[Gateway]:
    """Both behind a gateway, the first one in force."""
    runners = []
    for server in (dev, qa):
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", server.answer)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        runners.append(runner)
    routes = folder / "routes.yaml"
    routes.write_text(
        "version: 1\nenvironments: [dev, qa]\nclusters:\n"
        f"  a: {{path: /a, environment: dev, upstreams: {{dev: '{dev.url}', qa: '{qa.url}'}}}}\n"
    )
    options = Options(routes, folder / "r" / "gateway.db", port=0, health_interval=0)
    try:
        async with running(options) as gateway:
            yield gateway
    finally:
        for runner in runners:
            await runner.cleanup()


async def record(gateway: Gateway, *calls: tuple[str, str, Any], sent: Mapping[str, str] | None = None) -> str:
    """Make these calls, in order, with the headers `sent`; a path may name members of the last JSON response. Its id."""
    last: dict[str, Any] = {}
    headers = {"Gateway-Session": "case", **(sent or {})}
    async with aiohttp.ClientSession(gateway.url, headers=headers) as client:
        for method, path, body in calls:
            own = {"Authorization": f"Bearer {last['token']}"} if "token" in last else {}
            path = path.format(**last)
            async with client.request(method, f"/a{path}", json=body, headers=own, allow_redirects=False) as response:
                if response.content_type == "application/json":
                    found = await response.json()
                    last |= found if isinstance(found, dict) else {}
    return gateway.services.store.recording("@last").id


async def run(gateway: Gateway, recording: str, wanted: ReplayOptions | None = None, **facts: Any) -> ReplayResult:
    return await replay(
        gateway.services, ReplayOrder(recording, wanted or ReplayOptions(to={"a": "qa"}), yes=True, **facts)
    )

"""A real relay in front of given upstreams, with a recorder that keeps its captures at hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.metrics import Metrics
from gateway.model.capture import Capture
from gateway.protocols import LiveSession, Options, RecorderStatus
from gateway.proxy.server import Relay
from gateway.routes.tls import client_context


class Kept:
    """The recorder's face: every capture in order, `on_safe` at once or when `release` is called."""

    def __init__(self) -> None:
        self.captures: list[Capture] = []
        self.shown: list[Capture] = []
        self.chunks: list[tuple[str, bool, bytes]] = []
        self.hold = False
        self.held: list[Callable[[], None]] = []

    def put(self, capture: Capture, on_safe: Callable[[], None] | None = None) -> None:
        self.captures.append(capture)
        if on_safe is not None:
            self.held.append(on_safe) if self.hold else asyncio.get_running_loop().call_soon(on_safe)

    def opened(self, capture: Capture) -> None:
        self.shown.append(capture)

    def chunk(self, capture: Capture, *, at: float, sent: bool, data: bytes) -> None:
        self.chunks.append((capture.id, sent, data))

    def status(self) -> RecorderStatus:
        return RecorderStatus(recorded=len(self.captures))

    def release(self) -> None:
        for on_safe in self.held:
            on_safe()
        self.held.clear()

    async def until(self, count: int) -> list[Capture]:
        """The captures, once there are `count`."""
        async with asyncio.timeout(10):
            while len(self.captures) < count:
                await asyncio.sleep(0.01)
        return self.captures


class OneSession:
    """Everybody is the same session."""

    def __init__(self) -> None:
        self.session = LiveSession("s1", "r1")

    def identify(
        self, headers: list[tuple[bytes, bytes]], *, client: str, secure: bool = False
    ) -> tuple[LiveSession, bytes | None]:
        return self.session, None

    def next_step(self, session: LiveSession) -> int:
        session.steps += 1
        return session.steps

    def learn(self, session: LiveSession, set_cookie: bytes) -> None:
        pass

    def strip_cookie(self, value: bytes) -> bytes:
        parts = [p for p in value.split(b"; ") if not p.startswith(b"gateway_session=")]
        return b"; ".join(parts)


class Fixed:
    """One table in force; set `table` to move."""

    def __init__(self, table) -> None:
        self.table = table


@dataclass
class Running:
    relay: Relay
    url: str
    recorder: Kept
    sessions: OneSession
    routes: Fixed
    own: list[bytes] = field(default_factory=list)


class OwnPages(asyncio.Protocol):
    """Stands where aiohttp's server stands: answers 200 "own" and closes."""

    def __init__(self, seen: list[bytes]) -> None:
        self.seen = seen

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.seen.append(data)
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nown")
        self.transport.close()


def table_of(text: str):
    from gateway.routes.parse import parse
    from gateway.routes.table import compile_table

    parsed = parse(text.encode(), name="routes.yaml")
    assert not parsed.problems, parsed.problems
    return compile_table(parsed.config)


@contextlib.asynccontextmanager
async def relaying(text: str, **options) -> AsyncIterator[Running]:
    """A relay for the clusters of a routes.yaml text."""
    recorder, sessions, routes, own = Kept(), OneSession(), Fixed(table_of(text)), []
    relay = Relay(
        options=Options(Path("routes.yaml"), Path("gateway.db"), **options), routes=routes, recorder=recorder,
        sessions=sessions, metrics=Metrics(), own_pages=lambda: OwnPages(own), tls_context=client_context,
        own_cookies=(b"gateway_session", b"gateway_login"),
    )  # fmt: skip
    server = await asyncio.get_running_loop().create_server(relay.accept, "127.0.0.1", 0)
    await relay.start()
    port = server.sockets[0].getsockname()[1]
    try:
        yield Running(relay, f"http://127.0.0.1:{port}", recorder, sessions, routes, own)
    finally:
        server.close()
        await relay.stop()


def orders_at(url: str, extra: str = "", path: str = "/api/orders") -> str:
    """A routes.yaml with one cluster."""
    return f"""version: 1
environments: [test, qa]
clusters:
  orders:
    path: {path}
    environment: qa
    upstreams:
      qa:
        url: {url}
{extra}"""

"""A server that is built when the first connection comes: it waits, loses nothing, and a failure ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.lazy_server import LazyServer, MakeProtocol


class Echo(asyncio.Protocol):
    """Sends back what it gets, and ends."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Relay(asyncio.Protocol):
    """Hands a connection over once something was read, as the relay does."""

    def __init__(self, pages: LazyServer) -> None:
        self.pages = pages

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        server = self.pages()
        self.transport.set_protocol(server)
        server.connection_made(self.transport)
        server.data_received(data)


class Building:
    """What builds the server, as soon as it may."""

    def __init__(self) -> None:
        self.may, self.built, self.ended = asyncio.Event(), 0, False
        self.error: Exception | None = None

    @asynccontextmanager
    async def build(self) -> AsyncIterator[MakeProtocol]:
        await self.may.wait()
        if self.error is not None:
            raise self.error
        self.built += 1
        try:
            yield Echo
        finally:
            self.ended = True


@asynccontextmanager
async def relaying(pages: LazyServer) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Relay(pages), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await pages.stop()


async def test_connections_wait_for_it_and_lose_nothing() -> None:
    building = Building()
    pages = LazyServer(building.build)
    async with relaying(pages) as port, asyncio.timeout(30):
        first = await asyncio.open_connection("127.0.0.1", port)
        gone = await asyncio.open_connection("127.0.0.1", port)
        for _, writer in (first, gone):
            writer.write(b"one ")
        while building.built == 0 and not pages._task:
            await asyncio.sleep(0)
        first[1].write(b"two")
        gone[1].close()
        building.may.set()
        assert await first[0].readexactly(7) == b"one two"
        later = await asyncio.open_connection("127.0.0.1", port)
        later[1].write(b"three")
        assert await later[0].readexactly(5) == b"three"
        for _, writer in (first, later):
            writer.close()
    assert (building.built, building.ended) == (1, True)


async def test_what_cannot_be_built_closes_those_who_wait(caplog: pytest.LogCaptureFixture) -> None:
    building = Building()
    building.error = OSError("no templates")
    pages = LazyServer(building.build)
    async with relaying(pages) as port, asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"one")
        building.may.set()
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(OSError, match="no templates"):
            await pages.start()
    assert "the gateway's own pages cannot be served" in caplog.text


async def test_it_can_be_built_at_once_and_stopped_unbuilt() -> None:
    building = Building()
    building.may.set()
    pages = LazyServer(building.build)
    assert await pages.start() is Echo
    await pages.stop()
    assert building.ended
    await LazyServer(building.build).stop()

"""Real peers on loopback for tests: an upstream that says exactly what it is told, and a client that sees every byte."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Talk = Callable[["Peer"], Awaitable[None]]


@dataclass
class Peer:
    """One connection as an upstream sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def request(self) -> tuple[bytes, bytes]:
        """(head, body) of one request; the body by Content-Length or chunks, raw."""
        head = await self.head()
        low = head.lower()
        if b"content-length:" in low:
            length = int(low.split(b"content-length:")[1].split(b"\r\n")[0])
            return head, await self.reader.readexactly(length)
        if b"transfer-encoding: chunked" in low:
            body = b""
            while size := int((line := await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
                body += line + await self.reader.readexactly(size + 2)
            while line != b"\r\n":
                body += line
                line = await self.reader.readuntil(b"\r\n")
            return head, body + line
        return head, b""

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """End with RST."""
        self.writer.transport.abort()


@dataclass
class RawUpstream:
    """Runs `talk` for every connection and closes it afterwards. `url` is for routes.yaml."""

    talk: Talk
    url: str = ""
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.talk(Peer(reader, writer, self.connections))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            with contextlib.suppress(ConnectionError, RuntimeError):
                writer.close()


@contextlib.asynccontextmanager
async def raw_upstream(talk: Talk | bytes, *, ssl=None, limit: int = 1 << 26) -> AsyncIterator[RawUpstream]:
    """An upstream on a free port. Bytes instead of a function: answer each request on a connection with them."""
    if isinstance(talk, bytes):
        answer = talk

        async def talk(peer: Peer) -> None:
            while True:
                upstream.heads.append((await peer.request())[0])
                await peer.send(answer)

    upstream = RawUpstream(talk)
    server = await asyncio.start_server(upstream._serve, "127.0.0.1", 0, limit=limit, ssl=ssl)
    scheme = "https" if ssl else "http"
    upstream.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield upstream
    finally:
        server.close()


class RawClient:
    """A client that writes and reads bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def response(self) -> tuple[bytes, bytes]:
        """(head, body by Content-Length)."""
        head = await self.head()
        low = head.lower()
        length = int(low.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in low else 0
        async with asyncio.timeout(10):
            return head, await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """Everything until the end."""
        async with asyncio.timeout(20):
            return await self.reader.read(-1)

    def close(self) -> None:
        self.writer.close()


@contextlib.asynccontextmanager
async def raw_client(url: str) -> AsyncIterator[RawClient]:
    host, _, port = url.partition("://")[2].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 26)
    client = RawClient(reader, writer)
    try:
        yield client
    finally:
        client.close()


def status_of(head: bytes) -> int:
    return int(head.split(b" ", 2)[1])


def fields_of(head: bytes) -> list[tuple[bytes, bytes]]:
    """The header fields of a raw head, in order."""
    lines = head.split(b"\r\n")[1:-2]
    return [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]


def field_of(head: bytes, name: bytes) -> bytes | None:
    return next((value for key, value in fields_of(head) if key.lower() == name.lower()), None)

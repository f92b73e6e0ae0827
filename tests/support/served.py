"""A whole `gateway serve` as a process, its upstream, and clients that remember what they got complete."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.paths import url_of
from gateway.store import open_store

START = 60.0  # seconds for a slow machine

ROUTES = """\
version: 1
environments: [test]
clusters:
  orders: {path: /api/orders, environment: test, upstreams: {test: "http://127.0.0.1:PORT"}}
"""


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Every request gets its own number back, in a body of a few KiB."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = body_of(int(head.split()[1].rpartition(b"/")[2]))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
            writer.write(body)
    writer.close()


def body_of(number: int) -> bytes:
    return json.dumps({"number": number, "filling": "x" * (number % 4000)}).encode()


@dataclass
class Served:
    """A gateway as a process, and what its clients got complete: number -> exchange id."""

    process: asyncio.subprocess.Process
    port: int
    path: Path
    got: dict[int, str] = field(default_factory=dict)

    async def call(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: bytes = b"s"
    ) -> None:
        head = b"GET /api/orders/%d HTTP/1.1\r\nHost: 127.0.0.1\r\nGateway-Session: %b\r\n\r\n"
        writer.write(head % (number, session))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        fields = dict(re.findall(rb"\r\n([^:]+): ([^\r]*)", head.lower()))
        assert await reader.readexactly(int(fields[b"content-length"])) == body_of(number)
        self.got[number] = fields[b"gateway-exchange"].decode().upper()

    async def calls(self, *numbers: int, session: bytes = b"s") -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        with closing(writer):
            for number in numbers:
                await self.call(number, reader, writer, session)

    async def load(self, first: int, clients: int = 8) -> None:
        """Calls without end, until the gateway is gone."""

        async def forever(client: int) -> None:
            number = first + client
            with suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                with closing(writer):
                    while True:
                        await self.call(number, reader, writer)
                        number += clients

        await asyncio.gather(*map(forever, range(clients)))

    async def page(self, path: str) -> tuple[int, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n".encode())
        head, _, text = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        return int(head.split()[1]), text

    async def until_ready(self, status: int, word: str) -> None:
        async with asyncio.timeout(START):
            while (found := await self.page("/_gateway/readyz"))[0] != status or word not in found[1]:
                await asyncio.sleep(0.05)

    async def counted(self, name: str) -> int:
        _, text = await self.page("/_gateway/metrics")
        match = re.search(rf"^{name} (\d+)", text, re.MULTILINE)
        assert match, text
        return int(match[1])

    def stored(self) -> dict[int, str]:
        """What the file holds of this client: number -> exchange id, every body as it was sent."""
        found: dict[int, str] = {}
        store = open_store(self.path)
        recording, cursor = store.recording("@last").id, None
        while True:
            page = store.exchanges(recording, cursor=cursor)
            for exchange in page.items:
                number = int(exchange.path.rpartition("/")[2])
                if exchange.state == "done" and exchange.failure is None:
                    assert exchange.response is not None
                    assert exchange.response.body.data == body_of(number)
                    found[number] = exchange.id.upper()
            if (cursor := page.next) is None:
                store.close()
                return found

    def sound(self) -> bool:
        with closing(sqlite3.connect(self.path)) as connection:
            return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))


@asynccontextmanager
async def upstream(folder: Path) -> AsyncIterator[Path]:
    """The upstream, and the folder with the routes.yaml that leads to it."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        (folder / "routes.yaml").write_text(ROUTES.replace("PORT", str(port)))
        yield folder
        server.close()


@asynccontextmanager
async def served(
    folder: Path, *options: str, path: Path | None = None, more: Mapping[str, str] | None = None
) -> AsyncIterator[Served]:
    path = path or folder / "recordings" / "gateway.db"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    environment |= more or {}
    if not url_of(path):
        options = ("--workers", os.environ.get("TEST_WORKERS", "1"), *options)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "serve", "-r", url_of(path) or str(path), "-p", "0", "--no-health", *options, cwd=folder, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START):
            while not (match := re.search(rb"http://127\.0\.0\.1:(\d+)", line := await process.stdout.readline())):
                assert line, "the gateway ended"
        yield Served(process, int(match[1]), path)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@asynccontextmanager
async def refusing(pid: int, error: str) -> AsyncIterator[None]:
    """Every write to a file fails for this process; skipped where nobody may do that to it."""
    calls = "pwrite64,fdatasync,fsync,ftruncate"
    try:
        strace = await asyncio.create_subprocess_exec(
            "strace", "-f", "-o", os.devnull, "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}",
            "-p", str(pid), stderr=subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("needs strace")
    assert strace.stderr is not None
    try:
        if b"attached" not in await strace.stderr.readline():
            pytest.skip("needs the right to trace a process")
        yield
    finally:
        with suppress(ProcessLookupError):
            strace.send_signal(signal.SIGINT)
        await strace.communicate()

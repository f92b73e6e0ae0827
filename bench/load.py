"""A load of keep-alive GETs over raw protocols. `python load.py URL CONNECTIONS SECONDS [SESSIONS]` prints JSON:

{"requests", "seconds", "rps", "p50_ms", "p99_ms", "failed"}. SESSIONS browsers share the connections, each with the
cookie that it got.
"""

import asyncio
import json
import sys
import time
from itertools import cycle
from urllib.parse import urlsplit


class Client(asyncio.Protocol):
    """One connection: ask, wait for the whole answer, ask again, until `until`."""

    def __init__(self, request: bytes, until: float, times: list[float]) -> None:
        self.request, self.until, self.times = request, until, times
        self.buffer, self.failed = b"", 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.ask()

    def ask(self):
        self.asked = time.perf_counter()
        if self.asked > self.until:
            self.transport.close()
        else:
            self.transport.write(self.request)

    def data_received(self, data):
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self.buffer.lower().find(b"content-length:")
        length = int(self.buffer[at + 15 : self.buffer.find(b"\r\n", at)])
        if len(self.buffer) < end + 4 + length:
            return
        self.failed += not self.buffer.startswith(b"HTTP/1.1 200")
        self.buffer = self.buffer[end + 4 + length :]
        self.times.append(time.perf_counter() - self.asked)
        self.ask()

    def connection_lost(self, error):
        if not self.done.done():
            self.done.set_result(None)


async def load(url: str, connections: int, seconds: float, sessions: int = 1) -> dict:
    parts = urlsplit(url)
    requests = cycle([await browser_request(parts, number) for number in range(sessions)])
    times: list[float] = []
    begun = time.perf_counter()
    made = [
        asyncio.get_running_loop().create_connection(
            lambda: Client(next(requests), begun + seconds, times), parts.hostname, parts.port
        )
        for _ in range(connections)
    ]
    clients = [client for _, client in await asyncio.gather(*made)]
    await asyncio.gather(*(client.done for client in clients))
    took = time.perf_counter() - begun
    times.sort()
    return {
        "requests": len(times), "seconds": took, "rps": len(times) / took, "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000, "failed": sum(c.failed for c in clients),
    }  # fmt: skip


async def browser_request(parts, number: int) -> bytes:
    """What a browser of its own asks for, once it has its cookie."""
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: browser/{number}\r\n".encode()
    cookie = await first_cookie(parts, request + b"\r\n")
    return request + b"Cookie: " + (cookie or b"a=b") + b"\r\nAccept: application/json\r\n\r\n"


async def first_cookie(parts, request: bytes) -> bytes:
    """The session cookie that the server under test sets, if any."""
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    at = head.lower().find(b"set-cookie:")
    return head[at + 11 :].split(b";")[0].strip() if at >= 0 else b""


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), *map(int, sys.argv[4:])))))

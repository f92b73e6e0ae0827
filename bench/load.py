"""A load over raw protocols. `python load.py URL TRAFFIC CONNECTIONS SECONDS [SESSIONS [PID [each]]]` prints JSON:

{"requests", "seconds", "rps", "p50_ms", "p99_ms", "failed", "answered", "cpu_us"}. TRAFFIC is repeated, varied or
spread; SESSIONS clients share the connections, each with the cookie that it got; with `each` every request has a new
connection. Figures are those after a warm-up; `answered` counts all requests; `cpu_us` is what the process PID and its
children took for each request, user and system, while the load went on.
"""

import asyncio
import json
import os
import ssl
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import traffic

WARM = 0.75  # seconds before what is measured
TICK = os.sysconf("SC_CLK_TCK")
LENGTH = b"content-length:"


class Load:
    """What all clients share, and what came of it."""

    def __init__(self, make: traffic.Generator, begun: float, seconds: float) -> None:
        self.make, self.until = make, begun + WARM + seconds
        self.times: list[float] = []
        self.failed = 0


class Client(asyncio.Protocol):
    """One connection: ask, wait for the whole answer, ask again, until the time is over."""

    def __init__(self, load: Load, once: bool = False) -> None:
        self.load, self.once = load, once
        self.buffer = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.ask()

    def ask(self):
        self.asked = time.perf_counter()
        if self.asked > self.load.until:
            self.transport.close()
        else:
            self.transport.write(self.load.make())

    def data_received(self, data):
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self.buffer.find(b"ontent-", 0, end)
        low = self.buffer[:end].lower() if at >= 0 else b""
        at = low.find(LENGTH)
        length = int(low[at + 15 :].split(b"\r", 1)[0])
        if len(self.buffer) < end + 4 + length:
            return
        self.load.failed += not self.buffer.startswith(b"HTTP/1.1 20")
        self.buffer = self.buffer[end + 4 + length :]
        self.load.times.append(time.perf_counter() - self.asked)
        if self.once:
            self.transport.close()
        else:
            self.ask()

    def connection_lost(self, error):
        if not self.done.done():
            self.done.set_result(None)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all that it started."""
    total = 0.0
    for entry in [pid, *children(pid)]:
        fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def children(pid: int) -> list[int]:
    own = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*own, *(one for child in own for one in children(child))]


async def load(
    url: str, kind: str, connections: int, seconds: float, sessions: int = 1, pid: int = 0, each: bool = False
) -> dict:
    parts = urlsplit(url)
    host = parts.netloc.encode()
    cookies = [await first_cookie(parts, number) for number in range(sessions)]
    if kind == "repeated":
        make = traffic.repeated(host, parts.path.encode() + b"/x", cookies)
    else:
        make = traffic.varied(host, f"{parts.path}/{kind}".encode(), cookies, seed=time.time_ns())
    shared = Load(make, time.perf_counter(), seconds)
    clients = [asyncio.ensure_future(client(shared, parts, each)) for _ in range(connections)]
    await asyncio.sleep(WARM)
    warm, begun = len(shared.times), time.perf_counter()
    before = cpu_seconds(pid) if pid else 0.0
    await asyncio.sleep(seconds - 0.02)
    took, requests = time.perf_counter() - begun, len(shared.times) - warm
    spent = cpu_seconds(pid) - before if pid else 0.0
    await asyncio.gather(*clients)
    times = sorted(shared.times[warm:])
    return {
        "requests": requests, "seconds": took, "rps": requests / took, "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000, "failed": shared.failed,
        "answered": len(shared.times) + len(cookies), "cpu_us": spent * 1e6 / max(1, requests),
    }  # fmt: skip


async def client(shared: Load, parts, each: bool) -> None:
    """One connection until the time is over, or one for each request."""
    loop = asyncio.get_running_loop()
    while time.perf_counter() < shared.until:
        _, one = await loop.create_connection(lambda: Client(shared, each), parts.hostname, parts.port, ssl=tls(parts))
        await one.done


def tls(parts) -> ssl.SSLContext | None:
    """For an https URL: what is measured is the server, so its certificate is not looked at."""
    return ssl._create_unverified_context() if parts.scheme == "https" else None


async def first_cookie(parts, number: int) -> bytes:
    """The session cookie that the server under test sets for a new client, if any."""
    path, agent = f"{parts.path}/x", f"browser/{number}"
    request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: {agent}\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=tls(parts))
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    at = head.lower().find(b"set-cookie:")
    return head[at + 11 :].split(b";")[0].strip() if at >= 0 else b""


if __name__ == "__main__":
    url, kind, *words = sys.argv[1:]
    numbers = [int(words[0]), float(words[1]), *map(int, words[2:4])]
    print(json.dumps(asyncio.run(load(url, kind, *numbers, each="each" in words))))

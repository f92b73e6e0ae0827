"""How soon things arrive: `python bench/latency.py` prints, through a recording gateway, how many milliseconds a
server-sent event is behind its upstream, and how long after a save of routes.yaml the next request goes elsewhere.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from contenders import backend, end, gateway

EVENTS = 100
MOVES = 12


async def event_delays(url: str) -> list[float]:
    """Milliseconds between the upstream's write of an event and its arrival here, sorted."""
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /api/orders/events/{EVENTS} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    delays = []
    while len(delays) < EVENTS:
        line = await reader.readline()
        if line.startswith(b"data: "):
            delays.append((time.perf_counter_ns() - int(line[6:])) / 1e6)
    writer.close()
    return sorted(delays)


async def environment(url: str) -> bytes:
    """The environment that answered."""
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /api/orders/x HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.lower().partition(b"gateway-route: orders@")[2].split()[0]


async def move_delays(url: str, routes: Path, port: int) -> list[float]:
    """Seconds from each save until a request is answered by the other environment, sorted."""
    delays = []
    for number in range(MOVES):
        to = "test" if number % 2 == 0 else "qa"
        upstreams = f"{{test: 'http://127.0.0.1:{port}', qa: 'http://127.0.0.1:{port}'}}"
        text = "version: 1\nenvironments: [test, qa]\nclusters:\n  orders:\n    path: /api/orders\n"
        routes.write_text(f"{text}    environment: {to}\n    upstreams: {upstreams}\n")
        saved = time.perf_counter()
        while await environment(url) != to.encode():
            await asyncio.sleep(0.002)
        delays.append(time.perf_counter() - saved)
        await asyncio.sleep(0.3)
    return sorted(delays)


async def main() -> None:
    with tempfile.TemporaryDirectory() as name, backend() as port:
        folder = Path(name)
        proxy = gateway(folder, port, "strict")
        try:
            events = await event_delays(proxy.url)
            moves = await move_delays(proxy.url, folder / "strict" / "routes.yaml", port)
        finally:
            end([proxy.process])
    middle = statistics.median(events)
    print(f"{EVENTS} server-sent events: {middle:.2f} ms behind, p99 {events[98]:.2f}, most {events[-1]:.2f}")
    print(f"{MOVES} saves of routes.yaml: in force after {statistics.median(moves):.2f} s, most {moves[-1]:.2f}")


if __name__ == "__main__":
    asyncio.run(main())

"""What the console's lists cost on the server: a file of many exchanges, its pages and their filters.

    python bench/pages.py [EXCHANGES]

Prints figures and asserts nothing. Each line is the median and the worst of five requests; the processor's time, the
client's part included, is what they would take on a machine with nothing else to do.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.store import capture
from gateway.app import running
from gateway.model.capture import Capture
from gateway.protocols import Options
from gateway.store import open_recorder

ROUNDS = 5
OLDER = 40  # pages that are followed back
STEPS = 200  # of each recording
ROUTES = """\
version: 1
environments: [dev, qa]
clusters:
  orders: {path: /api/orders, environment: qa, upstreams: {dev: "http://127.0.0.1:9", qa: "http://127.0.0.1:9"}}
  users: {path: /api/users, environment: qa, upstreams: {qa: "http://127.0.0.1:9"}}
"""
PAGES = {
    "live": "/_gateway/live",
    "live, status": "/_gateway/live?q=status:404",
    "live, several terms": "/_gateway/live?q=status:%3E%3D400+cluster:orders+-method:POST+took:%3C1s",
    "live, a word in bodies": "/_gateway/live?q=abcdefghij",
    "live, nothing found": "/_gateway/live?q=status:599",
    "recordings": "/_gateway/recordings",
    "recordings, status": "/_gateway/recordings?q=status:404",
    "recordings, cluster": "/_gateway/recordings?q=cluster:users",
    "a recording of 200": "/_gateway/recordings/@last",
    "statistics": "/_gateway/statistics",
}


def exchange(number: int) -> Capture:
    """One of many: every tenth is a 404, every seventh goes to users."""
    made = capture(number % STEPS + 1, number // STEPS)
    made.id, made.started_at = f"01JE{number:022}", time.time() - 86_400 + number * 0.5
    if number % 10 == 0:
        made.status, made.reason = 404, b"Not Found"
    if number % 7 == 0:
        made.cluster = "users"
    return made


async def fill(file: Path, count: int) -> None:
    recorder = open_recorder(file, seal=None)
    await recorder.start()
    for start in range(0, count, 2_000):
        safe = asyncio.Event()
        captures = [exchange(number) for number in range(start, min(start + 2_000, count))]
        for made in captures[:-1]:
            recorder.put(made)
        recorder.put(captures[-1], safe.set)
        await safe.wait()
    await recorder.stop()


async def measure(client: aiohttp.ClientSession, name: str, path: str) -> None:
    took, worked = [], []
    for _ in range(ROUNDS):
        began, busy = time.perf_counter(), time.process_time()
        async with client.get(path) as answer:
            size = len(await answer.read())
        took.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - busy) * 1000)
    figures = (
        f"{statistics.median(took):8.1f} ms  worst {max(took):8.1f} ms  processor {statistics.median(worked):8.1f} ms"
    )
    print(f"{name:<24} {answer.status}  {figures}  {size >> 10} KiB", flush=True)


async def page_on(client: aiohttp.ClientSession, name: str, path: str, query: str, pages: int) -> None:
    """From page to page by the cursor, as a reader does who presses "Older"."""
    took: list[float] = []
    cursor = ""
    while len(took) < pages and cursor is not None:
        asked = {"q": query} | ({"cursor": cursor} if cursor else {})
        began = time.perf_counter()
        async with client.get(path, params=asked) as answer:
            await answer.read()
        took.append((time.perf_counter() - began) * 1000)
        async with client.get(path + ".json", params=asked) as answer:
            cursor = (await answer.json())["next"]
    print(f"{name:<24} {len(took)} pages  {statistics.median(took):8.1f} ms  worst {max(took):8.1f} ms", flush=True)


async def main(count: int) -> None:
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        routes, file = Path(folder, "routes.yaml"), Path(folder, "r", "gateway.db")
        routes.write_text(ROUTES)
        began = time.perf_counter()
        await fill(file, count)
        print(f"{count} exchanges written in {time.perf_counter() - began:.1f} s")
        options = Options(routes, file, port=0, health_interval=0)
        async with running(options) as gateway, aiohttp.ClientSession(gateway.url) as client:
            for name, path in PAGES.items():
                await measure(client, name, path)
            for query in ("", "status:404", "status:404 cluster:users -method:GET"):
                for path in ("/_gateway/live", "/_gateway/recordings"):
                    await page_on(client, f"older: {path[10:]} {query[:12]}", path, query, OLDER)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))

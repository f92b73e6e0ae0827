"""What recording costs: `put` on the event loop, a row on the writer thread, and the wait of a lone client.

    python bench/store.py [EXCHANGES]

Prints figures and asserts nothing. Each line is the median of five rounds.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.model.capture import Capture
from gateway.store import SqliteRecorder, open_recorder

ROUNDS = 5
GROUP = 64  # connections whose exchanges end at about the same time


def capture(step: int, round: int) -> Capture:
    """1 KiB of JSON, different each time, with a dozen header fields."""
    made = Capture()
    made.id, made.recording, made.session, made.step = f"01JE{round:010}{step:012}", f"01JR{round:022}", "alice", step
    made.started_at, made.client = time.time(), "127.0.0.1"
    made.method, made.origin, made.target = b"GET", b"http://127.0.0.1:8080", b"/api/orders/orders/%d" % step
    made.request_headers = [
        (b"Host", b"127.0.0.1:8080"),
        (b"Accept", b"*/*"),
        (b"User-Agent", b"bench/1"),
        (b"X-A", b"b"),
    ]
    made.cluster, made.environment, made.upstream_url = "orders", "qa", f"http://127.0.0.1:9202/orders/{step}"
    made.routes_revision, made.status, made.reason, made.response_version = "f" * 64, 200, b"OK", "1.1"
    made.response_headers = [
        (b"Content-Type", b"application/json"),
        (b"Date", b"now"),
        (b"Server", b"x"),
        (b"ETag", b"y"),
    ]
    made.response_body = [b'{"id": %d, "text": "%s"}' % (step, b"abcdefghij" * 100)]
    made.response_size = len(made.response_body[0])
    made.begun, made.sent, made.first_byte, made.ended = 1.0, 1.001, 1.002, 1.003
    return made


async def put_and_row(recorder: SqliteRecorder, count: int, round: int) -> tuple[float, float, float]:
    """Microseconds per `put` (loop), per exchange in all, and per exchange of processor time."""
    captures = [capture(step, round) for step in range(1, count + 1)]
    left = count
    all_safe = asyncio.Event()

    def safe() -> None:
        nonlocal left
        left -= 1
        if not left:
            all_safe.set()

    putting = 0.0
    before, processor = time.perf_counter(), time.process_time()
    for at in range(0, count, GROUP):
        start = time.perf_counter()
        for made in captures[at : at + GROUP]:
            recorder.put(made, safe)
        putting += time.perf_counter() - start
        await asyncio.sleep(0)
    await all_safe.wait()
    while recorder.status().backlog:  # relaxed: safe is said before it is written
        await asyncio.sleep(0.001)
    took, worked = time.perf_counter() - before, time.process_time() - processor
    return putting / count * 1e6, took / count * 1e6, worked / count * 1e6


async def alone(recorder: SqliteRecorder, count: int, round: int) -> tuple[float, float]:
    """Milliseconds that one client waits for its record: median and 99th percentile."""
    waits = []
    for step in range(1, count + 1):
        safe = asyncio.get_running_loop().create_future()
        made = capture(step, round)
        start = time.perf_counter()
        recorder.put(made, lambda safe=safe: safe.set_result(None))
        await safe
        waits.append((time.perf_counter() - start) * 1e3)
    waits.sort()
    return waits[len(waits) // 2], waits[int(len(waits) * 0.99)]


async def measure(durability: str, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recorder = open_recorder(Path(folder, "gateway.db"), seal=None, durability=durability)
        await recorder.start()
        groups = [await put_and_row(recorder, count, round) for round in range(ROUNDS)]
        alones = [await alone(recorder, min(count, 300), 100 + round) for round in range(ROUNDS)]
        await recorder.stop()
    put, row, processor = map(statistics.median, zip(*groups, strict=True))
    half, tail = map(statistics.median, zip(*alones, strict=True))
    print(
        f"{durability:8} put {put:5.2f} us   exchange {row:5.1f} us, {processor:5.1f} us of processor   "
        f"alone {half:4.2f} ms, p99 {tail:4.2f} ms"
    )


if __name__ == "__main__":
    for name in ("strict", "relaxed", "fsync"):
        asyncio.run(measure(name, int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))

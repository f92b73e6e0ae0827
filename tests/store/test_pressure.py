"""When the writer falls behind: clients are slowed first; only a writer that stands still loses, and every loss counts.

Covers: store/batch.
"""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
from captures import a_capture

from gateway.store import SqliteRecorder, open_recorder, open_store
from gateway.store.batch import ROW

REC = "01JREC0000000000000000000A"
CLIENTS, EACH = 16, 12


async def clients(recorder: SqliteRecorder, first: int = 1, *, each: int = EACH, body: bytes = b"x" * 1000) -> int:
    """Sixteen clients in a closed loop: each waits for its record before it asks again. The longest queue, in bytes."""
    steps = iter(range(first, first + CLIENTS * each))
    longest = 0

    async def client() -> None:
        nonlocal longest
        for _ in range(each):
            safe = asyncio.get_running_loop().create_future()
            recorder.put(a_capture(next(steps), REC, response_body=[body]), lambda safe=safe: safe.set_result(None))
            longest = max(longest, recorder.status().backlog)
            await safe

    async with asyncio.timeout(30):
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return longest


@pytest.mark.parametrize("durability", ["strict", "relaxed"])
async def test_a_slow_writer_slows_its_clients_and_loses_nothing(path: Path, durability: str) -> None:
    def slow(capture):
        time.sleep(0.002)
        return capture

    limit = 40 * (ROW + 1000)  # far less than what the clients could send
    recorder = open_recorder(path, seal=slow, durability=durability, backlog=limit)
    await recorder.start()
    longest = await clients(recorder)
    await recorder.stop()
    status = recorder.status()
    assert (status.recorded, status.missed) == (CLIENTS * EACH, 0)
    assert longest <= min(limit, (CLIENTS + 1) * (ROW + 1000) + limit // 4)
    assert open_store(path).recording(REC).steps == CLIENTS * EACH


@pytest.mark.sqlite_only  # what a group that waits holds back differs by engine
async def test_a_writer_that_stands_still_lets_clients_go_and_counts_what_does_not_fit(path: Path) -> None:
    goes_on = threading.Event()

    def still(capture):
        goes_on.wait()
        return capture

    limit = 40 * (ROW + 1000)
    recorder = open_recorder(path, seal=still, backlog=limit)
    await recorder.start()
    longest = await clients(recorder)
    stuck = recorder.status()
    assert longest <= limit
    assert stuck.recorded == 0 and stuck.missed > 0 and stuck.backlog <= limit
    goes_on.set()
    longest = await clients(recorder, 1 + CLIENTS * EACH, each=1)
    await recorder.stop()
    status = recorder.status()
    assert status.recorded + status.missed == CLIENTS * (EACH + 1)
    assert open_store(path).recording(REC).steps == status.recorded

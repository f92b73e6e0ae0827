"""Workers and their owner killed under load, again and again: whatever a client got complete is recorded, once.

    python -m tests.workers.rounds [ROUNDS]        (make workers: 20 rounds of each kind)

Exits with 1 when something is lost, stands twice, or when a worker is not back within BACK seconds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from gateway.model.exchange import Exchange
from gateway.store import StoreReader, open_store

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from served import Served, served, upstream

BACK = 1.0  # seconds after which a killed worker's place is taken, on a machine that is not busy
KINDS = ("a worker", "the owner", "both")
LOAD = 1.5  # seconds of load before a kill
SESSIONS = 8


def children(process: int) -> list[int]:
    with suppress(OSError):
        return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def workers_of(gateway: Served) -> list[int]:
    """The processes that relay: a process of the owner forked them."""
    return [worker for child in children(gateway.process.pid) for worker in children(child)]


async def until_back(gateway: Served, killed: int) -> float:
    """How long it takes until there are two again."""
    begun = time.monotonic()
    async with asyncio.timeout(30):
        while len([one for one in workers_of(gateway) if one != killed]) < 2:
            await asyncio.sleep(0.01)
        await gateway.page("/_gateway/healthz")
    return time.monotonic() - begun


async def load(gateway: Served, first: int) -> None:
    """Eight clients with a session each, over connections that they open anew when one breaks."""

    async def client(number: int) -> None:
        at = first + number
        while True:
            with suppress(OSError, asyncio.IncompleteReadError, AssertionError):
                reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
                try:
                    while True:
                        await gateway.call(at, reader, writer, b"client-%d" % number)
                        at += SESSIONS
                finally:
                    writer.close()
            at += SESSIONS
            if gateway.process.returncode is not None:
                return
            await asyncio.sleep(0.02)

    await asyncio.gather(*map(client, range(SESSIONS)))


async def one_round(folder: Path, kind: str, number: int) -> tuple[list[str], float]:
    """(what is wrong, seconds until a worker was back)."""
    took = 0.0
    async with served(folder, "--workers", "2", path=folder / f"{number}" / "gateway.db") as gateway:
        working = asyncio.create_task(load(gateway, number * 1_000_000))
        await asyncio.sleep(LOAD)
        workers = workers_of(gateway)
        if kind != "the owner":
            os.kill(workers[number % 2], signal.SIGKILL)
            if kind == "a worker":
                took = await until_back(gateway, workers[number % 2])
                await asyncio.sleep(LOAD)
        gateway.process.send_signal(signal.SIGKILL)
        await gateway.process.wait()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    return check(gateway), took


def check(gateway: Served) -> list[str]:
    """What is wrong with the file, in which the next reader finds what the journal holds as well."""
    found: dict[str, int] = {}
    wrong: list[str] = []
    with closing(open_store(gateway.path)) as store:
        for recording in store.recordings(limit=100).items:
            steps = []
            for exchange in exchanges_of(store, recording.id):
                steps.append(exchange.step)
                found[exchange.id.upper()] = int(exchange.path.rpartition("/")[2])
            if len(set(steps)) != len(steps):
                wrong.append(f"{recording.session}: a step stands twice")
    lost = [number for number, id in gateway.got.items() if found.get(id) != number]
    if lost:
        wrong.append(f"{len(lost)} of {len(gateway.got)} lost: {lost[:5]}")
    if not gateway.sound():
        wrong.append("the file is damaged")
    if len(gateway.got) < 10:
        wrong.append(f"only {len(gateway.got)} exchanges")
    return wrong


def exchanges_of(store: StoreReader, recording: str) -> Iterator[Exchange]:
    cursor = None
    while True:
        page = store.exchanges(recording, cursor=cursor)
        yield from page.items
        if (cursor := page.next) is None:
            return


async def main(rounds: int) -> int:
    failed = False
    for kind in KINDS:
        took: list[float] = []
        for number in range(rounds):
            with tempfile.TemporaryDirectory() as name:
                async with upstream(Path(name)) as folder:
                    wrong, seconds = await one_round(folder, kind, number)
            failed |= bool(wrong)
            took.append(seconds)
            for line in wrong:
                print(f"{kind}, round {number}: {line}", flush=True)
        print(f"{kind}: {rounds} rounds, back after {max(took):.2f} s at the most", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int((sys.argv[1:] or ["20"])[0]))))

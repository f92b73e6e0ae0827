"""How long differences take, and how long a busy event loop waits meanwhile.

    python bench/differences.py

A pair of JSON documents of 5 MiB with 500 changed members and ten items missing: items with keys, the same shuffled,
items without keys. Two recordings of 1,000 steps, one of them with a step inserted and 100 steps that fail. Wall times;
the comparisons run on a thread, as they do in the gateway, and `waited` is the longest that the loop was held up.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.correlation import correlate
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response
from gateway.replay.compare import compare_runs
from gateway.replay.differences.difference import diff

ITEMS = 27_000  # about 5 MiB of JSON


def an_exchange(body: Any, *, step: int = 1, target: str = "/x", status: int = 200) -> Exchange:
    data = json.dumps(body).encode()
    answer = Response("1.1", (("Content-Type", "application/json"),), Body(len(data), data), status=status)
    started = f"2026-01-01T00:{step // 60 % 60:02d}:{step % 60:02d}.000000Z"
    return Exchange(
        f"X{step}{target}", "R", step, "s", started, f"http://h{target}", Request(target=target), answer,
        status=status, cluster="c", environment="qa",
    )  # fmt: skip


def documents(kind: str) -> tuple[Exchange, Exchange]:
    """A pair: "keyed", "shuffled" or "without keys"."""
    chance = random.Random(1)
    before: list[dict[str, Any]] = [
        {"id": n, "name": f"item {n}", "tags": ["a", "b", str(n % 7)], "price": n * 1.5,
         "nested": {"x": n, "y": [n, n + 1]}, "text": "lorem ipsum dolor sit amet " * 2}
        for n in range(ITEMS)
    ]  # fmt: skip
    after = json.loads(json.dumps(before))
    for index in chance.sample(range(ITEMS), 500):
        after[index]["price"] += 1
    del after[100:110]
    if kind == "shuffled":
        chance.shuffle(after)
    for item in (*before, *after) if kind == "without keys" else ():
        del item["id"], item["name"]
    return an_exchange(before), an_exchange(after)


def recordings() -> tuple[list[Exchange], list[Exchange]]:
    chance = random.Random(1)
    one = [
        an_exchange(
            {"id": n, "items": [{"id": j, "v": chance.random()} for j in range(20)]}, step=n, target=f"/o/{n}/i"
        )
        for n in range(1, 1001)
    ]
    other = [replace(each, step=each.step + (each.step > 500)) for each in one]
    other.insert(500, an_exchange({}, step=501, target="/extra"))
    for index in chance.sample(range(1000), 100):
        step = other[index]
        other[index] = an_exchange({"id": index}, step=step.step, target=step.request.target, status=500)
    return one, other


async def timed(work: Callable[[], object]) -> tuple[float, float, Any]:
    """(seconds, the longest that the event loop was held up, what came)."""
    longest, done = 0.0, False

    async def beat() -> None:
        nonlocal longest
        while not done:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before - 0.001)

    task = asyncio.create_task(beat())
    begun = time.perf_counter()
    found = await asyncio.to_thread(work)
    took, done = time.perf_counter() - begun, True
    await task
    return took, longest, found


async def main() -> None:
    print("\ndifferences            took     waited")
    for kind in ("keyed", "shuffled", "without keys"):
        one, other = documents(kind)
        assert one.response is not None
        took, waited, found = await timed(lambda one=one, other=other: diff(one, other))
        size = one.response.body.size / (1 << 20)
        print(f"{size:.1f} MiB {kind:<14} {took:5.2f} s  {waited * 1000:6.1f} ms   {len(found)} differences")
    first, second = recordings()
    took, waited, found = await timed(lambda: compare_runs("a", "b", first, second, correlate(first)))
    print(f"two of 1,000 steps     {took:5.2f} s  {waited * 1000:6.1f} ms   {found.outcome}")


if __name__ == "__main__":
    asyncio.run(main())

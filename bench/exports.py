"""How long each format takes for a recording of 1,000 exchanges, and each diagram of two such recordings.

    python bench/exports.py [EXCHANGES]

Times are CPU seconds: other programs on the machine do not count. Exits with 1 where one takes more than 5 s.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.correlation import correlate
from gateway.diagrams import WRITERS, changes
from gateway.export import FORMATS, files
from gateway.model.exchange import Exchange, Timing
from gateway.model.message import Body, Request, Response
from gateway.model.recording import Recording
from gateway.replay.compare import compare_runs

LIMIT = 5.0  # seconds
JSON = (("Content-Type", "application/json"),)


def recording(count: int) -> tuple[Recording, list[Exchange]]:
    """Purchases one after the other: find a book, order it, ask five times for the receipt, pay, ask again."""
    steps: list[Exchange] = []
    while len(steps) < count:
        order = f"ord-{1000 + len(steps)}-{len(steps) * 7919 % 9973}"
        chain = [("GET", "catalogue", f"/books/978-{len(steps) % 7}", 200, {"title": "x" * 400, "price": 12.5})]
        chain += [("POST", "orders", "/orders", 201, {"order_id": order, "total": 12.5})]
        chain += [("GET", "orders", f"/orders/{order}/receipt", 404, {"detail": "not paid"})] * 5
        chain += [("POST", "payments", f"/orders/{order}/payments", 201, {"state": "paid"})]
        chain += [("GET", "orders", f"/orders/{order}/receipt", 200, {"total": 12.5})]
        steps += [exchange(len(steps) + 1 + at, *each) for at, each in enumerate(chain)]
    return Recording("01JBENCH", "Purchases", "s", started_at=steps[0].started_at, steps=count), steps[:count]


def exchange(step: int, method: str, cluster: str, path: str, status: int, answer: object) -> Exchange:
    body, target = json.dumps(answer).encode(), f"/api/{cluster}{path}"
    sent = Body(2, b"{}") if method == "POST" else Body()
    return Exchange(
        f"01J{step:023d}", "01JBENCH", step, "s", f"2026-11-22T06:{step // 60 % 60:02d}:{step % 60:02d}.000000Z",
        f"http://127.0.0.1:8080{target}", Request(method=method, target=target, headers=JSON, body=sent),
        Response(status=status, headers=JSON, body=Body(len(body), body)), status, cluster, "qa",
        timing=Timing(total_ms=12.0),
    )  # fmt: skip


def main(count: int) -> int:
    run = recording(count)
    found = {name: timed(lambda name=name: files(FORMATS[name], [run], version="1")) for name in FORMATS}
    pairs = compare_runs("a", "b", run[1], [*run[1][:50], *run[1][60:]], correlate(run[1])).steps
    found |= {f"diff as {name}": timed(lambda name=name: WRITERS[name](changes("a", "b", pairs))) for name in WRITERS}
    print(f"{count} exchanges, CPU seconds")
    for name, seconds in found.items():
        print(f"  {name:<18} {seconds:6.2f}{'  more than 5 s' if seconds > LIMIT else ''}")
    return int(max(found.values()) > LIMIT)


def timed(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))

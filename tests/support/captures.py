"""Factories of captures and waiting for the recorder, for tests of the store and of what reads it."""

from __future__ import annotations

import asyncio
from typing import Any
from zlib import crc32

from gateway.model.capture import Capture
from gateway.store import SqliteRecorder

BEGUN = 1_763_791_200.0  # 2025-11-22T06:00:00Z


def a_capture(step: int = 1, recording: str = "01JREC0000000000000000000A", **facts: Any) -> Capture:
    """A finished GET of the orders cluster in qa; `facts` overrides any of it."""
    capture = Capture()
    usual: dict[str, Any] = {
        "id": f"01JEX{crc32(recording.encode()):010}{step:011}",
        "recording": recording,
        "session": "alice",
        "step": step,
        "started_at": BEGUN + step,
        "client": "127.0.0.1",
        "method": b"GET",
        "origin": b"http://127.0.0.1:8080",
        "target": b"/api/orders/orders?x=%d" % step,
        "request_headers": [(b"Host", b"127.0.0.1:8080"), (b"Accept", b"*/*")],
        "cluster": "orders",
        "environment": "qa",
        "upstream_url": f"http://127.0.0.1:9202/orders?x={step}",
        "routes_revision": "f" * 64,
        "status": 200,
        "reason": b"OK",
        "response_version": "1.1",
        "response_headers": [(b"Content-Type", b"application/json")],
        "response_body": [b'{"id": %d}' % step],
        "begun": 100.0,
        "sent": 100.001,
        "first_byte": 100.010,
        "ended": 100.012,
    }
    for name, value in (usual | facts).items():
        setattr(capture, name, value)
    if "response_size" not in facts:
        capture.response_size = sum(map(len, capture.response_body))
    if "request_size" not in facts:
        capture.request_size = sum(map(len, capture.request_body))
    return capture


async def recorded(recorder: SqliteRecorder, *captures: Capture) -> None:
    """Put captures and wait until each is safe."""
    loop = asyncio.get_running_loop()
    waits = []
    for capture in captures:
        safe: asyncio.Future[None] = loop.create_future()
        recorder.put(capture, lambda safe=safe: safe.set_result(None))
        waits.append(safe)
    async with asyncio.timeout(20):
        await asyncio.gather(*waits)

"""A token that was sealed before a restart is sealed after it, under a name that does not tell.

Covers: app.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from served import served, upstream

from gateway.store import open_store

TOKEN = "Jx7Qa9-Lm2Kp4Wz8Rt6Yb3Nd"


async def call(port: int, number: int, header: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET /api/orders/{number} HTTP/1.1\r\nHost: 127.0.0.1\r\nGateway-Session: s\r\n{header}Connection: close\r\n\r\n"
    writer.write(head.encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_tokens_are_known_after_a_restart(tmp_path: Path) -> None:
    async with upstream(tmp_path) as folder:
        async with served(folder) as gateway:
            await call(gateway.port, 1, f"Authorization: Bearer {TOKEN}\r\n")
            gateway.process.terminate()
            await gateway.process.wait()
        async with served(folder) as gateway:
            await call(gateway.port, 2, f"X-Upload: {TOKEN}\r\n")
            store = open_store(gateway.path)
            first, second = store.exchanges(store.recording("@last").id).items
            store.close()
    sealed = dict(first.request.headers)["Authorization"].partition(" ")[2]
    assert sealed.startswith("sealed_")
    assert dict(second.request.headers)["X-Upload"] == sealed

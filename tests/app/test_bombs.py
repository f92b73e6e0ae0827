"""Bodies that unpack to a thousand times their size: recorded as they passed, and nobody who reads them suffers."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from serving import serving

from gateway.export import FORMATS

ROUTES = """\
version: 1
environments: [qa]
clusters:
  shop: {{path: /api/shop, environment: qa, upstreams: {{qa: "{url}"}}}}
"""
PAGE, FILE = 1 << 20, 40 << 20  # bytes of a page, and of an export that has the body


@pytest.mark.parametrize(
    ("size", "more"), [(64 << 20, b', "password": "s3cret-7Zq9x8Kw2"'), (9 << 20, b"")], ids=["sealed", "readable"]
)
async def test_a_bomb_is_stored_searched_shown_and_exported_within_bounds(
    tmp_path: Path, aiohttp_server, size: int, more: bytes
) -> None:
    bomb = gzip.compress(b'{"zeros": "' + b"0" * size + b'"' + more + b"}", 9)

    async def answer(request: web.Request) -> web.Response:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return web.Response(body=bomb, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    upstream = await aiohttp_server(app)
    routes = ROUTES.format(url=f"http://127.0.0.1:{upstream.port}")
    async with serving(tmp_path, routes) as gateway, ClientSession(auto_decompress=False) as client:
        async with client.get(f"{gateway.url}/api/shop/bomb") as got:
            assert await got.read() == bomb
        store = gateway.services.store
        recording = (await asyncio.to_thread(store.recordings)).items[0].id
        async with asyncio.timeout(20):
            while (await asyncio.to_thread(store.statistics)).unindexed:
                await asyncio.sleep(0.05)
        held = await asyncio.to_thread(store.statistics)
        assert held.stored_body_bytes < 2 * len(bomb)
        exchange = (await asyncio.to_thread(store.exchanges, recording)).items[0]
        pages = [f"recordings/{recording}", f"exchanges/{exchange.id}", f"diff?a={recording}/1&b={recording}/1"]
        pages += [f"api/v1/recordings/{recording}/correlations", "live?q=zeros"]
        exports = [f"api/v1/recordings/{recording}/export?as={name}" for name in FORMATS]
        exports += [f"api/v1/exchanges/{exchange.id}", f"api/v1/recordings/{recording}/exchanges"]
        for path in pages + exports:
            async with client.get(f"{gateway.url}/_gateway/{path}", headers={"Accept": "text/html"}) as got:
                text = await got.read()
            assert got.status == 200, path
            assert len(text) < (FILE if path in exports else PAGE), path

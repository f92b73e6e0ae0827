"""A damaged recordings file under a whole gateway: a clear sentence, never a traceback, and nothing is overwritten."""

from __future__ import annotations

import logging
import random
import shutil

import aiohttp
import pytest
from aiohttp import web
from serving import serving

from gateway.errors import GatewayError

ROUTES = 'version: 1\nenvironments: [dev]\nclusters:\n  a: {{path: /a, environment: dev, upstreams: {{dev: "http://127.0.0.1:{port}"}}}}\n'
PAGE = 8192
READS = (
    "/_gateway/", "/_gateway/recordings", "/_gateway/api/v1/recordings", "/_gateway/api/v1/recordings?q=body:word", "/_gateway/api/v1/routes/history",
    "/_gateway/audit", "/_gateway/readyz", "/_gateway/api/v1/recordings/@last/exchanges", "/_gateway/recordings/@last",
)  # fmt: skip


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A file with some recordings, made once."""
    import asyncio

    folder = tmp_path_factory.mktemp("good")

    async def record():
        app = web.Application()

        async def answer(request):
            return web.json_response({"word": "word " * 2000, "path": request.path})

        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        async with serving(folder, ROUTES.format(port=port)) as gateway, aiohttp.ClientSession() as http:
            for number in range(60):
                async with http.get(
                    f"{gateway.url}/a/{number}", headers={"Gateway-Session": f"s{number % 5}"}
                ) as reply:
                    await reply.read()
        await runner.cleanup()

    asyncio.run(record())
    return folder / "recordings"


def damaged(data: bytearray, how: str, rng: random.Random) -> bytes:
    pages = len(data) // PAGE
    if how == "cut":
        return bytes(data[: rng.randrange(PAGE, len(data) - 100)])
    some = {"many": pages // 3, "one": 1}.get(how, pages // 12)
    chosen = rng.sample(range(1, pages), max(1, some))
    for page in chosen:
        start = page * PAGE + (0 if how in ("heads", "many") or rng.random() < 0.3 else rng.randrange(PAGE - 200))
        data[start : start + rng.choice((8, 64, 180))] = rng.choice((b"\0", b"\xff", b"\r")) * rng.choice((8, 64, 180))
    return bytes(data[: pages * PAGE])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("how", ["heads", "cells", "many", "cut", "one"])
async def test_damage_is_told_in_words(tmp_path, good, how, seed, caplog):
    shutil.copytree(good, tmp_path / "recordings")
    file = tmp_path / "recordings" / "gateway.db"
    rng = random.Random(f"{how}{seed}")
    before = damaged(bytearray(file.read_bytes()), how, rng)
    file.write_bytes(before)
    caplog.set_level(logging.WARNING)
    try:
        async with serving(tmp_path, ROUTES.format(port=9)) as gateway, aiohttp.ClientSession() as http:
            for path in READS:
                async with http.get(gateway.url + path) as reply:
                    text = await reply.text()
                    assert reply.status != 500 and "Traceback" not in text, (path, reply.status, text[:300])
            async with http.get(f"{gateway.url}/a/traffic") as reply:
                assert reply.status == 502, "traffic goes on"
    except GatewayError as error:
        assert "damaged" in str(error) and "gateway doctor --repair" in str(error)
        assert file.read_bytes() == before, "what may be saved is not touched"
    assert not [record for record in caplog.records if record.exc_info], "no traceback in the log"

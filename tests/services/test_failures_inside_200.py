"""A mutation that is answered with errors inside a 200, where it was answered with data before: the replay differs.

Covers: services/replay.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from serving import serving

FINE = {"data": {"pay": {"id": "7"}}}
GOOD = {
    "graphql": ({"query": "mutation Pay { pay(order: 7) { id } }"}, FINE, {"data": None, "errors": [{"message": "card declined"}]}),
    "partly": ({"query": "mutation Pay { pay(order: 7) { id } }"}, FINE, FINE | {"errors": [{"message": "no receipt"}]}),
    "json-rpc": (
        {"jsonrpc": "2.0", "method": "pay", "id": 1}, {"jsonrpc": "2.0", "id": 1, "result": "ok"},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -3, "message": "card declined"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", GOOD)
async def test_the_replay_differs_and_the_command_exits_with_1(kind, tmp_path):
    sent, before, now = GOOD[kind]
    answers = [before, now]

    async def pay(_request: web.Request) -> web.Response:
        return web.json_response(answers.pop(0))

    application = web.Application()
    application.router.add_post("/", pay)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    routes = (
        f"version: 1\nenvironments: [qa]\nclusters:\n  pay: {{path: /api/pay, environment: qa, writes: ask, "
        f'upstreams: {{qa: "http://127.0.0.1:{port}"}}}}\n'
    )
    async with serving(tmp_path, routes) as gateway:
        async with aiohttp.ClientSession(headers={"Gateway-Session": "ada"}) as client:
            async with client.post(f"{gateway.url}/api/pay/", json=sent) as response:
                assert response.status == 200
                await response.read()
        code, output = await replayed(tmp_path, gateway.url)
    await runner.cleanup()
    result = json.loads(output)
    (step,) = result["steps"]
    assert (result["outcome"], step["outcome"], step["status"], step["recorded_status"]) == (
        "differs",
        "differs",
        200,
        200,
    )
    assert code == 1


async def replayed(folder: Path, url: str) -> tuple[int | None, bytes]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "replay", "@last", "--yes", "--json", "--url", url, cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode, output

"""A look before the meeting: ready where all is well; else what is wrong, and what to play offline. Nothing is written.

Covers: cli/replay/preflight.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from base64 import urlsafe_b64encode

import aiohttp
import pytest
from bookshop import a_shop, buy_carefully

from gateway.cli.main import main


async def look(shop, client, body=None):
    async with client.post(f"/_gateway/api/v1/recordings/{shop.recording}/preflight", json=body or {}) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


def told(found, *states):
    return [(one["kind"], one["what"], one["steps"]) for one in found["checks"] if one["state"] in states]


def changed(shop, tmp_path, old, new):
    """Save routes.yaml, and wait until it is in force."""
    file = tmp_path / "routes.yaml"
    before = shop.gateway.services.routes.table.revision
    file.write_text(file.read_text().replace(old, new))

    async def waiting():
        async with asyncio.timeout(10):
            while shop.gateway.services.routes.table.revision == before:
                await asyncio.sleep(0.02)

    return waiting()


async def test_it_is_ready_where_everything_is_as_it_was(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        found = await look(shop, client)
        assert found["ready"] and found["offline"] == {"clusters": [], "steps": []}
        assert ("answer", "GET /api/catalogue/books/978-1", [2]) in told(found, "ok")
        assert {one["what"] for one in found["checks"] if one["kind"] == "health"} == {
            "users@qa", "catalogue@qa", "orders@qa", "payments@qa",
        }  # fmt: skip
        assert len(shop.samples.shops["qa"].orders) == 1, "nothing was written"
        methods = {one.method for one in shop.gateway.services.store.exchanges(found["recording"]).items}
        assert methods == {"GET"}


async def test_a_move_is_told_and_what_does_not_answer_there_goes_offline(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        await client.post("/_gateway/api/v1/routes/catalogue/move", json={"environment": "test"})
        found = await look(shop, client)
        assert not found["ready"] and found["offline"] == {"clusters": ["catalogue"], "steps": [2]}
        moved = next(one for one in found["checks"] if one["kind"] == "route")
        assert moved["message"].startswith("recorded on qa, now sent to test; moved 2")
        assert moved["message"].endswith("by api") or "by " in moved["message"]
        bad = next(one for one in found["checks"] if one["state"] == "bad")
        assert bad["message"].startswith("404 only on catalogue@test: the same request answers 200 on catalogue@qa.")
        assert (await look(shop, client, {"to": ["catalogue=qa"]}))["ready"]


async def test_an_upstream_that_is_down_and_writes_that_are_never_sent(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        await changed(shop, tmp_path, shop.samples.urls["catalogue"]["qa"], "http://127.0.0.1:1")
        await changed(shop, tmp_path, "    path: /api/payments", "    path: /api/payments\n    writes: never")
        found = await look(shop, client)
        assert ("health", "catalogue@qa", [2]) in told(found, "bad")
        assert ("writes", "step 5", [5]) in told(found, "bad"), "a run would send nothing at all"
        assert ("route", "catalogue@qa", [2]) in told(found, "warning"), "its upstream is another one"
        assert found["offline"] == {"clusters": ["catalogue", "payments"], "steps": [2, 5]}


async def test_ids_that_are_gone_warn_where_a_live_run_makes_its_own(tmp_path):
    async with a_shop(tmp_path, buying=buy_carefully) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        shop.samples.shops["qa"].orders.clear()
        found = await look(shop, client)
        assert found["ready"], "the orders of a live run are its own"
        assert any("a live run has its own" in one["message"] for one in found["checks"])


def a_token(expires):
    head, claims = (
        urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in ({"alg": "x"}, {"exp": expires})
    )
    return f"{head}.{claims}.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("seconds", "ready", "words"), [(-7200, False, "expired 2 hours ago"), (600, True, "expires in"), (9000, True, "")]
)
async def test_tokens_that_are_over_or_nearly_so(tmp_path, seconds, ready, words):
    async def buying(url):
        me = {"Authorization": f"Bearer {a_token(int(time.time()) + seconds)}", "Gateway-Session": "ada"}
        async with aiohttp.ClientSession(url, headers=me) as client:
            await client.get("/api/catalogue/books/978-1")

    async with a_shop(tmp_path, buying=buying) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        found = await look(shop, client)
        tokens = [one["message"] for one in found["checks"] if one["kind"] == "token"]
        assert found["ready"] is ready and (words in tokens[0] if words else not tokens)


async def test_the_command_and_the_page(tmp_path, capsys):
    async with a_shop(tmp_path) as shop:
        where = ["-r", str(tmp_path / "r" / "gateway.db"), "-c", str(tmp_path / "routes.yaml")]
        assert await asyncio.to_thread(main, ["preflight", shop.recording, *where]) == 0
        assert capsys.readouterr().out.rstrip().endswith("ready")
        shop.samples.shops["qa"].books.clear()
        assert await asyncio.to_thread(main, ["preflight", shop.recording, *where]) == 1
        out = capsys.readouterr().out
        assert "better played from the recording: catalogue (steps 2)" in out and out.rstrip().endswith("not ready")
        page = f"/_gateway/recordings/{shop.recording}"
        async with aiohttp.ClientSession(shop.gateway.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            text = await (await client.get(f"{page}?tab=export", headers={"Accept": "text/html"})).text()
            token = re.search(r'name="csrf_token" value="([^"]+)"', text)[1]
            async with client.post(f"{page}/preflight", data={"csrf_token": token}) as answer:
                assert "Not ready" in (shown := await answer.text()) and "Answer from the recording:" in shown
            twin = await (await client.get(f"{page}/preflight.json")).json()
            assert twin["look"]["ready"] is False

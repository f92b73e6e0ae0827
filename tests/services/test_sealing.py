"""Revealing on the exchange's page: deliberate, with a reason, never at an address, and in the audit."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from aiohttp import ClientSession, CookieJar, web
from serving import serving

TOKEN = "tok-5f0e7a91b2c34d"
ROUTES = """\
version: 1
environments: [qa]
clusters:
  orders: {{path: /api/orders, environment: qa, upstreams: {{qa: "{url}"}}}}
"""


async def test_the_exchange_page_reveals_only_to_its_own_form_and_with_a_reason(tmp_path: Path, aiohttp_server) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"access_token": TOKEN, "pin": 90210})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    upstream = await aiohttp_server(app)
    routes = ROUTES.format(url=f"http://127.0.0.1:{upstream.port}")
    async with serving(tmp_path, routes) as gateway, ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        async with browser.get(f"{gateway.url}/api/orders/1", headers={"Accept": "text/html"}) as got:
            id = got.headers["Gateway-Exchange"]
        page = f"{gateway.url}/_gateway/exchanges/{id}"
        async with browser.get(page, headers={"Accept": "text/html"}) as got:
            text = await got.text()
        assert TOKEN not in text and "90210" not in text
        csrf = re.search(r'name="csrf_token" value="([^"]+)"', text)[1]
        for form in ({"why": "x"}, {"why": "x", "csrf_token": "0" * 64}):
            async with browser.post(f"{page}/reveal", data=form) as got:
                assert got.status == 403 and TOKEN not in await got.text()
        async with browser.post(f"{page}/reveal", data={"why": " ", "csrf_token": csrf}) as got:
            assert got.status == 400 and TOKEN not in await got.text()
        async with browser.get(f"{page}/reveal") as got:
            assert got.status == 405
        assert (await asyncio.to_thread(gateway.services.store.audit)).items == ()
        async with browser.post(f"{page}/reveal", data={"why": "ticket 9", "csrf_token": csrf}) as got:
            assert got.status == 200 and got.headers["Cache-Control"] == "no-store"
            text = await got.text()
        assert TOKEN in text and "90210" in text
        entry = (await asyncio.to_thread(gateway.services.store.audit)).items[0]
        assert (entry.action, entry.source, entry.who.address) == ("reveal", "console", "127.0.0.1")
        assert entry.detail.endswith(": ticket 9") and TOKEN not in entry.detail
        async with browser.get(f"{gateway.url}/_gateway/audit") as got:
            assert "ticket 9" in await got.text()


async def test_rules_that_could_stop_the_recorder_are_refused(tmp_path: Path, aiohttp_server) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response([{"a": "a" * 40}])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    upstream = await aiohttp_server(app)
    routes = ROUTES.format(url=f"http://127.0.0.1:{upstream.port}")
    async with serving(tmp_path, routes) as gateway, ClientSession() as client:
        async with client.get(f"{gateway.url}/api/orders/1"):
            recording = (await asyncio.to_thread(gateway.services.store.recordings)).items[0].id
        for path, said in (("$[?match(@.a, '(a+)+b')]", "uses match()"), ("$[", "is no JSONPath")):
            url = f"{gateway.url}/_gateway/api/v1/recordings/{recording}/redact"
            async with client.post(url, json={"json": [path]}) as got:
                assert got.status == 400 and said in (await got.json())["detail"]


async def test_a_rotation_under_traffic_begins_new_recordings_and_keeps_sessions(
    tmp_path: Path, aiohttp_server
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"access_token": TOKEN})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    upstream = await aiohttp_server(app)
    routes = ROUTES.format(url=f"http://127.0.0.1:{upstream.port}")
    async with serving(tmp_path, routes) as gateway, ClientSession() as client:
        named = {"Gateway-Session": "alice"}
        for _ in range(2):
            async with client.get(f"{gateway.url}/api/orders/1", headers=named) as got:
                assert got.status == 200
            async with client.post(f"{gateway.url}/_gateway/api/v1/keys/rotate", json={}) as got:
                assert (await got.json())["lost"] == 0
        store = gateway.services.store
        found = (await asyncio.to_thread(store.recordings, "session:alice")).items
        assert [one.steps for one in found] == [1, 1]
        known = [gateway.services.secrets(one.id) for one in found]
        assert [list(one.values()) for one in known] == [[TOKEN], [TOKEN]]
        assert known[0].keys() != known[1].keys()

"""Live beside the recording, with a real gateway: guarded, edited, slow, and back again."""

import asyncio
import html
import re

import aiohttp
import pytest
from aiohttp import web
from serving import serving

from gateway.console import presenter

ROUTES = """\
version: 1
environments: [qa]
clusters:
  shop:
    path: /api/shop
    environment: qa
    upstreams: {{qa: "http://127.0.0.1:{port}"}}
"""


class Shop:
    def __init__(self):
        self.number, self.slow = 100, 0.0

    async def answer(self, request):
        await asyncio.sleep(self.slow)
        if request.method == "POST":
            self.number += 1
            return web.json_response({"id": self.number, **await request.json()}, status=201)
        return web.json_response({"path": request.path})


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
async def stage(tmp_path, shop, aiohttp_server):
    """(the presenter's browser, the address of the show)."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", shop.answer)
    routes = ROUTES.format(port=(await aiohttp_server(app)).port)
    async with serving(tmp_path, routes) as gateway:
        async with aiohttp.ClientSession(headers={"Gateway-Session": "meeting"}) as http:
            async with http.post(f"{gateway.url}/api/shop/orders", json={"qty": 1}) as answer:
                id = (await answer.json())["id"]
            async with http.get(f"{gateway.url}/api/shop/orders/{id}") as answer:
                assert answer.status == 200
            async with http.get(f"{gateway.url}/_gateway/api/v1/session") as answer:
                recording = (await answer.json())["recording"]
        headers = {"Accept": "text/html", "Gateway-Session": "presenter"}
        async with aiohttp.ClientSession(gateway.url, headers=headers) as browser:
            yield browser, f"/_gateway/present/{recording}"


async def page(browser, path):
    async with browser.get(path) as answer:
        assert answer.status == 200
        return html.unescape(await answer.text())


async def send(browser, root, slide, **fields):
    token = re.search(r'name="csrf_token" value="(\w+)"', await page(browser, f"{root}/1"))[1]
    data = {"csrf_token": token, "slide": str(slide), "edits": "", "do": "go", **fields}
    async with browser.post(f"{root}/live", data=data) as answer:
        return answer.status, html.unescape(await answer.text())


async def test_up_to_a_step_it_is_sent_and_the_values_are_this_run_s(stage):
    browser, root = stage
    status, shown = await send(browser, root, 2, yes="yes")
    assert status == 200
    assert "LIVE on " in shown
    assert '"path": "/orders/102"' in shown
    assert '"id": 102' in await page(browser, f"{root}/1"), "the step before is live, too"
    _, shown = await send(browser, root, 2, do="stop")
    assert "LIVE on " not in shown
    assert '"path": "/orders/102"' not in shown


async def test_a_step_is_sent_otherwise(stage):
    browser, root = stage
    _, shown = await send(browser, root, 1, yes="yes", edits="json:/qty=25")
    assert '"qty": 25' in shown
    status, shown = await send(browser, root, 2, yes="yes", edits="nonsense")
    assert status == 400
    assert "nonsense" in shown


async def test_a_guarded_write_is_not_sent_and_the_recorded_answer_stands_in(stage, shop):
    browser, root = stage
    _, shown = await send(browser, root, 1)
    assert shop.number == 101
    assert "LIVE on " not in shown
    assert "from the recording, because" in shown
    assert '"id": 101' in shown
    assert "from the recording, because" not in await page(browser, f"{root}/2"), "that was another step"


async def test_what_takes_too_long_does_not_hold_up_the_show(stage, shop, monkeypatch):
    browser, root = stage
    monkeypatch.setattr(presenter, "PATIENCE", 0.3)
    shop.slow = 2.0
    _, shown = await send(browser, root, 1, yes="yes")
    assert "no answer within 0.3 s" in shown
    assert '"id": 101' in shown
    shop.slow = 0.0


async def test_others_are_not_live_with_it(stage):
    browser, root = stage
    await send(browser, root, 2, yes="yes")
    async with browser.get(f"{root}/2", headers={"Gateway-Session": "somebody else"}) as answer:
        assert "LIVE on " not in await answer.text()

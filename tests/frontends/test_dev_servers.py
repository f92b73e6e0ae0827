"""A page from Vite's or Angular's own server, with the gateway behind it: in Chromium and in Firefox."""

from __future__ import annotations

import asyncio

import pytest
from web_pages import BROWSERS, click, shows, text_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

START = " ".join(["dev"] * 6)


async def page_sessions(call) -> list[dict]:
    """The sessions that called the shop."""
    return [one for one in (await call("GET", "sessions"))["items"] if one["steps"]]


@pytest.mark.parametrize("browser", BROWSERS)
@pytest.mark.parametrize("server", ["vite", "angular"])
async def test_a_page_behind_a_dev_server_is_one_recording_and_follows_the_operator(
    server, browser, dev_servers, shop_gateway, tmp_path
):
    gateway, call = shop_gateway
    async with dev_servers.running(server, gateway) as url, BROWSERS[browser](tmp_path) as page:
        await page.open(url)
        await shows(page, START)
        recordings = (await call("GET", "recordings"))["items"]
        assert [one["steps"] for one in recordings] == [6], "one page load, one recording"

        await call("POST", "routes/shop/move", {"environment": "test"})
        await click(page, "#again")
        await shows(page, "now test")

        (session,) = await page_sessions(call)
        await call("PUT", f"sessions/{session['session']}/pins/shop", {"environment": "dev"})
        await click(page, "#again")
        await shows(page, "now dev")

        await call("PUT", f"sessions/{session['session']}/faults/shop", {"status": 503})
        await click(page, "#again")
        await shows(page, "now 503")
        await call("DELETE", f"sessions/{session['session']}/faults/shop")
        await click(page, "#again")
        await shows(page, "now dev")
        assert len((await call("GET", "recordings"))["items"]) == 1


@pytest.mark.parametrize("browser", BROWSERS)
async def test_the_console_joins_a_page_of_another_origin(browser, dev_servers, shop_gateway, tmp_path):
    """The page calls the gateway itself, by another name than the console has: `fetch` sends no cookie then."""
    gateway, call = shop_gateway
    other = gateway.replace("127.0.0.1", "localhost")
    async with dev_servers.running("vite", gateway, VITE_API=other) as url, BROWSERS[browser](tmp_path) as page:
        await page.open(url)
        await asyncio.sleep(0.5)
        (refused,) = (await call("GET", "cors"))["refused"]
        assert refused["origin"] == url
        await call("POST", "cors/allow", {"origin": url})
        await page.open(url)
        await shows(page, START)
        (session,) = await page_sessions(call)
        link = (await call("POST", f"sessions/{session['session']}/link", {}))["url"]
        await page.open(link)
        if "join" in await text_of(page, "button.join"):
            await click(page, "button.join")
        mine = await page.evaluate("fetch('/_gateway/api/v1/session').then((r) => r.json())")
        assert mine["recording"] == session["recording"]

        pin = "fetch('/_gateway/api/v1/session/pins/shop', {method: 'PUT', body: '{\"environment\": \"test\"}', headers: {'Content-Type': 'application/json'}}).then((r) => r.status)"
        assert await page.evaluate(pin) == 200
        await page.open(url)
        await shows(page, START.replace("dev", "test"))
        (session,) = await page_sessions(call)
        assert session["steps"] >= 12, "both loads are in the one recording"

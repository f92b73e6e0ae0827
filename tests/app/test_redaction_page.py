"""The console's preview of redaction: what younger rules would mask of a recording, and sealed for good by its button."""

import asyncio
import re

import aiohttp
from aiohttp import web
from relaying import orders_at
from serving import serving

IBAN = "DE02120300000000202051"


async def token(client):
    async with client.get("/_gateway/") as page:
        return re.search(r'name="csrf_token" value="(\w+)"', await page.text())[1]


async def audited(client: aiohttp.ClientSession) -> list[str]:
    """What the audit names, once it names something: nobody waits for its lines to be stored."""
    async with asyncio.timeout(10):
        while True:
            async with client.get("/_gateway/audit.json") as answer:
                if items := (await answer.json())["items"]:
                    return [one["action"] for one in items]
            await asyncio.sleep(0.02)


async def test_what_younger_rules_mask_is_listed_and_sealed(tmp_path):
    async def account(request):
        return web.json_response({"id": 7, "iban": IBAN})

    app = web.Application()
    app.router.add_get("/account", account)
    runner = web.AppRunner(app)
    await runner.setup()
    await (site := web.TCPSite(runner, "127.0.0.1", 0)).start()
    routes = orders_at(site.name)
    try:
        jar = aiohttp.CookieJar(unsafe=True)
        async with serving(tmp_path, routes) as gateway, aiohttp.ClientSession(gateway.url, cookie_jar=jar) as client:
            async with client.get("/api/orders/account") as answer:
                assert IBAN in await answer.text()
            async with client.get("/_gateway/recordings.json") as answer:
                recording = (await answer.json())["items"][0]["id"]
            page = f"/_gateway/recordings/{recording}/redact"
            async with client.get(page) as answer:
                assert "Nothing left to mask." in await answer.text()
        async with serving(tmp_path, routes + "redact: {json: ['$..iban']}\n") as gateway:
            async with aiohttp.ClientSession(gateway.url, cookie_jar=jar) as client:
                async with client.get(page + ".json") as answer:
                    (item,) = (await answer.json())["items"]
                assert (item["step"], item["where"], item["rule"]) == (1, "response.body /iban", "redact.json: $..iban")
                async with client.get(page) as answer:
                    text = await answer.text()
                assert item["placeholder"] in text
                assert IBAN not in text
                form = {"csrf_token": await token(client)}
                async with client.post(page, data=form, headers={"Origin": gateway.url}) as answer:
                    assert answer.status == 200
                    assert "Nothing left to mask." in await answer.text()
                assert await audited(client) == ["seal"]
    finally:
        await runner.cleanup()

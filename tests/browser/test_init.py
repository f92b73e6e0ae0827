"""A shop of one's own: `gateway init`, one's own URL in routes.yaml, a demo that is in the menu once it is saved."""

import asyncio
import os
import re
import signal
import sys

import pytest
from aiohttp import web
from browsing import browsed
from playwright.async_api import expect

pytestmark = pytest.mark.browser

LOOKS = [
    pytest.param({"color_scheme": "light"}, id="light"),
    pytest.param({"color_scheme": "dark", "java_script_enabled": False}, id="dark, without JavaScript"),
]
START = 60.0  # seconds for a slow machine
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}


async def gateway(*words, cwd):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *words, cwd=cwd, env=ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture
async def items(aiohttp_server):
    """The APIs of somebody who tries the gateway."""

    async def listed(request):
        return web.json_response([{"id": "a7"}])

    async def one(request):
        found = request.match_info["id"] == "a7"
        return web.json_response({"id": "a7"} if found else {"error": "no such item"}, status=200 if found else 404)

    app = web.Application()
    app.router.add_get("/items", listed)
    app.router.add_get("/items/{id}", one)
    return await aiohttp_server(app)


@pytest.fixture
async def shop(tmp_path, items):
    """The folder that init made, with one's own URL in it, and its gateway's URL."""
    made = await gateway("init", "myshop", cwd=tmp_path)
    await asyncio.wait_for(made.communicate(), START)
    assert made.returncode == 0
    folder = tmp_path / "myshop"
    routes = folder / "routes.yaml"
    routes.write_text(routes.read_text().replace("http://127.0.0.1:9001", str(items.make_url("")).rstrip("/")))
    process = await gateway("serve", "-p", "0", cwd=folder)
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START)
        yield folder, re.search(r"http://\S+", line.decode())[0]
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), START)
    assert process.returncode == 0


@pytest.mark.parametrize("look", LOOKS)
async def test_a_demo_of_ones_own_is_in_the_menu_as_soon_as_it_is_saved(shop, look):
    folder, url = shop
    async with browsed(url, **look) as watch:
        page = watch.page
        assert "Myshop" in await watch.open("/")
        file = folder / "templates/demos/myshop/demo.yaml"
        file.write_text(file.read_text().replace('"Myshop"', '"Two calls"'))
        async with asyncio.timeout(START):
            while "Two calls" not in await watch.open("/"):
                await asyncio.sleep(0.1)
        await page.get_by_role("link", name="List the items").click()
        await page.locator("form.demo-form button:visible", has_text="Send").last.click()
        await expect(page.get_by_role("status").first).to_contain_text("item_id")
        await page.get_by_role("link", name="Next: Look at one").click()
        await page.locator("form.demo-form button:visible", has_text="Send").last.click()
        await expect(page.get_by_role("status").first).to_contain_text("200")
        await page.locator("form.demo-form button:visible", has_text="unknown item").click()
        await expect(page.get_by_role("status").first).to_contain_text("there is no such item")
        await page.get_by_role("link", name="Open the story").click()
        await expect(page.locator("main")).to_contain_text("a7 answers 200.")
        await page.get_by_role("link", name="Present & export").click()
        async with page.expect_download() as download:
            await page.get_by_role("link", name="mermaid").click()
        text = (await (await download.value).path()).read_text()
        assert text.startswith("sequenceDiagram") or "\nsequenceDiagram" in text
        assert "404" in text

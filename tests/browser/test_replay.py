"""A recording is sent again where one cluster lives elsewhere: the page says which step differs, and why."""

from contextlib import AsyncExitStack

import aiohttp
import pytest
from bookshop import a_shop
from browsing import browsed
from playwright.async_api import expect
from serving import serving

from gateway.samples import running_samples

pytestmark = pytest.mark.browser
LOOKS = [
    pytest.param({"color_scheme": "light"}, id="light"),
    pytest.param({"color_scheme": "dark", "java_script_enabled": False}, id="dark, without JavaScript"),
]


@pytest.mark.parametrize("look", LOOKS)
async def test_a_replay_on_test_differs_at_the_book_and_says_why(tmp_path, look):
    async with AsyncExitStack() as stack:
        samples = await stack.enter_async_context(running_samples())
        gateway = await stack.enter_async_context(serving(tmp_path, samples.routes_yaml()))
        client = await stack.enter_async_context(aiohttp.ClientSession(headers={"Gateway-Session": "row-9"}))
        for path in ("/api/catalogue/books", "/api/catalogue/books/978-1"):
            async with client.get(gateway.url + path) as answer:
                assert answer.status == 200
        watch = await stack.enter_async_context(browsed(gateway.url, **look))
        page = watch.page
        await watch.open("/_gateway/recordings?q=session:row-9")
        await page.get_by_role("link", name="GET /api/catalogue/books").click()
        await page.get_by_role("link", name="Replay", exact=True).click()
        await page.locator("#to-catalogue").select_option("test")
        await page.get_by_role("button", name="Replay", exact=True).click()
        for text in (
            "They differ, first at step 1",
            "404 only on catalogue@test",
            "answers 200 on catalogue@qa",
            "/titles",
        ):
            await expect(page.locator("main")).to_contain_text(text)


async def test_a_what_if_its_tree_a_preflight_and_a_replay_step_by_step(tmp_path):
    async with a_shop(tmp_path) as shop, browsed(shop.gateway.url) as watch:
        page, main = watch.page, watch.page.locator("main")
        home = f"/_gateway/recordings/{shop.recording}?tab=what-ifs"
        await watch.open(home)
        await page.get_by_text("Something else …").click()
        await page.locator("#branch-step").fill("2")
        await page.locator("#branch-status").fill("503")
        await page.locator("#branch-yes").check()
        await page.get_by_role("button", name="Send the what-if").last.click()
        await expect(main).to_contain_text("503 because a fault was injected: answer status 503.")
        await watch.open(f"/_gateway/recordings/{shop.recording}/variants")
        await expect(main).to_contain_text("2 recordings in this family")
        await watch.check()
        await watch.open(home)
        await page.get_by_role("button", name="Check first").click()
        await page.get_by_role("button", name="Refresh").click()
        await expect(main).to_contain_text("Ready to go live")
        await watch.check()
        await watch.open(home)
        await page.locator("#replay-yes").check()
        await page.get_by_role("button", name="Step by step").click()
        await expect(main).to_contain_text("It waits before step 1.")
        await page.get_by_role("button", name="Send", exact=True).click()
        await page.locator("#edits").fill("path:4=978-9")
        await page.get_by_role("button", name="Send edited").click()
        await expect(main).to_contain_text("404 because isbn 978-9 is unknown on catalogue@qa; 978-1 answers 200.")
        await page.get_by_role("button", name="Run the rest").click()
        await expect(main).to_contain_text("Finished: differs")

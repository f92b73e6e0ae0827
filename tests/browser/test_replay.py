"""A recording is sent again where one cluster lives elsewhere: the page says which step differs, and why."""

from contextlib import AsyncExitStack

import aiohttp
import pytest
from browsing import chromium, watched
from playwright.async_api import expect
from serving import serving

from gateway.samples import running_samples

pytestmark = pytest.mark.browser


async def test_a_replay_on_test_differs_at_the_book_and_says_why(tmp_path):
    async with AsyncExitStack() as stack:
        samples = await stack.enter_async_context(running_samples())
        gateway = await stack.enter_async_context(serving(tmp_path, samples.routes_yaml()))
        client = await stack.enter_async_context(aiohttp.ClientSession(headers={"Gateway-Session": "row-9"}))
        for path in ("/api/catalogue/books", "/api/catalogue/books/978-1"):
            async with client.get(gateway.url + path) as answer:
                assert answer.status == 200
        browser = await stack.enter_async_context(chromium())
        watch = await watched(await browser.new_context(), gateway.url)
        page = watch.page
        await watch.open("/_gateway/recordings?q=session:row-9")
        await page.get_by_role("link", name="GET /api/catalogue/books").click()
        await page.locator("#to-catalogue").select_option("test")
        await page.get_by_role("button", name="Replay live").click()
        for text in (
            "They differ, first at step 1",
            "404 only on catalogue@test",
            "answers 200 on catalogue@qa",
            "/titles",
        ):
            await expect(page.locator("main")).to_contain_text(text)
        await watch.check()

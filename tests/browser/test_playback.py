"""The bookshop is recorded, then everything behind it goes down: two browsers play it through the same forms."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from browsing import chromium, watched
from playwright.async_api import expect
from serving import serving

from gateway.samples import running_samples

pytestmark = pytest.mark.browser


class Reader:
    """A person with a browser of their own."""

    def __init__(self, watch):
        self.watch, self.page = watch, watch.page

    async def press(self, name):
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def result(self, *texts):
        for text in texts:
            await expect(self.page.get_by_role("status").first).to_contain_text(text)

    async def order(self, *, paid):
        """Through the four forms; what if the receipt is asked for before and after the payment?"""
        await self.watch.open("/demos/bookshop/sign-in")
        await self.press("Send")
        await self.result("200", "as expected", "token")
        await self.page.get_by_role("link", name="Next: Find the book").click()
        await self.press("Send")
        await self.result("200", "price")
        await self.page.get_by_role("link", name="Next: Order it").click()
        await self.press("Send")
        await self.result("201", "order_id")
        await self.page.get_by_role("link", name="Next: Pay").click()
        await self.page.get_by_role("button", name="What if: receipt before payment").click()
        await self.result("404", "as expected")
        await self.press("Pay")
        await self.result("201", "as expected", paid)
        for _ in range(2):  # the third receipt as well: 404, 200, 200
            await self.page.get_by_role("button", name="What if: receipt before payment").click()
            await self.result("200")

    async def receipts(self):
        """The statuses of every receipt that was asked for in this session's recording."""
        await self.page.locator("#strip .now a").first.click()
        answer = await self.page.request.get(self.page.url.partition("?")[0] + ".json")
        return [one["status"] for one in (await answer.json())["items"] if one["path"].endswith("/receipt")]


async def test_the_bookshop_is_played_in_two_browsers_with_everything_down(tmp_path):
    async with AsyncExitStack() as down, AsyncExitStack() as stack:
        samples = await down.enter_async_context(running_samples())
        gateway = await stack.enter_async_context(serving(tmp_path, samples.routes_yaml()))
        browser = await stack.enter_async_context(chromium())
        # Two people: browsers that look alike and begin within seconds on one machine are one session.
        contexts = [await browser.new_context(locale=locale) for locale in ("en-GB", "en-US")]
        ada, bob = [Reader(await watched(context, gateway.url)) for context in contexts]
        await ada.order(paid="payments@qa")
        await ada.page.get_by_role("link", name="Open the story").click()
        recorded = ada.page.url
        await down.aclose()

        for reader in (ada, bob):
            await reader.watch.open(recorded.removeprefix(gateway.url) + "?tab=export")
            await reader.press("Answer from a recording")
            await expect(reader.page.locator("#strip")).to_contain_text("playback")
        await asyncio.gather(*(reader.order(paid="payments@qa; mode=playback") for reader in (ada, bob)))
        for reader in (ada, bob):
            await expect(reader.page.locator("#strip")).to_contain_text("Answering from")
            assert await reader.receipts() == [404, 200, 200]

        await ada.watch.open("/demos/bookshop/find-the-book")
        await ada.page.get_by_role("button", name="What if: unknown ISBN").click()
        await expect(ada.page.locator("main")).to_contain_text("Nothing recorded answers this request")
        await expect(ada.page.get_by_role("status").first).to_contain_text("says nothing about the API")
        await expect(ada.page.get_by_role("status").first).not_to_contain_text("as expected")
        await ada.page.locator("#strip").get_by_role("button", name="Back to live").click()
        await ada.watch.open("/demos/bookshop/find-the-book")
        await ada.press("Send")
        await ada.result("502")
        await bob.watch.open("/demos/bookshop/find-the-book")
        await bob.press("Send")
        await bob.result("200", "catalogue@qa; mode=playback")
        await bob.watch.open(recorded.removeprefix(gateway.url) + "?tab=export")
        modes = bob.page.get_by_role("form", name="Mode of each cluster")
        await modes.get_by_label("catalogue").select_option("live-then-playback")
        await bob.press("Change")
        await expect(bob.page.locator("#strip")).to_contain_text("live-then-playback")
        await bob.watch.open("/demos/bookshop/find-the-book")
        await bob.press("Send")
        await bob.result("200", "because the server failed: connection refused")
        for reader in (ada, bob):
            await reader.watch.check()

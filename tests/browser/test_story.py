"""The story in a browser: the reason in sight, one click to try it, a live what-if in two clicks, no policy report."""

from __future__ import annotations

import re

import aiohttp
import pytest
from bookshop import a_shop
from browsing import browsed
from playwright.async_api import expect

pytestmark = pytest.mark.browser
LOOKS = {
    "light": {"color_scheme": "light"}, "dark": {"color_scheme": "dark"}, "no script": {"java_script_enabled": False},
}  # fmt: skip


async def buy_for_long(url):
    """Rounds of find, order, pay; now and then the book is looked for on another environment, which does not have it."""
    async with aiohttp.ClientSession(url, headers={"Gateway-Session": "ada"}) as client:

        async def ask(method, path, **more):
            async with client.request(method, path, **more) as answer:
                return await answer.json()

        signed = await ask("POST", "/api/users/login", json={"user": "ada", "password": "lovelace"})
        me = {"Authorization": f"Bearer {signed['token']}"}
        for number in range(22):
            await ask("GET", "/api/catalogue/books/978-1")
            await ask("GET", "/api/users/me", headers=me)
            await ask("GET", "/api/catalogue/books")
            if number in (0, 9, 21):
                await ask("GET", "/api/catalogue/books/978-1", headers={"Gateway-Env": "catalogue=dev"})


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
async def test_seventy_steps_have_their_reason_on_the_first_screen(tmp_path, look):
    look = {"viewport": {"width": 1440, "height": 900}} | look
    async with a_shop(tmp_path, buying=buy_for_long) as shop, browsed(shop.gateway.url, **look) as watch:
        text = await watch.open(f"/_gateway/recordings/{shop.recording}")
        assert "3 failed, for one reason" in text
        reason = watch.page.locator(".why").first
        await expect(reason).to_contain_text("3 × 404. Only on catalogue")
        box = await reason.bounding_box()
        assert box["y"] + box["height"] < 900
        await expect(watch.page.locator(".minimap a")).to_have_count(3)
        assert await watch.page.locator("details.rounds").count() >= 2
        widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        whole, seen = await watch.page.evaluate(widths)
        assert whole == seen


async def buy_badly(url):
    async with aiohttp.ClientSession(url, headers={"Gateway-Session": "ada"}) as client:
        for isbn in ("978-1", "978-9"):
            async with client.get(f"/api/catalogue/books/{isbn}") as answer:
                await answer.read()


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
async def test_from_the_list_to_a_named_reason_and_its_cure(tmp_path, look):
    """One click to the reason of a 404, a second one tries what answers, a third compares."""
    async with a_shop(tmp_path, buying=buy_badly) as shop, browsed(shop.gateway.url, **look) as watch:
        page = watch.page
        await watch.open("/_gateway/recordings")
        await page.locator("main").get_by_role("link", name=re.compile("books")).first.click()
        await expect(page.locator(".why")).to_contain_text("ISBN 978-9 is unknown on catalogue")
        await expect(page.locator(".why")).to_contain_text("978-1 answers 200.")
        await page.get_by_role("button", name="Try 978-1").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Compare")
        await expect(page.locator("main")).to_contain_text("404 → 200")


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
async def test_a_live_what_if_takes_two_clicks_and_shows_what_was_really_sent(tmp_path, look):
    async with a_shop(tmp_path) as shop, browsed(shop.gateway.url, **look) as watch:
        page = watch.page
        await watch.open(f"/_gateway/present/{shop.recording}/2")
        await page.locator(".chips").get_by_label("Allow writes").check()
        await page.get_by_role("button", name="unknown book").click()
        await expect(page.locator("#slide")).to_contain_text("404 Not Found")
        await expect(page.locator("#slide")).to_contain_text("Request, as it was really sent")
        await expect(page.locator("#slide")).to_contain_text("was /api/catalogue/books/978-1")
        await expect(page.locator("header")).to_contain_text("LIVE")
        await page.get_by_role("button", name="As recorded").click()
        await expect(page.locator("header")).to_contain_text("from the recording")


async def test_the_speaker_types_a_note(tmp_path):
    async with a_shop(tmp_path) as shop, browsed(shop.gateway.url) as watch:
        page = watch.page
        await watch.open(f"/_gateway/present/{shop.recording}/speaker?slide=2")
        await page.get_by_label("Add a note").fill("point at the price")
        await page.get_by_role("button", name="Add note").click()
        await expect(page.locator(".notes")).to_contain_text("point at the price")
        text = await watch.open(f"/_gateway/present/{shop.recording}/2")
        assert "point at the price" not in text  # for the speaker alone

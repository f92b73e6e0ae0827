"""A recording beside its runs on other environments and its variants: by mouse, by keyboard, without JavaScript."""

import re

import pytest
from bookshop import a_shop
from browsing import browsed
from playwright.async_api import expect

pytestmark = pytest.mark.browser
LOOKS = [
    pytest.param({"color_scheme": "light"}, id="light"),
    pytest.param({"color_scheme": "dark"}, id="dark"),
    pytest.param({"java_script_enabled": False}, id="without JavaScript"),
]


@pytest.mark.parametrize("look", LOOKS)
async def test_three_environments_stand_side_by_side_with_what_differs_and_why(tmp_path, look):
    async with a_shop(tmp_path) as shop, browsed(shop.gateway.url, **look) as watch:
        page, table = watch.page, watch.page.locator("table.matrix")
        await watch.open(f"/_gateway/recordings/{shop.recording}")
        await page.locator("summary", has_text="More acts").click()
        await page.get_by_role("link", name="Compare environments").click()
        for name in ("dev", "test", "qa"):
            await page.locator(f"#env-catalogue-{name}").check()
        await page.get_by_label("Allow writes").check()
        await page.get_by_role("button", name="Run the ticked ones").click()
        for text in ("catalogue on dev", "catalogue on test", "catalogue on qa", "≠ differs first at step", "= same, except ids and times",
                     "404 only on catalogue@test", "high", "route", "status: 200 -> 404"):  # fmt: skip
            await expect(table).to_contain_text(text)
        await expect(page).to_have_url(re.compile("(with=.*){3}"))
        await table.get_by_role("link", name="Remove Replay on catalogue@dev").click()
        await expect(table.locator("thead th")).to_have_count(4)


async def test_the_guard_s_no_leaves_the_ticks_and_the_page_where_they_were(tmp_path):
    async with a_shop(tmp_path) as shop, browsed(shop.gateway.url) as watch:
        page = watch.page
        await watch.open(f"/_gateway/recordings/{shop.recording}")
        await page.keyboard.press("m")
        await page.locator("#env-catalogue-test").focus()
        await page.keyboard.press("Space")
        await page.get_by_role("button", name="Run the ticked ones").press("Enter")
        await expect(page.locator("#refused")).to_contain_text("writes to users@qa Try: tick “Allow writes”")
        await expect(page.locator("#env-catalogue-test")).to_be_checked()
        await page.locator("#compare-yes").check()
        await page.get_by_role("button", name="Run the ticked ones").press("Enter")
        await expect(page.locator("#matrix-title")).to_be_focused()
        await expect(page.locator("#refused")).to_be_hidden()
        await page.go_back()
        await expect(page.locator("#matrix-title")).to_have_count(0)
        await page.wait_for_load_state()


async def test_variants_stand_side_by_side(tmp_path):
    async with a_shop(tmp_path) as shop, browsed(shop.gateway.url) as watch:
        page = watch.page
        for change in ("978-9", "978-2"):
            await watch.open(f"/_gateway/recordings/{shop.recording}/what-if/2?preview=yes&more=path:4={change}")
            await page.get_by_label("Allow writes").check()
            await page.get_by_role("button", name="Send the what-if").click()
            await expect(page.get_by_role("heading", level=1)).to_have_text("Compare")
        await watch.open(f"/_gateway/recordings/{shop.recording}/compare")
        for box in await page.locator("input[name=with]").all():
            await box.check()
        await page.get_by_role("button", name="Show", exact=True).click()
        table = page.locator("table.matrix")
        await expect(table.locator("thead th")).to_have_count(4)
        await expect(table).to_contain_text("isbn 978-9 is unknown")

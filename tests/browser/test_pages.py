"""Every page of the console: by keyboard, without JavaScript, in both themes, on a narrow screen, at 200 % zoom."""

from dataclasses import replace

import consoling
import pytest
from browsing import browsed, chromium
from playwright.async_api import expect

pytestmark = pytest.mark.browser

RECORDING = f"/_gateway/recordings/{consoling.RECORDING}"
PAGES = [
    "/_gateway/", "/_gateway/?at=2099-01-01T00:00", "/_gateway/live", "/_gateway/live?q=404", "/_gateway/recordings",
    "/_gateway/recordings?q=book", RECORDING, "/_gateway/exchanges/01KEXCHANGE000000000000002", RECORDING + "/what-if/2",
    RECORDING + "/what-if/2?preview=yes&more=header:X-Tenant=blue", f"{RECORDING}/compare?with={consoling.RECORDING}", "/_gateway/history", "/_gateway/statistics",
    *(f"{RECORDING}?tab={tab}" for tab in ("steps", "why", "what-ifs", "values", "export")), RECORDING + "?view=timing",
    RECORDING + "?view=picture", f"/_gateway/diff?a={consoling.RECORDING}/1&b={consoling.RECORDING}/2",
    "/_gateway/settings", "/_gateway/audit", "/_gateway/access", "/_gateway/diff", "/_gateway/pin",
]  # fmt: skip


@pytest.fixture
async def origin(tmp_path, aiohttp_server):
    server = await aiohttp_server(consoling.an_app(consoling.some_services(tmp_path, consoling.a_book())))
    return f"http://127.0.0.1:{server.port}"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_works_without_javascript_on_a_narrow_screen(origin, theme):
    """390 pixels are also what 200 % zoom leaves of 780."""
    async with chromium() as browser:
        context = await browser.new_context(
            java_script_enabled=False, color_scheme=theme, viewport={"width": 390, "height": 844}
        )
        page = await context.new_page()
        for path in PAGES:
            answer = await page.goto(origin + path)
            assert answer.status == 200, path
            await expect(page.locator("h1")).to_be_visible()
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= 390, f"{path} is {width} pixels wide"
        background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(245, 246, 250)", "dark": "rgb(13, 17, 25)"}[theme]


async def test_a_title_without_a_space_widens_no_page(tmp_path, aiohttp_server):
    book = consoling.a_book()
    book.add(replace(book.recording(consoling.RECORDING), id="01KLONG", title="T" * 300))
    server = await aiohttp_server(consoling.an_app(consoling.some_services(tmp_path, book)))
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 375, "height": 667})
        for path in ("", "/preflight", "/redact", "/compare", "/variants"):
            await page.goto(f"http://127.0.0.1:{server.port}/_gateway/recordings/01KLONG{path}")
            await expect(page.locator("#main")).to_contain_text("T" * 300)
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= 375, f"{path} is {width} pixels wide"


async def test_the_keys(origin):
    async with browsed(origin) as watch:
        page = watch.page
        await watch.open(RECORDING + "?tab=steps")
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
        await page.keyboard.press("Escape")
        failed = page.locator("#rows a.target[data-failed=yes]")  # the first is selected at the beginning
        await page.keyboard.press("k")
        await page.keyboard.press("k")
        await page.keyboard.press("j")
        await expect(page.locator("#rows a.target").nth(1)).to_be_focused()
        await page.keyboard.press("k")
        await expect(page.locator("#rows a.target").first).to_be_focused()
        await page.keyboard.press("f")
        await expect(failed.first).to_be_focused()
        await page.keyboard.press("k")
        await expect(page.locator("#rows a.target").first).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("POST")
        await page.wait_for_load_state()
        await page.keyboard.press("b")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("What if … at step 1")
        await page.wait_for_load_state()
        await page.keyboard.press("g")
        await page.keyboard.press("r")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Recordings")
        await page.keyboard.press("/")
        await expect(page.locator("#q")).to_be_focused()
        await page.keyboard.type("jjk?")  # is text here
        await expect(page.locator("#q")).to_have_value("jjk?")


async def test_the_keys_can_be_switched_off(origin):
    async with browsed(origin) as watch:
        page = watch.page
        await watch.open("/_gateway/recordings")
        await page.locator("#admin > summary").click()
        await page.get_by_role("button", name="Keyboard shortcuts").click()
        await page.get_by_label("Shortcuts on").uncheck()
        await page.get_by_role("button", name="Close").click()
        await watch.open("/_gateway/recordings")
        await page.keyboard.press("/")
        await expect(page.locator("#q")).not_to_be_focused()
        await page.keyboard.press("?")  # always says how to switch them on again
        await expect(page.get_by_label("Shortcuts on")).not_to_be_checked()

"""The first ten minutes: `gateway demo` as it is started by hand, and the bookshop in a real browser."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from browsing import chromium, watched
from playwright.async_api import expect

pytestmark = pytest.mark.browser

START = 60.0  # seconds for a slow machine


@pytest.fixture
async def demo(tmp_path):
    """A running `gateway demo`; Ctrl-C at the end must stop it cleanly."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "demo", "--no-open", "--port", "0",
        "--recordings", str(tmp_path / "recordings" / "gateway.db"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment, cwd=tmp_path,
    )  # fmt: skip
    try:
        banner = await asyncio.wait_for(read_banner(process), START)
        url = re.search(r"http://127\.0\.0\.1:\d+", banner)[0]
        routes = Path(re.search(r"routes\.yaml +(\S+)", banner)[1])
        yield SimpleNamespace(url=url, banner=banner, routes=tmp_path / routes)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        _, talk = await asyncio.wait_for(process.communicate(), START)
    assert process.returncode == 0, talk.decode()
    assert "Traceback" not in talk.decode()


async def read_banner(process):
    """What is printed until everything is up; the talk on stderr when it does not come up."""
    lines = []
    while "Ctrl-C" not in "".join(lines):
        line = (await process.stdout.readline()).decode()
        if not line:
            raise AssertionError((await process.stderr.read()).decode())
        lines.append(line)
    return "".join(lines)


LOOKS = [
    pytest.param({"color_scheme": "light"}, id="light"),
    pytest.param({"color_scheme": "dark"}, id="dark"),
    pytest.param({"java_script_enabled": False}, id="without JavaScript"),
]


@pytest.fixture(params=LOOKS)
async def shop(demo, request):
    """A browser on the demo, in either theme or without JavaScript, with a few words for what a person does there."""
    async with chromium() as browser:
        context = await browser.new_context(**request.param)
        shop = Shop(await watched(context, demo.url), demo, live=request.param.get("java_script_enabled", True))
        yield shop
        await shop.watch.check()


class Shop:
    def __init__(self, watch, demo, *, live):
        self.watch, self.page, self.demo, self.live = watch, watch.page, demo, live

    async def look(self, until):
        """Pages follow what happens; without JavaScript a reader looks again."""
        while not self.live and not await until():
            await asyncio.sleep(0.1)
            await self.page.reload()

    async def open(self, path):
        return await self.watch.open(path)

    async def go(self, step):
        await self.page.get_by_role("navigation", name="Steps of Order a book").get_by_role("link", name=step).click()

    async def press(self, name):
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def ask_what_if(self, name):
        await self.page.get_by_role("button", name=f"What if: {name}").click()

    async def shows(self, *texts):
        for text in texts:
            await expect(self.page.locator("main")).to_contain_text(text)

    async def result(self, *texts):
        for text in texts:
            await expect(self.page.get_by_role("status").first).to_contain_text(text)


async def moved(page, cluster, environment):
    """By the panel, whose button takes no click while it is new."""
    await page.locator(f"#move-{cluster}-{environment} > summary").click()
    await page.wait_for_timeout(600)
    await page.locator(f"#move-{cluster}-{environment} [data-armed]").click()
    await expect(page.locator(f'[data-cell="{cluster}@{environment}"]')).to_contain_text("lives here")


async def test_the_home_page_lists_the_bookshop_and_where_its_clusters_live(shop):
    banner = shop.demo.banner
    for name in ("users", "catalogue", "orders", "payments", "/_gateway/", "recordings"):
        assert name in banner
    text = await shop.open("/")
    for step in ("Order a book", "Sign in", "Find the book", "Order it", "Pay"):
        assert step in text
    strip = await shop.page.locator("#strip").text_content()
    squeezed = re.sub(r"\s+", "", strip)
    for place in ("usersatqa", "catalogueatqa", "ordersatqa", "paymentsatqa"):
        assert place in squeezed


async def test_four_steps_and_two_404s_for_different_reasons(shop):
    page = shop.page
    await shop.open("/")
    await page.get_by_role("link", name=re.compile("^Start")).click()
    await shop.press("Send")
    await shop.result("200", "as expected", "Kept", "token")
    await expect(page.get_by_role("link", name="call 1").first).to_be_visible()
    await expect(page.get_by_role("link", name="2. Find the book")).to_contain_text("next")
    await page.get_by_role("link", name="Next: Find the book").click()
    await shop.press("Send")
    await shop.result("200", "Kept", "price")
    await page.get_by_role("link", name="Next: Order it").click()
    await expect(page.get_by_label("ISBN")).to_have_value("978-1")
    await shop.press("Send")
    await shop.result("201", "order_id")
    await page.get_by_role("link", name="Next: Pay").click()
    await expect(page.get_by_label("Order", exact=True)).to_have_value("70001")
    await expect(page.get_by_label("Amount in EUR")).to_have_value("12.5")
    await shop.shows("The Gateway Drug")
    await shop.press("Pay")
    await shop.result("201", "as expected")

    await shop.go("Find the book")
    await shop.ask_what_if("unknown ISBN")
    await shop.result("404", "as expected", "Do not retry", "978-9 is not in the catalogue of qa")
    await shop.shows("the request, not the route")
    await shop.ask_what_if("same book on dev")
    await shop.result("404", "as expected", "catalogue@dev")
    await shop.shows("the route, not the request")
    await expect(page.get_by_label("ISBN")).to_have_value("978-1")
    await expect(page.get_by_role("link", name="2. Find the book")).to_contain_text("200")

    await page.get_by_role("link", name="Open the story").click()
    for text in ("Order a book", "6", re.compile("what if: same book on dev", re.IGNORECASE)):
        await shop.shows(text)
    await expect(page.locator("main svg").first).to_be_visible()


async def test_a_move_on_the_board_makes_a_404_and_the_new_path_avoids_it(shop):
    page = shop.page
    await shop.open("/demos/bookshop/find-the-book")
    await shop.press("Send")
    await shop.result("200")
    await shop.open("/_gateway/")
    await moved(page, "catalogue", "test")
    await shop.shows("catalogue moved qa → test", "routes.yaml:")
    assert re.search(r"catalogue:.*?environment: test", shop.demo.routes.read_text(), re.DOTALL)
    await shop.open("/demos/bookshop/find-the-book")
    await shop.press("Send")
    await shop.result("404", "expected", "ask for /titles/978-1", "catalogue@test")
    await shop.ask_what_if("v2 path")
    await shop.result("200", "as expected")
    await shop.open("/_gateway/")
    await moved(page, "catalogue", "qa")
    await shop.open("/demos/bookshop/find-the-book")
    await shop.press("Send")
    await shop.result("200", "catalogue@qa")


async def test_a_mistyped_address_is_the_gateways_own_404_with_a_suggestion(shop):
    asked = []
    shop.page.on("request", lambda request: asked.append(request.url))
    answer = await shop.page.goto(shop.demo.url + "/catalog/books/1", wait_until="load")
    assert answer.status == 404
    assert f"{shop.demo.url}/favicon.ico" not in asked
    assert "destination_not_found" in answer.headers["proxy-status"]
    text = await shop.page.inner_text("body")
    assert "/api/catalogue" in text
    assert "no upstream did" in text


async def test_a_typing_error_in_routes_yaml_is_a_red_bar_and_traffic_goes_on(shop):
    page = shop.page
    await shop.open("/demos/bookshop/find-the-book")
    good = shop.demo.routes.read_text()
    shop.demo.routes.write_text(good.replace("environment: qa", "environment: qaa", 1))
    bar = page.locator("#problems")
    await shop.look(bar.is_visible)
    await expect(bar).to_be_visible()
    await expect(bar).to_contain_text(re.compile(r"routes\.yaml:\d+:\d+: error: .*did you mean 'qa'"))
    await shop.press("Send")
    await shop.result("200")
    await expect(bar).to_be_visible()
    shop.demo.routes.write_text(good)
    await shop.look(bar.is_hidden)
    await expect(bar).to_be_hidden()


async def test_a_password_is_in_no_page_of_the_chain(shop):
    page = shop.page
    await shop.open("/demos/bookshop/sign-in")
    await page.get_by_label("Password").fill("lovelace")
    await shop.press("Send")
    await shop.result("200")
    seen = [await page.content()]
    for name in ("call 1", "Open the story"):
        await shop.open("/demos/bookshop/sign-in")
        await page.get_by_role("link", name=name).first.click()
        seen.append(await page.content())
    assert [text for text in seen if "lovelace" in text] == []

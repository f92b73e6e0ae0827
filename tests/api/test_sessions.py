"""Sessions seen lately through the API: pinned, simulated, joined; front ends of other origins, refused and allowed.

Covers: web/sessions.
"""

from __future__ import annotations

import aiohttp
import pytest
from peers import raw_upstream
from serving import serving

ROUTES = """\
version: 1
environments: [dev, qa]
clusters:
  orders: {{path: /api/orders, environment: dev, upstreams: {{dev: "{dev}", qa: "{qa}"}}}}
"""
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
    "Sec-Fetch-Mode": "cors",
}


def saying(name: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name)


@pytest.fixture
async def shop(tmp_path):
    async with raw_upstream(saying(b"dev")) as dev, raw_upstream(saying(b"qa")) as qa:
        async with serving(tmp_path, ROUTES.format(dev=dev.url, qa=qa.url)) as gateway:
            yield gateway


@pytest.fixture
async def operator(shop):
    async with aiohttp.ClientSession(f"{shop.url}/_gateway/api/v1/", headers={"Gateway-Session": "operator"}) as client:

        async def call(method: str, path: str, body: object = None, status: int = 200):
            async with client.request(method, path, json=body if body is not None else {}) as response:
                assert response.status == status, await response.text()
                return await response.json()

        yield call


@pytest.fixture
async def page(shop):
    """A front end's calls: as a browser sends them without credentials."""
    async with aiohttp.ClientSession(headers=BROWSER, cookie_jar=aiohttp.DummyCookieJar()) as client:

        async def call(**headers: str) -> str:
            async with client.get(f"{shop.url}/api/orders/7", headers=headers) as response:
                return await response.text() if response.status == 200 else str(response.status)

        yield call


async def test_a_page_is_listed_pinned_and_simulated_by_somebody_else(page, operator):
    assert await page() == "dev"
    (one,) = [each for each in (await operator("GET", "sessions"))["items"] if each["steps"]]
    assert (one["client"], one["address"], one["told_by"]) == (
        "Firefox 153 on Linux",
        "127.0.0.1",
        "its address and browser",
    )
    assert (one["last"]["method"], one["last"]["path"], one["last"]["status"]) == ("GET", "/api/orders/7", 200)
    at = f"sessions/{one['session']}"
    await operator("PUT", f"{at}/pins/orders", {"environment": "qa"})
    assert await page() == "qa"
    await operator("PUT", f"{at}/faults/orders", {"status": 418})
    assert await page() == "418"
    await operator("DELETE", f"{at}/faults/orders")
    await operator("DELETE", f"{at}/pins/orders")
    assert await page() == "dev"
    played = await operator("POST", f"{at}/playback", {"recording": one["recording"]})
    assert played["modes"]["orders"]["recording"] == one["recording"]
    await operator("DELETE", f"{at}/playback")
    assert (await operator("GET", "session"))["pins"] == {}, "the operator's own session is another one"


async def test_what_names_no_session_is_refused_in_words(operator):
    for method, path in (("PUT", "sessions/nobody/pins/orders"), ("POST", "sessions/nobody/link")):
        found = await operator(method, path, {"environment": "qa"} if method == "PUT" else {}, status=404)
        assert "nobody" in found["detail"]


async def test_a_link_joins_a_browser_once(page, operator, shop):
    await page()
    (one,) = [each for each in (await operator("GET", "sessions"))["items"] if each["steps"]]
    link = (await operator("POST", f"sessions/{one['session']}/link"))["url"]
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as phone:
        foreign = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"}
        async with phone.get(link, headers=foreign) as response:
            assert response.status == 200
            assert "Join" in await response.text()
        own = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
        async with phone.get(link, headers=own) as response:
            assert "is now part of the session" in await response.text()
        async with phone.get(f"{shop.url}/_gateway/api/v1/session") as response:
            assert (await response.json())["recording"] == one["recording"]
        async with phone.put(f"{shop.url}/_gateway/api/v1/session/pins/orders", json={"environment": "qa"}) as response:
            assert response.status == 200
        assert await page() == "qa", "what the console pins holds for the page"
        async with phone.get(link, headers=own) as response:
            assert response.status == 404


async def test_a_pin_link_is_for_its_session_and_good_once(page, operator, shop):
    await page()
    (one,) = [each for each in (await operator("GET", "sessions"))["items"] if each["steps"]]
    link = (await operator("POST", f"sessions/{one['session']}/link", {"pins": ["orders=qa"], "ttl": "1h"}))["url"]
    async with aiohttp.ClientSession() as anybody:
        async with anybody.get(link, headers={"Sec-Fetch-Site": "none"}) as response:
            assert "Pinned for 1h" in await response.text()
        assert await page() == "qa"
        async with anybody.get(link, headers={"Sec-Fetch-Site": "none"}) as response:
            assert response.status == 404
    await operator("POST", f"sessions/{one['session']}/link", {"pins": ["orders=nowhere"]}, status=400)


async def test_the_list_page_joins_with_a_button(page, operator, shop):
    await page()
    (one,) = [each for each in (await operator("GET", "sessions"))["items"] if each["steps"]]
    async with aiohttp.ClientSession(f"{shop.url}/_gateway/", cookie_jar=aiohttp.CookieJar(unsafe=True)) as console:
        async with console.get("sessions", headers={"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}) as response:
            text = await response.text()
        assert "Firefox 153 on Linux" in text
        token = text.partition('name="csrf_token" value="')[2].partition('"')[0]
        form = {"csrf_token": token, "session": one["session"]}
        async with console.post("sessions/link", data=form) as response:
            assert "/_gateway/join?token=" in await response.text()
        async with console.post("sessions/join", data=form) as response:
            assert response.status == 200
        async with console.get("api/v1/session") as response:
            assert (await response.json())["recording"] == one["recording"]


async def test_viewers_see_and_change_no_session_of_others(tmp_path):
    async with raw_upstream(saying(b"dev")) as dev:
        routes = ROUTES.format(dev=dev.url, qa=dev.url)
        async with serving(tmp_path, routes, password="operator", viewer_password="viewer") as gateway:
            async with aiohttp.ClientSession(
                f"{gateway.url}/_gateway/", headers={"Authorization": "Bearer viewer"}
            ) as viewer:
                for path in ("api/v1/sessions", "sessions", "sessions.json"):
                    async with viewer.get(path) as response:
                        assert response.status == 403, path
                for method, path in (
                    ("PUT", "pins/orders"),
                    ("POST", "link"),
                    ("POST", "playback"),
                    ("PUT", "faults/orders"),
                ):
                    async with viewer.request(method, f"api/v1/sessions/x/{path}", json={}) as response:
                        assert response.status == 403, path
                async with viewer.post("api/v1/cors/allow", json={"origin": "http://a.example"}) as response:
                    assert response.status == 403


async def test_a_refused_front_end_is_allowed_by_one_call_that_writes_one_line(page, operator, shop):
    origin = "http://localhost:4200"
    await page(Origin=origin)
    (refused,) = (await operator("GET", "cors"))["refused"]
    assert (refused["origin"], refused["count"], refused["cluster"]) == (origin, 1, "orders")
    before = shop.services.routes.file.read_text()
    found = await operator("POST", "cors/allow", {"origin": origin})
    assert found["origins"] == [origin]
    assert found["refused"] == []
    assert shop.services.routes.file.read_text() == before + f'cors: {{origins: ["{origin}"]}}\n'
    assert found["line"] == before.count("\n") + 1
    await operator("POST", "cors/allow", {"origin": "http://localhost:4201"})
    assert shop.services.routes.file.read_text().count("\n") == before.count("\n") + 1
    for bad in ("*", "localhost:4200", "http://a.example/x", "http://a.example:*"):
        await operator("POST", "cors/allow", {"origin": bad}, status=400)
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{shop.url}/api/orders/7", headers={"Origin": origin}) as response,
    ):
        assert response.headers["Access-Control-Allow-Origin"] == origin

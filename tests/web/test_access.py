"""Where others can reach the console, nobody unknown gets in, and viewers only look.

Covers: api/replay_runs, services/audit_log, services/changes, services/status, web/page_shell, web/sign_in,
web/static.
"""

import asyncio
import json
import re

import consoling
import pytest
from aiohttp import ClientSession, CookieJar, web

from gateway.access import Access
from gateway.console import MIDDLEWARES, setup
from gateway.paths import templates_dir
from gateway.web.sign_in import local

API = "/_gateway/api/v1"
WORDS = {"id": consoling.RECORDING, "cluster": "orders", "name": "console.css"}
PASSWORD, VIEWER = "swordfish!", "look-only"
OPERATOR = {"Authorization": f"Bearer {PASSWORD}"}
LOOKS = {"Authorization": f"Bearer {VIEWER}"}


@pytest.fixture
def access(tmp_path):
    return Access(tmp_path, remote=True, password=PASSWORD, viewer_password=VIEWER)


@pytest.fixture
def app(services, access):
    app = web.Application(middlewares=MIDDLEWARES)
    setup(app, services, session_of=services.sessions.of, templates=[templates_dir()], access=access)
    app.router.add_get("/", home)
    app.router.add_post("/demos/{demo}/{step}", home)
    return app


async def home(request):
    return web.Response(text="demos")


def routes(app):
    for route in app.router.routes():
        path = route.resource.canonical.replace("/exchanges/{id}", "/exchanges/01KEXCHANGE000000000000002")
        if not path.startswith("/_gateway/watch/"):
            yield route.method, re.sub(r"{(\w+)(:[^}]*)?}", lambda match: WORDS.get(match[1], "1"), path)


OPERATOR_READS = (f"{API}/access/sessions", f"{API}/sessions", "/_gateway/sessions", "/_gateway/sessions.json")
OPEN = (
    "/_gateway/healthz",
    "/_gateway/readyz",
    "/_gateway/sign-in",
    "/_gateway/static/",
    "/_gateway/tls",
    "/_gateway/join",
)


async def test_everything_but_probes_and_sign_in_is_refused_to_the_unknown(client, app):
    found = [one for one in set(routes(app)) if not one[1].startswith(OPEN)]
    assert len(found) > 60
    for method, path in found:
        for headers in ({}, {"Authorization": "Basic YTpi"}, {"Cookie": "gateway_login=x"}):
            answer = await client.request(method, path, headers=headers, json={} if method != "GET" else None)
            assert answer.status == 401, (method, path, headers)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert "orders" not in await answer.text()


async def test_an_unknown_path_is_hidden_below_the_console_and_a_404_elsewhere(client):
    assert (await client.get("/_gateway/nothing")).status == 401
    assert (await client.get("/api/nothing")).status == 404


async def test_probes_and_the_looks_of_the_sign_in_page_are_open(client, services):
    for path in ("/_gateway/healthz", "/_gateway/readyz", "/_gateway/sign-in", "/_gateway/static/console.css"):
        assert (await client.get(path)).status == 200, path
    services.routes.problems = (consoling_problem(),)
    answer = await client.get("/_gateway/readyz")
    assert (answer.status, await answer.text()) == (503, "routes.yaml is not in force; the last good table is\n")
    assert "secret-name" in await (await client.get("/_gateway/readyz", headers=LOOKS)).text()


def consoling_problem():
    from gateway.errors import Problem

    return Problem("routes.yaml", 1, 1, "clusters.secret-name", "is wrong")


async def test_a_browser_is_led_to_the_sign_in_page_and_back(client):
    answer = await client.get("/_gateway/recordings?q=a%26b", headers={"Accept": "text/html"}, allow_redirects=False)
    assert answer.status == 303
    assert answer.headers["Location"] == "/_gateway/sign-in?next=/_gateway/recordings?q%3Da%2526b"
    page = await (await client.get(answer.headers["Location"])).text()
    assert 'name="next" value="/_gateway/recordings?q=a%26b"' in page
    assert "orders" not in page


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "evil", "", "/a\\b", "/a\nb",
        "/%0d%0a\r\nX: y", "/_gateway/sign-in?next=/", "/é", "http:/x",
    ],
)  # fmt: skip
def test_nobody_is_led_away(wanted):
    assert local(wanted) == "/_gateway/"


def test_a_page_of_ours_is_where_one_goes_on():
    assert local("/_gateway/recordings?q=a%26b") == "/_gateway/recordings?q=a%26b"


async def test_a_token_lets_programs_in_and_needs_no_form_token(client, services):
    assert (await client.get(f"{API}/routes", headers=OPERATOR)).status == 200
    answer = await client.delete(f"{API}/recordings/{consoling.RECORDING}", headers=OPERATOR)
    assert answer.status == 200
    (line,) = (await (await client.get(f"{API}/audit", headers=OPERATOR)).json())["items"]
    assert (line["action"], line["role"], line["login"]) == ("delete", "operator", "password")
    evil = OPERATOR | {"Origin": "https://evil.example"}
    assert (await client.post(f"{API}/routes/orders/move", json={"environment": "test"}, headers=evil)).status == 403


async def test_viewers_read_everything_and_change_only_their_own_session(client, app, services):
    before = services.routes.file.read_text()
    allowed = {
        "/_gateway/pin", "/_gateway/unpin", "/_gateway/session/recording", "/_gateway/session/live",
        "/_gateway/sign-out", f"{API}/session/pins/orders", f"{API}/session/recording", "/demos/1/1",
    }  # fmt: skip
    for method, path in sorted(set(routes(app))):
        if path.startswith(OPEN) or path == f"{API}/live":
            continue
        if method in ("GET", "HEAD"):
            query = {"a": consoling.RECORDING, "b": consoling.RECORDING} if path.endswith("v1/diff") else {}
            answer = await client.request(method, path, headers=LOOKS, params=query)
            assert (answer.status == 403) == (path in OPERATOR_READS), (method, path)
            assert answer.status != 401, (method, path)
        else:
            answer = await client.request(method, path, headers=LOOKS, json={})
            assert (answer.status != 403) == (path in allowed), (method, path, answer.status)
    assert services.routes.file.read_text() == before
    assert services.store.audited == []


async def test_wrong_tokens_are_slowed_down_and_right_ones_are_not(client):
    wrong = {"Authorization": "Bearer nonsense"}
    assert (await client.get(f"{API}/routes", headers=LOOKS)).status == 200
    found = [await client.get(f"{API}/routes", headers=wrong) for _ in range(7)]
    assert [one.status for one in found] == [401] * 5 + [429] * 2
    assert 0 < int(found[-1].headers["Retry-After"]) <= 10
    assert (await client.get(f"{API}/routes", headers=LOOKS)).status == 200


@pytest.fixture
async def browser(client):
    """Keeps cookies, as browsers do; the console's forms are sent as its pages have them."""
    headers = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
    base = f"http://127.0.0.1:{client.port}"
    async with ClientSession(base, headers=headers, cookie_jar=CookieJar(unsafe=True)) as one:
        yield one


async def send(browser, page, action, **fields):
    async with browser.get(page) as answer:
        token = re.search(r'name="csrf_token" value="(\w+)"', await answer.text())[1]
    async with browser.post(action, data={"csrf_token": token, **fields}, allow_redirects=False) as answer:
        return answer, await answer.text()


async def test_a_password_signs_in_lasts_and_signs_out(browser, access, services):
    answer, text = await send(browser, "/_gateway/sign-in", "/_gateway/sign-in", secret="wrong")
    assert answer.status == 403
    assert "no token or password of this gateway" in text
    answer, _ = await send(
        browser, "/_gateway/sign-in", "/_gateway/sign-in", secret=PASSWORD, next="/_gateway/recordings"
    )
    assert (answer.status, answer.headers["Location"]) == (303, "/_gateway/recordings")
    cookie = answer.headers["Set-Cookie"]
    assert all(word in cookie for word in ("gateway_login=", "HttpOnly", "SameSite=Lax", "Path=/"))
    async with browser.get("/_gateway/") as page:
        assert page.status == 200
        assert "operator" in await page.text()
    assert [one.action for one in services.store.audited] == ["sign-in"]
    answer, _ = await send(browser, "/_gateway/access", "/_gateway/sign-out")
    assert answer.status == 303
    async with browser.get("/_gateway/", allow_redirects=False) as page:
        assert page.status == 303
    assert access.logins.all() == []


async def test_a_sign_in_needs_the_page_s_own_form(client):
    answer = await client.post("/_gateway/sign-in", data={"secret": PASSWORD})
    assert answer.status == 403
    assert "gateway_login" not in answer.headers.get("Set-Cookie", "")


async def test_a_typed_link_signs_in_once_and_leaves_no_code_in_the_address(client, access):
    code = access.link_code("viewer")
    path, typed = f"/_gateway/sign-in?code={code}", {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}
    preview = await client.get(path)
    assert preview.status == 200, "a chat's preview does not burn it"
    assert preview.headers["Referrer-Policy"] == "no-referrer"
    answer = await client.get(path, headers=typed, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/_gateway/")
    again = await client.get(path, headers=typed, allow_redirects=False)
    assert again.status == 403
    assert "was used already" in await again.text()
    assert [(one.name, one.role) for one in access.logins.all()] == [("link", "viewer")]


async def test_a_link_from_elsewhere_asks_first(browser, access):
    code = access.link_code()
    answer, _ = await send(browser, f"/_gateway/sign-in?code={code}", "/_gateway/sign-in", code=code)
    assert answer.status == 303
    assert [one.role for one in access.logins.all()] == ["operator"]


async def test_operators_see_and_end_sign_ins_and_make_links(client, access, services):
    ada, cookie = access.logins.add("ada", "viewer", address="10.0.0.9", agent="Browser")
    listed = await (await client.get(f"{API}/access/sessions", headers=OPERATOR)).json()
    assert [(one["handle"], one["name"], one["address"]) for one in listed["items"]] == [
        (ada.handle, "ada", "10.0.0.9")
    ]
    seen = {"Cookie": f"gateway_login={cookie}"}
    assert (await client.get("/_gateway/", headers=seen)).status == 200
    assert (await client.delete(f"{API}/access/sessions/{ada.handle}", headers=OPERATOR)).status == 200
    assert (await client.get("/_gateway/", headers=seen)).status == 401
    assert (await client.delete(f"{API}/access/sessions/{ada.handle}", headers=OPERATOR)).status == 404
    made = await (await client.post(f"{API}/access/links", json={"role": "viewer"}, headers=OPERATOR)).json()
    assert access.use_link(made["url"].partition("code=")[2]) == "viewer"
    assert [one.action for one in services.store.audited] == ["revoke"]


async def test_a_stream_ends_when_its_reader_is_signed_out(client, access, services):
    login, cookie = access.logins.add("ada", "viewer", address="10.0.0.9", agent="Browser")
    async with client.get(f"{API}/live", headers={"Cookie": f"gateway_login={cookie}"}) as stream:
        await stream.content.readuntil(b"hello")
        access.logins.end(lambda one: one.handle == login.handle)
        services.live.publish("exchange", {"id": "hidden"})
        async with asyncio.timeout(10):
            assert b"hidden" not in await stream.content.read()


async def test_the_page_says_who_one_is_and_its_twin_too(client):
    page = await (await client.get("/_gateway/access", headers=LOOKS)).text()
    assert "a viewer: you may look" in page
    assert 'data-role="viewer"' in page
    twin = await (await client.get("/_gateway/access.json", headers=LOOKS)).json()
    assert (twin["needed"], twin["me"]["role"], twin["sessions"]) == (True, "viewer", [])


async def test_no_secret_is_in_a_page_a_log_or_the_options(client, access, services, caplog):
    caplog.set_level("DEBUG", "gateway")
    code = access.link_code()
    for path in ("/_gateway/access", "/_gateway/audit.json", f"/_gateway/sign-in?code={code}x"):
        text = await (await client.get(path, headers=OPERATOR)).text()
        assert PASSWORD not in text
        assert code + '"' not in text
    ours = "".join(record.getMessage() for record in caplog.records if record.name.startswith("gateway"))
    assert PASSWORD not in ours
    assert code not in ours
    assert PASSWORD not in json.dumps([str(one) for one in services.store.audited])

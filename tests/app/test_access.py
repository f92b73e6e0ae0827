"""A whole gateway that asks who one is: traffic passes as ever, commands get in, pages may have a port of their own.

Covers: cli/access.
"""

import asyncio
import json
import re
import stat
from contextlib import AsyncExitStack
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from serving import serving

from gateway.access import Access
from gateway.cli.main import main
from gateway.cli.server import print_way_in
from gateway.paths import run_file

PASSWORD = "swordfish!"
BEARER = {"Authorization": f"Bearer {PASSWORD}"}
PAGE = {"Accept": "text/html"}

ROUTES = """\
version: 1
environments: [dev, qa]
clusters:
  shop:
    path: /api/shop
    environment: qa
    upstreams: {{dev: "http://127.0.0.1:{port}", qa: "http://127.0.0.1:{port}"}}
"""


async def answer(request):
    """What the upstream saw, as a page that sets cookies of our names, and one of its own."""
    kind = request.query.get("type", "text/html")
    reply = web.Response(text=request.headers.get("Cookie", "none"), headers={"Content-Type": kind} if kind else {})
    for name in ("gateway_session", "gateway_login", "mine"):
        reply.headers.add("Set-Cookie", f"{name}=evil; Path=/")
    reply.headers.add("Set-Cookie", "gateway_login =evil; Path=/")
    return reply


@pytest.fixture
async def upstream(aiohttp_server):
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return ROUTES.format(port=(await aiohttp_server(app)).port)


@pytest.fixture
async def http():
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def test_traffic_is_never_asked_and_never_sees_the_console_s_cookies(tmp_path, upstream, http):
    async with serving(tmp_path, upstream, password=PASSWORD) as gateway:
        cookies = {"Cookie": "a=1; gateway_login=mine; gateway_session=x; b=2"}
        async with http.get(f"{gateway.url}/api/shop/", headers=cookies) as reply:
            assert reply.status == 200
            assert await reply.text() == "a=1; b=2"
            assert [one.partition("=")[0] for one in reply.headers.getall("Set-Cookie") if "evil" in one] == ["mine"]
            assert "Content-Security-Policy" not in reply.headers
        async with http.get(f"{gateway.url}/_gateway/") as reply:
            assert reply.status == 401
        async with http.get(f"{gateway.url}/api/nothing") as reply:
            assert reply.status == 404
        async with http.get(f"{gateway.url}/_gateway/api/v1/recordings", headers=BEARER) as reply:
            assert (await reply.json())["items"][0]["steps"] == 1
        step = (await asyncio.to_thread(gateway.services.store.latest)).items[0]
        assert "gateway_login" not in str(step.request.headers)
        for secret in (PASSWORD, gateway.access.here_token):
            assert secret not in repr(gateway.services.options)


async def test_commands_of_this_machine_get_in_and_others_by_their_token(tmp_path, upstream, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("GATEWAY_URL", "GATEWAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    async with serving(tmp_path, upstream, password=PASSWORD) as gateway:
        file = run_file(gateway.services.options.recordings)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert json.loads(file.read_text())["url"] == gateway.url

        async def command(*words):
            code = await asyncio.to_thread(main, list(words))
            return code, capsys.readouterr()

        assert (await command("move", "shop", "dev"))[0] == 0
        assert gateway.services.routes.table.clusters["shop"].environment == "dev"
        code, said = await command("move", "shop", "qa", "--url", gateway.url)
        assert code == 2
        assert "needs a token" in said.err
        assert (await command("move", "shop", "qa", "--url", gateway.url, "--token", PASSWORD))[0] == 0
        monkeypatch.setenv("GATEWAY_TOKEN", PASSWORD)
        monkeypatch.setenv("GATEWAY_URL", gateway.url)
        assert (await command("routes"))[0] == 0
        assert (await command("healthcheck"))[0] == 0
        code, said = await command("audit", "move")
        assert "operator this machine" in said.out
        assert "operator password" in said.out
    assert not file.exists()


async def test_tokens_are_made_listed_and_taken_away_while_it_runs(tmp_path, upstream, http, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWAY_URL", raising=False)
    async with serving(tmp_path, upstream) as gateway:

        async def status(token):
            headers = {"Authorization": f"Bearer {token}"}
            async with http.get(f"{gateway.url}/_gateway/api/v1/access", headers=headers) as reply:
                return reply.status

        assert await status("") == 200, "nobody signs in on loopback"
        assert await asyncio.to_thread(main, ["access", "add", "wall", "--role", "viewer"]) == 0
        token = capsys.readouterr().out.strip()
        assert len(token) > 40
        assert token not in (tmp_path / "recordings" / "gateway.access").read_text()
        assert (await status(token), await status("")) == (200, 401)
        assert await asyncio.to_thread(main, ["access", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["items"] == [{"name": "wall", "role": "viewer"}]
        assert await asyncio.to_thread(main, ["access", "link", "--role", "operator"]) == 0
        link = capsys.readouterr().out.strip()
        assert link.startswith(f"{gateway.url}/_gateway/sign-in?code=")
        typed = {"Sec-Fetch-Site": "none"}
        async with http.get(link, headers=typed, allow_redirects=False) as reply:
            assert reply.status == 303
        assert await asyncio.to_thread(main, ["access", "sessions", "--json"]) == 0
        (one,) = json.loads(capsys.readouterr().out)["items"]
        assert await asyncio.to_thread(main, ["access", "revoke", one["handle"]]) == 0
        assert gateway.access.logins.all() == []
        assert await asyncio.to_thread(main, ["access", "remove", "wall"]) == 0
        assert (await status(token), await status("")) == (200, 200)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("access", "ad", "x"), 2, "did you mean 'add'?"),
        (("access", "add"), 2, "add takes a name"),
        (("access", "list", "x"), 2, "list takes no name"),
        (("access", "add", "a b"), 2, "is no name"),
        (("access", "remove", "ada"), 5, "nobody is called 'ada'"),
        (("access", "link"), 2, "no gateway runs"),
    ],
)
def test_what_is_off_is_said(words, code, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWAY_URL", raising=False)
    assert main(list(words)) == code
    assert said in capsys.readouterr().err


async def test_a_start_that_others_can_reach_prints_a_link_that_signs_in_once(tmp_path, upstream, capsys):
    async with serving(tmp_path, upstream) as gateway:
        print_way_in(gateway)
        assert capsys.readouterr().out == "", "nobody signs in on loopback"
        access = Access(None, remote=True)
        print_way_in(replace(gateway, access=access))
        code = re.search(rf"{gateway.console}/_gateway/sign-in\?code=(\S+)", capsys.readouterr().out)[1]
        assert access.use_link(code) == "operator"
        print_way_in(replace(gateway, access=Access(None, remote=True, password=PASSWORD)))
        assert capsys.readouterr().out == "", "there is another way in"


async def test_a_viewer_sends_a_demo_s_form_but_writes_no_file(tmp_path, upstream, http):
    demo = tmp_path / "templates" / "demos" / "tour"
    demo.mkdir(parents=True)
    text = "title: Tour\nsteps:\n  - title: Look\n    call: GET shop:/books\n    form: {q: a}\n"
    (demo / "demo.yaml").write_text(text)
    async with serving(tmp_path, upstream, password=PASSWORD, viewer_password="look-only") as gateway:

        async def send(token, wanted):
            headers = {"Authorization": f"Bearer {token}", "Gateway-Session": "tour", "Accept": "text/html"}
            address = f"{gateway.url}/demos/tour/look"
            async with http.get(address, headers=headers) as page:
                field = re.search(r'name="csrf_token" value="(\w+)"', await page.text())[1]
            data = {"csrf_token": field, "what_if": wanted, "f.q": "b", "name": "mine"}
            async with http.post(address, headers=headers, data=data, allow_redirects=False) as reply:
                return reply.status

        assert await send("look-only", "") == 303
        assert await send("look-only", "*save") == 403
        assert await send(PASSWORD, "*save") != 403
        async with http.post(f"{gateway.url}/demos/", headers={"Authorization": "Bearer look-only"}) as reply:
            assert reply.status == 403
    assert (demo / "demo.yaml").read_text() == text


async def test_the_console_may_have_a_port_of_its_own(tmp_path, upstream, http):
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(serving(tmp_path, upstream, console_port=0))
        assert gateway.console != gateway.url
        for path in ("/_gateway/", "/", "/_gateway/api/v1/routes", "/_gateway/healthz"):
            async with http.get(gateway.console + path) as reply:
                assert reply.status == 200, path
        for path in ("/_gateway/healthz", "/_gateway/readyz", "/_gateway/static/problem.css", "/api/shop/"):
            async with http.get(gateway.url + path) as reply:
                assert reply.status == 200, path
        for path in ("/_gateway/?q=a%26b", "/"):
            async with http.get(gateway.url + path, headers=PAGE, allow_redirects=False) as reply:
                assert (reply.status, reply.headers["Location"]) == (307, gateway.console + path)
        async with http.get(f"{gateway.url}/_gateway/api/v1/routes") as reply:
            assert reply.status == 421
            assert gateway.console in (await reply.json())["detail"]
        async with http.get(gateway.console + "/api/shop/") as reply:
            assert reply.status == 404, "no traffic on the console's port"
        moved = {"json": {"environment": "dev"}, "headers": {"Origin": gateway.url, "Sec-Fetch-Site": "same-site"}}
        async with http.post(f"{gateway.console}/_gateway/api/v1/routes/shop/move", **moved) as reply:
            assert reply.status == 403, "a proxied page is another site"
        async with http.post(f"{gateway.url}/_gateway/api/v1/routes/shop/move", json={"environment": "dev"}) as reply:
            assert reply.status == 421
        assert gateway.services.routes.table.clusters["shop"].environment == "qa"


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("text/html", True), ("TEXT/HTML; charset=utf-8", True), ("image/svg+xml", True), ("application/xml", True),
        ("application/json", False), ("text/event-stream", False), ("image/png", False),
    ],
)  # fmt: skip
async def test_proxied_pages_are_put_into_a_sandbox_when_asked_to(tmp_path, upstream, http, kind, kept):
    async with serving(tmp_path, upstream, sandbox_html=True) as gateway:
        async with http.get(f"{gateway.url}/api/shop/", params={"type": kind}) as reply:
            policy = reply.headers.get("Content-Security-Policy", "")
            assert policy.startswith("sandbox ") is kept
            assert "allow-same-origin" not in policy
        step = (await asyncio.to_thread(gateway.services.store.latest)).items[0]
        assert "sandbox" not in str(step.response.headers), "the record has what the upstream said"


async def test_a_viewer_changes_no_session_by_its_name(tmp_path, upstream, http):
    """The names that programs chose are on every page: they prove nothing."""
    async with serving(tmp_path, upstream, password=PASSWORD, viewer_password="look-only") as gateway:
        viewer, operator = (
            {"Authorization": f"Bearer {word}", "Gateway-Session": "ada"} for word in ("look-only", PASSWORD)
        )
        pins, recording = (f"{gateway.url}/_gateway/api/v1/session/{part}" for part in ("pins/shop", "recording"))
        async with http.put(pins, headers=viewer, json={"environment": "qa"}) as reply:
            assert reply.status == 403
        async with http.delete(pins, headers=viewer) as reply:
            assert reply.status == 403
        async with http.post(recording, headers=viewer, json={"title": "taken"}) as reply:
            assert reply.status == 403
        async with http.get(f"{gateway.url}/_gateway/pin?shop=qa", headers=viewer) as reply:
            assert reply.status == 200
        async with http.get(f"{gateway.url}/_gateway/api/v1/session", headers=operator) as reply:
            assert (await reply.json())["pins"] == {}
        async with http.put(pins, headers=operator, json={"environment": "qa"}) as reply:
            assert reply.status == 200


async def test_playback_opens_sealed_values_for_its_own_cookie_only(tmp_path, http, aiohttp_server):
    """Where people sign in, a name, and an address that looks alike, get the recorded answer with its placeholders."""
    token = "Zq9dJ2kLmN8pQ4rS6tU0vWxY"

    async def login(request):
        return web.json_response({"access_token": token})

    app = web.Application()
    app.router.add_post("/login", login)
    server = await aiohttp_server(app)
    async with serving(tmp_path, ROUTES.format(port=server.port), password=PASSWORD) as gateway:
        operator, browser = {"Authorization": f"Bearer {PASSWORD}"}, {"User-Agent": "Mozilla/5.0 (X)"}
        async with http.get(f"{gateway.url}/_gateway/", headers={**operator, **browser, "Accept": "text/html"}) as page:
            cookie = {"Cookie": f"gateway_session={page.cookies['gateway_session'].value}"}
        address = f"{gateway.url}/api/shop/login"
        async with http.post(address, headers={**cookie, **browser}) as reply:
            assert token in await reply.text()
        async with http.get(f"{gateway.url}/_gateway/api/v1/session", headers={**operator, **cookie}) as reply:
            recording = (await reply.json())["recording"]
        play = f"{gateway.url}/_gateway/api/v1/recordings/{recording}/playback"
        for who in (cookie, {"Gateway-Session": "named"}):
            async with http.post(play, headers={**operator, **who}, json={}) as reply:
                assert reply.status == 200
        for who, opens in ((cookie, True), ({"Gateway-Session": "named"}, False), (browser, False)):
            async with http.post(address, headers={**browser, **who}) as reply:
                text, source = await reply.text(), reply.headers.get("Gateway-Playback", "")
                assert (token in text) == (opens or not source), who
                assert ("secrets=sealed" in source) == (bool(source) and not opens), who

"""Foreign web pages on a whole gateway: by a name of their own, from another site, and by a service worker."""

import aiohttp
import pytest
from aiohttp import web
from serving import serving

ROUTES = """\
version: 1
environments: [dev]
cors: {{origins: ["http://localhost:4200"]}}
clusters:
  plain: {{path: /api/plain, environment: dev, upstreams: {{dev: "http://127.0.0.1:{port}"}}}}
  added:
    path: /api/added
    environment: dev
    upstreams: {{dev: {{url: "http://127.0.0.1:{port}", headers: {{X-Remote-User: ada}}}}}}
  polite:
    path: /api/polite
    environment: dev
    upstreams: {{dev: {{url: "http://127.0.0.1:{port}", headers: {{Accept-Language: de}}}}}}
"""


@pytest.fixture
async def site(aiohttp_server):
    seen = []

    async def answer(request):
        seen.append(f"{request.method} {request.path}")
        return web.Response(text="1", content_type="text/javascript", headers={"Service-Worker-Allowed": "/"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return seen, ROUTES.format(port=(await aiohttp_server(app)).port)


async def ask(gateway, method, path, headers):
    async with aiohttp.ClientSession() as http, http.request(method, gateway.url + path, headers=headers) as reply:
        await reply.read()
        return reply


async def test_a_name_of_another_s_is_refused_for_traffic_too(tmp_path, site):
    seen, routes = site
    async with serving(tmp_path, routes, hosts=("app.test",)) as gateway:
        port = gateway.url.rpartition(":")[2]
        for host, status in (
            ("evil.example", 421),
            (f"evil.example:{port}", 421),
            ("app.test", 200),
            (f"localhost:{port}", 200),
            ("x", 200),
        ):
            assert (await ask(gateway, "GET", "/api/plain/x", {"Host": host})).status == status, host
    assert len(seen) == 3


async def test_any_host_opens_it(tmp_path, site):
    async with serving(tmp_path, site[1], any_host=True) as gateway:
        assert (await ask(gateway, "GET", "/api/plain/x", {"Host": "evil.example"})).status == 200


CROSS = (
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:1"}, {"Origin": "http://evil.example"},
    {"Origin": "null"}, {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
)  # fmt: skip


@pytest.mark.parametrize("headers", CROSS, ids=str)
async def test_another_site_s_write_is_refused_where_credentials_are_added(tmp_path, site, headers):
    seen, routes = site
    async with serving(tmp_path, routes) as gateway:
        reply = await ask(gateway, "POST", "/api/added/x", headers)
        assert reply.status == 403 and "cors.origins" in (await reply.text()) and seen == []
        assert (await ask(gateway, "GET", "/api/added/x", headers)).status == 200, "reading is CORS's business"
        for path in ("/api/plain/x", "/api/polite/x"):
            assert (await ask(gateway, "POST", path, headers)).status == 200, "the upstream knows its own defence"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:9999"}, {"Sec-Fetch-Site": "none"},
     {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:4200"}, {"Origin": "http://localhost:4200"}],
    ids=str,
)  # fmt: skip
async def test_programs_own_pages_and_listed_origins_write(tmp_path, site, headers):
    async with serving(tmp_path, site[1]) as gateway:
        assert (await ask(gateway, "POST", "/api/added/x", headers)).status == 200


async def test_a_page_of_the_gateway_s_own_origin_writes_without_fetch_metadata(tmp_path, site):
    async with serving(tmp_path, site[1]) as gateway:
        assert (await ask(gateway, "POST", "/api/added/x", {"Origin": gateway.url})).status == 200


async def test_a_service_worker_keeps_to_its_cluster(tmp_path, site):
    seen, routes = site
    script = {"Service-Worker": "script", "Sec-Fetch-Dest": "serviceworker"}
    async with serving(tmp_path, routes) as gateway:
        reply = await ask(gateway, "GET", "/api/plain/sw.js", script)
        assert reply.status == 200 and reply.headers["Service-Worker-Allowed"] == "/api/plain/"
    root = routes.replace("path: /api/plain", "path: /")
    async with serving(tmp_path, root) as gateway:
        seen.clear()
        assert (await ask(gateway, "GET", "/sw.js", script)).status == 403 and seen == []
        reply = await ask(gateway, "GET", "/js/sw.js", script)
        assert "Service-Worker-Allowed" not in reply.headers

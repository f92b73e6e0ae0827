"""What browsers keep, compare and are let read: caches, hosts, cookies, origins."""

import json

import pytest
from peers import field_of, fields_of, raw_client, raw_upstream, status_of
from relaying import orders_at, relaying

ORIGIN = b"http://localhost:4200"


async def ask(url: str, path: str = "/api/orders/7", *headers: bytes, method: str = "GET", host: str = "gw.test"):
    lines = [f"{method} {path} HTTP/1.1".encode(), f"Host: {host}".encode(), *headers]
    async with raw_client(url) as client:
        await client.send(b"\r\n".join([*lines, b"", b""]))
        return await client.response()


def saying(*headers: bytes, status: bytes = b"200 OK") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, *headers, b"Content-Length: 2", b"", b"hi"])


def cluster_with(url: str, line: str) -> str:
    return orders_at(url).replace("    environment: qa\n", f"    environment: qa\n    {line}\n")


# -- caches

KEPT = [
    (b"Cache-Control: public, max-age=3600",),
    (b"Expires: Wed, 21 Oct 2099 07:28:00 GMT",),
    (b"Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT",),
    (b'ETag: "v1"', b"Cache-Control: no-cache"),
    (b'ETag: W/"v1"',),
    (b"cache-control: immutable, max-age=31536000", b"Expires: 0", b"Pragma: cache"),
]


@pytest.mark.parametrize("headers", KEPT)
async def test_by_default_no_browser_keeps_a_response(headers):
    async with raw_upstream(saying(*headers)) as upstream, relaying(orders_at(upstream.url)) as gw:
        for _ in range(2):
            head, _ = await ask(gw.url)
            names = [name.lower() for name, _ in fields_of(head)]
            assert field_of(head, b"Cache-Control") == b"no-store"
            assert names.count(b"cache-control") == 1
            assert not {b"expires", b"last-modified", b"pragma"} & set(names)
        capture = (await gw.recorder.until(2))[1]
        assert (b"Cache-Control", b"no-store") in capture.response_headers
        sent = {tuple(line.split(b": ", 1)) for line in headers if not line.lower().startswith(b"etag")}
        assert set(capture.rewritten) == sent, "the exchange says what the upstream sent"


async def test_a_tag_stays_for_writes_that_name_it():
    async with raw_upstream(saying(b'ETag: "v1"')) as upstream, relaying(orders_at(upstream.url)) as gw:
        assert field_of((await ask(gw.url))[0], b"ETag") == b'"v1"'


@pytest.mark.parametrize("status", [b"301 Moved Permanently", b"308 Permanent Redirect", b"410 Gone", b"300 Choices"])
async def test_nothing_permanent_binds_a_browser(status):
    async with (
        raw_upstream(saying(b"Location: /new", status=status)) as upstream,
        relaying(orders_at(upstream.url)) as gw,
    ):
        assert field_of((await ask(gw.url))[0], b"Cache-Control") == b"no-store"


@pytest.mark.parametrize(
    "headers", [(), (b"Cache-Control: no-store",), (b"Cache-Control: private, NO-STORE", b'ETag: "x"')]
)
async def test_what_no_browser_keeps_passes_as_it_is(headers):
    async with raw_upstream(saying(*headers)) as upstream, relaying(orders_at(upstream.url)) as gw:
        head, _ = await ask(gw.url)
        assert [n + b": " + v for n, v in fields_of(head)][: len(headers)] == list(headers)
        assert not (await gw.recorder.until(1))[0].rewritten


async def test_what_a_write_answers_is_left_alone():
    async with raw_upstream(saying(b"Cache-Control: max-age=5")) as upstream, relaying(orders_at(upstream.url)) as gw:
        assert field_of((await ask(gw.url, method="DELETE"))[0], b"Cache-Control") == b"max-age=5"


@pytest.mark.parametrize("path", ["/api/orders/app.js", "/api/orders/a/logo.PNG?v=2", "/api/orders/f.woff2"])
async def test_static_files_are_kept_and_told_apart_by_environment(path):
    async with raw_upstream(saying(b"Cache-Control: max-age=9")) as upstream, relaying(orders_at(upstream.url)) as gw:
        head, _ = await ask(gw.url, path)
        assert (field_of(head, b"Cache-Control"), field_of(head, b"Vary")) == (b"max-age=9", b"Gateway-Env")


async def test_a_cluster_may_keep_what_its_upstream_says():
    async with raw_upstream(saying(b"Cache-Control: max-age=9", b"Vary: Accept")) as upstream:
        async with relaying(cluster_with(upstream.url, "cache: upstream")) as gw:
            head, _ = await ask(gw.url)
            assert field_of(head, b"Cache-Control") == b"max-age=9"
            assert [v for n, v in fields_of(head) if n == b"Vary"] == [b"Accept", b"Gateway-Env"]


@pytest.mark.parametrize(
    "header",
    [
        b"Strict-Transport-Security: max-age=31536000; includeSubDomains",
        b'Alt-Svc: h3=":443"',
        b'Public-Key-Pins: pin-sha256="x"',
        b'Clear-Site-Data: "cookies"',
    ],
)
async def test_no_upstream_binds_the_gateways_host(header):
    async with raw_upstream(saying(header)) as upstream, relaying(orders_at(upstream.url)) as gw:
        for _ in range(2):
            head, _ = await ask(gw.url)
            assert field_of(head, header.split(b":")[0]) is None
        for capture in await gw.recorder.until(2):
            assert capture.rewritten == [tuple(header.split(b": ", 1))]
            assert header.split(b":")[0] not in [name for name, _ in capture.response_headers]


# -- hosts


async def test_origin_and_referer_of_a_page_of_ours_are_the_upstreams():
    async with raw_upstream(saying()) as upstream, relaying(orders_at(upstream.url + "/v3")) as gw:
        await ask(gw.url, "/api/orders/7", b"Origin: http://gw.test", b"Referer: http://gw.test/api/orders/page?x=1")
        head = upstream.heads[0]
        assert field_of(head, b"Origin") == upstream.url.encode()
        assert field_of(head, b"Referer") == upstream.url.encode() + b"/v3/page?x=1"
        assert field_of(head, b"Host") == upstream.url[7:].encode()
        (capture,) = await gw.recorder.until(1)
        assert (b"Origin", b"http://gw.test") in capture.request_headers, "recorded as the client sent it"


async def test_a_page_of_another_cluster_is_named_by_its_origin_only():
    async with raw_upstream(saying()) as upstream, relaying(orders_at(upstream.url)) as gw:
        await ask(gw.url, "/api/orders/7", b"Origin: http://gw.test", b"Referer: http://gw.test/demos/shop/1")
        assert field_of(upstream.heads[0], b"Referer") == upstream.url.encode() + b"/"


async def test_foreign_origins_stay_so_that_upstreams_can_refuse_them():
    async with raw_upstream(saying()) as upstream, relaying(orders_at(upstream.url)) as gw:
        foreign = (b"Origin: http://evil.example", b"Referer: http://evil.example/gw.test")
        await ask(gw.url, "/api/orders/7", *foreign)
        head = upstream.heads[0]
        assert (field_of(head, b"Origin"), field_of(head, b"Referer")) == (
            b"http://evil.example",
            b"http://evil.example/gw.test",
        )


async def test_a_listed_front_end_counts_as_the_upstreams_own():
    routes = 'cors: {origins: ["http://localhost:4200"]}\n'
    async with raw_upstream(saying()) as upstream, relaying(orders_at(upstream.url) + routes) as gw:
        await ask(gw.url, "/api/orders/7", b"Origin: " + ORIGIN, b"Referer: " + ORIGIN + b"/shop")
        assert field_of(upstream.heads[0], b"Origin") == upstream.url.encode()


async def test_keep_sends_the_clients_host_and_origin():
    async with raw_upstream(saying()) as upstream, relaying(orders_at(upstream.url, "        host: keep\n")) as gw:
        await ask(gw.url, "/api/orders/7", b"Origin: http://gw.test", b"Referer: http://gw.test/api/orders/")
        head = upstream.heads[0]
        assert (field_of(head, b"Host"), field_of(head, b"Origin")) == (b"gw.test", b"http://gw.test")
        assert field_of(head, b"Referer") == b"http://gw.test/api/orders/"


@pytest.mark.parametrize(
    "name", ["X-Forwarded-Proto", "Forwarded", "X-Forwarded-For", "X-Forwarded-Prefix", "Host", "Origin", "traceparent"]
)
async def test_headers_of_an_upstream_replace_what_the_gateway_makes(name):
    async with raw_upstream(saying()) as upstream:
        async with relaying(orders_at(upstream.url, f"        headers: {{{name}: mine}}\n")) as gw:
            await ask(gw.url, "/api/orders/7", b"Origin: http://gw.test")
            found = [value for key, value in fields_of(upstream.heads[0]) if key.lower() == name.lower().encode()]
            assert found == [b"mine"]


# -- names and ports of their own


async def test_a_cluster_has_the_root_under_its_own_name():
    answer = saying(b"Location: http://localhost:PORT/next", b"Set-Cookie: a=1; Path=/", status=b"302 Found")
    async with raw_upstream(answer) as upstream:
        async with relaying(cluster_with(upstream.url, "names: [Orders.localhost]")) as gw:
            head, _ = await ask(gw.url, "/_gateway/x?y=1", host="orders.LOCALHOST:8080")
            assert upstream.heads[0].startswith(b"GET /_gateway/x?y=1 HTTP/1.1\r\n")
            assert field_of(upstream.heads[0], b"X-Forwarded-Prefix") == b"/"
            assert field_of(upstream.heads[0], b"X-Forwarded-Host") == b"orders.LOCALHOST:8080"
            assert field_of(head, b"Set-Cookie") == b"a=1; Path=/"
            (capture,) = await gw.recorder.until(1)
            assert capture.target == b"/api/orders/_gateway/x?y=1", "recorded by its path, so that a replay finds it"
            assert (await ask(gw.url, "/api/orders/7"))[0].startswith(b"HTTP/1.1 302")


# -- other origins

CORS = 'cors: {origins: ["http://localhost:4200", "http://127.0.0.1:*"]}\n'


async def test_what_the_upstream_exposes_stays_exposed():
    answer = saying(
        b"Access-Control-Expose-Headers: X-Total-Count", b"access-control-expose-headers: X-Page", b"Vary: Accept"
    )
    async with raw_upstream(answer) as upstream, relaying(orders_at(upstream.url) + CORS) as gw:
        head, _ = await ask(gw.url, "/api/orders/7", b"Origin: " + ORIGIN)
        exposed = field_of(head, b"Access-Control-Expose-Headers") or b""
        assert exposed.startswith(b"X-Total-Count, X-Page, Gateway-Exchange")
        assert [v for n, v in fields_of(head) if n == b"Vary"] == [b"Accept", b"Origin"]


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (b"http://localhost:4200", True), (b"http://127.0.0.1:4321", True), (b"http://127.0.0.1", True),
        (b"http://localhost:4201", False), (b"https://127.0.0.1:1", False), (b"http://127.0.0.1.evil.example:80", False),
    ],
)  # fmt: skip
async def test_every_port_of_this_machine_may_be_listed(origin, allowed):
    async with raw_upstream(saying()) as upstream, relaying(orders_at(upstream.url) + CORS) as gw:
        head, _ = await ask(gw.url, "/api/orders/7", b"Origin: " + origin)
        assert (field_of(head, b"Access-Control-Allow-Origin") == origin) is allowed
        assert [one.origin.encode() for one in gw.relay.refused_origins.all()] == ([] if allowed else [origin])


async def test_a_refused_origin_is_remembered_with_its_last_call():
    async with raw_upstream(saying()) as upstream, relaying(orders_at(upstream.url)) as gw:
        await ask(gw.url, "/api/orders/7", b"Origin: http://a.example")
        await ask(gw.url, "/api/orders/7", b"Origin: http://gw.test")  # its own
        await ask(gw.url, "/api/orders/7", b"Origin: null")
        await ask(gw.url, "/api/orders/8?secret=1", b"Origin: http://a.example", method="POST")
        (one,) = gw.relay.refused_origins.all()
        assert (one.origin, one.count, one.cluster, one.call) == ("http://a.example", 2, "orders", "POST /api/orders/8")
        for number in range(300):
            gw.relay.refused_origins.note(b"http://%d.example" % number, cluster="", method=b"", path=b"", at=1.0)
        assert len(gw.relay.refused_origins.all()) == 100


async def test_an_upstream_that_allows_an_origin_itself_refuses_nobody():
    async with (
        raw_upstream(saying(b"Access-Control-Allow-Origin: *")) as upstream,
        relaying(orders_at(upstream.url)) as gw,
    ):
        await ask(gw.url, "/api/orders/7", b"Origin: http://a.example")
        assert gw.relay.refused_origins.all() == []


async def test_nothing_here_is_readable_and_preflighted_for_a_listed_origin():
    async with relaying(orders_at("http://127.0.0.1:9") + CORS) as gw:
        preflight = (
            b"Origin: " + ORIGIN,
            b"Access-Control-Request-Method: PUT",
            b"Access-Control-Request-Headers: x-a",
        )
        head, _ = await ask(gw.url, "/nowhere", *preflight, method="OPTIONS")
        assert status_of(head) == 204
        assert field_of(head, b"Access-Control-Allow-Methods") == b"PUT"
        head, _ = await ask(gw.url, "/api/orders/../x", b"Origin: " + ORIGIN)
        assert (status_of(head), field_of(head, b"Access-Control-Allow-Origin")) == (400, ORIGIN)


@pytest.mark.parametrize("status", [b"404 Not Found", b"500 Oops", b"409 Conflict"])
async def test_every_failed_response_links_to_its_explanation(status):
    async with raw_upstream(saying(status=status)) as upstream, relaying(orders_at(upstream.url)) as gw:
        head, _ = await ask(gw.url)
        id = (field_of(head, b"Gateway-Exchange") or b"").decode()
        assert field_of(head, b"Link") == f'</_gateway/exchanges/{id}>; rel="describedby"'.encode()


async def test_a_failure_of_the_gateways_own_links_too_and_success_does_not():
    async with relaying(orders_at("http://127.0.0.1:9")) as gw:
        head, body = await ask(gw.url)
        assert status_of(head) == 502
        assert json.loads(body)["instance"].encode() in (field_of(head, b"Link") or b"")
    async with raw_upstream(saying()) as upstream, relaying(orders_at(upstream.url)) as gw:
        assert field_of((await ask(gw.url))[0], b"Link") is None


# -- who calls


async def test_a_trusted_proxys_client_reaches_the_upstream_and_nobody_elses():
    claims = (
        b"X-Forwarded-For: 203.0.113.7",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: demo.example",
        b"X-Forwarded-Prefix: /gw",
    )
    async with raw_upstream(saying()) as upstream, relaying(orders_at(upstream.url)) as gw:
        await ask(gw.url, "/api/orders/7", *claims)
        head = upstream.heads[0]
        assert field_of(head, b"X-Forwarded-For") == b"203.0.113.7, 127.0.0.1"
        assert (field_of(head, b"X-Forwarded-Proto"), field_of(head, b"X-Forwarded-Host")) == (
            b"https",
            b"demo.example",
        )
        assert field_of(head, b"X-Forwarded-Prefix") == b"/gw/api/orders"
        (capture,) = await gw.recorder.until(1)
        assert (capture.client, capture.origin) == ("203.0.113.7", b"https://demo.example")
    async with raw_upstream(saying()) as upstream, relaying(orders_at(upstream.url), trust_proxy=("none",)) as gw:
        await ask(gw.url, "/api/orders/7", *claims)
        head = upstream.heads[0]
        assert field_of(head, b"X-Forwarded-For") == b"127.0.0.1"
        assert (field_of(head, b"X-Forwarded-Proto"), field_of(head, b"X-Forwarded-Host")) == (b"http", b"gw.test")
        assert field_of(head, b"X-Forwarded-Prefix") == b"/api/orders"


async def test_behind_a_tls_proxy_cookies_stay_secure():
    async with raw_upstream(saying(b"Set-Cookie: __Host-a=1; Secure; SameSite=None; Path=/")) as upstream:
        async with relaying(orders_at(upstream.url)) as gw:
            head, _ = await ask(gw.url, "/api/orders/7", b"X-Forwarded-Proto: https")
            assert field_of(head, b"Set-Cookie") == b"__Host-a=1; Secure; SameSite=None; Path=/"


async def test_a_cookie_whose_name_had_to_change_comes_back_with_its_own():
    async with raw_upstream(saying(b"Set-Cookie: __Host-a=1; Secure; Path=/")) as upstream:
        async with relaying(orders_at(upstream.url)) as gw:
            kept = field_of((await ask(gw.url))[0], b"Set-Cookie") or b""
            await ask(gw.url, "/api/orders/7", b"Cookie: x=1; " + kept.partition(b";")[0])
            assert field_of(upstream.heads[1], b"Cookie") == b"x=1; __Host-a=1"

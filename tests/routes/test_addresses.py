"""Addresses of upstreams become public ones, whichever cluster's, in whatever spelling; others stay as they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.addresses import past_gateway
from gateway.routes.addresses import Addresses, Viewpoint
from gateway.routes.parse import parse
from gateway.routes.table import CompiledCluster, CompiledUpstream, RouteTable, Tls, compile_table

ORIGIN = b"http://127.0.0.1:8080"


def a_cluster(prefix: bytes = b"/api/orders", *, strip: bool = True) -> CompiledCluster:
    return CompiledCluster("orders", prefix, strip, "qa", {})


def an_upstream(base: bytes = b"", *, tls: bool = False) -> CompiledUpstream:
    authority = b"qa.example" if tls else b"qa.example:9303"
    return CompiledUpstream("qa", "", Tls() if tls else None, "qa.example", 443 if tls else 9303, authority, base)


def public(cluster: CompiledCluster, upstream: CompiledUpstream, value: bytes) -> bytes:
    whole = CompiledCluster(cluster.name, cluster.prefix, cluster.strip, "qa", {"qa": upstream})
    addresses = Addresses({"orders": whole}, lambda path: path.startswith(b"/api/orders"))
    return addresses.public(value, Viewpoint(whole, upstream, ORIGIN, lambda name: "qa"))


@pytest.mark.parametrize(
    ("base", "value", "expected"),
    [
        (b"", b"/orders/7", b"/api/orders/orders/7"),
        (b"", b"/orders?a=%2F#f", b"/api/orders/orders?a=%2F#f"),
        (b"", b"/", b"/api/orders/"),
        (b"", b"http://qa.example:9303/7", ORIGIN + b"/api/orders/7"),
        (b"", b"HTTP://QA.example:9303/7", ORIGIN + b"/api/orders/7"),
        (b"", b"http://qa.example:9303", ORIGIN + b"/api/orders"),
        (b"", b"//qa.example:9303/7", ORIGIN + b"/api/orders/7"),
        (b"", b"http://qa.example:9303?x", ORIGIN + b"/api/orders?x"),
        (b"", b"/api/orders/7", b"/api/orders/7"),
        (b"/v3", b"/v3/7", b"/api/orders/7"),
        (b"/v3", b"/v3", b"/api/orders"),
        (b"/v3", b"http://qa.example:9303/v3?x", ORIGIN + b"/api/orders?x"),
    ],
)
def test_a_location_at_the_upstream_becomes_public(base: bytes, value: bytes, expected: bytes) -> None:
    assert public(a_cluster(), an_upstream(base), value) == expected


@pytest.mark.parametrize(
    "value",
    [
        b"//evil.example/x",
        b"http://user@qa.example:9303/x",
        b"http://qa.example:9303@evil.example/x",
        b"http://qa.example/x",
        b"http://qa.example.evil:9303/v3/x",
        b"mailto:me@qa.example",
        b"relative/7",
        b"?page=2",
        b"",
        b"/v30/x",
        b"/login",
    ],
)
def test_a_location_elsewhere_stays(value: bytes) -> None:
    assert public(a_cluster(), an_upstream(b"/v3"), value) == value


def test_the_default_port_may_be_written() -> None:
    found = public(a_cluster(), an_upstream(tls=True), b"https://qa.example:443/7")
    assert found == ORIGIN + b"/api/orders/7"


def test_without_strip_only_paths_under_the_prefix_are_public() -> None:
    cluster, upstream = a_cluster(strip=False), an_upstream(b"/v3")
    assert public(cluster, upstream, b"/v3/api/orders/7") == b"/api/orders/7"
    assert public(cluster, upstream, b"/v3/login") == b"/v3/login"


@given(st.binary(max_size=60))
def test_any_location_has_an_answer(value: bytes) -> None:
    found = public(a_cluster(), an_upstream(b"/v3"), value)
    assert found == value or found.lstrip(b" \t'\"").startswith((ORIGIN + b"/api/orders", b"/api/orders"))


ROUTES = """version: 1
environments: [dev, qa]
clusters:
  orders: {path: /api/orders, environment: dev, upstreams: {dev: "http://localhost:9001", qa: "https://qa.example/o"}}
  login: {path: /auth, environment: dev, upstreams: {dev: "http://127.0.0.1:9002/idp", qa: "https://id.example"}}
  whole: {path: /whole, environment: qa, upstreams: {dev: "http://[::1]:9003", qa: "https://id.example/x"}}
"""


@pytest.fixture(scope="module")
def table() -> RouteTable:
    config = parse(ROUTES.encode()).config
    assert config is not None
    return compile_table(config)


def view_of(table: RouteTable, cluster: str = "orders", environment: str = "dev", origin: bytes = ORIGIN) -> Viewpoint:
    found = table.clusters[cluster]
    return Viewpoint(found, found.upstreams[environment], origin, lambda name: table.clusters[name].environment)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (b"http://localhost:9001/7", ORIGIN + b"/api/orders/7"),
        (b"http://127.0.0.1:9001/7?x=1#y", ORIGIN + b"/api/orders/7?x=1#y"),
        (b"http://[::1]:9001/7", ORIGIN + b"/api/orders/7"),
        (b"HTTP://LOCALHOST:9001/7", ORIGIN + b"/api/orders/7"),
        (b"//127.0.0.2:9001/7", ORIGIN + b"/api/orders/7"),
        (b"http://shop.localhost:9001/7", ORIGIN + b"/api/orders/7"),
        (b"http://0.0.0.0:9001", ORIGIN + b"/api/orders"),
        (b"https://localhost:9001/7", ORIGIN + b"/api/orders/7"),  # one port speaks one of them: behind a TLS proxy
        (b"ws://localhost:9001/live", b"ws://127.0.0.1:8080/api/orders/live"),
        (b"http://localhost:9002/idp/authorize?a=b", ORIGIN + b"/auth/authorize?a=b"),  # another cluster
        (b"https://id.example/x/y", ORIGIN + b"/whole/y"),
        (b"http://127.0.0.1:8080/7", ORIGIN + b"/api/orders/7"),  # X-Forwarded-Host without the prefix
        (b"//127.0.0.1:8080/7", ORIGIN + b"/api/orders/7"),
        (b"http://localhost:8080/7", ORIGIN + b"/api/orders/7"),  # the gateway in another spelling
        (b"http://[::1]:8080/auth/authorize?x", ORIGIN + b"/auth/authorize?x"),
    ],
)
def test_an_address_of_any_cluster_leads_through_the_gateway(table, url, expected):
    assert table.addresses.public(url, view_of(table)) == expected


@pytest.mark.parametrize(
    "url",
    [
        b"http://127.0.0.1:8080/api/orders/7",
        b"http://127.0.0.1:8080/auth/authorize",
        b"http://127.0.0.1:8080/_gateway/live",
        b"https://qa.example/o/7",  # where the cluster does not live now
        b"https://id.example/other",  # login lives in dev
        b"http://localhost:9002/elsewhere",  # not below the base path
        b"http://localhost:9004/7",
        b"http://orders.localhost:8080/7",  # may be a cluster's own name
        b"http://localhost/7",
        b"http://qa.example/o/7",  # port 80
        b"data:text/plain,x",
        b"urn:a://localhost:9001",
    ],
)
def test_an_address_that_means_something_else_stays(table, url):
    assert table.addresses.public(url, view_of(table)) == url


NAMED = """version: 1
environments: [dev]
clusters:
  shop: {path: /shop, environment: dev, upstreams: {dev: {url: "http://10.0.0.5:8000/s", headers: {Host: shop.example}}}}
  port: {path: /port, environment: dev, upstreams: {dev: {url: "http://10.0.0.5:8001", headers: {host: "Shop.example:81"}}}}
"""


@pytest.mark.parametrize(
    ("cluster", "url", "expected"),
    [
        ("shop", b"https://shop.example/s/7", ORIGIN + b"/shop/7"),
        ("shop", b"http://SHOP.example/s", ORIGIN + b"/shop"),
        ("shop", b"http://shop.example:81/s", b"http://shop.example:81/s"),
        ("shop", b"https://shop.example/elsewhere", b"https://shop.example/elsewhere"),
        ("port", b"http://shop.example:81/7", ORIGIN + b"/port/7"),
        ("port", b"https://shop.example/s/7", b"https://shop.example/s/7"),  # the name that another cluster sends
    ],
)
def test_the_host_that_a_server_is_given_is_its_address_too(cluster: str, url: bytes, expected: bytes) -> None:
    config = parse(NAMED.encode()).config
    assert config is not None
    named = compile_table(config)
    view = view_of(named, cluster)
    assert named.addresses.public(url, view) == expected
    assert named.addresses.public_body(b'"' + url + b'"', view) == b'"' + expected + b'"'


def test_a_pin_decides_which_environment_is_meant(table):
    pinned = Viewpoint(table.clusters["login"], table.clusters["login"].upstreams["dev"], ORIGIN, lambda name: "qa")
    assert table.addresses.public(b"https://qa.example/o/7", pinned) == ORIGIN + b"/api/orders/7"
    assert table.addresses.public(b"http://localhost:9001/7", pinned) == b"http://localhost:9001/7"


def test_a_cluster_with_a_name_of_its_own_has_the_root_there(table):
    cluster = table.clusters["orders"].at_root()
    origin = b"http://orders.localhost:8080"
    view = Viewpoint(cluster, table.clusters["orders"].upstreams["dev"], origin, lambda name: "dev", ORIGIN)
    assert table.addresses.public(b"http://localhost:9001/7", view) == origin + b"/7"
    assert table.addresses.public(b"http://localhost:9002/idp/a", view) == ORIGIN + b"/auth/a"
    assert table.addresses.public(b"http://orders.localhost:8080/7", view) == b"http://orders.localhost:8080/7"


def test_every_target_of_a_link_header_is_translated(table):
    value = b'<http://localhost:9001/p?page=2>; rel="next", </p?page=9>; rel=last, <https://foreign.example/>; rel="x"'
    assert table.addresses.public_links(value, view_of(table)) == (
        b'<http://127.0.0.1:8080/api/orders/p?page=2>; rel="next", </api/orders/p?page=9>; rel=last, '
        b'<https://foreign.example/>; rel="x"'
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"tarball": "http://localhost:9001/a/-/a-1.0.tgz"}',
            b'{"tarball": "http://127.0.0.1:8080/api/orders/a/-/a-1.0.tgz"}',
        ),
        (b'{"u": "http:\\/\\/localhost:9001\\/a"}', b'{"u": "http:\\/\\/127.0.0.1:8080\\/api\\/orders\\/a"}'),
        (
            b"<Location>http://127.0.0.1:9001/b/k</Location>",
            b"<Location>http://127.0.0.1:8080/api/orders/b/k</Location>",
        ),
        (b'<a href="//localhost:9001/x?y=1&amp;z=2">', b'<a href="http://127.0.0.1:8080/api/orders/x?y=1&amp;z=2">'),
        (b"see http://localhost:9001.", b"see http://127.0.0.1:8080/api/orders."),
        (b"next=http%3A%2F%2Flocalhost%3A9001%2Fa", b"next=http%3A%2F%2F127.0.0.1%3A8080%2Fapi%2Forders%2Fa"),
        (b"http://localhost:90011/a http://xlocalhost:9001/a", b"http://localhost:90011/a http://xlocalhost:9001/a"),
        (b"https://qa.example/o/7 https://qa.example.evil/o", b"https://qa.example/o/7 https://qa.example.evil/o"),
    ],
)
def test_addresses_in_bodies(table, body, expected):
    assert table.addresses.public_body(body, view_of(table)) == expected


@pytest.mark.parametrize(
    ("upstream", "text", "found"),
    [
        (
            "http://127.0.0.1:9001/x",
            '{"u": "http://127.0.0.1:9001/a", "v": "http://127.0.0.1:9001/b"}',
            ["http://127.0.0.1:9001"],
        ),
        (
            "http://127.0.0.1:9001/x",
            "http://localhost:9001/a //127.0.0.1:9001/b",
            ["http://localhost:9001", "http://127.0.0.1:9001"],
        ),
        ("http://127.0.0.1:9001/x", '"http:\\/\\/127.0.0.1:9001\\/a"', ["http://127.0.0.1:9001"]),
        ("https://qa.example/o", "wss://qa.example/live", ["wss://qa.example"]),
        ("https://qa.example/o", "the server qa.example says hello, mail me@qa.example", []),
        ("http://127.0.0.1:9001/x", "http://127.0.0.1:90010/ http://127.0.0.1:8080/", []),
        ("", "http://127.0.0.1:9001/", []),
    ],
)
def test_what_leads_past_the_gateway_is_found(upstream, text, found):
    assert past_gateway(upstream, text) == found


@given(st.binary(max_size=80))
def test_any_body_has_an_answer(body):
    config = parse(ROUTES.encode()).config
    assert config is not None
    table = compile_table(config)
    once = table.addresses.public_body(body, view_of(table))
    assert table.addresses.public_body(once, view_of(table)) == once


@pytest.mark.parametrize("piece", [45, 50, 101, 64 << 10])
def test_a_body_that_is_searched_in_pieces_is_the_one_that_is_searched_at_once(piece, monkeypatch):
    monkeypatch.setattr("gateway.routes.addresses.PIECE", piece)
    upstream = an_upstream(b"/v1")
    whole = CompiledCluster("orders", b"/api/orders", True, "qa", {"qa": upstream})
    view = Viewpoint(whole, upstream, ORIGIN, lambda name: "qa")
    texts = (
        b"http://qa.example:9303/v1/", b"http:\\/\\/qa.example:9303\\/v1\\/b", b"http%3A%2F%2Fqa.example%3A9303%2Fv1%2Fc",
        b"//qa.example:9303/v1/d", b"http://qa.example:93034/v1/e", b"http://qa.example:9303.x/v1/f", b"xhttp://qa.example:9303/v1/g",
        b"http://qa.example:9303/v2/h", b"http://qa.example:9303/v1/" + b"long/" * 30, b"no address at all",
    )  # fmt: skip
    for mark in (b" ", b'", "', b"\n", b"x"):
        body = mark.join(texts * 2)
        addresses = Addresses({"orders": whole}, lambda path: path.startswith(b"/api/orders"))
        addresses.public_body(b"", view)
        pattern = addresses._in_bodies
        assert pattern is not None
        at_once = pattern.sub(lambda found, known=addresses: known._in_body(found, view), body)
        assert addresses.public_body(body, view) == at_once
        assert at_once != body

"""Public path -> cluster -> upstream.

Covers: replay/playback/request_table.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routes.parse import parse
from gateway.routes.table import (
    CompiledCluster,
    Cors,
    RecordingRules,
    RedactRules,
    RouteFault,
    RouteTable,
    Tls,
    compile_table,
    skip_pattern,
    strictest,
)

WHOLE = """\
version: 1
environments: [dev, test, qa]
writes: {dev: allow, qa: never}
clusters:
  orders:
    path: /api/orders/
    environment: qa
    upstreams:
      dev: http://127.0.0.1:9103/
      qa:
        url: https://QA2.example:8443/orders-v3/
        headers: {Authorization: "Bearer ${QA_TOKEN}", X-Stage: "qa"}
        rewrite: {^/books/(.*): /titles/\\1}
        tls: {ca: certs/qa.pem, cert: /etc/me.pem, key: certs/me.key, verify: false, server_name: orders.qa}
        timeout: {connect: 1s, response: 250ms, idle: 2m}
    health: /health
    version: {path: /version, pointer: /build}
    fault: {delay: 200ms, status: 503, rate: 0.1}
    writes: ask
redact: {headers: [X-Secret], json: ["$..iban"], query: [token]}
cors: {origins: ["http://localhost:4200"], credentials: true, methods: [GET], headers: [X-A], max_age: 1m}
recording: {max_body: 2MiB, skip: ["GET *.js", "* /health", "/assets/*"], keep: {days: 30, bytes: 2GiB}}
"""


def table_of(text: str, **variables: str) -> RouteTable:
    parsed = parse(text.encode(), variables=variables)
    assert parsed.problems == ()
    assert parsed.config is not None
    return compile_table(parsed.config, revision=parsed.revision, folder="/config")


def clusters(*prefixes: str) -> RouteTable:
    made = [CompiledCluster(prefix or "root", prefix.encode(), True, "qa", {}) for prefix in prefixes]
    return RouteTable({cluster.name: cluster for cluster in made})


def test_a_cluster_may_have_redaction_rules_of_its_own():
    text = """
version: 1
environments: [qa]
redact: {headers: [X-All], json: ["$..iban"]}
clusters:
  orders: {path: /a, environment: qa, upstreams: {qa: http://127.0.0.1:1}}
  payments:
    path: /b
    environment: qa
    upstreams: {qa: http://127.0.0.1:1}
    redact: {headers: [X-Pay], json: ["$..iban", "$..card"], query: [otp]}
"""
    rules = table_of(text).redact
    assert rules.of("orders") is rules and rules.of("") is rules
    assert rules.of("payments") == RedactRules(
        frozenset({"x-all", "x-pay"}), ("$..iban", "$..card"), frozenset({"otp"})
    )


def test_kinds_of_personal_data_of_the_file_and_of_a_cluster() -> None:
    text = """
version: 1
environments: [qa]
redact: {kinds: [card, iban]}
clusters:
  orders: {path: /a, environment: qa, upstreams: {qa: http://127.0.0.1:1}}
  people: {path: /b, environment: qa, upstreams: {qa: http://127.0.0.1:1}, redact: {kinds: [email, phone]}}
"""
    rules = table_of(text).redact
    assert rules.of("orders").kinds == {"card", "iban"}
    assert rules.of("people").kinds == {"card", "iban", "email", "phone"}
    assert table_of(text.replace("redact: {kinds: [card, iban]}", "")).redact.of("orders").kinds == frozenset()
    problems = parse(text.replace("iban", "passport").encode(), variables={}).problems
    assert len(problems) == 1
    assert "redact.kinds[1]" in str(problems[0])


def test_everything_that_a_file_says_is_in_the_table() -> None:
    table = table_of(WHOLE, QA_TOKEN="s3cret")
    orders = table.clusters["orders"]
    qa, dev = orders.upstreams["qa"], orders.upstreams["dev"]
    assert (orders.prefix, orders.strip, orders.environment) == (b"/api/orders", True, "qa")
    assert orders.fault == RouteFault(0.2, 503, 0.1)
    assert (orders.health, orders.version_path, orders.version_pointer) == ("/health", "/version", "/build")
    assert (qa.host, qa.port, qa.authority) == ("qa2.example", 8443, b"qa2.example:8443")
    assert (qa.url, qa.base_path) == ("https://QA2.example:8443/orders-v3", b"/orders-v3")
    assert qa.tls == Tls("/config/certs/qa.pem", "/etc/me.pem", "/config/certs/me.key", False, "orders.qa")
    assert qa.headers == ((b"Authorization", b"Bearer s3cret"), (b"X-Stage", b"qa"))
    assert [(rule.pattern, to) for rule, to in qa.rewrite] == [(b"^/books/(.*)", b"/titles/\\1")]
    assert (qa.connect_timeout, qa.response_timeout, qa.idle_timeout) == (1.0, 0.25, 120.0)
    assert (dev.connect_timeout, dev.response_timeout, dev.idle_timeout) == (5.0, 30.0, 60.0)
    assert (dev.url, dev.tls, dev.base_path) == ("http://127.0.0.1:9103", None, b"")
    assert table.environments == ("dev", "test", "qa")
    assert table.cors == Cors(frozenset([b"http://localhost:4200"]), True, (b"GET",), (b"X-A",), 60)
    assert (table.redact.headers, table.redact.json, table.redact.query) == ({"x-secret"}, ("$..iban",), {"token"})
    assert (table.recording.max_body, table.recording.keep_days, table.recording.keep_bytes) == (2 << 20, 30, 2 << 30)
    assert len(table.revision) == 64


def test_credentials_do_not_stand_in_the_text_of_a_table() -> None:
    assert "s3cret" not in repr(table_of(WHOLE, QA_TOKEN="s3cret").clusters)


def test_the_stricter_word_about_writes_counts() -> None:
    upstreams = table_of(WHOLE, QA_TOKEN="x").clusters["orders"].upstreams
    assert (upstreams["dev"].writes, upstreams["qa"].writes) == ("ask", "never")
    assert (strictest(None, None), strictest("allow", None), strictest("allow", "never")) == ("ask", "allow", "never")


def test_a_table_cannot_be_changed() -> None:
    table = table_of(WHOLE, QA_TOKEN="x")
    with pytest.raises(TypeError):
        table.clusters["orders"] = None  # type: ignore[index]
    with pytest.raises(TypeError):
        table.clusters["orders"].upstreams["qa"] = None  # type: ignore[index]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (b"/api/orders", "/api/orders"),
        (b"/api/orders/", "/api/orders"),
        (b"/api/orders/1/items", "/api/orders"),
        (b"/api/orders/archive/2020", "/api/orders/archive"),
        (b"/api/orders/archived", "/api/orders"),
        (b"/api/order", "/api"),
        (b"/api/ordersX", "/api"),
        (b"/api//orders", "/api"),
        (b"/api%2Forders", None),
        (b"/API/orders", None),
        (b"/", None),
        (b"", None),
        (b"*", None),
    ],
)
def test_the_longest_prefix_on_a_segment_boundary_wins(path: bytes, name: str | None) -> None:
    found = clusters("/api", "/api/orders", "/api/orders/archive").match(path)
    assert (found.name if found else None) == name


def test_a_cluster_at_the_root_takes_what_no_other_does() -> None:
    table = clusters("", "/api")
    assert [table.match(path).name for path in (b"/", b"/x/y", b"/apix", b"/api/x")] == ["root", "root", "root", "/api"]
    assert table.match(b"*") is None


SEGMENTS = st.lists(st.sampled_from(["a", "b", "ab", "", "%2F"]), min_size=1, max_size=5).map(
    lambda s: "/" + "/".join(s)
)


@given(st.lists(SEGMENTS.filter(lambda p: "//" not in p and not p.endswith("/")), unique=True, max_size=6), SEGMENTS)
def test_match_is_what_trying_every_prefix_would_find(prefixes: list[str], path: str) -> None:
    found = clusters(*prefixes).match(path.encode())
    fitting = [prefix for prefix in prefixes if path == prefix or path.startswith(prefix + "/")]
    assert (found.name if found else None) == max(fitting, key=len, default=None)


def test_a_path_of_many_segments_costs_no_more_than_the_longest_prefix() -> None:
    probes = []

    class Counting(dict):
        def get(self, key, default=None):
            probes.append(key)
            return super().get(key, default)

    table = clusters(*(f"/api/c{i}" for i in range(10_000)))
    table._by_prefix = Counting(table._by_prefix)
    assert table.match(b"/api/c9999" + b"/x" * 4000).name == "/api/c9999"
    assert table.match(b"/" * 8000) is None
    assert len(probes) < 20


@pytest.mark.parametrize(
    ("path", "near"),
    [
        (b"/catalog/books/1", "/catalogue"),
        (b"/api/order/1", "/api/orders"),
        (b"/api/Orders", "/api/orders"),
        (b"/api/\xff\xfe", None),
        (b"/favicon.ico", None),
    ],
)
def test_the_nearest_prefix(path: bytes, near: str | None) -> None:
    assert clusters("/api/orders", "/catalogue", "/api/payments").nearest(path) == near


@pytest.mark.parametrize(
    ("path", "near"),
    [
        (b"/catalog/books/1", "/api/catalogue"),
        (b"/orders", "/api/orders"),
        (b"/v1/api/orders/3", "/api/orders"),
        (b"/apis/orders", "/api/orders"),
        (b"/book/pages", None),
        (b"/favicon.ico", None),
    ],
)
def test_the_nearest_prefix_when_a_part_of_it_is_missing_or_too_much(path: bytes, near: str | None) -> None:
    assert clusters("/api/orders", "/api/catalogue").nearest(path) == near


@pytest.mark.parametrize(
    ("method", "path", "skipped"),
    [
        (b"GET", b"/app/main.js", True),
        (b"POST", b"/app/main.js", False),
        (b"GET", b"/app/main.json", False),
        (b"HEAD", b"/health", True),
        (b"GET", b"/api/health", False),
        (b"DELETE", b"/assets/x/y", True),
        (b"GET", b"/assets", False),
    ],
)
def test_what_is_not_recorded(method: bytes, path: bytes, skipped: bool) -> None:
    rules = RecordingRules(skip=skip_pattern(["GET *.js", "* /health", "/assets/*"]))
    assert rules.skips(method, path) is skipped
    assert not RecordingRules().skips(method, path)

"""Which rule, which upstream, why not the others."""

from __future__ import annotations

import pytest

from gateway.errors import NotFoundError, UsageError
from gateway.routes.explain import explain
from gateway.routes.parse import parse
from gateway.routes.table import RouteTable, compile_table

TEXT = """\
version: 1
environments: [test, qa]
clusters:
  all: {path: /api, environment: qa, upstreams: {qa: http://all.example}}
  orders:
    path: /api/orders
    environment: qa
    writes: never
    upstreams:
      test: http://127.0.0.1:9203
      qa: {url: "https://qa.example/v3", rewrite: {^/books/(.*): /titles/\\1}}
  order: {path: /api/order, environment: qa, upstreams: {qa: http://order.example}}
  upper: {path: /API, environment: qa, upstreams: {qa: http://upper.example}}
recording: {skip: ["GET *.js"]}
"""


@pytest.fixture
def table() -> RouteTable:
    parsed = parse(TEXT.encode())
    assert parsed.config is not None, parsed.problems
    return compile_table(parsed.config)


def test_the_rule_the_upstream_and_the_url(table: RouteTable) -> None:
    found = explain(table, "POST", "/api/orders/books/9%2F1?x=1")
    assert (found.answer, found.cluster, found.prefix, found.environment) == ("upstream", "orders", "/api/orders", "qa")
    assert found.url == "https://qa.example/v3/titles/9%2F1?x=1"
    assert found.reason == "/api/orders is the longest path that fits; orders is in qa, where it lives now"
    assert (found.recorded, found.writes) == (True, "never")


def test_why_not_the_others(table: RouteTable) -> None:
    assert dict(explain(table, "GET", "/api/orders/1").others) == {
        "all": "/api fits too, but /api/orders is longer",
        "order": "/api/order ends within the segment 'orders'; a path fits at a '/' only",
        "upper": "/API differs in upper and lower case",
    }


def test_an_override_chooses_another_upstream(table: RouteTable) -> None:
    found = explain(table, "GET", "/api/orders/1", overrides={"orders": "test"})
    assert found.url == "http://127.0.0.1:9203/1"
    assert "by this override" in found.reason
    with pytest.raises(NotFoundError, match="orders has no environment 'tset'; did you mean 'test'"):
        explain(table, "GET", "/api/orders/1", overrides={"orders": "tset"})


def test_what_is_spelled_otherwise_says_so(table: RouteTable) -> None:
    found = explain(table, "GET", "/api%2Forders/1")
    assert found.answer == "nothing"
    assert (
        dict(found.others)["orders"]
        == "/api/orders would fit the decoded path, but paths are compared as they are spelled"
    )


def test_nothing_fits_but_something_is_near(table: RouteTable) -> None:
    found = explain(table, "GET", "/apy/orders/1")
    assert (found.answer, found.nearest) == ("nothing", "/api/orders")
    assert found.reason == "no cluster's path fits; did you mean /api/orders?"


def test_our_own_pages_and_refused_paths(table: RouteTable) -> None:
    assert explain(table, "GET", "/_gateway/x").answer == "gateway"
    refused = explain(table, "GET", "/api/orders/../x")
    assert (refused.answer, refused.cluster) == ("refused", "orders")
    assert "dot segment" in refused.reason


def test_what_is_not_recorded_says_so(table: RouteTable) -> None:
    assert not explain(table, "GET", "/api/app.js?v=1").recorded


def test_a_path_begins_with_a_slash(table: RouteTable) -> None:
    with pytest.raises(UsageError, match="is no path"):
        explain(table, "GET", "api/orders")

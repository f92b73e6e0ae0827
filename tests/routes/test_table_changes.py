"""What one table changes about another, in words."""

from __future__ import annotations

import pytest

from gateway.routes.history import changes
from gateway.routes.parse import parse
from gateway.routes.table import RouteTable, compile_table

TEXT = """\
version: 1
environments: [dev, test, qa]
clusters:
  users: {path: /api/users, environment: qa, upstreams: {qa: http://a.example, dev: http://d.example}}
  orders:
    path: /api/orders
    environment: test
    upstreams:
      test: http://t.example
      qa:
        url: https://q.example
        headers: {Authorization: "Bearer ${TOKEN}"}
        rewrite: {^/a: /b}
        tls: {server_name: q}
        timeout: {response: 30s}
"""


def table(text: str = TEXT, token: str = "s3cret") -> RouteTable:
    parsed = parse(text.encode(), variables={"TOKEN": token})
    assert parsed.config is not None, parsed.problems
    return compile_table(parsed.config)


PAYMENTS = "  payments: {path: /api/payments, environment: dev, upstreams: {dev: http://p.example}}\n"

CASES = {
    "a move": (TEXT.replace("environment: test", "environment: qa"), ["orders: test -> qa"]),
    "an added cluster": (TEXT + PAYMENTS, ["payments: added at /api/payments in dev"]),
    "an upstream elsewhere": (
        TEXT.replace("http://a.example", "http://b.example"),
        ["users: upstream qa http://a.example -> http://b.example"],
    ),
    "an upstream more": (
        TEXT.replace("{qa: http://a", "{test: http://n.example, qa: http://a"),
        ["users: upstream test added, http://n.example"],
    ),
    "an upstream less": (TEXT.replace(", dev: http://d.example", ""), ["users: upstream dev removed"]),
    "a path": (TEXT.replace("/api/users", "/people"), ["users: path /api/users -> /people"]),
    "a header's value": (TEXT.replace("Bearer", "Basic"), ["orders: upstream qa header Authorization changed"]),
    "a header less": (
        TEXT.replace('{Authorization: "Bearer ${TOKEN}"}', "{}"),
        ["orders: upstream qa header Authorization removed"],
    ),
    "rules": (TEXT.replace("^/a: /b", "^/a: /c"), ["orders: upstream qa rewrite rules changed"]),
    "tls": (TEXT.replace("server_name: q", "verify: false"), ["orders: upstream qa tls changed"]),
    "a time": (TEXT.replace("response: 30s", "response: 250ms"), ["orders: upstream qa response timeout 30 s -> 0.25 s"]),
    "a fault": (TEXT + "    fault: {delay: 200ms, status: 503, rate: 0.1}\n", ["orders: fault none -> 0.2 s, 503 for 10%"]),
    "no strip": (TEXT + "    strip: false\n", ["orders: strip true -> false"]),
    "version": (TEXT + "    version: {path: /v, pointer: /build}\n", ["orders: version none -> /v /build"]),
    "health": (TEXT + "    health: /health\n", ["orders: health none -> /health"]),
    "the environments": (TEXT.replace("[dev, test, qa]", "[dev, qa, test]"), ["environments are now dev, qa, test"]),
    "recording": (TEXT + "recording: {max_body: 1kB}\n", ["recording: changed"]),
    "a comment": (TEXT + "# nothing\n", []),
    "two": (
        TEXT.replace("environment: test", "environment: qa") + PAYMENTS,
        ["orders: test -> qa", "payments: added at /api/payments in dev"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_a_change_in_words(text: str, expected: list[str]) -> None:
    assert list(changes(table(), table(text))) == expected


def test_clusters_that_are_gone_are_named_together() -> None:
    assert changes(table(TEXT + PAYMENTS), table(TEXT[: TEXT.index("  orders:")])) == (
        "clusters removed: orders, payments",
    )


def test_a_new_secret_is_told_without_the_secret() -> None:
    found = changes(table(token="old-one"), table(token="new-one"))
    assert found == ("orders: upstream qa header Authorization changed",)


def test_the_first_table_changes_nothing() -> None:
    assert changes(None, table()) == ()

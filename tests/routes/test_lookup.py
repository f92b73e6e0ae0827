"""Where targets lead, the first time and again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routes import lookup
from gateway.routes.lookup import Destinations
from gateway.routes.parse import parse
from gateway.routes.rewrite import forward_target, unsafe_path
from gateway.routes.table import RouteTable, compile_table

TEXT = """\
version: 1
environments: [test, qa]
clusters:
  all: {path: /, environment: qa, upstreams: {qa: http://all.example}}
  orders:
    path: /api/orders
    environment: qa
    upstreams: {test: http://127.0.0.1:9203, qa: {url: "https://qa.example/v3", rewrite: {^/books/(.*): /titles/\\1}}}
"""
targets = st.lists(
    st.sampled_from([b"/api", b"/orders", b"/books", b"/1", b"/", b"/..", b"%2e", b"?a=1", b"\\", b"/_gateway"]),
    max_size=5,
).map(lambda parts: b"/" + b"".join(parts).lstrip(b"/"))


def a_table() -> RouteTable:
    parsed = parse(TEXT.encode())
    assert parsed.config is not None, parsed.problems
    return compile_table(parsed.config)


@pytest.mark.parametrize("target", [b"/_gateway", b"/_gateway/", b"/_gateway/recordings?x=1", b"/_gateway?x"])
def test_the_gateways_own_pages_are_no_clusters(target: bytes) -> None:
    assert Destinations(a_table()).find(target) is None


def test_what_only_begins_like_them_is() -> None:
    found = Destinations(a_table()).find(b"/_gateways")
    assert found is not None
    assert found.cluster.name == "all"


@given(targets, st.sampled_from(["test", "qa"]))
def test_a_destination_is_what_the_table_says_however_often_it_is_asked_for(target: bytes, environment: str) -> None:
    table = a_table()
    known, path = Destinations(table), target.partition(b"?")[0]
    for _ in range(2):
        found = known.find(target)
        if found is None:
            assert path.startswith(b"/_gateway")
            continue
        assert found.cluster is table.match(path)
        assert (found.path, found.refusal) == (path, unsafe_path(path))
        upstream = found.cluster.upstreams.get(environment) or found.cluster.upstreams["qa"]
        forwarded, url = found.at(upstream)
        assert forwarded == forward_target(found.cluster, upstream, target)
        assert url.endswith(upstream.authority.decode() + forwarded.decode())


def test_another_environment_is_another_url_and_back() -> None:
    found = Destinations(a_table()).find(b"/api/orders/books/1?x=2")
    assert found is not None
    qa, test = found.cluster.upstreams["qa"], found.cluster.upstreams["test"]
    for _ in range(2):
        assert found.at(qa) == (b"/v3/titles/1?x=2", "https://qa.example/v3/titles/1?x=2")
        assert found.at(test) == (b"/books/1?x=2", "http://127.0.0.1:9203/books/1?x=2")


def test_what_is_remembered_is_bounded() -> None:
    known = Destinations(a_table())
    for number in range(lookup.MOST * 2):
        known.find(b"/api/orders/%d" % number)
    known.find(b"/api/orders/" + b"x" * lookup.LONGEST)
    assert 0 < len(known._known) <= lookup.MOST
    assert max(map(len, known._known)) <= lookup.LONGEST

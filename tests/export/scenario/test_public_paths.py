"""Where a cluster begins in public URLs: by the record, whatever the route rewrites."""

from __future__ import annotations

import pytest

from gateway.export.scenario.public_paths import targets
from gateway.model.exchange import Exchange
from gateway.model.message import Request, Response


def asked(path, upstream, *, prefix=None, cluster="shop", origin="http://127.0.0.1:8080"):
    return Exchange(
        id=path, recording="r", step=1, session="alice", started_at="2026-01-01T00:00:00Z", url=origin + path,
        request=Request(target=path), response=Response(), status=200, cluster=cluster, environment="qa" if cluster else "",
        upstream_url=upstream, prefix=prefix,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("prefix", "path", "upstream"),
    [
        ("/api/shop", "/api/shop/items", "http://b/things"),  # rewrite
        ("/api/shop", "/api/shop/items", "http://b/api/shop/items"),  # strip: false
        ("/api/shop", "/api/shop", "http://b/shop"),
        ("/api/shop", "/api/shop?x=1", "http://b/shop?x=1"),
        ("/api/orders", "/api/orders/orders", ""),  # an import
        ("", "/orders/1", "http://b/orders/1"),  # mounted at the root
    ],
)
def test_the_record_says_where_the_cluster_begins(prefix, path, upstream):
    (target,) = targets([asked(path, upstream, prefix=prefix)]).values()
    assert target.base == f"http://127.0.0.1:8080{prefix}"


def test_an_older_record_is_told_by_what_the_upstream_got():
    (target,) = targets([asked("/api/shop/items/1", "http://b/v3/items/1")]).values()
    assert target.base == "http://127.0.0.1:8080/api/shop"


def test_where_the_route_moved_meanwhile_the_paths_decide():
    both = [asked("/api/shop/items", "http://b/items", prefix="/api/shop"),
            asked("/shop/items", "http://b/items", prefix="/shop")]  # fmt: skip
    (target,) = targets(both).values()
    assert target.base == "http://127.0.0.1:8080"


def test_hosts_that_no_route_knows_are_parties_of_their_own():
    hosts = ("x.example", "y.example")
    found = [asked("/a", f"https://{host}/a", cluster="", origin=f"https://{host}") for host in hosts]
    assert [(one.name, one.variable) for one in targets(found).values()] == [
        ("x.example", "x_example_url"), ("y.example", "y_example_url"),
    ]  # fmt: skip
    (own,) = targets([asked("/a", "", cluster="")]).values()
    assert (own.name, own.variable) == ("", "gateway_url")

"""Between public and upstream addresses."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routes.rewrite import REWRITTEN, forward_target, public_cookie, public_path, unsafe_path, upstream_cookies
from gateway.routes.table import CompiledCluster, CompiledUpstream, Tls

ORIGIN = b"http://127.0.0.1:8080"


def a_cluster(prefix: bytes = b"/api/orders", *, strip: bool = True) -> CompiledCluster:
    return CompiledCluster("orders", prefix, strip, "qa", {})


def an_upstream(base: bytes = b"", *, rewrite: dict[bytes, bytes] | None = None, tls: bool = False) -> CompiledUpstream:
    authority = b"qa.example" if tls else b"qa.example:9303"
    rules = tuple((re.compile(rule), to) for rule, to in (rewrite or {}).items())
    return CompiledUpstream(
        "qa", "", Tls() if tls else None, "qa.example", 443 if tls else 9303, authority, base, rewrite=rules
    )


@pytest.mark.parametrize(
    ("base", "target", "expected"),
    [
        (b"", b"/api/orders", b"/"),
        (b"", b"/api/orders?x=1", b"/?x=1"),
        (b"", b"/api/orders/", b"/"),
        (b"", b"/api/orders/a%2Fb?x=/api/orders&y=%zz", b"/a%2Fb?x=/api/orders&y=%zz"),
        (b"", b"/api/orders//x/", b"//x/"),
        (b"/v3", b"/api/orders", b"/v3"),
        (b"/v3", b"/api/orders/", b"/v3/"),
        (b"/v3", b"/api/orders/1??", b"/v3/1??"),
        (b"/v3", b"/api/orders?", b"/v3?"),
    ],
)
def test_the_prefix_gives_way_to_the_base_path(base: bytes, target: bytes, expected: bytes) -> None:
    assert forward_target(a_cluster(), an_upstream(base), target) == expected


def test_a_prefix_may_stay() -> None:
    assert forward_target(a_cluster(strip=False), an_upstream(b"/v3"), b"/api/orders/1?a") == b"/v3/api/orders/1?a"


def test_a_cluster_at_the_root_changes_nothing() -> None:
    assert forward_target(a_cluster(b""), an_upstream(), b"/x/%7e?y") == b"/x/%7e?y"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/api/orders/books/978-1?x=1", b"/v3/titles/978-1?x=1"),
        (b"/api/orders/books/", b"/v3/titles/"),
        (b"/api/orders/other", b"/v3/other"),
        (b"/api/orders", b"/v3/start"),
        (b"/api/orders/by/7", b"/v3/find?id=7"),
        (b"/api/orders/by/7?x=1", b"/v3/find?id=7&x=1"),
    ],
)
def test_the_first_matching_rule_rewrites_the_path(target: bytes, expected: bytes) -> None:
    rules = {rb"^/books/(.*)": rb"/titles/\1", rb"^/b.*": b"/never", rb"^/$": b"/start", rb"^/find/(.+)": rb"/x"}
    rules = {rb"^/by/(.+)": rb"/find?id=\1", **rules}
    assert forward_target(a_cluster(), an_upstream(b"/v3", rewrite=rules), target) == expected


@pytest.mark.parametrize("to", [rb"/\1", rb"\1"])
def test_a_rule_cannot_lead_out_of_the_upstream(to: bytes) -> None:
    upstream = an_upstream(b"/v3", rewrite={rb"^/x(.*)": to})
    assert forward_target(a_cluster(), upstream, b"/api/orders/x../admin") == b"/v3/x../admin"


def test_a_very_long_path_is_not_rewritten() -> None:
    path = b"/books/" + b"x" * REWRITTEN
    assert forward_target(a_cluster(), an_upstream(rewrite={rb"^/books": b"/t"}), b"/api/orders" + path) == path


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (b"/a/../b", "dot segment"),
        (b"/a/..", "dot segment"),
        (b"/a/./b", "dot segment"),
        (b"/a/%2e%2E/b", "dot segment"),
        (b"/a/.%2e", "dot segment"),
        (b"/a/..%2f..%2fadmin", "dot segment"),
        (b"/a%2F..%2Fadmin", "dot segment"),
        (b"/a%5c..%5cadmin", "dot segment"),
        (b"/a/..;x=1/b", "dot segment"),
        (b"/a\\b", "backslash"),
        (b"/a/..\\b", "backslash"),
        (b"/a%00", "control"),
        (b"/a\x00", "control"),
        (b"/a\x7f", "control"),
        (b"/a b", "control"),
        (b"/a%", "percent"),
        (b"/a%2", "percent"),
        (b"/a%zz", "percent"),
        (b"/a#b", "fragment"),
    ],
)
def test_a_path_that_could_mean_another_is_refused(path: bytes, why: str) -> None:
    assert why in unsafe_path(path)


@pytest.mark.parametrize(
    "path",
    [b"/", b"/a%2Fb", b"/a//b", b"//", b"/a%5Cb", b"/.well-known/x", b"/a..b/...", b"/%C3%BC", b"/a;v=1/b", b"/x%2eb"],
)
def test_a_path_that_is_merely_odd_passes(path: bytes) -> None:
    assert unsafe_path(path) == ""


@pytest.mark.parametrize(
    ("base", "value", "expected"),
    [
        (b"", b"a=b; Path=/", b"a=b; Path=/api/orders"),
        (b"", b"a=b; path=/cart ;HttpOnly", b"a=b; path=/api/orders/cart ;HttpOnly"),
        (b"/v3", b"a=b; Path=/v3", b"a=b; Path=/api/orders"),
        (b"/v3", b"a=b; Path=/v3/", b"a=b; Path=/api/orders"),
        (b"/v3", b"a=b; Path=/v3/x; Secure", b"a=b; Path=/api/orders/x; Secure"),
        (b"/v3", b"a=b; Path=/", b"a=b; Path=/"),
        (b"/v3", b"a=b; Path=/v30", b"a=b; Path=/v30"),
        (b"/v3", b"a=b; Path", b"a=b; Path"),
        (b"", b"a=b; Domain=qa.example; Secure", b"a=b; Secure"),
        (b"", b"a=b;domain=.EXAMPLE", b"a=b"),
        (b"", b"a=b; Domain=other.example", b"a=b; Domain=other.example"),
        (b"", b"a=b; Domain=", b"a=b; Domain="),
        (b"", b"__Host-a=b; Path=/; Secure", b"__Host-a=b; Path=/; Secure"),
        (b"", b'a="x; y" ;  Max-Age=1;;SameSite=None', b'a="x; y" ;  Max-Age=1;;SameSite=None'),
    ],
)
def test_a_cookie_fits_the_gateway(base: bytes, value: bytes, expected: bytes) -> None:
    assert public_cookie(a_cluster(), an_upstream(base), value, secure=True) == expected


def test_a_cookie_for_the_host_that_a_server_is_given_is_for_no_domain() -> None:
    upstream = replace(an_upstream(), headers=((b"Host", b"shop.example:8443"),))
    assert public_cookie(a_cluster(), upstream, b"a=b; Domain=.shop.example; Path=/") == b"a=b; Path=/api/orders"
    assert public_cookie(a_cluster(), upstream, b"a=b; Domain=shop.org") == b"a=b; Domain=shop.org"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a=b; Secure", b"a=b"),
        (b"a=b; Path=/; SECURE ; HttpOnly; SameSite=Lax", b"a=b; Path=/api/orders; HttpOnly; SameSite=Lax"),
        (b"a=b; SameSite=None; Secure", b"a=b"),
        (b"a=b; samesite = none;Secure;Max-Age=5", b"a=b;Max-Age=5"),
        (b"a=b; Secure; Partitioned; Priority=High", b"a=b; Priority=High"),
        (b"secure=none; SameSite=Strict", b"secure=none; SameSite=Strict"),
        (b"__Host-sid=1; Path=/; Secure", b"http__Host-sid=1; Path=/api/orders"),
        (b"__Secure-sid=1; Secure; HttpOnly", b"http__Secure-sid=1; HttpOnly"),
    ],
)
def test_a_cookie_over_plain_http_is_one_that_browsers_keep(value: bytes, expected: bytes) -> None:
    assert public_cookie(a_cluster(), an_upstream(), value) == expected


def test_a_renamed_cookie_has_its_name_again_for_the_upstream() -> None:
    for value in (b"__Host-sid=1; Secure; Path=/", b"__Secure-a=2; Secure"):
        kept = public_cookie(a_cluster(), an_upstream(), value).partition(b";")[0]
        assert upstream_cookies(b"x=1; " + kept + b"; y=2") == b"x=1; " + value.partition(b";")[0] + b"; y=2"


def test_a_cookie_of_a_cluster_at_the_root_keeps_its_path() -> None:
    assert public_cookie(a_cluster(b""), an_upstream(), b"a=b; Path=/") == b"a=b; Path=/"
    assert public_cookie(a_cluster(b""), an_upstream(b"/v3"), b"a=b; Path=/v3") == b"a=b; Path=/"


PATHS = st.lists(st.sampled_from([b"a", b"b%2Fc", b"", b"x;y", b"..x"]), max_size=5).map(lambda s: b"/" + b"/".join(s))
PREFIXES = st.sampled_from([b"", b"/api", b"/api/orders"])
BASES = st.sampled_from([b"", b"/v3", b"/v3/x"])


@given(PREFIXES, BASES, PATHS, st.booleans())
def test_public_paths_are_the_way_back(prefix: bytes, base: bytes, path: bytes, strip: bool) -> None:
    cluster, upstream = a_cluster(prefix, strip=strip), an_upstream(base)
    target = prefix + path
    assert public_path(cluster, upstream, forward_target(cluster, upstream, target)) == target


@given(PREFIXES, BASES, PATHS, st.binary(max_size=20).filter(lambda q: b"\n" not in q))
def test_the_query_is_never_touched(prefix: bytes, base: bytes, path: bytes, query: bytes) -> None:
    found = forward_target(a_cluster(prefix), an_upstream(base), prefix + path + b"?" + query)
    assert found == base + path + b"?" + query


@given(st.binary(max_size=60))
def test_a_cookie_without_domain_and_path_is_byte_identical(value: bytes) -> None:
    if b"domain" not in value.lower() and b"path" not in value.lower():
        assert public_cookie(a_cluster(), an_upstream(), value, secure=True) == value

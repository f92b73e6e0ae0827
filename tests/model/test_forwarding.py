"""Who sent a request, told by the peer and by proxies that are trusted; nobody else's word counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.forwarding import Claims, TrustedProxies, claims_of, sender_of

LOOPBACK = TrustedProxies()
OFFICE = TrustedProxies(["10.0.0.0/8", "2001:db8::/32"])


def sent(peer: str, *headers: tuple[bytes, bytes], trusted: TrustedProxies = LOOPBACK, secure: bool = False):
    return sender_of(peer, b"gw:8080", claims_of(headers), trusted, secure=secure)


def test_a_trusted_proxy_says_who_how_and_for_which_host():
    sender = sent(
        "127.0.0.1",
        (b"X-Forwarded-For", b"203.0.113.7"), (b"X-Forwarded-Proto", b"https"), (b"x-forwarded-host", b"demo.example"),
    )  # fmt: skip
    assert (sender.address, sender.scheme, sender.host) == ("203.0.113.7", b"https", b"demo.example")
    assert sender.origin == b"https://demo.example"
    assert sender.forwarded_for == (b"203.0.113.7",)


def test_forwarded_counts_before_the_older_headers():
    sender = sent(
        "127.0.0.1",
        (b"X-Forwarded-For", b"198.51.100.1"), (b"X-Forwarded-Proto", b"http"),
        (b"Forwarded", b'For="[2001:db8:cafe::17]:4711";Proto=HTTPS;Host="shop.example:8443"'),
    )  # fmt: skip
    assert (sender.address, sender.scheme, sender.host) == ("2001:db8:cafe::17", b"https", b"shop.example:8443")


@pytest.mark.parametrize("peer", ["192.168.7.20", "203.0.113.9", "not an address", ""])
def test_from_anybody_else_nothing_of_it_counts(peer):
    forged = [
        (b"X-Forwarded-For", b"127.0.0.1"), (b"X-Forwarded-Proto", b"https"), (b"X-Forwarded-Host", b"evil.example"),
        (b"Forwarded", b"for=10.0.0.1;host=evil.example"), (b"X-Forwarded-Prefix", b"/evil"),
    ]  # fmt: skip
    assert sent(peer, *forged) == sent(peer)


def test_three_hops_of_which_one_is_not_trusted_are_read_from_the_right():
    chain = (b"X-Forwarded-For", b"6.6.6.6, 198.51.100.23, 10.1.1.1")
    assert sent("10.0.0.2", chain, trusted=OFFICE).address == "198.51.100.23"
    assert sent("10.0.0.2", (b"X-Forwarded-For", b"6.6.6.6"), chain, trusted=OFFICE).address == "198.51.100.23"
    assert sent("10.0.0.2", (b"X-Forwarded-For", b"10.9.9.9, 10.1.1.1"), trusted=OFFICE).address == "10.9.9.9"


def test_each_proxys_own_scheme_is_that_of_its_place():
    headers = [(b"X-Forwarded-For", b"198.51.100.23, 10.1.1.1"), (b"X-Forwarded-Proto", b"https, http")]
    assert sent("10.0.0.2", *headers, trusted=OFFICE).scheme == b"https"


def test_tls_of_the_gateway_itself_is_https_without_a_word():
    assert sent("192.168.7.20", secure=True).scheme == b"https"


@pytest.mark.parametrize(
    ("node", "address"),
    [
        (b"192.0.2.43:47011", "192.0.2.43"),
        (b'"[2001:db8::1]:80"', "2001:db8::1"),
        (b"_hidden", "127.0.0.1"),
        (b"unknown", "127.0.0.1"),
    ],
)
def test_nodes(node, address):
    assert sent("127.0.0.1", (b"Forwarded", b"for=" + node)).address == address


@pytest.mark.parametrize("host", [b"a b", b"evil.example/x", b"user@evil", b""])
def test_a_host_that_is_none_does_not_count(host):
    assert sent("127.0.0.1", (b"X-Forwarded-Host", host)).host == b"gw:8080"


def test_networks():
    assert "::ffff:10.1.2.3" in OFFICE
    assert "fe80::1%eth0" not in OFFICE
    assert "127.0.0.1" not in TrustedProxies(["none"])
    assert "::1" in TrustedProxies(["loopback", "10.0.0.0/8"])
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/99"):
        TrustedProxies(["10.0.0.0/99"])


VALUE = st.binary(max_size=60)


@given(st.lists(VALUE, max_size=3), st.lists(VALUE, max_size=3), VALUE, VALUE, VALUE)
def test_whatever_a_proxy_writes_there_is_a_sender(forwarded, addresses, proto, host, prefix):
    claims = Claims(forwarded, addresses, [proto], [host], [prefix])
    sender = sender_of("127.0.0.1", b"gw", claims, LOOPBACK)
    assert sender.scheme in (b"http", b"https")
    assert not set(sender.host + sender.prefix) & set(b"\r\n \"'<>")

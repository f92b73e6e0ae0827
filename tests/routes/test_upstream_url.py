"""The base URL of an upstream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routes.upstream_url import UpstreamUrl, reaches, read_url


@pytest.mark.parametrize(
    ("text", "parts", "authority"),
    [
        ("http://127.0.0.1:9101", (False, "127.0.0.1", 9101, b""), b"127.0.0.1:9101"),
        ("http://orders", (False, "orders", 80, b""), b"orders"),
        ("HTTPS://QA.example/", (True, "qa.example", 443, b""), b"qa.example"),
        ("https://qa.example:443/v3/", (True, "qa.example", 443, b"/v3"), b"qa.example"),
        ("http://qa.example:443", (False, "qa.example", 443, b""), b"qa.example:443"),
        ("http://[::1]:9101/a%20b", (False, "::1", 9101, b"/a%20b"), b"[::1]:9101"),
        ("http://[2001:DB8:0::1]", (False, "2001:db8::1", 80, b""), b"[2001:db8::1]"),
        ("http://bücher.example", (False, "xn--bcher-kva.example", 80, b""), b"xn--bcher-kva.example"),
        ("http://my_service-1.local", (False, "my_service-1.local", 80, b""), b"my_service-1.local"),
        ("http://1.example", (False, "1.example", 80, b""), b"1.example"),
    ],
)
def test_the_parts_of_a_url(text: str, parts: tuple[bool, str, int, bytes], authority: bytes) -> None:
    found = read_url(text)
    assert (found.secure, found.host, found.port, found.path) == parts
    assert found.authority == authority


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ftp://a", "must begin with http:// or https://"),
        ("127.0.0.1:9101", "must begin with http:// or https://"),
        ("http:/a", "must begin with http:// or https://"),
        ("http://", "the host is missing"),
        ("http://:80", "the host is missing"),
        ("http://a:99999", "port"),
        ("http://a:0", "the port must be 1 to 65535"),
        ("http://a:", "the port must be 1 to 65535"),
        ("http://a:x", "port"),
        ("http://me:secret@a", "user name or password"),
        ("http://me@a", "user name or password"),
        ("http://a?x=1", "no query"),
        ("http://a/#x", "no fragment"),
        ("http://a b", "has a space"),
        ("http://a\\b", "a backslash"),
        ("http://127.1", "write all four numbers, as in 127.0.0.1"),
        ("http://2130706433", "write all four numbers"),
        ("http://0x7f000001", "write all four numbers"),
        ("http://127.0.0.01", "write all four numbers"),
        ("http://1.2.3.256", "write all four numbers"),
        ("http://[::1", "IPv6"),
        ("http://[fe80::1%25eth0]", "zone"),
        ("http://[::g]", "IPv6"),
        ("http://-a.example", "is no host name"),
        ("http://a..b", "is no host name"),
        ("http://" + "a" * 64, "is no host name"),
        ("http://straße.example", "write it as an A-label"),
        ("http://a/..", "dot segment"),
        ("http://a/%zz", "percent"),
        ("http://a/ü", "percent-encoded"),
    ],
)
def test_what_is_wrong_with_a_url(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        read_url(text)
    assert why in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0.0.0.0",
        "[::]",
        "127.9.9.9",
        "x.localhost",
        "[::ffff:127.0.0.1]",
        "gw.example",
    ],
)
def test_the_gateway_itself_is_recognised(host: str) -> None:
    assert reaches(read_url(f"http://{host}:8080"), ("gw.example", 8080))
    assert not reaches(read_url(f"http://{host}:8081"), ("gw.example", 8080))


def test_another_host_on_the_same_port_is_not_the_gateway() -> None:
    assert not reaches(read_url("http://10.0.0.1:8080"), ("127.0.0.1", 8080))


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    for candidate in (text, "http://" + text):
        try:
            assert isinstance(read_url(candidate), UpstreamUrl)
        except ValueError as error:
            assert str(error)

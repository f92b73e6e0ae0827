"""Which proxy leads to an upstream: a key of routes.yaml, or the usual variables with NO_PROXY."""

import pytest

from gateway.routes.outbound_proxy import is_spared, proxy_for, read_proxy

VARIABLES = {"http_proxy": "http://p:3128", "HTTPS_PROXY": "http://s:3129", "no_proxy": "internal.example,10.0.0.0/8"}


def chosen(setting: str, host: str = "qa.example", *, secure: bool = False, **variables: str) -> str:
    found = proxy_for(setting, host, 443 if secure else 80, secure=secure, environ=VARIABLES | variables)
    return found.url if found else ""


def test_the_key_decides():
    assert chosen("") == chosen("none") == ""
    assert chosen("http://corp:8080") == "http://corp:8080"
    assert chosen("env") == "http://p:3128"
    assert chosen("env", secure=True) == "http://s:3129"
    assert chosen("env", "x.internal.example") == chosen("env", "10.1.2.3") == ""
    assert chosen("env", http_proxy="corp:8080") == "http://corp:8080"


def test_a_password_is_for_the_proxy_and_not_for_people():
    proxy = read_proxy("http://ann:p%40ss@corp:8080")
    assert proxy.authorization == b"Basic YW5uOnBAc3M="
    assert "p@ss" not in repr(proxy) + proxy.url
    assert "YW5u" not in repr(proxy)


@pytest.mark.parametrize("url", ["socks5://p:1", "https://p:1", "p:1", "http://", "http://p/x", "http://p:99999"])
def test_what_is_not_spoken_is_said(url):
    with pytest.raises(ValueError, match="http://host:port"):
        read_proxy(url)


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "spared"),
    [
        ("*", "a.example", 80, True),
        ("example", "a.example", 80, True),
        (".example", "a.example", 80, True),
        ("*.example", "a.example", 80, True),
        ("example", "notexample", 80, False),
        ("a.example:8080", "a.example", 80, False),
        ("a.example:8080", "A.Example.", 8080, True),
        ("10.0.0.0/8, 192.168.1.1", "192.168.1.1", 80, True),
        ("10.0.0.0/8", "10.200.0.1", 80, True),
        ("10.0.0.0/8", "a.example", 80, False),
        ("::1,[fd00::1]", "fd00::1", 80, True),
        ("", "a.example", 80, False),
        (" ,, ", "a.example", 80, False),
    ],
)
def test_no_proxy(no_proxy, host, port, spared):
    assert is_spared(no_proxy, host, port) is spared

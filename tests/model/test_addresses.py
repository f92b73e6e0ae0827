"""Host names that nobody outside can point at this machine, and a memory of them that is bounded."""

import pytest

from gateway.model.addresses import MOST, AllowedHosts, host_of, is_fixed, is_remote


@pytest.mark.parametrize(
    "authority",
    [
        "127.0.0.1",
        "127.0.0.1:8080",
        "localhost",
        "LOCALHOST:1",
        "localhost.",
        "app.localhost:80",
        "[::1]:8080",
        "10.1.2.3",
        "gateway",
        "gateway:80",
    ],
)
def test_fixed_names_pass(authority):
    assert is_fixed(host_of(authority)) and AllowedHosts().has(authority.encode())


@pytest.mark.parametrize(
    "authority",
    ["evil.example", "evil.example:80", "127.0.0.1.nip.io", "localhost.evil.example", "evil.example.", "1.2.3", "a@127.0.0.1", "x/localhost", "app.test",
     "127.0.0.1:80@evil.example", "localhost,evil.example", "evil.localhost.example", "evil.example%00.localhost"],
)  # fmt: skip
def test_names_of_others_do_not(authority):
    assert not AllowedHosts().has(authority.encode())


def test_names_can_be_allowed_one_by_one_or_all():
    assert AllowedHosts(["App.Test"]).has(b"app.test:8080")
    assert not AllowedHosts(["app.test"]).has(b"x.app.test")
    assert AllowedHosts(any=True).has(b"evil.example")


def test_a_request_without_a_host_is_of_no_browser():
    assert AllowedHosts().has(b"")


def test_ten_times_as_many_names_as_are_remembered():
    hosts = AllowedHosts()
    for number in range(MOST * 10):
        assert not hosts.has(b"h%d.example" % number)
    assert len(hosts._known) <= MOST


@pytest.mark.parametrize(
    ("host", "remote"),
    [
        ("127.0.0.1", False), ("127.1.2.3", False), ("::1", False), ("localhost", False), ("LOCALHOST.", False),
        ("0.0.0.0", True), ("::", True), ("192.168.1.5", True), ("gateway.lan", True), ("", True),
    ],
)  # fmt: skip
def test_which_addresses_others_can_reach(host: str, remote: bool) -> None:
    assert is_remote(host) is remote

"""The local authority: limited to local names, a certificate that is renewed, files that nobody else reads.

Covers: https/trust.
"""

import ipaddress
import stat
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from gateway.errors import ConfigError
from gateway.https import Authority, Certificates, KeyPair, Names, local_names, names_of, steps_for
from gateway.https.authority import covers
from gateway.https.trust import apple_profile, der_of


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def names(*dns: str, addresses: tuple[str, ...] = ("127.0.0.1",), given: tuple[str, ...] = ()) -> Names:
    return Names(("localhost", *dns), tuple(map(ipaddress.ip_address, addresses)), given)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def authority(tmp_path, clock):
    return Authority(tmp_path / "tls", now=clock)


def verified(authority: Authority, moment: datetime) -> tuple[bool, str]:
    command = ["openssl", "verify", "-attime", str(int(moment.timestamp())), "-x509_strict", "-CAfile"]
    done = subprocess.run(
        [*command, str(authority.file), str(authority.leaf_file)], capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stderr


def test_the_chain_holds_for_local_names_and_for_nothing_else(authority, clock):
    authority.ensure(
        names("box", "box.local", "demo.test", addresses=("127.0.0.1", "192.168.7.9", "fd00::2"), given=("box",))
    )
    assert verified(authority, clock.now) == (True, "")
    for foreign in (Names(("example.com",), ()), Names(("localhost.example.com",), ()), names(addresses=("8.8.8.8",))):
        authority.renew(foreign)  # whoever has the key may sign anything: nobody takes it
        good, why = verified(authority, clock.now)
        assert not good
        assert "permitted subtree violation" in why


def test_keys_are_for_their_owner_only(authority):
    authority.ensure(names())
    for file in (authority.key_file, authority.leaf_key_file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(authority.folder.stat().st_mode) == 0o700


def test_what_phones_ask_for(authority):
    authority.ensure(names())
    subject = authority.certificate.subject.rfc4514_string()
    assert "CN=What-If Gateway on " in subject  # iOS lists no authority without a common name
    constraints = authority.certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert authority.leaf is not None
    lasts = authority.leaf.not_valid_after_utc - authority.leaf.not_valid_before_utc
    assert lasts <= timedelta(days=825)


def test_the_certificate_is_made_again_when_it_is_due_and_only_then(authority, clock):
    assert authority.ensure(names())
    assert not authority.ensure(names())
    clock.now += timedelta(days=59)
    assert not authority.ensure(names())
    clock.now += timedelta(days=2)
    assert authority.ensure(names())
    assert authority.ensure(names(addresses=("127.0.0.1", "10.0.0.7"))), "another address"
    assert not authority.ensure(names()), "one address less"
    fingerprint = authority.fingerprint
    clock.now += timedelta(days=3649)
    with pytest.raises(ConfigError, match="expired"):
        authority.ensure(names())
    assert authority.fingerprint == fingerprint


def test_a_name_for_which_it_may_not_speak_is_said(authority):
    authority.ensure(names())
    with pytest.raises(ConfigError, match=r"may not speak for demo\.example"):
        authority.ensure(names("demo.example"))
    authority.make(names("demo.example", given=("demo.example",)))
    assert authority.ensure(names("demo.example", given=("demo.example",)))


def test_damaged_files_are_named(authority):
    authority.ensure(names())
    authority.file.write_bytes(b"damaged")
    with pytest.raises(ConfigError, match=r"ca\.crt"):
        authority.ensure(names())


def test_the_names_of_this_machine():
    found = local_names(["Demo.Test.", "[fd00::9]", "192.168.7.9"], hosts=["0.0.0.0"])
    assert {"localhost", "demo.test"} <= set(found.dns)
    assert {"127.0.0.1", "::1", "fd00::9", "192.168.7.9"} <= set(map(str, found.addresses))
    assert "0.0.0.0" not in map(str, found.addresses)


# -- certificates in force


def pair(folder, clock, *dns: str) -> KeyPair:
    made = Authority(folder, now=clock)
    made.ensure(names(*dns, given=dns))
    return KeyPair(made.leaf_file, made.leaf_key_file)


def test_new_files_are_taken_and_bad_ones_never_replace_good_ones(tmp_path, clock):
    one = pair(tmp_path / "a", clock)
    certificates = Certificates([one], now=clock)
    serial = certificates.leaves[0].serial_number
    assert certificates.look() is None
    Authority(tmp_path / "a", now=clock).renew(names())
    assert certificates.look() == ""
    assert certificates.leaves[0].serial_number != serial
    good = certificates.context
    one.certificate.write_bytes(b"half a file")
    assert "server.crt" in (certificates.look() or "")
    assert certificates.context is good
    Authority(tmp_path / "a", now=clock).renew(names())
    assert certificates.look() == ""


def test_what_cannot_be_used_is_named_with_its_file(tmp_path, clock):
    one, two = pair(tmp_path / "a", clock), pair(tmp_path / "b", clock)
    with pytest.raises(ConfigError, match=r"b/server\.key.*is not the key of"):
        Certificates([KeyPair(one.certificate, two.key)], now=clock)
    with pytest.raises(ConfigError, match=r"none\.key.*cannot be read"):
        Certificates([KeyPair(one.certificate, tmp_path / "none.key")], now=clock)
    with pytest.raises(ConfigError, match=r"none\.crt.*cannot be read"):
        Certificates([KeyPair(tmp_path / "none.crt", one.key)], now=clock)
    with pytest.raises(ConfigError, match="is no certificate"):
        Certificates([KeyPair(one.key, one.key)], now=clock)
    clock.now += timedelta(days=91)
    with pytest.raises(ConfigError, match="expired on 2027"):
        Certificates([one], now=clock)


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("a.test", "a.test", True), ("*.test", "a.test", True), ("*.test", "a.b.test", False), ("*.test", "test", False),
        ("*.test", ".test", False), ("a.test", "b.test", False),
    ],
)  # fmt: skip
def test_wildcards_stand_for_one_label(pattern, name, fits):
    assert covers(pattern, name) is fits


# -- trust


def test_the_profile_holds_the_certificate(authority):
    import plistlib

    authority.ensure(names())
    pem = authority.file.read_bytes()
    profile = plistlib.loads(apple_profile(der_of(pem), authority.fingerprint))
    (payload,) = profile["PayloadContent"]
    assert x509.load_der_x509_certificate(payload["PayloadContent"]) == authority.certificate
    assert profile["PayloadUUID"] != payload["PayloadUUID"]
    again = plistlib.loads(apple_profile(der_of(pem), authority.fingerprint))
    assert again["PayloadUUID"] == profile["PayloadUUID"], "installing it twice replaces it"


def test_every_system_has_its_steps():
    systems = {one.system: one for one in steps_for("/x/ca.crt", "http://a/_gateway/tls")}
    assert {"iPhone and iPad", "Android", "Windows", "macOS", "Firefox", "Node", "Python", "Java"} <= set(systems)
    assert "Certificate Trust Settings" in " ".join(systems["iPhone and iPad"].steps)


def test_names_of_a_certificate_without_any():
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now, now + timedelta(days=1))
    assert names_of(builder.sign(key, hashes.SHA256())).dns == ()

"""A certificate authority for local names only, and the certificate that it gives this gateway. I/O (files, clock).

A device that trusts an authority trusts it for every site, so this one is limited by critical name constraints
(RFC 5280 section 4.2.1.10) to names and addresses that nobody can own on the Internet, and to those that were given.
A stolen key of it is worth nothing for any other name.

The files lie in `tls` beside the recordings: `ca.crt` to be trusted, `ca.key` (mode 600), `server.crt` and
`server.key`.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..errors import ConfigError, Problem

FOLDER: Final = "tls"
AUTHORITY_LASTS: Final = timedelta(days=3650)
LEAF_LASTS: Final = timedelta(days=90)
RENEWED_BEFORE: Final = timedelta(days=30)
SKEW: Final = timedelta(hours=1)  # phones whose clocks are behind

# localhost (RFC 6761), .local (RFC 6762), .test (RFC 6761), .internal (ICANN 2024), .home.arpa (RFC 8375). A constraint
# "local" covers every name that ends in ".local", and "localhost" covers "orders.localhost".
LOCAL_NAMES: Final = ("localhost", "local", "test", "internal", "home.arpa")
# Loopback, private (RFC 1918, RFC 4193), shared (RFC 6598) and link-local addresses.
LOCAL_NETWORKS: Final = (
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
    "::1/128", "fc00::/7", "fe80::/10",
)  # fmt: skip

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Names:
    """What a certificate is for, in lower case; `given` are those of the command line and this machine's own."""

    dns: tuple[str, ...]
    addresses: tuple[Address, ...]
    given: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join([*self.dns, *map(str, self.addresses)])


def local_names(given: Iterable[str] = (), *, hosts: Iterable[str] = ()) -> Names:
    """The names and addresses of this machine, and those given. `hosts` are addresses that the server listens on."""
    own = socket.gethostname().lower().rstrip(".")
    label = own.partition(".")[0]
    named = [_bare(name) for name in given]
    dns = ["localhost"]
    if _is_dns(label):
        dns += [own, f"{label}.local"]
    addresses: list[Address] = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    addresses += [one for one in machine_addresses() if is_local(one)]
    for name in [*named, *map(_bare, hosts)]:
        address = _address(name)
        if address is None:
            dns += [name] if _is_dns(name) else []
        elif not address.is_unspecified:
            addresses.append(address)
    kept = tuple(dict.fromkeys((own, *named))) if _is_dns(label) else tuple(dict.fromkeys(named))
    return Names(tuple(dict.fromkeys(dns)), tuple(dict.fromkeys(addresses)), kept)


def machine_addresses() -> list[Address]:
    """The addresses by which others reach this machine, as far as the system tells them without a privilege."""
    found = []
    for family, remote in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        # A datagram socket that is connected sends nothing; it only asks the system which address it would use.
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((remote, 9))
                found.append(probe.getsockname()[0])
            except OSError:
                continue
    with contextlib.suppress(OSError):
        found += [entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)]
    addresses = (_address(str(one).partition("%")[0]) for one in found)
    return list(dict.fromkeys(one for one in addresses if one is not None and not one.is_loopback))


def is_local(address: Address) -> bool:
    return any(address in ipaddress.ip_network(net) for net in LOCAL_NETWORKS if address.version == _version(net))


class Authority:
    """The authority in a folder, made when it is first asked for."""

    def __init__(self, folder: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.folder, self._now = folder, now
        self.file, self.key_file = folder / "ca.crt", folder / "ca.key"
        self.leaf_file, self.leaf_key_file = folder / "server.crt", folder / "server.key"

    @property
    def exists(self) -> bool:
        return self.file.exists() and self.key_file.exists()

    @property
    def certificate(self) -> x509.Certificate:
        """ConfigError when the file is not there or cannot be read."""
        return _read_certificate(self.file)

    @property
    def leaf(self) -> x509.Certificate | None:
        return _read_certificate(self.leaf_file) if self.leaf_file.exists() else None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the authority's certificate, as systems show it: pairs of capital digits with colons."""
        return fingerprint_of(self.certificate)

    def ensure(self, names: Names) -> bool:
        """Make what is missing, expired, or for other names; whether anything was made.

        ConfigError when the authority that is trusted already may not speak for one of the names.
        """
        made = False
        if not self.exists:
            self.make(names)
            made = True
        elif self.certificate.not_valid_after_utc <= self._now():
            raise _unusable(self.file, "the authority has expired", "gateway tls renew --authority, and trust it anew")
        if beyond := self.not_covered(names):
            hint = "gateway tls renew --authority makes another one, which has to be trusted anew"
            raise _unusable(self.file, f"the authority may not speak for {', '.join(beyond)}", hint)
        if made or self.is_due(names):
            self.renew(names)
            made = True
        return made

    def make(self, names: Names) -> None:
        """A new authority; devices that trusted the one before have to trust this one."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key, now = ec.generate_private_key(ec.SECP256R1()), self._now()
        # iOS shows an authority in its list of switches only when it has a common name.
        title = f"What-If Gateway on {socket.gethostname()[:30]}, {now:%Y-%m-%d}"
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "What-If Gateway"),
                x509.NameAttribute(NameOID.COMMON_NAME, title),
            ]
        )
        usage = _key_usage(signs_certificates=True)
        builder = (
            _builder(subject, subject, key.public_key(), now - SKEW, now + AUTHORITY_LASTS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(_constraints(names), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        _write_key(self.key_file, key)
        _write(self.file, builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), 0o644)
        for stale in (self.leaf_file, self.leaf_key_file):
            stale.unlink(missing_ok=True)

    def renew(self, names: Names) -> None:
        """A new certificate for the server. Both files are replaced in one step each, the key first."""
        authority, signer, now = self.certificate, _read_key(self.key_file), self._now()
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names.dns[0])])
        until = min(now + LEAF_LASTS, authority.not_valid_after_utc)
        builder = (
            _builder(subject, authority.subject, key.public_key(), now - SKEW, until)
            .add_extension(x509.SubjectAlternativeName(_general(names)), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        _write_key(self.leaf_key_file, key)
        leaf = builder.sign(signer, hashes.SHA256())
        _write(self.leaf_file, leaf.public_bytes(serialization.Encoding.PEM), 0o644)

    def is_due(self, names: Names) -> bool:
        """Whether the server needs another certificate: none yet, soon over, of another authority, or other names."""
        leaf = self.leaf
        if leaf is None or not self.leaf_key_file.exists():
            return True
        if leaf.not_valid_after_utc - self._now() < RENEWED_BEFORE or leaf.issuer != self.certificate.subject:
            return True
        has = names_of(leaf)
        return not (set(names.dns) <= set(has.dns) and set(names.addresses) <= set(has.addresses))

    def not_covered(self, names: Names) -> list[str]:
        """Those of the names for which this authority may not speak."""
        permitted = self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
        domains = [one.value for one in permitted or () if isinstance(one, x509.DNSName)]
        networks = [one.value for one in permitted or () if isinstance(one, x509.IPAddress)]
        beyond = [name for name in names.dns if not any(name == d or name.endswith("." + d) for d in domains)]
        return beyond + [str(one) for one in names.addresses if not any(one in net for net in networks)]  # type: ignore[operator]


def names_of(certificate: x509.Certificate) -> Names:
    """The names that a certificate is for; none when it has no such extension."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Names((), ())
    dns = (name.lower() for name in found.get_values_for_type(x509.DNSName))
    addresses = (one for one in found.get_values_for_type(x509.IPAddress))
    return Names(tuple(dns), tuple(one for one in addresses if isinstance(one, Address)))


def fingerprint_of(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _constraints(names: Names) -> x509.NameConstraints:
    # Those of the machine now stay permitted when its addresses change: all local networks are.
    domains = dict.fromkeys([*LOCAL_NAMES, *(name for name in names.given if _address(name) is None), *names.dns])
    networks = [ipaddress.ip_network(one) for one in LOCAL_NETWORKS]
    networks += [ipaddress.ip_network(one) for one in names.addresses if not is_local(one)]
    subtrees = [*map(x509.DNSName, domains), *map(x509.IPAddress, networks)]
    return x509.NameConstraints(permitted_subtrees=subtrees, excluded_subtrees=None)


def _general(names: Names) -> list[x509.GeneralName]:
    return [*map(x509.DNSName, names.dns), *map(x509.IPAddress, names.addresses)]


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return builder.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    _write(file, key.private_bytes(encoding, form, serialization.NoEncryption()), 0o600)


def _write(file: Path, data: bytes, mode: int) -> None:
    """Replace a file in one step; nobody else can read a key in between."""
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)


def _read_certificate(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError) as error:
        raise _unusable(file, f"the certificate cannot be read: {_reason(error)}") from None


def _read_key(file: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(file, f"the key cannot be read: {_reason(error)}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _unusable(file, "the key is not one that this gateway made")
    return key


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__


def _unusable(file: Path, message: str, hint: str = "") -> ConfigError:
    return ConfigError([Problem(str(file), 1, 1, "", message)], hint=hint)


def _bare(name: str) -> str:
    """A host as it is written in options: "[::1]" and "Name." too."""
    return name.strip().lower().removeprefix("[").removesuffix("]").rstrip(".")


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_dns(name: str) -> bool:
    labels = name.split(".")
    return bool(name) and len(name) <= 253 and all(_is_label(label) for label in labels)


def _is_label(label: str) -> bool:
    return 0 < len(label) <= 63 and label.replace("-", "").replace("_", "").isalnum() and label.isascii()


def _version(network: str) -> int:
    return 6 if ":" in network else 4


def covers(pattern: str, name: str) -> bool:
    """Whether a name of a certificate is for this server name: the same, or a wildcard for one label (RFC 6125)."""
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:] and not name.startswith(".")
    return pattern == name


def first_covering(names: Sequence[str], name: str) -> bool:
    return any(covers(pattern, name) for pattern in names)

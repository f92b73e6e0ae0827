"""The base URL of an upstream, taken apart and checked. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from .rewrite import unsafe_path

LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
PATH = re.compile(r"[A-Za-z0-9/%:@!$&'()*+,;=._~-]*")
EVERYWHERE = {"localhost", "0.0.0.0", "::"}  # what reaches a server of this machine besides 127.0.0.0/8 and ::1


@dataclass(frozen=True, slots=True)
class UpstreamUrl:
    """Its parts in the form in which they are used."""

    secure: bool
    host: str  # IPv6 without brackets, IDN as A-label
    port: int
    path: bytes  # without trailing slash; b"" for none

    @property
    def authority(self) -> bytes:
        """The Host field's value: the port is left out when it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}").encode()


@lru_cache(4096)
def read_url(text: str) -> UpstreamUrl:
    """ValueError says what is wrong and what to write instead."""
    if re.search(r"[\x00-\x20\x7f\\]", text):
        raise ValueError(f"{shown(text)} has a space, a backslash or a control character")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{shown(text)}: {str(error)[:1].lower()}{str(error)[1:]}") from None
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or not text[len(scheme) :].startswith("://"):
        raise ValueError(f"{shown(text)} must begin with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("it has a user name or password; put them into headers: {Authorization: ...}")
    if "?" in text or "#" in text:
        raise ValueError(f"{shown(text)} must end with its path: no query, no fragment")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError(f"{shown(text)}: the port must be 1 to 65535")
    secure = scheme == "https"
    return UpstreamUrl(secure, _host(parts.hostname or ""), port or (443 if secure else 80), _path(parts.path))


def read_listen(text: str) -> tuple[str, int]:
    """The address and port of `listen`: "127.0.0.1:8085", "[::1]:8085"; ValueError says what is wrong."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is not an address and a port, such as 127.0.0.1:8085")
    try:
        return str(ip_address(host.removeprefix("[").removesuffix("]"))), int(port)
    except ValueError:
        hint = "127.0.0.1" if host == "localhost" else "an address of this machine"
        raise ValueError(f"{host!r} is a name; write {hint}") from None


def read_name(text: str) -> str:
    """A host name in lower case, without a port; ValueError says what is wrong."""
    name = text.lower().rstrip(".")
    labels = name.split(".")
    if not all(LABEL.fullmatch(label) for label in labels) or NUMERIC.fullmatch(labels[-1]) or len(name) > 253:
        raise ValueError(f"{text!r} is no host name, such as orders.localhost; without scheme and port")
    return name


def shown(text: str) -> str:
    """The URL for a message: its userinfo is nobody's business."""
    return repr(re.sub(r"//[^/@]*@", "//...@", text[:200]))


def reaches(url: UpstreamUrl, own: tuple[str, int]) -> bool:
    """Whether the upstream is the gateway itself, which listens at `own`."""
    host, port = own
    if url.port != port:
        return False
    return url.host == host.lower() or _is_this_machine(url.host)


def _is_this_machine(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host in EVERYWHERE or host.endswith(".localhost")
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_loopback or mapped.is_unspecified


def _host(host: str) -> str:
    if not host:
        raise ValueError("the host is missing, as in http://127.0.0.1:9101")
    if ":" in host:
        return _ipv6(host)
    name = _a_label(host)
    labels = name.removesuffix(".").split(".")
    if NUMERIC.fullmatch(labels[-1]):
        return _ipv4(name)
    if not all(LABEL.fullmatch(label) for label in labels) or len(name) > 253:
        raise ValueError(f"{host!r} is no host name")
    return name


def _ipv4(host: str) -> str:
    """Short, octal and hexadecimal forms mean different hosts to different programs, so they are refused."""
    try:
        return str(IPv4Address(host))
    except AddressValueError:
        raise ValueError(f"{host!r} is no IPv4 address; write all four numbers, as in 127.0.0.1") from None


def _ipv6(host: str) -> str:
    try:
        address = IPv6Address(host)
    except AddressValueError:
        raise ValueError(f"'[{host}]' is no IPv6 address, as in http://[::1]:9101") from None
    if address.scope_id:
        raise ValueError(f"'[{host}]': a zone is not supported")
    return str(address)


def _a_label(host: str) -> str:
    """An internationalised name as it stands in DNS (RFC 5891)."""
    if host.isascii():
        return host
    try:
        name = host.encode("idna").decode()
        same = name.encode().decode("idna") == host.lower()
    except UnicodeError:
        same = False
    if not same:
        raise ValueError(f"{host!r} has no single form in DNS; write it as an A-label, xn--...")
    return name


def _path(path: str) -> bytes:
    if not PATH.fullmatch(path) or (why := unsafe_path(path.encode())):
        reason = why if PATH.fullmatch(path) else "it has characters that must be percent-encoded"
        raise ValueError(f"the path {path!r} cannot be used: {reason}")
    return path.rstrip("/").encode()

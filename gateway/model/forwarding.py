"""Who sent a request: the peer itself, or a client behind proxies that are trusted to say so. Pure.

`Forwarded` (RFC 7239) counts before the older X-Forwarded headers. Both are read from the right: each proxy adds the
address from which it got the request, so the first one that is not trusted is the client, and what stands left of it is
only what that client claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from .caches import BoundedCache

LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
MOST: Final = 1024  # addresses whose trust is remembered
PAIR: Final = re.compile(rb'(?<![A-Za-z-])([A-Za-z-]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*)"|([^;,"]*))')
AUTHORITY: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
PREFIX: Final = re.compile(rb"(?:/[A-Za-z0-9._~-]+)+")


class TrustedProxies:
    """Networks whose word on the client counts. ValueError names what is none."""

    def __init__(self, networks: Iterable[str] = LOOPBACK) -> None:
        """ValueError names a text that is neither an address nor a network."""
        self._networks: list[IPv4Network | IPv6Network] = []
        for text in networks:
            if text == "none":
                continue
            try:
                self._networks += map(ip_network, LOOPBACK) if text == "loopback" else [ip_network(text, strict=False)]
            except ValueError:
                raise ValueError(f"{text!r} is no address or network, such as 10.0.0.0/8, loopback or none") from None
        self._known: BoundedCache[str, bool] = BoundedCache(MOST)

    def __contains__(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            known = self._look(address)
            self._known.keep(address, known)
        return known

    def _look(self, address: str) -> bool:
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self._networks)


@dataclass(frozen=True, slots=True)
class Sender:
    """The client of a request, as the gateway sees it, and what to tell an upstream of the way that it came."""

    address: str
    scheme: bytes  # b"http" or b"https"
    host: bytes  # the authority that the client asked for
    prefix: bytes = b""  # of the public path, where a proxy in front mounts the gateway below one
    forwarded: tuple[bytes, ...] = ()  # what trusted proxies wrote, the peer's own hop not in it
    forwarded_for: tuple[bytes, ...] = ()

    @property
    def origin(self) -> bytes:
        """b"https://demo.example"."""
        return self.scheme + b"://" + self.host


@dataclass(slots=True)
class Claims:
    """What a request says of its way, header by header, each with all its values."""

    forwarded: Sequence[bytes] = ()
    forwarded_for: Sequence[bytes] = ()
    proto: Sequence[bytes] = ()
    host: Sequence[bytes] = ()
    prefix: Sequence[bytes] = ()

    def __bool__(self) -> bool:
        return bool(self.forwarded or self.forwarded_for or self.proto or self.host or self.prefix)


def sender_of(peer: str, host: bytes, claims: Claims, trusted: TrustedProxies, *, secure: bool = False) -> Sender:
    """The sender of a request that came from `peer` with this Host; claims count when the peer is trusted."""
    scheme = b"https" if secure else b"http"
    if not claims or peer not in trusted:
        return Sender(peer, scheme, host)
    elements = _elements(claims.forwarded) if claims.forwarded else _older(claims)
    at = _client_at(elements, trusted)
    client = elements[at] if elements else {}
    return Sender(
        address=_address(client.get(b"for", b"")) or peer,
        scheme=_scheme(client.get(b"proto", b"")) or scheme,
        host=_host(client.get(b"host", b"")) or host,
        prefix=_prefix(claims.prefix),
        forwarded=tuple(_split(claims.forwarded)),
        forwarded_for=tuple(_split(claims.forwarded_for)),
    )


def claims_of(headers: Iterable[tuple[bytes, bytes]]) -> Claims:
    """The claims of a whole list of headers."""
    claims, found = Claims(), dict[str, list[bytes]]()
    for name, value in headers:
        key = KEYS.get(name.lower())
        if key is not None:
            found.setdefault(key, []).append(value)
    for key, values in found.items():
        setattr(claims, key, values)
    return claims


KEYS: Final = {
    b"forwarded": "forwarded", b"x-forwarded-for": "forwarded_for", b"x-forwarded-proto": "proto",
    b"x-forwarded-host": "host", b"x-forwarded-prefix": "prefix",
}  # fmt: skip


def _client_at(elements: Sequence[dict[bytes, bytes]], trusted: TrustedProxies) -> int:
    """The place of the client: the first from the right whose address is not trusted, else the leftmost."""
    for at in range(len(elements) - 1, -1, -1):
        if _address(elements[at].get(b"for", b"")) not in trusted:
            return at
    return 0


def _elements(values: Sequence[bytes]) -> list[dict[bytes, bytes]]:
    """The elements of Forwarded, each as its pairs."""
    return [
        {
            m[1].lower(): re.sub(rb"\\(.)", rb"\1", m[2]) if m[2] is not None else m[3].strip()
            for m in PAIR.finditer(one)
        }
        for one in _split(values)
    ]


def _older(claims: Claims) -> list[dict[bytes, bytes]]:
    """The X-Forwarded headers as such elements. Most proxies write one scheme and one host, the client's; where each
    adds its own, the lists are as long as the addresses."""
    addresses = _split(claims.forwarded_for) or [b""]
    protos, hosts = _split(claims.proto), _split(claims.host)
    return [
        {b"for": address, b"proto": _nth(protos, at, len(addresses)), b"host": _nth(hosts, at, len(addresses))}
        for at, address in enumerate(addresses)
    ]


def _nth(values: Sequence[bytes], at: int, count: int) -> bytes:
    if not values:
        return b""
    return values[at] if len(values) == count else values[0]


def _split(values: Sequence[bytes]) -> list[bytes]:
    """The members of a list header, commas within quotes left alone."""
    members = re.compile(rb'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
    found = (part.strip(b" \t") for value in values for part in members.findall(value))
    return [part for part in found if part]


def _address(node: bytes) -> str:
    """An address of "192.0.2.43", "192.0.2.43:47011", "[2001:db8::1]:80" or "2001:db8::1"; "" for anything else."""
    text = node.decode("latin-1").strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def _scheme(proto: bytes) -> bytes:
    low = {b"wss": b"https", b"ws": b"http"}.get(proto.lower(), proto.lower())
    return low if low in (b"http", b"https") else b""


def _host(host: bytes) -> bytes:
    return host if AUTHORITY.fullmatch(host) else b""


def _prefix(values: Sequence[bytes]) -> bytes:
    prefix = values[0].strip().rstrip(b"/") if values else b""
    return prefix if PREFIX.fullmatch(prefix) else b""

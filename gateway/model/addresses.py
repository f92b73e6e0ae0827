"""Where the authority of a URL leads, this machine in every spelling; addresses that lead past the gateway. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from .caches import BoundedCache

ABSOLUTE: Final = re.compile(rb"(?:([A-Za-z][A-Za-z0-9+.-]*):)?//([^/?#]*)(.*)", re.DOTALL)
AUTHORITY: Final = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[^:@\[\]]*)(?::([0-9]{1,5}))?")
PORTS: Final = {b"http": 80, b"https": 443, b"ws": 80, b"wss": 443}
LOOPBACK: Final = b"loopback"  # stands for every spelling of this machine
SPELLINGS: Final = (b"localhost", b"127.0.0.1", b"[::1]", b"0.0.0.0", b"host.docker.internal")

Place = tuple[bytes, int]  # (host, port)


def places_of(scheme: bytes | None, authority: bytes, likely: bytes) -> list[Place]:
    """Where an authority leads: none when it is no host; a port that is not said is the scheme's own."""
    match = AUTHORITY.fullmatch(authority)
    if match is None or not match[1]:
        return []
    port = int(match[2]) if match[2] else PORTS[(scheme or likely).lower()]
    return [place_of_host(match[1].strip(b"[]"), port)]


def place_of_host(host: bytes, port: int) -> Place:
    name = host.lower().rstrip(b".")
    return (LOOPBACK if is_loopback(name) else name), port


def is_loopback(host: bytes) -> bool:
    """Whether a host, in lower case and without brackets, is this machine in any spelling."""
    try:
        address = ip_address(host.decode("latin-1"))
    except ValueError:
        return host in SPELLINGS or host.endswith(b".localhost")
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)


def is_spelling(authority: bytes) -> bool:
    """Whether an authority names this machine and nothing more: `orders.localhost` may be a cluster's own name."""
    match = AUTHORITY.fullmatch(authority)
    return match is not None and match[1].lower() in SPELLINGS


def spellings(host: bytes, port: int) -> list[bytes]:
    """The authorities that mean a place, as they may stand in a text."""
    hosts = SPELLINGS if host == LOOPBACK else (b"[" + host + b"]" if b":" in host else host,)
    return [one + b":%d" % port for one in hosts] + [one for one in hosts if port in (80, 443)]


def past_gateway(upstream_url: str, text: str) -> list[str]:
    """The addresses of an exchange's own upstream that a body gives to its client, each once, in their order."""
    absolute = ABSOLUTE.match(upstream_url.encode("latin-1", "replace"))
    if absolute is None or not absolute[1]:
        return []
    found: dict[str, None] = {}
    for place in places_of(absolute[1], absolute[2], absolute[1]):
        authorities = [one.decode("latin-1") for one in spellings(*place)]
        if not any(authority in text for authority in authorities):
            return []
        words = "|".join(re.escape(one) for one in sorted(authorities, key=len, reverse=True))
        pattern = rf"(?:\b(https?|wss?):)?(?:\\?/){{2}}({words})(?![\w:@-]|\.\w)"
        for match in re.finditer(pattern, text, re.IGNORECASE):
            found[f"{(match[1] or absolute[1].decode()).lower()}://{match[2]}"] = None
    return list(found)


NAME: Final = re.compile(r"[a-z0-9_-][a-z0-9_.-]*")
MOST: Final = 1024  # spellings of hosts that are remembered
LONGEST: Final = 270  # bytes of one: a name has 253 at most (RFC 1035 section 2.3.4), and a port


def host_of(authority: str) -> str:
    """The host of "host", "host:port", "[::1]:port": lower case, without brackets and trailing dot; "" for none."""
    try:
        host = urlsplit(f"//{authority}").hostname or ""
        # urlsplit drops userinfo, a path and more: what is left must be the whole of it.
        if any(c in authority for c in "/?#@\\ \t"):
            return ""
        return str(ipaddress.ip_address(host)) if ":" in host else host.removesuffix(".")
    except ValueError:
        try:
            return str(ipaddress.ip_address(authority))  # a bare IPv6 address, as an option names it
        except ValueError:
            return ""


def is_fixed(host: str) -> bool:
    """Whether no web site can own this name and point it at another machine (DNS rebinding, CWE-350).

    That is so for addresses, for localhost and what is below it (RFC 6761 section 6.3), and for names of one label: no
    public name has one label only (RFC 7085 section 1, ICANN's board on dotless domains), and containers use them.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return NAME.fullmatch(host) is not None and ("." not in host or host.endswith(".localhost"))
    return True


def is_remote(host: str) -> bool:
    """Whether machines other than this one can reach what listens on `host`."""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") != "localhost"


class AllowedHosts:
    """The names under which proxied traffic may come; `names` are further ones, with `any` every name."""

    def __init__(self, names: Iterable[str] = (), *, any: bool = False) -> None:
        self._names, self._any = {host_of(name) for name in names}, any
        self._known: BoundedCache[bytes, bool] = BoundedCache(MOST)  # clients choose them

    def has(self, authority: bytes) -> bool:
        """Whether a request with this Host may pass. One without (HTTP/1.0) is of no browser."""
        if self._any or not authority:
            return True
        known = self._known.get(authority)
        if known is None:
            host = host_of(authority.decode("latin-1"))
            known = is_fixed(host) or host in self._names
            if len(authority) <= LONGEST:
                self._known.keep(authority, known)
        return known

"""Host names as requests carry them, and which of them nobody can point at this machine from outside. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

NAME: Final = re.compile(r"[a-z0-9_-][a-z0-9_.-]*")
MOST: Final = 1024  # spellings of hosts that are remembered


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


class AllowedHosts:
    """The names under which proxied traffic may come; `names` are further ones, with `any` every name."""

    def __init__(self, names: Iterable[str] = (), *, any: bool = False) -> None:
        self._names, self._any = {host_of(name) for name in names}, any
        self._known: dict[bytes, bool] = {}  # clients choose them: bounded

    def has(self, authority: bytes) -> bool:
        """Whether a request with this Host may pass. One without (HTTP/1.0) is of no browser."""
        if self._any or not authority:
            return True
        known = self._known.get(authority)
        if known is None:
            host = host_of(authority.decode("latin-1"))
            known = is_fixed(host) or host in self._names
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[authority] = known
        return known

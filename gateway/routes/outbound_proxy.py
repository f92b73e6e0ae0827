"""Which proxy of one's network leads to an upstream: `upstreams.E.proxy`, and the usual variables. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class OutboundProxy:
    """Where a proxy listens."""

    host: str
    port: int
    authorization: bytes = field(default=b"", repr=False)  # the value of Proxy-Authorization, or b""

    @property
    def url(self) -> str:
        """For people: without a password."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


def proxy_for(setting: str, host: str, port: int, *, secure: bool, environ: Mapping[str, str]) -> OutboundProxy | None:
    """The proxy for an upstream: `setting` is "" or "none", "env" (the usual variables), or a URL.

    ValueError when a variable does not hold the URL of an http proxy.
    """
    if setting in ("", "none"):
        return None
    if setting != "env":
        return read_proxy(setting)
    chosen = from_variables(environ, secure=secure)
    spared = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if not chosen or is_spared(spared, host, port):
        return None
    return read_proxy(chosen if "://" in chosen else f"http://{chosen}")


def from_variables(environ: Mapping[str, str], *, secure: bool) -> str:
    """What the environment names as the proxy for https, or for http; "" for none."""
    names = ("https_proxy", "HTTPS_PROXY") if secure else ("http_proxy", "HTTP_PROXY")
    return next((environ[name] for name in (*names, "all_proxy", "ALL_PROXY") if environ.get(name)), "")


def read_proxy(url: str) -> OutboundProxy:
    """ValueError says why a URL is none of a proxy that can be used."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme.lower() != "http" or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("a proxy is written as http://host:port, or as env or none; other kinds are not spoken")
    authorization = b""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + base64.b64encode(pair.encode())
    return OutboundProxy(parts.hostname, port or 80, authorization)


def is_spared(no_proxy: str, host: str, port: int) -> bool:
    """Whether NO_PROXY names a host: "*", a name with all below it, an address or a network; with a port or without."""
    name = host.lower().rstrip(".")
    return any(_names(entry.lower(), name, port) for entry in no_proxy.replace(",", " ").split())


def _names(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return _in_network(entry, host)
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit() and (":" not in name or name.endswith("]")):
        if int(number) != port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*").lstrip(".").rstrip(".")
    return bool(entry) and (host == entry or host.endswith("." + entry))


def _in_network(entry: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        return False

"""From a client's request head to the upstream's. Pure.

One pass over the fields sorts them by fate. A client that keeps its connection mostly sends the same fields
again and again, so what came of them is kept and used for the next request as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..model.capture import RawPairs
from ..model.headers import Fields
from ..routes.overrides import chosen
from .header_rules import (  # fmt: skip
    ACCEPT,
    BAGGAGE,
    CONNECTION,
    COOKIE,
    DROP,
    EXPECT,
    FETCH_DEST,
    FETCH_SITE,
    FORWARD,
    FORWARDED,
    FORWARDED_FOR,
    HOST,
    LENGTH,
    ORIGIN,
    OURS,
    PREFLIGHT,
    REQUEST,
    SERVICE_WORKER,
    TE,
    TRACE,
    TRACEPARENT,
    TRANSFER,
    UPGRADE,
    VIA,
    connection_options,
    hop_by_hop,
    is_websocket,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..routes.table import CompiledCluster, CompiledUpstream

GONE = frozenset((DROP, CONNECTION, TRANSFER, UPGRADE, OURS, FORWARDED, FORWARDED_FOR, TE, HOST))


class Client(Protocol):
    """Who sends the request."""

    method: bytes
    address: str


class RequestHead:
    """What the gateway needs to know of a request's fields, and those that go on to the upstream."""

    __slots__ = (
        "_after", "_before", "_built", "_built_for", "accept", "chunked", "codings", "expect", "fetch_site",
        "forwarded", "forwarded_for", "host", "length", "options", "origin", "overrides", "plain", "preflight",
        "recorded", "te", "traced", "upgrade", "via", "websocket", "worker",
    )  # fmt: skip

    def __init__(self, headers: RawPairs, strip_cookie: Callable[[bytes], bytes]) -> None:
        self.recorded: RawPairs = headers  # without what is the gateway's own
        self.host = b""
        self.length: int | None = None
        self.chunked, self.codings = False, b""
        self.options: frozenset[bytes] = frozenset()
        self.upgrade = self.expect = self.origin = self.te = self.accept = b""
        self.forwarded: list[bytes] = []
        self.forwarded_for: list[bytes] = []
        self.via: list[bytes] = []
        self.overrides: list[tuple[str, bytes]] = []  # ("header" | "baggage", field value)
        self.fetch_site = b""
        self.preflight = self.traced = self.worker = False  # worker: for the script of a service worker
        self._before: list[bytes] = []  # b"Name: value" up to Host, in the client's order and spelling
        self._after = self._before
        self._built = b""  # the upstream's fields, for `_built_for`
        self._built_for: CompiledUpstream | None = None
        for name, value in headers:
            fate = REQUEST[name]
            if fate == FORWARD:
                self._after.append(name + b": " + value)
            else:
                self._special(fate, name, value, strip_cookie)
        self.websocket = is_websocket(self.upgrade, self.options)
        self.plain = not (self.via or self.codings or self.expect or self.websocket)  # nothing to refuse
        if self.options and (named := hop_by_hop(self.options)):
            self._before, self._after = (
                [line for line in lines if line.partition(b":")[0].lower() not in named]
                for lines in (self._before, self._after)
            )
        if type(self.recorded) is not Fields:
            self.recorded = Fields(self.recorded)

    def _special(self, fate: int, name: bytes, value: bytes, strip_cookie: Callable[[bytes], bytes]) -> None:
        keep = fate not in GONE
        if fate == HOST:
            self.host, self._after = value, []
        elif fate == LENGTH:
            self.length = int(value)
        elif fate == TRANSFER:
            self.codings += b"," + value if self.codings else value
            self.chunked = self.codings.strip().lower() == b"chunked"
        elif fate == CONNECTION:
            self.options |= connection_options((value,))
        elif fate == COOKIE:
            stripped = strip_cookie(value)
            if stripped != value:
                self._own_cookie_gone(name, value, stripped)
                keep, value = bool(stripped), stripped
        elif fate == OURS:
            self._ours(name, value)
        elif fate == BAGGAGE:
            if b"gateway-env." in value:
                self.overrides.append(("baggage", value))
        elif fate == TRACE:
            keep = self.traced = not self.traced and TRACEPARENT.fullmatch(value) is not None
        else:
            self._note(fate, value)
        if keep:
            self._after.append(name + b": " + value)

    def _note(self, fate: int, value: bytes) -> None:
        if fate == UPGRADE:
            self.upgrade = value
        elif fate == PREFLIGHT:
            self.preflight = True
        elif fate == EXPECT:
            self.expect = value
        elif fate == ORIGIN:
            self.origin = value
        elif fate == FETCH_SITE:
            self.fetch_site = value.strip().lower()
        elif fate == SERVICE_WORKER or (fate == FETCH_DEST and value.strip().lower() == b"serviceworker"):
            self.worker = True
        elif fate == TE:
            self.te = value
        elif fate == ACCEPT:
            self.accept = value
        elif fate == VIA:
            self.via.append(value)
        elif fate == FORWARDED:
            self.forwarded.append(value)
        elif fate == FORWARDED_FOR:
            self.forwarded_for.append(value)

    def _ours(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"gateway-env":
            self.overrides.append(("header", value))
        self.recorded = [pair for pair in self.recorded if pair != (name, value)]

    def _own_cookie_gone(self, name: bytes, value: bytes, stripped: bytes) -> None:
        """The session cookie is neither forwarded nor recorded."""
        pairs = [(n, stripped if (n, v) == (name, value) else v) for n, v in self.recorded]
        self.recorded = [pair for pair in pairs if pair != (name, b"")]

    def chosen(self) -> tuple[str, dict[str, str]]:
        """(where from, {cluster: environment}) of the first override; ValueError for a malformed one."""
        return chosen(self.overrides)

    def upstream_head(
        self, client: Client, target: bytes, cluster: CompiledCluster, upstream: CompiledUpstream,
        *, via: bytes, trace: Callable[[], bytes],
    ) -> bytes:  # fmt: skip
        """The request head for the upstream, RFC 9110 section 7.6 applied, ready to send.

        `trace` gives a traceparent for a request without one (W3C Trace Context section 3.2).
        """
        if self._built_for is not upstream:
            self._built, self._built_for = self._fields(cluster, upstream, client.address.encode(), via), upstream
        head = client.method + b" " + target + b" HTTP/1.1\r\n" + self._built
        if self.traced:
            return head + b"\r\n"
        return head + b"traceparent: " + trace() + b"\r\n\r\n"

    def _fields(self, cluster: CompiledCluster, upstream: CompiledUpstream, client: bytes, via: bytes) -> bytes:
        lines = [*self._before, b"Host: " + upstream.authority]
        if self._after is not self._before:
            lines += self._after
        if upstream.headers:
            names = {name.lower() for name, _ in upstream.headers}
            lines = [line for line in lines if line.partition(b":")[0].lower() not in names]
            lines += [name + b": " + value for name, value in upstream.headers]
        if self.chunked:
            lines.append(b"Transfer-Encoding: chunked")
        if self.websocket:
            lines += (b"Connection: Upgrade", b"Upgrade: " + self.upgrade)
        elif b"trailers" in self.te.lower():
            lines += (b"Connection: TE", b"TE: trailers")
        lines += self._provenance(cluster.prefix, client)
        lines += (via, b"")
        return b"\r\n".join(lines)

    def _provenance(self, prefix: bytes, client: bytes) -> list[bytes]:
        """Forwarded (RFC 7239) and its older cousins."""
        node = b'"[' + client + b']"' if b":" in client else client
        hop = b"for=" + node + b';host="' + self.host + b'";proto=http'
        return [
            b"Forwarded: " + b", ".join([*self.forwarded, hop]),
            b"X-Forwarded-For: " + b", ".join([*self.forwarded_for, client]),
            b"X-Forwarded-Proto: http",
            b"X-Forwarded-Host: " + self.host,
            b"X-Forwarded-Prefix: " + (prefix or b"/"),
        ]

"""From a client's request head to the upstream's. Pure.

One pass over the fields sorts them by fate; the rest is put together once cluster and upstream are known.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from ..model.capture import RawPairs
from .heads import (
    BAGGAGE, CONNECTION, COOKIE, DROP, EXPECT, FORWARD, FORWARDED, FORWARDED_FOR, HOST, LENGTH, ORIGIN, OURS,
    PREFLIGHT, REQUEST, TE, TRACE, TRACEPARENT, TRANSFER, UPGRADE, VIA, ACCEPT,
    baggage_overrides, connection_options, hop_by_hop, is_websocket, parse_overrides,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..routing.table import CompiledCluster, CompiledUpstream

Line = tuple[bytes, bytes]


class RequestHead:
    """What the gateway needs to know of a request, and the fields that go on to the upstream."""

    __slots__ = (
        "accept", "chunked", "codings", "expect", "fields", "forwarded", "forwarded_for", "host", "host_at", "length",
        "options", "origin", "overrides", "preflight", "recorded", "te", "traced", "upgrade", "via",
    )  # fmt: skip

    def __init__(self, headers: RawPairs, strip_cookie: Callable[[bytes], bytes]) -> None:
        self.fields: list[bytes] = []  # b"Name: value" in the client's order, spelling and repeats
        self.recorded: RawPairs = headers  # without what is the gateway's own
        self.host, self.host_at = b"", -1
        self.length: int | None = None
        self.chunked, self.codings = False, b""
        self.options: frozenset[bytes] = frozenset()
        self.upgrade = self.expect = self.origin = self.te = self.accept = b""
        self.forwarded: list[bytes] = []
        self.forwarded_for: list[bytes] = []
        self.via: list[bytes] = []
        self.overrides: list[tuple[str, bytes]] = []  # ("header" | "baggage", field value)
        self.preflight = self.traced = False
        append = self.fields.append
        for name, value in headers:
            fate = REQUEST[name]
            if fate == FORWARD:
                append(name + b": " + value)
            else:
                self._special(fate, name, value, strip_cookie)
        if self.options:
            self._apply_connection()

    def _special(self, fate: int, name: bytes, value: bytes, strip_cookie: Callable[[bytes], bytes]) -> None:
        keep = fate not in (DROP, CONNECTION, TRANSFER, UPGRADE, OURS, FORWARDED, FORWARDED_FOR, TE, HOST)
        if fate == HOST:
            self.host, self.host_at = value, len(self.fields)
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
        elif fate == PREFLIGHT:
            self.preflight = True
        else:
            self._note(fate, value)
        if keep:
            self.fields.append(name + b": " + value)

    def _note(self, fate: int, value: bytes) -> None:
        if fate == UPGRADE:
            self.upgrade = value
        elif fate == EXPECT:
            self.expect = value
        elif fate == ORIGIN:
            self.origin = value
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

    def _apply_connection(self) -> None:
        named = hop_by_hop(self.options)
        if named:
            host = self.fields[self.host_at :]
            before = [f for f in self.fields[: self.host_at] if f.partition(b":")[0].lower() not in named]
            self.fields = before + [f for f in host if f.partition(b":")[0].lower() not in named]
            self.host_at = len(before)

    def chosen(self) -> tuple[str, dict[str, str]]:
        """(where from, {cluster: environment}) of the first override; ValueError for a malformed one."""
        for source, value in sorted(self.overrides, key=lambda o: o[0] != "header"):
            chosen = parse_overrides(value) if source == "header" else baggage_overrides(value)
            if chosen:
                return source, chosen
        return "", {}

    @property
    def websocket(self) -> bool:
        return is_websocket(self.upgrade, self.options)

    def upstream_head(
        self, method: bytes, target: bytes, cluster: CompiledCluster, upstream: CompiledUpstream,
        *, client: str, via: bytes,
    ) -> bytes:  # fmt: skip
        """The request head for the upstream, RFC 9110 section 7.6 applied, ready to send."""
        fields = self.fields
        lines = [method + b" " + target + b" HTTP/1.1", *fields]
        at = self.host_at + 1 or 1
        lines.insert(at, b"Host: " + upstream.authority)
        if upstream.headers:
            lines = _replaced(lines, upstream.headers)
        if self.chunked:
            lines.append(b"Transfer-Encoding: chunked")
        if self.websocket:
            lines += (b"Connection: Upgrade", b"Upgrade: " + self.upgrade)
        elif b"trailers" in self.te.lower():
            lines += (b"Connection: TE", b"TE: trailers")
        lines += self._provenance(cluster.prefix, client.encode(), via)
        lines += (b"", b"")
        return b"\r\n".join(lines)

    def _provenance(self, prefix: bytes, client: bytes, via: bytes) -> list[bytes]:
        """Forwarded (RFC 7239), its older cousins, Via and trace context."""
        node = b'"[' + client + b']"' if b":" in client else client
        hop = b"for=" + node + b";host=" + _quoted(self.host) + b";proto=http"
        lines = [
            b"Forwarded: " + b", ".join([*self.forwarded, hop]),
            b"X-Forwarded-For: " + b", ".join([*self.forwarded_for, client]),
            b"X-Forwarded-Proto: http",
            b"X-Forwarded-Host: " + self.host,
            b"X-Forwarded-Prefix: " + (prefix or b"/"),
            via,
        ]
        if not self.traced:
            lines.append(
                b"traceparent: 00-%032x-%016x-01" % (random.getrandbits(128) or 1, random.getrandbits(64) or 1)
            )
        return lines


def _quoted(value: bytes) -> bytes:
    return b'"' + value + b'"'


def _replaced(lines: list[bytes], fields: tuple[Line, ...]) -> list[bytes]:
    """`lines` with an upstream's configured fields in place of the client's of the same name."""
    names = {name.lower() for name, _ in fields}
    kept = [line for i, line in enumerate(lines) if i == 0 or line.partition(b":")[0].lower() not in names]
    return kept + [name + b": " + value for name, value in fields]

"""From an upstream's response head to the client's, in one pass over the fields. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.capture import RawPairs
from ..routes.rewrite import public_cookie, public_location
from .header_rules import (  # fmt: skip
    CONNECTION,
    DROP,
    FORWARD,
    KEEP_ALIVE,
    LENGTH,
    LOCATION,
    REFRESH,
    RESPONSE,
    SET_COOKIE,
    TRANSFER,
    TYPE,
    UPGRADE,
    WORKER_SCOPE,
    connection_options,
    hop_by_hop,
)
from .sandbox import worker_scope

if TYPE_CHECKING:
    from ..routes.table import CompiledCluster, CompiledUpstream


class ResponseHead:
    """A response head: how its body is framed, the lines that go on to the client, what is recorded.

    `length` is None unless a Content-Length frames the body.
    """

    __slots__ = (
        "changing", "chunked", "close", "interim", "is_events", "length", "lines", "options", "reason",
        "recorded", "rewritten", "status", "types", "upgrade", "version",
    )  # fmt: skip

    def __init__(self, status: int, reason: bytes, version: str, headers: RawPairs) -> None:
        self.status, self.reason, self.version = status, reason, version
        self.interim = status < 200 and status != 101
        self.length: int | None = None
        self.chunked = False
        self.upgrade = b""
        self.is_events = False
        self.types: list[bytes] = []  # Content-Type, as often as it came
        self.options: frozenset[bytes] = frozenset()
        # Reason phrases pass as they are, empty ones too (RFC 9112 section 4).
        self.lines: list[bytes] = [b"HTTP/1.1 %d %b" % (status, reason)]  # then b"Name: value", as they came
        self.recorded: RawPairs = headers  # as the client sees them, without what the gateway adds
        self.rewritten: RawPairs = []  # as the upstream sent them, where they differ
        self.changing: list[tuple[int, bytes, bytes]] = []  # (fate, name, value) of fields that may change
        append = self.lines.append
        for name, value in headers:
            fate = RESPONSE[name]
            if fate == FORWARD or self._special(fate, name, value):
                append(name + b": " + value)
        self.close = b"close" in self.options or (version == "1.0" and b"keep-alive" not in self.options)
        if self.options and (named := hop_by_hop(self.options)):
            self.lines = [line for line in self.lines if line.partition(b":")[0].lower() not in named]
        if self.chunked or status == 204 or self.interim:  # a length here would contradict the framing
            self.lines = [line for line in self.lines if line[:15].lower() != b"content-length:"]
        if len(self.lines) <= len(headers):
            self.recorded = [pair for pair in headers if RESPONSE[pair[0]] not in (DROP, CONNECTION, KEEP_ALIVE)]

    def _special(self, fate: int, name: bytes, value: bytes) -> bool:
        """Take note; whether the field goes on."""
        if fate == LENGTH:
            self.length = int(value)
        elif fate == TYPE:
            self.types.append(value)
            self.is_events = value.partition(b";")[0].strip().lower() == b"text/event-stream"
        elif fate in (LOCATION, REFRESH, SET_COOKIE, WORKER_SCOPE):
            self.changing.append((fate, name, value))
        elif fate == TRANSFER:  # framing is each connection's own; the record keeps what the upstream said
            self.chunked = value.rpartition(b",")[2].strip().lower() == b"chunked"
            return False
        elif fate == CONNECTION:
            self.options |= connection_options((value,))
            return False
        elif fate == UPGRADE:
            self.upgrade = value
            return False
        return fate not in (DROP, KEEP_ALIVE)

    @property
    def new_cookies(self) -> list[bytes]:
        """The Set-Cookie values, as the upstream sent them."""
        return [value for fate, _, value in self.changing if fate == SET_COOKIE]

    def rewrite(
        self, cluster: CompiledCluster, upstream: CompiledUpstream, origin: bytes, own_cookies: tuple[bytes, ...]
    ) -> None:
        """Put URLs and cookies that point at the upstream into the client's view, each line in its place.

        An upstream must not set the gateway's own cookies: one of these names is dropped.
        """
        for fate, name, value in self.changing:
            if fate == SET_COOKIE:
                own = value.partition(b"=")[0].strip(b" \t") in own_cookies
                new = None if own else public_cookie(cluster, upstream, value)
            elif fate == WORKER_SCOPE:
                new = worker_scope(value, cluster.prefix)
            else:  # Refresh: 5; url=...
                before, mark, url = value.partition(b"=") if fate == REFRESH else (b"", b"", value)
                new = before + mark + public_location(cluster, upstream, url, origin)
            if new != value:
                self._replace(name, value, new)

    def _replace(self, name: bytes, value: bytes, new: bytes | None) -> None:
        at = self.lines.index(name + b": " + value)
        pair = self.recorded.index((name, value))
        self.rewritten.append((name, value))
        self.lines[at : at + 1] = [] if new is None else [name + b": " + new]
        self.recorded[pair : pair + 1] = [] if new is None else [(name, new)]

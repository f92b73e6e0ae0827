"""From an upstream's response head to the client's, in one pass over the fields. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..model.caches import BoundedCache
from ..model.capture import RawPairs
from ..model.headers import Fields, Shape
from ..routes.rewrite import public_cookie
from .head_lines import ListTemplate, ParsedHead
from .header_rules import (  # fmt: skip
    BINDING,
    CONNECTION,
    DROP,
    FORWARD,
    KEEP_ALIVE,
    KEPT,
    LENGTH,
    LINK,
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
    from ..routes.addresses import Addresses, Viewpoint

NO_STORE: Final = b"Cache-Control: no-store"
MOST_SHAPES: Final = 512  # of response heads that are remembered
# What a browser keeps without being told for how long (RFC 9110 section 15.1: heuristically cacheable; these are the
# ones that browsers keep for good).
PERMANENT: Final = frozenset((300, 301, 308, 410))


class ResponseHead:
    """A response head: how its body is framed, the lines that go on to the client, what is recorded.

    `length` is None unless a Content-Length frames the body.
    """

    __slots__ = (
        "_again", "_unkept", "changing", "chunked", "close", "interim", "is_events", "kept", "length", "lines",
        "no_store", "options", "reason", "recorded", "rewritten", "status", "types", "upgrade", "version",
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
        self.kept: RawPairs = []  # what says whether, and for how long, a browser may keep it
        self.no_store = False
        self._unkept: tuple[list[bytes], RawPairs, RawPairs] | None = None
        self._again: tuple[ResponseShape, ParsedHead] | None = None  # of what it is made, where not of headers
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
            self.recorded = [
                pair for pair in headers if RESPONSE[pair[0]] not in (DROP, CONNECTION, KEEP_ALIVE, BINDING)
            ]

    def _special(self, fate: int, name: bytes, value: bytes) -> bool:
        """Take note; whether the field goes on."""
        if fate == LENGTH:
            self.length = int(value)
        elif fate == TYPE:
            self.types.append(value)
            self.is_events = value.partition(b";")[0].strip().lower() == b"text/event-stream"
        elif fate in (LOCATION, REFRESH, SET_COOKIE, LINK, WORKER_SCOPE):
            self.changing.append((fate, name, value))
        elif fate == KEPT:
            self.kept.append((name, value))
            self.no_store |= b"no-store" in value.lower() and name.lower() == b"cache-control"
        elif fate == BINDING:
            self.rewritten.append((name, value))
            return False
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

    @property
    def may_be_kept(self) -> bool:
        """Whether a browser might keep this response, or ask with its validators whether it still holds."""
        return not self.no_store and bool(self.kept or self.status in PERMANENT)

    def unkept(self) -> tuple[list[bytes], RawPairs, RawPairs]:
        """(lines, recorded, rewritten) with which no browser keeps the response: after a move its next request would
        be answered from memory, by the environment before. An ETag stays, for If-Match: what is not stored is not
        asked for by its tag. Worked out once for a head that comes again."""
        if self._unkept is None and self._again is not None:
            self._unkept = self._again[0].unkept(self._again[1])
        if self._unkept is None:
            gone = [pair for pair in self.kept if pair[0].lower() != b"etag"]
            dropped = {name + b": " + value for name, value in gone}
            lines = [line for line in self.lines if line not in dropped]
            recorded = [pair for pair in self.recorded if pair not in gone]
            self._unkept = [*lines, NO_STORE], [*recorded, (b"Cache-Control", b"no-store")], [*self.rewritten, *gone]
        return self._unkept

    def rewrite(self, addresses: Addresses, view: Viewpoint, own_cookies: tuple[bytes, ...], *, secure: bool) -> None:
        """Put URLs and cookies that point at an upstream into the client's view, each line in its place; `secure` when
        the client speaks https. An upstream must not set the gateway's own cookies: one of these names is dropped.
        """
        for fate, name, value in self.changing:
            new: bytes | None
            if fate == SET_COOKIE:
                own = value.partition(b"=")[0].strip(b" \t") in own_cookies
                new = None if own else public_cookie(view.cluster, view.upstream, value, secure=secure)
            elif fate == WORKER_SCOPE:
                new = worker_scope(value, view.cluster.prefix)
            elif fate == LINK:
                new = addresses.public_links(value, view)
            else:  # Refresh: 5; url='/x'
                before, mark, url = value.partition(b"=") if fate == REFRESH else (b"", b"", value)
                lead = url[: len(url) - len(url.lstrip(b" \t'\""))]
                new = before + mark + lead + addresses.public(url[len(lead) :], view)
            if new != value:
                self._replace(name, value, new)

    def _replace(self, name: bytes, value: bytes, new: bytes | None) -> None:
        at = self.lines.index(name + b": " + value)
        pair = self.recorded.index((name, value))
        self.rewritten.append((name, value))
        self.lines[at : at + 1] = [] if new is None else [name + b": " + new]
        self.recorded[pair : pair + 1] = [] if new is None else [(name, new)]


class Filled:
    """The headers of one view of a response, of which some values vary."""

    __slots__ = ("_pairs", "_shape")

    def __init__(self, pairs: RawPairs, varying: RawPairs) -> None:
        self._pairs = ListTemplate(pairs, varying)
        self._shape = Shape(self._pairs.places)

    def fill(self, varying: RawPairs) -> Fields:
        fields = Fields(self._pairs.fill(varying))
        fields.shape = self._shape
        return fields


class ResponseShape:
    """A response head without the values that vary, and what was made of it: they make a response head anew."""

    __slots__ = ("_head", "_length", "_lines", "_places", "_recorded", "_rewritten", "_unkept")

    def __init__(self, parsed: ParsedHead, head: ResponseHead) -> None:
        self._head, self._places = head, parsed.places or ()
        pairs = self._varying(parsed)
        names = [name.lower() for name, _ in pairs]
        self._length = names.index(b"content-length") if b"content-length" in names else -1
        self._lines = ListTemplate(head.lines, parsed.lines)
        self._recorded, self._rewritten = Filled(head.recorded, pairs), ListTemplate(head.rewritten, pairs)
        lines, recorded, rewritten = head.unkept()
        self._unkept = ListTemplate(lines, parsed.lines), Filled(recorded, pairs), Filled(rewritten, pairs)

    def head(self, parsed: ParsedHead) -> ResponseHead:
        """Another head of this shape."""
        of, pairs = self._head, self._varying(parsed)
        head = ResponseHead.__new__(ResponseHead)
        head.status, head.reason, head.version, head.interim = of.status, of.reason, of.version, False
        head.length = int(pairs[self._length][1]) if self._length >= 0 else of.length
        head.chunked, head.upgrade, head.is_events, head.types = of.chunked, of.upgrade, of.is_events, of.types
        head.options, head.close, head.no_store, head.changing = of.options, of.close, of.no_store, of.changing
        head.kept = of.kept  # whose values are not asked for: `unkept` has them
        head.lines, head.recorded = self._lines.fill(parsed.lines), self._recorded.fill(pairs)
        head.rewritten = self._rewritten.fill(pairs) if of.rewritten else of.rewritten
        head._unkept, head._again = None, (self, parsed)
        return head

    def unkept(self, parsed: ParsedHead) -> tuple[list[bytes], RawPairs, RawPairs]:
        """As ResponseHead.unkept has it."""
        pairs = self._varying(parsed)
        lines, recorded, rewritten = self._unkept
        return lines.fill(parsed.lines), recorded.fill(pairs), rewritten.fill(pairs)

    def _varying(self, parsed: ParsedHead) -> RawPairs:
        return [parsed.pairs[at] for at in self._places]


class ResponseShapes:
    """The shapes of response heads of one server that came twice."""

    def __init__(self) -> None:
        self._known: BoundedCache[tuple[object, ...], ResponseShape | None] = BoundedCache(MOST_SHAPES)

    def head(self, status: bytes, reason: bytes, parsed: ParsedHead) -> ResponseHead:
        """The head of an HTTP/1.1 response."""
        if parsed.places is None:
            return ResponseHead(int(status), reason, "1.1", parsed.pairs)
        key = (status, reason, *parsed.key)
        shape = self._known.get(key)
        if shape is not None:
            return shape.head(parsed)
        head = ResponseHead(int(status), reason, "1.1", parsed.pairs)
        if _has_shape(parsed, head):
            self._known.keep(key, ResponseShape(parsed, head) if key in self._known else None)
        return head


def _has_shape(parsed: ParsedHead, head: ResponseHead) -> bool:
    """Whether what was made of this head does not depend on the values that vary, but for the length."""
    if head.changing or head.interim or head.status == 101 or len(set(parsed.lines)) < len(parsed.lines):
        return False
    if not parsed.is_small:
        return False
    return all(RESPONSE[parsed.pairs[at][0]] in (FORWARD, LENGTH, KEPT) for at in parsed.places or ())

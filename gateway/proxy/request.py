"""From a client's request head to the upstream's. Pure.

One pass over the fields sorts them by fate. A client that keeps its connection mostly sends the same fields
again and again, so the results are kept and used for the next request as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..model.caches import BoundedCache
from ..model.capture import RawPairs
from ..model.forwarding import Claims
from ..model.headers import Fields, Shape
from ..routes.overrides import chosen
from ..routes.rewrite import upstream_cookies
from .head_lines import ListTemplate, ParsedHead
from .header_rules import (  # fmt: skip
    ACCEPT,
    AUTHORIZATION,
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
    FORWARDED_HOST,
    FORWARDED_PREFIX,
    FORWARDED_PROTO,
    HOST,
    LENGTH,
    ORIGIN,
    OURS,
    PREFLIGHT,
    REFERER,
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
    signs_in_connection,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model.forwarding import Sender
    from ..routes.outbound_proxy import OutboundProxy
    from ..routes.table import CompiledCluster, CompiledUpstream, Cors
    from .client import ClientConnection

CLAIMS = {
    FORWARDED: "forwarded", FORWARDED_FOR: "forwarded_for", FORWARDED_PROTO: "proto", FORWARDED_HOST: "host",
    FORWARDED_PREFIX: "prefix",
}  # fmt: skip
NOTED = {
    UPGRADE: "upgrade", EXPECT: "expect", ORIGIN: "origin", TE: "te", ACCEPT: "accept", REFERER: "referer",
}  # fmt: skip
MOST_SHAPES = 4096  # of request heads that are remembered
MOST_UPSTREAMS = 16  # for which a head is kept ready
GONE = frozenset((DROP, CONNECTION, TRANSFER, UPGRADE, OURS, TE, HOST, *CLAIMS))


class HeadValues(NamedTuple):
    """What is of one request alone, where others of the same client have a head of the same shape."""

    lines: Sequence[bytes]  # that vary, as they came
    length: int | None
    trace: bytes  # a traceparent that holds
    recorded: RawPairs  # without what is the gateway's own


class UpstreamHead(NamedTuple):
    """The header lines for an upstream, and the traceparent that routes.yaml gives it."""

    lines: ListTemplate[bytes]
    whole: bytes  # the same with the values of the head that it was made of
    trace: bytes
    upstream: CompiledUpstream  # held, so that its identity is nobody else's


class RequestShape:
    """A request head without the values that vary, and what was made of it: they make a request head anew."""

    __slots__ = ("_length", "_recorded", "_trace", "request", "session", "shape", "whole")

    def __init__(self, parsed: ParsedHead, request: RequestHead, session: str) -> None:
        self.request, self.session = request, session
        self.shape = self.whole = Shape(parsed.places or ())
        pairs = [parsed.pairs[at] for at in self.shape.places]
        names = [name.lower() for name, _ in pairs]
        self._length = names.index(b"content-length") if b"content-length" in names else -1
        self._trace = names.index(b"traceparent") if b"traceparent" in names else -1
        self._recorded: ListTemplate[tuple[bytes, bytes]] | None = None
        if request.recorded != parsed.pairs:
            self._recorded = ListTemplate(request.recorded, pairs)
            self.shape = Shape(self._recorded.places)

    def values(self, parsed: ParsedHead, headers: Fields) -> HeadValues | None:
        """Of another head of this shape; None when its traceparent does not hold."""
        pairs = [parsed.pairs[at] for at in self.whole.places]
        trace = b""
        if self._trace >= 0:
            trace = pairs[self._trace][1]
            if TRACEPARENT.fullmatch(trace) is None:
                return None
        recorded = headers
        if self._recorded is not None:
            recorded = Fields(self._recorded.fill(pairs))
            recorded.shape = self.shape
        length = int(pairs[self._length][1]) if self._length >= 0 else None
        return HeadValues(parsed.lines, length, trace, recorded)


class RequestShapes:
    """The shapes of request heads that came twice, by their clients' addresses: what does not vary is worked out once
    for all requests of a client, over whichever connections they come."""

    def __init__(self) -> None:
        self._known: BoundedCache[tuple[object, ...], RequestShape | None] = BoundedCache(MOST_SHAPES)

    def find(self, client: ClientConnection, parsed: ParsedHead) -> RequestShape | None:
        return self._known.get((client.address, client.secure, *parsed.key))

    def learn(self, client: ClientConnection, parsed: ParsedHead, request: RequestHead) -> None:
        """A head that was accepted, whose session is known by its headers; kept when it comes for the second time."""
        if not has_shape(parsed, request):
            return
        key = (client.address, client.secure, *parsed.key)
        if key not in self._known:
            self._known.keep(key, None)
            return
        headers = client.headers
        session = headers.session if type(headers) is Fields else ""
        self._known.keep(key, RequestShape(parsed, request, session))


def has_shape(parsed: ParsedHead, request: RequestHead) -> bool:
    """Whether what was made of this head does not depend on the values that vary, but for length and trace."""
    if parsed.places is None or len(set(parsed.lines)) < len(parsed.lines) or not parsed.is_small:
        return False
    fates = [REQUEST[parsed.pairs[at][0]] for at in parsed.places]
    traces = fates.count(TRACE)
    return all(fate in (FORWARD, LENGTH, TRACE) for fate in fates) and (not traces or (traces == 1 and request.traced))


class RequestHead:
    """What the gateway needs to know of a request's fields, and those that go on to the upstream."""

    __slots__ = (
        "_after",
        "_before",
        "_built",
        "_values",
        "accept",
        "binds",
        "chunked",
        "claims",
        "codings",
        "expect",
        "fetch_site",
        "host",
        "is_trace_made",
        "length",
        "options",
        "origin",
        "overrides",
        "peer",
        "plain",
        "preflight",
        "recorded",
        "referer",
        "sender",
        "te",
        "trace",
        "traced",
        "upgrade",
        "via",
        "websocket",
        "worker",
    )  # fmt: skip

    def __init__(self, headers: RawPairs, strip_cookie: Callable[[bytes], bytes], lines: Sequence[bytes] = ()) -> None:
        """`lines` are those whose values differ in other heads of this shape."""
        self.recorded: RawPairs = headers  # without what is the gateway's own
        self.host = b""
        self.length: int | None = None
        self.chunked, self.codings = False, b""
        self.options: frozenset[bytes] = frozenset()
        self.upgrade = self.expect = self.origin = self.te = self.accept = self.referer = b""
        self.claims = Claims()  # of proxies in front, on the way that the request came
        self.sender: Sender | None = None  # set by the server, which knows whom to trust
        self.peer = b""  # the address at the other end of the connection
        self.via: list[bytes] = []
        self.overrides: list[tuple[str, bytes]] = []  # ("header" | "baggage", field value)
        self.fetch_site = b""
        self.binds = False  # from here on its connections are this client's
        self.preflight = self.traced = self.worker = False  # worker: for the script of a service worker
        self.trace = b""  # the traceparent that goes upstream: the client's, the route's or a made one
        self._before: list[bytes] = []  # b"Name: value" up to Host, in the client's order and spelling
        self._after = self._before
        self.is_trace_made = False  # whether neither the client nor the route says which trace a request belongs to
        self._built: dict[int, UpstreamHead] = {}  # by the identity of the upstream
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
        self._values = HeadValues(lines, self.length, self.trace, self.recorded)

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
            stripped = upstream_cookies(strip_cookie(value))
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
            self.trace = value if keep else b""
        else:
            self._note(fate, value)
        if keep:
            self._after.append(name + b": " + value)

    def _note(self, fate: int, value: bytes) -> None:
        if fate in NOTED:
            setattr(self, NOTED[fate], value)
        elif fate == PREFLIGHT:
            self.preflight = True
        elif fate == AUTHORIZATION:
            self.binds = self.binds or signs_in_connection(value)
        elif fate == FETCH_SITE:
            self.fetch_site = value.strip().lower()
        elif fate == SERVICE_WORKER or (fate == FETCH_DEST and value.strip().lower() == b"serviceworker"):
            self.worker = True
        elif fate == VIA:
            self.via.append(value)
        elif fate in CLAIMS:
            name = CLAIMS[fate]
            setattr(self.claims, name, [*getattr(self.claims, name), value])

    def _ours(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"gateway-env":
            self.overrides.append(("header", value))
        self.recorded = [pair for pair in self.recorded if pair != (name, value)]

    def _own_cookie_gone(self, name: bytes, value: bytes, stripped: bytes) -> None:
        """The session cookie is neither forwarded nor recorded."""
        own = (name, value)
        if stripped:
            left = (name, stripped)
            self.recorded = [left if pair == own else pair for pair in self.recorded]
        else:
            self.recorded = [pair for pair in self.recorded if pair != own]

    @property
    def is_same_origin(self) -> bool:
        """Whether its Origin names the host that it asks for: a page of the gateway's own address sent it."""
        host = self.sender.host if self.sender is not None else self.host
        return self.origin.partition(b"://")[2].lower() == host.lower()

    def chosen(self) -> tuple[str, dict[str, str]]:
        """(where from, {cluster: environment}) of the first override; ValueError for a malformed one."""
        return chosen(self.overrides)

    @property
    def values(self) -> HeadValues:
        """Those of the head from which this was made."""
        return self._values

    def upstream_head(
        self, method: bytes, target: bytes, cluster: CompiledCluster, upstream: CompiledUpstream,
        *, via: bytes, trace: Callable[[], bytes], cors: Cors, values: HeadValues | None = None,
    ) -> bytes:  # fmt: skip
        """The request head for the upstream, RFC 9110 section 7.6 applied, ready to send.

        `trace` gives a traceparent for a request without one (W3C Trace Context section 3.2); `cors` knows the front
        ends that count as the upstream's own; `values` are those of this request, where another had the same shape.
        Sets `trace` and `is_trace_made`.
        """
        built = self._built.get(id(upstream)) or self._build(cluster, upstream, via, cors)
        if values is None:
            values = self._values
        self.is_trace_made = not (self.traced or built.trace)
        self.trace = built.trace or (values.trace if self.traced else trace())
        made = b"\r\ntraceparent: " + self.trace if self.is_trace_made else b""
        fields = built.whole
        if values.lines and values is not self._values:
            fields = b"\r\n".join(built.lines.fill(values.lines))
        return b"%b %b HTTP/1.1\r\n%b%b\r\n\r\n" % (method, target, fields, made)

    def _build(self, cluster: CompiledCluster, upstream: CompiledUpstream, via: bytes, cors: Cors) -> UpstreamHead:
        is_own = bool(self.origin) and (self.is_same_origin or cors.allows(self.origin))
        lines = [*self._fields(cluster, upstream, is_own=is_own), via]
        trace = next((value for name, value in upstream.headers if name.lower() == b"traceparent"), b"")
        if len(self._built) >= MOST_UPSTREAMS:
            self._built.clear()
        template = ListTemplate(lines, self._values.lines)
        built = self._built[id(upstream)] = UpstreamHead(template, b"\r\n".join(lines), trace, upstream)
        return built

    def _fields(self, cluster: CompiledCluster, upstream: CompiledUpstream, *, is_own: bool) -> list[bytes]:
        lines = [*self._before, b"Host: " + (self.host if upstream.keeps_host else upstream.authority)]
        if self._after is not self._before:
            lines += self._after
        if not upstream.keeps_host and (self.origin or self.referer):
            lines = [self._as_upstreams(line, cluster, upstream, is_own=is_own) for line in lines]
        lines += self._provenance(cluster.prefix)
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
        return lines

    def _as_upstreams(
        self, line: bytes, cluster: CompiledCluster, upstream: CompiledUpstream, *, is_own: bool
    ) -> bytes:
        """Origin and Referer as the upstream's own pages would have them: servers compare them with Host, against
        cross-site requests (OWASP: "Verifying Origin With Standard Headers"). Those of foreign sites stay."""
        assert self.sender is not None
        name, _, value = line.partition(b": ")
        low = name.lower()
        if low == b"origin" and is_own:
            return name + b": " + upstream.origin
        if low == b"referer":
            origin, path = _split_url(value)
            if origin in (self.sender.origin, self.origin if is_own else b"") and origin:
                rest = _below(cluster.prefix, path) if cluster.strip else path
                return name + b": " + upstream.origin + upstream.base_path + (rest or b"/")
        return line

    def _provenance(self, prefix: bytes) -> list[bytes]:
        """Forwarded (RFC 7239) and its older cousins: what trusted proxies said, and then this hop."""
        assert self.sender is not None
        sender, peer = self.sender, self.peer
        node = b'"[' + peer + b']"' if b":" in peer else peer
        hop = b"for=" + node + b';host="' + sender.host + b'";proto=' + sender.scheme
        return [
            b"Forwarded: " + b", ".join([*sender.forwarded, hop]),
            b"X-Forwarded-For: " + b", ".join([*sender.forwarded_for, peer]),
            b"X-Forwarded-Proto: " + sender.scheme,
            b"X-Forwarded-Host: " + sender.host,
            b"X-Forwarded-Prefix: " + (sender.prefix + prefix or b"/"),
        ]


def for_proxy(head: bytes, url: str, proxy: OutboundProxy) -> bytes:
    """A request head for a proxy of one's network: the whole URL as its target (RFC 9112 section 3.2.2)."""
    line, _, rest = head.partition(b"\r\n")
    line = line.split(b" ", 1)[0] + b" " + url.encode("latin-1") + b" HTTP/1.1\r\n"
    return line + (b"Proxy-Authorization: " + proxy.authorization + b"\r\n" if proxy.authorization else b"") + rest


def _split_url(url: bytes) -> tuple[bytes, bytes]:
    """(origin, the rest) of an absolute URL; (b"", b"") for anything else."""
    scheme, mark, rest = url.partition(b"://")
    if not mark:
        return b"", b""
    authority, slash, path = rest.partition(b"/")
    return scheme + mark + authority, slash + path


def _below(prefix: bytes, path: bytes) -> bytes:
    """What follows the prefix of a path below it; b"" for a page of elsewhere, of which the upstream knows nothing."""
    rest = path[len(prefix) :] if path.startswith(prefix) else b""
    return rest if rest[:1] in (b"/", b"?") else b""

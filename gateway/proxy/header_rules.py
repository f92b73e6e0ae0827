"""Message heads: which fields pass, which stop here, which change. Pure.

A field's fate is one dictionary look-up on its raw name (RFC 9110 section 7.6.1 for hop-by-hop fields,
RFC 9112 for framing); unknown names are looked up in lower case once and then remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..model.caches import LONGEST_NAME, BoundedCache, remembered
from ..model.capture import RawPairs
from ..model.headers import BINDING_THE_ORIGIN, CACHING, VALIDATORS

FORWARD, DROP, HOST, COOKIE, CONNECTION, LENGTH, TRANSFER, UPGRADE, EXPECT, TE, OURS, BAGGAGE, VIA = range(13)
FORWARDED, FORWARDED_FOR, TRACE, ORIGIN, PREFLIGHT, ACCEPT = range(13, 19)
LOCATION, REFRESH, SET_COOKIE, TYPE, KEEP_ALIVE, FETCH_SITE, FETCH_DEST, SERVICE_WORKER, WORKER_SCOPE = range(19, 28)
REFERER, FORWARDED_PROTO, FORWARDED_HOST, FORWARDED_PREFIX, LINK, KEPT, BINDING, AUTHORIZATION = range(28, 36)

REQUEST_FATES = {
    b"host": HOST, b"cookie": COOKIE, b"connection": CONNECTION, b"content-length": LENGTH,
    b"transfer-encoding": TRANSFER, b"upgrade": UPGRADE, b"expect": EXPECT, b"te": TE,
    b"keep-alive": DROP, b"proxy-connection": DROP, b"gateway-session": OURS, b"gateway-env": OURS,
    b"http2-settings": DROP, b"baggage": BAGGAGE, b"via": VIA, b"forwarded": FORWARDED,
    b"x-forwarded-for": FORWARDED_FOR, b"x-forwarded-proto": FORWARDED_PROTO, b"x-forwarded-host": FORWARDED_HOST,
    b"x-forwarded-prefix": FORWARDED_PREFIX, b"traceparent": TRACE, b"origin": ORIGIN, b"referer": REFERER,
    b"access-control-request-method": PREFLIGHT, b"accept": ACCEPT,
    b"sec-fetch-site": FETCH_SITE, b"sec-fetch-dest": FETCH_DEST, b"service-worker": SERVICE_WORKER,
    b"authorization": AUTHORIZATION,
}  # fmt: skip
RESPONSE_FATES = {
    b"connection": CONNECTION, b"content-length": LENGTH, b"transfer-encoding": TRANSFER, b"upgrade": UPGRADE,
    b"keep-alive": KEEP_ALIVE, b"proxy-connection": DROP, b"location": LOCATION, b"content-location": LOCATION,
    b"operation-location": LOCATION, b"azure-asyncoperation": LOCATION, b"sourcemap": LOCATION, b"refresh": REFRESH,
    b"link": LINK, b"set-cookie": SET_COOKIE, b"content-type": TYPE, b"service-worker-allowed": WORKER_SCOPE,
    b"gateway-exchange": DROP, b"gateway-route": DROP, b"gateway-playback": DROP,
} | dict.fromkeys((name.encode() for name in (*CACHING, *VALIDATORS)), KEPT) | dict.fromkeys(
    (name.encode() for name in BINDING_THE_ORIGIN), BINDING
)  # fmt: skip
# Naming one of these in Connection must not remove it: it frames or routes the message.
NEVER_NAMED = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"connection", b"cookie", b"authorization", b"via", b"te",
     b"content-type", b"content-encoding", b"upgrade", b"forwarded", b"x-forwarded-for", b"gateway-session",
     b"gateway-env")
)  # fmt: skip

HOST_FORM = re.compile(rb"(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]{0,5})?")
TRACEPARENT = re.compile(rb"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


# Schemes that sign in a connection, not a request (RFC 4559 section 5; [MS-NTHT] section 1.3).
OF_CONNECTION = (b"ntlm", b"negotiate")

MOST_NAMES = 4096  # spellings remembered: clients choose them


class Fates(BoundedCache[bytes, int]):
    """Raw field name -> fate; learns each spelling once, bounded."""

    def __init__(self, known: dict[bytes, int]) -> None:
        super().__init__(MOST_NAMES)
        self._known = known

    def __missing__(self, name: bytes) -> int:
        fate = self._known.get(name.lower(), FORWARD)
        if len(name) <= LONGEST_NAME:
            self.keep(name, fate)
        return fate


REQUEST = Fates(REQUEST_FATES)
RESPONSE = Fates(RESPONSE_FATES)


def connection_options(values: Iterable[bytes]) -> frozenset[bytes]:
    """The lower-case options of all Connection fields (RFC 9110 section 7.6.1)."""
    return frozenset(option for value in values for part in value.split(b",") if (option := part.strip().lower()))


def hop_by_hop(options: frozenset[bytes]) -> frozenset[bytes]:
    """The field names that Connection removes; framing and routing headers stay, even if it names them."""
    return options - NEVER_NAMED - {b"close", b"keep-alive"}


def bad_host(headers: RawPairs, version: str) -> str:
    """Why the Host fields are not acceptable, or "" (RFC 9112 section 3.2)."""
    hosts = [value for name, value in headers if name.lower() == b"host"]
    if not hosts:
        return "" if version == "1.0" else "an HTTP/1.1 request needs a Host field"
    if len(hosts) > 1:
        return "more than one Host field"
    return "" if HOST_FORM.fullmatch(hosts[0]) else "the Host field is not a host and port"


def trace_text(traceparent: bytes, *, made: bool) -> str:
    """A traceparent as a record keeps it (model.exchange.Trace.text); "" of one that routes.yaml misspells."""
    if not made and not TRACEPARENT.fullmatch(traceparent):
        return ""
    return traceparent[3:52].decode("ascii") + ("+" if made else "")


def split_absolute(target: bytes) -> tuple[bytes, bytes] | None:
    """Absolute-form (RFC 9112 section 3.2.2) as (authority, origin-form); None when it is no http URL."""
    scheme, mark, rest = target.partition(b"://")
    if not mark or scheme.lower() not in (b"http", b"https"):
        return None
    cut = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    authority, path = rest[:cut], rest[cut:]
    return authority, path if path[:1] == b"/" else b"/" + path


def signs_in_connection(authorization: bytes) -> bool:
    """Whether an Authorization value makes its connection somebody's."""
    return authorization.lstrip(b" \t").partition(b" ")[0].lower() in OF_CONNECTION


@remembered(256)
def route_field(cluster: str, environment: str) -> bytes:
    """The Gateway-Route line of a response."""
    return f"Gateway-Route: {cluster}@{environment}".encode("latin-1", "replace")


def is_websocket(upgrade: bytes, options: frozenset[bytes]) -> bool:
    """Whether the request asks to leave HTTP for WebSocket (RFC 6455 section 4.1); no other upgrade passes."""
    return b"upgrade" in options and upgrade.strip().lower() == b"websocket"

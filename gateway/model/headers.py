"""The classes of HTTP headers, each once; every part composes its own rule from them. Pure.

Names are in lower case. A class says what a header *is*; whether it is sent, compared, shown or searched is decided by
the part that does so, as a union of classes (`frozenset((*FRAMING, *HOP_BY_HOP))`).
"""

from __future__ import annotations

from typing import Any, Final

# Of one connection: never forwarded, never compared (RFC 9110 section 7.6.1; HTTP2-Settings: RFC 7540 section 3.2.1,
# Proxy-Connection: sent by old clients, RFC 9112 appendix C.2.2).
HOP_BY_HOP: Final = (
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
)  # fmt: skip
# How a message is delimited and addressed (RFC 9112 sections 3.2 and 6, RFC 9110 section 10.1.1): each sender writes
# them for the message that it sends.
FRAMING: Final = ("host", "content-length", "transfer-encoding", "expect")
# The opening handshake of one WebSocket (RFC 6455 section 4); the subprotocol is the application's.
WEBSOCKET: Final = ("sec-websocket-key", "sec-websocket-accept", "sec-websocket-version", "sec-websocket-extensions")
# What no longer holds once a body has been decoded and stands by itself (RFC 9110 sections 8.4 and 8.6).
OF_THE_CODING: Final = ("content-encoding", "content-length", "transfer-encoding")
# Digests of one very body (RFC 9530, RFC 1864).
DIGESTS: Final = ("content-digest", "repr-digest", "digest", "content-md5")

# Which run, request or span this is: new each time, equal by chance only (W3C Trace Context and Baggage, B3, and the
# names that platforms use).
TRACE: Final = (
    "traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled",
    "x-b3-flags", "x-request-id", "x-correlation-id", "x-trace-id", "x-amzn-trace-id", "x-cloud-trace-context",
    "uber-trace-id", "sentry-trace",
)  # fmt: skip
RUN_IDS: Final = (
    "x-amzn-requestid", "x-amz-request-id", "x-amz-id-2", "x-amz-cf-id", "cf-ray", "x-ms-request-id",
    "x-ms-correlation-request-id", "x-github-request-id", "x-served-by", "x-timer", "x-vercel-id", "fly-request-id",
)  # fmt: skip
# When, and how fast, this very response was made (RFC 9110 section 6.6.1, RFC 9111 section 5, Server-Timing).
MOMENTS: Final = ("date", "age", "expires", "server-timing", "x-runtime", "x-response-time")
# What is left of a quota (the RateLimit draft and the older spellings): counts down with every call.
QUOTAS: Final = (
    "ratelimit", "ratelimit-remaining", "ratelimit-reset", "x-ratelimit-remaining", "x-ratelimit-reset",
    "x-ratelimit-used", "x-rate-limit-remaining", "x-rate-limit-reset",
)  # fmt: skip
QUOTA_LIMITS: Final = ("ratelimit-policy", "ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit")
# Where a browser may report or connect next (Reporting API, RFC 7838).
REPORTING: Final = ("report-to", "reporting-endpoints", "nel", "alt-svc")

# The way of a message (RFC 9110 section 7.6.3, RFC 7239, and the older spellings that servers still read).
FORWARDING: Final = (
    "via", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix",
    "x-forwarded-port", "x-real-ip", "max-forwards",
)  # fmt: skip
# What the gateway reads from a request, and what it adds to a response (RFC 9209 for Proxy-Status).
GATEWAY_REQUEST: Final = ("gateway-session", "gateway-env")
GATEWAY_RESPONSE: Final = ("gateway-exchange", "gateway-route", "gateway-playback", "gateway-fault", "proxy-status")

# What a browser or an HTTP library writes by itself, for its user and not for the application (Fetch standard).
USER_AGENT: Final = (
    "user-agent", "accept-encoding", "accept-language", "accept-charset", "dnt", "priority", "origin", "referer",
    "purpose", "save-data", "upgrade-insecure-requests", "access-control-request-method",
    "access-control-request-headers",
)  # fmt: skip
USER_AGENT_PREFIXES: Final = ("sec-",)  # client hints and fetch metadata
# The client's cache asks whether its copy still holds (RFC 9110 section 13.1, RFC 9111 section 5).
CLIENT_CACHE: Final = ("if-none-match", "if-modified-since", "cache-control", "pragma")
VALIDATORS: Final = ("etag", "last-modified")
# How long a response may be kept (RFC 9111 sections 5.2, 5.3 and 5.4).
CACHING: Final = ("cache-control", "expires", "pragma")
# What makes a browser treat a whole host otherwise from now on, every port of it: HSTS (RFC 6797 section 8.3), pinned
# keys (RFC 7469), another place for the same origin (RFC 7838), and the deletion of its cookies (Clear Site Data).
BINDING_THE_ORIGIN: Final = ("strict-transport-security", "public-key-pins", "alt-svc", "clear-site-data")

# Which representation is meant (RFC 9110 sections 8 and 12).
CONTENT: Final = ("content-type", "content-encoding", "content-language", "content-range", "content-disposition")
# What a server says of itself and of its policies: the same for every response, no value of the application.
SERVER: Final = (
    "server", "x-powered-by", "vary", "allow", "accept-ranges", "retry-after", "cache-control", "pragma", "x-cache",
    "strict-transport-security", "content-security-policy", "content-security-policy-report-only", "x-frame-options",
    "x-content-type-options", "referrer-policy", "permissions-policy", "p3p", "x-xss-protection",
)  # fmt: skip
CORS_RESPONSE: Final = (
    "access-control-allow-origin", "access-control-allow-headers", "access-control-allow-methods",
    "access-control-allow-credentials", "access-control-expose-headers", "access-control-max-age",
)  # fmt: skip

# Proof of who sends (RFC 9110 section 11.6, RFC 6265); more names are secret by their parts, see redact/names.py.
CREDENTIALS: Final = ("authorization", "proxy-authorization", "x-api-key", "x-auth-token")
# What programs send in place of Authorization, by their makers' documentation (OpenStack, Azure, Google, Kong).
API_KEYS: Final = (
    "x-api-key", "x-auth-token", "x-access-token", "x-session-token", "api-key", "apikey", "x-goog-api-key",
    "ocp-apim-subscription-key",
)  # fmt: skip
COOKIES: Final = ("cookie", "cookie2", "set-cookie", "set-cookie2")


class Fields(list[tuple[bytes, bytes]]):
    """Raw headers that are likely to come again, as those of a client that keeps its connection, with what was made
    of them. Not to be changed once they were handed over."""

    __slots__ = ("content", "packed", "sealed", "session", "shape")

    def __init__(self, pairs: list[tuple[bytes, bytes]] | None = None) -> None:
        super().__init__(pairs or ())
        self.session = ""  # of the client that sent them, when they say which
        self.content: tuple[bytes, list[bytes]] | None = None  # of redact.headers.content_of
        self.packed: bytes | None = None  # of store.sqlite.header_blob.pack
        self.sealed: Any = None  # of redact.sealer
        self.shape: Shape | None = None


class Shape:
    """What headers have in common of which only the values at some places differ: those of one client, of one server.
    The names at these places are the same, and what is done with the headers does not depend on their values."""

    __slots__ = ("places", "sealed")

    def __init__(self, places: tuple[int, ...]) -> None:
        self.places = places  # that differ
        self.sealed: Any = None  # of redact.cache

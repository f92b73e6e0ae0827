"""An exchange: one request with its response or failure, timing and provenance. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .message import Request, Response

Mode = Literal["live", "playback", "replay", "fault"]
State = Literal["open", "done", "interrupted"]

# RFC 9209 section 2.3 proxy error types that the gateway uses -> (status, title).
FAILURE_KINDS: dict[str, tuple[int, str]] = {
    "destination_not_found": (404, "No cluster at this path"),
    "destination_unavailable": (503, "The cluster has no upstream here"),
    "dns_timeout": (504, "The upstream's name took too long to resolve"),
    "dns_error": (502, "The upstream's name does not resolve"),
    "connection_timeout": (504, "The upstream did not accept a connection in time"),
    "destination_ip_unroutable": (502, "No way leads to the upstream's address"),
    "connection_refused": (502, "The upstream refused the connection"),
    "connection_terminated": (502, "The upstream closed the connection"),
    "connection_read_timeout": (504, "The upstream stopped sending"),
    "connection_limit_reached": (503, "Too many connections to the upstream"),
    "tls_protocol_error": (502, "TLS with the upstream failed"),
    "tls_certificate_error": (502, "The upstream's certificate is not trusted"),
    "tls_alert_received": (502, "The upstream refused TLS"),
    "http_request_error": (400, "The request is malformed"),
    "http_request_denied": (403, "The request is refused"),
    "http_response_incomplete": (502, "The upstream's response broke off"),
    "http_response_header_section_size": (502, "The upstream's response head is too large"),
    "http_response_timeout": (504, "The upstream did not answer in time"),
    "http_protocol_error": (502, "The upstream's response is not valid HTTP"),
    "http_upgrade_failed": (502, "The upstream answered an upgrade that nobody asked for"),
    "proxy_loop_detected": (508, "The route leads back to this gateway"),
    "proxy_internal_error": (500, "The gateway failed"),
    "client_closed": (499, "The client went away"),  # ours: RFC 9209 has no name for it
    "gateway_stopped": (503, "The gateway was stopped"),  # ours
    "playback_miss": (404, "Nothing recorded answers this request"),  # ours
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why no proper response came: a key of FAILURE_KINDS, and a sentence."""

    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds from the arrival of the request; None where the exchange did not get that far."""

    total_ms: float | None = None
    connect_ms: float | None = None  # spent on a new upstream connection; None when one was reused
    first_byte_ms: float | None = None
    upstream_ms: float | None = None  # from the request's start towards the upstream to its last byte
    phases: tuple[tuple[str, float], ...] = ()  # those of an imported HAR, by its names: blocked, dns, connect, ssl ...


@dataclass(frozen=True, slots=True)
class Trace:
    """The trace context (W3C) with which a request went upstream; `made` by the gateway, as the client sent none."""

    id: str  # 32 hexadecimal digits
    span: str  # 16 of them
    made: bool

    @property
    def text(self) -> str:
        """As a record keeps it: "id-span", with a plus behind it for a made one."""
        return f"{self.id}-{self.span}{'+' if self.made else ''}"


def trace_of(text: str) -> Trace | None:
    """The trace of `Trace.text`; None of ""."""
    id, _, span = text.partition("-")
    return Trace(id, span.removesuffix("+"), span.endswith("+")) if id else None


@dataclass(frozen=True, slots=True)
class FailedWhen:
    """A rule of a cluster for failures inside a 2xx: the member at `pointer` (RFC 6901) has this value; the member at
    `says` holds the words."""

    pointer: str
    value: Any
    says: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One step of a recording. `response` is None while it is open or when only a failure came."""

    id: str
    recording: str
    step: int
    session: str
    started_at: str  # RFC 3339, UTC, microseconds
    url: str  # public, absolute
    request: Request
    response: Response | None = None
    status: int | None = None  # what the client got, the gateway's own 502 included
    cluster: str = ""
    environment: str = ""
    upstream_url: str = ""
    routes_revision: str = ""
    mode: Mode = "live"
    override: str | None = None  # "header", "pin", or None
    failure: Failure | None = None
    timing: Timing = Timing()
    state: State = "done"
    stream: str = ""  # "sse", "websocket" or "": whether timed chunks lie beside it
    attempts: int = 1
    rewritten: tuple[tuple[str, str], ...] = ()  # response fields as the upstream sent them
    notes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    prefix: str | None = None  # public path of its cluster, "" for the root; None where the record does not say
    contract_name: str = ""  # what the contract of its cluster calls its operation, once that was looked at
    drifts: int = 0  # errors and warnings in which it differs from that contract, that nobody accepted
    trace: Trace | None = None  # None where no request went upstream, and in records from before traces were kept
    failed_when: tuple[FailedWhen, ...] = ()  # what its cluster calls a failure, as routes.yaml says it now

    @property
    def status_words(self) -> str:
        """ "404"; "no response" where a request was sent in vain, "not sent" of a call that an import only knows."""
        if self.status:
            return str(self.status)
        never = self.response is None and self.failure is None and self.state == "done"
        return "not sent" if never else "no answer"

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def unrouted_host(self) -> str:
        """ "shop.example:8443": where an imported request went that no route knows; "" for what passed the gateway."""
        return "" if self.cluster else self.upstream_url.partition("://")[2].partition("/")[0].partition("?")[0]

    @property
    def server(self) -> str:
        """Who was asked: the cluster, the host of an import, "" for the gateway itself."""
        return self.cluster or self.unrouted_host

    @property
    def path(self) -> str:
        """The public path as sent, without the query."""
        return self.request.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a stream (SSE, WebSocket) as it passed."""

    index: int
    at_ms: float  # since the exchange began
    direction: Literal["sent", "received"]  # seen from the client
    data: bytes
    size: int = -1  # bytes that passed, where the record kept fewer; -1 = as many as data

    @property
    def truncated(self) -> bool:
        return len(self.data) < self.size

"""What the relay hands to the recorder: the raw facts of one exchange, filled in as it passes. Pure.

A mutable slotted class and plain bytes, because it is made on the hot path; the recorder's writer
thread seals, encodes and stores it later. Times are seconds of a monotonic clock, 0.0 = not reached.
"""

from __future__ import annotations

from typing import Final

RawPairs = list[tuple[bytes, bytes]]


FIELDS: Final = (
    "attempts", "begun", "client", "cluster", "connected", "ended", "environment", "failure",
    "first_byte", "id", "max_body", "method", "mode", "origin", "override", "phases", "playing", "prefix", "reason",
    "recording",
    "redact", "request_body", "request_headers", "request_size", "request_trailers",
    "request_version", "response_body", "response_headers", "response_size", "response_trailers",
    "response_version", "rewritten", "routes_revision", "sent", "session", "started_at", "state",
    "status", "step", "stream", "target", "trace", "upstream_url",
)  # fmt: skip


class Capture:
    """One exchange as seen by the relay; everything in the client's view unless it says upstream."""

    __slots__ = FIELDS

    def __init__(self) -> None:
        self.id = ""
        self.recording = ""
        self.session = ""
        self.step = 0  # 0: not to be recorded
        self.started_at = 0.0  # seconds since the epoch
        self.client = ""  # address
        self.method = b""
        self.origin = b""  # b"http://127.0.0.1:8080": with target, the public URL
        self.target = b""
        self.request_version = "1.1"
        self.request_headers: RawPairs = []
        self.request_trailers: RawPairs = []
        self.request_body: list[bytes] = []  # pieces; at most max_body bytes
        self.request_size = 0
        self.cluster = ""
        self.environment = ""
        self.prefix: bytes | None = None  # the public path of the cluster, b"" for the root
        self.upstream_url = ""
        self.routes_revision = ""
        self.trace = ""  # that went upstream, as `Trace.text` has it; "" where none did
        self.mode = "live"
        self.override: str | None = None
        self.status = 0  # 0 = none was sent to the client
        self.reason = b""
        self.response_version = ""  # "" = the gateway itself answered
        self.response_headers: RawPairs = []
        self.response_trailers: RawPairs = []
        self.response_body: list[bytes] = []
        self.response_size = 0
        self.rewritten: RawPairs = []  # response fields as the upstream sent them, where we changed them
        self.failure: tuple[str, str] | None = None  # (kind, detail)
        self.attempts = 1
        self.state = "done"  # "open" | "done"
        self.stream = ""  # "sse" | "websocket" | ""
        self.begun = 0.0
        self.sent = 0.0  # the request began to leave for the upstream
        self.connected = 0.0  # a new upstream connection stood; stays 0.0 when one was reused
        self.first_byte = 0.0
        self.ended = 0.0
        self.phases = ""  # of an imported HAR: "dns=1.5 wait=20"
        self.playing = ""  # what its session plays after it, where that has changed (replay/playback/playback.py)
        self.max_body = 1 << 20
        self.redact: object = None  # the redaction rules of the route table in force

    def copy(self) -> Capture:
        """Another one with the same facts; what they refer to is shared."""
        other = Capture.__new__(Capture)  # name by name, which is seven times as fast as a loop over them
        other.attempts, other.begun, other.client = self.attempts, self.begun, self.client
        other.cluster, other.connected, other.ended = self.cluster, self.connected, self.ended
        other.environment, other.failure, other.first_byte = self.environment, self.failure, self.first_byte
        other.id, other.max_body, other.method, other.mode = self.id, self.max_body, self.method, self.mode
        other.origin, other.override, other.reason = self.origin, self.override, self.reason
        other.phases, other.playing, other.prefix = self.phases, self.playing, self.prefix
        other.recording, other.redact, other.request_body = self.recording, self.redact, self.request_body
        other.request_headers, other.request_size = self.request_headers, self.request_size
        other.request_trailers, other.request_version = self.request_trailers, self.request_version
        other.response_body, other.response_headers = self.response_body, self.response_headers
        other.response_size, other.response_trailers = self.response_size, self.response_trailers
        other.response_version, other.rewritten = self.response_version, self.rewritten
        other.routes_revision, other.sent, other.session = self.routes_revision, self.sent, self.session
        other.started_at, other.state, other.status, other.step = self.started_at, self.state, self.status, self.step
        other.stream, other.target, other.upstream_url = self.stream, self.target, self.upstream_url
        other.trace = self.trace
        return other


def joined(pieces: list[bytes]) -> bytes:
    """A body in one piece; the very same bytes when it came as one."""
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)

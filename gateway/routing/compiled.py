"""What the relay needs of routes.yaml, in the form in which it needs it: bytes, numbers, patterns. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tls:
    """How to meet an https upstream. The paths are resolved against the folder of routes.yaml; `content` tells files
    that were renewed from those that were there before."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    verify: bool = True
    server_name: str | None = None
    content: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A what-if injected into a cluster: wait `delay` seconds, then answer `status`, for a share of `rate`."""

    delay: float = 0.0
    status: int | None = None
    rate: float = 1.0


@dataclass(frozen=True, slots=True)
class CompiledUpstream:
    """Where a cluster lives in one environment."""

    environment: str
    url: str  # as configured, without trailing slash, for people and records
    tls: Tls | None  # None for http
    host: str  # what to connect to: IPv6 without brackets, IDN as A-label
    port: int
    authority: bytes  # the Host field's value
    base_path: bytes  # b"/orders-v3" or b""
    headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)  # may hold credentials
    rewrite: tuple[tuple[re.Pattern[bytes], bytes], ...] = ()  # the first that matches the path applies
    connect_timeout: float = 5.0
    response_timeout: float = 30.0
    idle_timeout: float = 60.0
    writes: str = "ask"  # the stricter of its cluster's and its environment's word


@dataclass(frozen=True, slots=True)
class CompiledCluster:
    """A cluster and all its upstreams."""

    name: str
    prefix: bytes  # b"/api/orders"; b"" when mounted at "/"
    strip: bool
    environment: str
    upstreams: Mapping[str, CompiledUpstream]
    fault: Fault | None = None
    writes: str = "ask"  # "allow" | "ask" | "never"
    health: str | None = None
    version_path: str | None = None
    version_pointer: str | None = None


@dataclass(frozen=True, slots=True)
class Cors:
    """The front ends of other origins that may call; `methods` and `headers` are empty for "whatever is asked"."""

    origins: frozenset[bytes] = frozenset()
    credentials: bool = False
    methods: tuple[bytes, ...] = ()
    headers: tuple[bytes, ...] = ()
    max_age: int = 600


@dataclass(frozen=True, slots=True)
class RedactRules:
    """What is sealed on top of the safe defaults."""

    headers: frozenset[str] = frozenset()  # lower case
    json: tuple[str, ...] = ()  # JSONPath
    query: frozenset[str] = frozenset()
    clusters: tuple[tuple[str, RedactRules], ...] = ()  # those with more rules: all that hold for each

    def of(self, cluster: str) -> RedactRules:
        """What is sealed of a cluster's exchanges."""
        for name, rules in self.clusters:
            if name == cluster:
                return rules
        return self

    def __or__(self, more: RedactRules) -> RedactRules:
        json = tuple(dict.fromkeys((*self.json, *more.json)))
        return RedactRules(self.headers | more.headers, json, self.query | more.query)


@dataclass(frozen=True, slots=True)
class RecordingRules:
    """What is recorded, and for how long."""

    max_body: int = 1 << 20  # bytes of a body that a record keeps
    keep_days: int | None = None
    keep_bytes: int | None = None
    skip: re.Pattern[bytes] | None = None  # over b"GET /path"

    def skips(self, method: bytes, path: bytes) -> bool:
        return self.skip is not None and self.skip.match(method + b" " + path) is not None

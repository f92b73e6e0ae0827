"""The route table: public path -> cluster -> upstream, compiled once and never changed. Pure."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ..model.exchange import FailedWhen
from ..model.headers import CLIENT_CACHE, CONTENT, TRACE, USER_AGENT
from ..model.units import read_duration, read_size
from .addresses import Addresses
from .rewrite import is_own
from .upstream_url import read_listen, read_url

if TYPE_CHECKING:
    from .schema import ClusterConfig, ContractConfig, RedactConfig, RoutesConfig, UpstreamConfig


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
class RouteFault:
    """A what-if injected into a cluster: wait `delay` seconds, then answer `status`, for a share of `rate`."""

    delay: float = 0.0
    status: int | None = None
    rate: float = 1.0


# Headers of routes.yaml by which no upstream knows anybody. Any other may say who asks: a token, a user, a tenant.
HARMLESS: Final = frozenset((*CONTENT, *CLIENT_CACHE, *TRACE, *USER_AGENT, "host", "accept"))


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
    adds_credentials: bool = False  # by a header of its own, or by a client certificate
    keeps_host: bool = False  # the client's Host, Origin and Referer go on as they are
    proxy: str = ""  # a URL, "env", or "" for none

    @property
    def origin(self) -> bytes:
        """b"https://qa2.example:8443"."""
        return (b"https://" if self.tls else b"http://") + self.authority

    @property
    def host_header(self) -> bytes:
        """The Host that its `headers` set in place of its own; b"" for none."""
        return next((value for name, value in self.headers if name.lower() == b"host"), b"")


@dataclass(frozen=True, slots=True)
class ContractRules:
    """Where the contract of a cluster is, and how its exchanges are compared with it."""

    source: str  # a URL, or a file resolved against the folder of routes.yaml
    shown: str  # as routes.yaml says it
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # may hold credentials
    refresh: float = 600.0  # seconds
    base: str | None = None
    environments: tuple[tuple[str, str, str], ...] = ()  # (environment, source, as routes.yaml says it)
    ignore: tuple[str, ...] = ()
    check: str = "all"  # "all" | "responses" | "none"

    def source_of(self, environment: str) -> tuple[str, str]:
        """(source, as routes.yaml says it) for an environment."""
        for name, source, shown in self.environments:
            if name == environment:
                return source, shown
        return self.source, self.shown


@dataclass(frozen=True, slots=True)
class CompiledCluster:
    """A cluster and all its upstreams."""

    name: str
    prefix: bytes  # b"/api/orders"; b"" when mounted at "/"
    strip: bool
    environment: str
    upstreams: Mapping[str, CompiledUpstream]
    fault: RouteFault | None = None
    writes: str = "ask"  # "allow" | "ask" | "never"
    health: str | None = None
    version_path: str | None = None
    version_pointer: str | None = None
    names: tuple[bytes, ...] = ()  # host names at which it has the root, lower case
    listen: tuple[str, int] | None = None  # an address at which it has the root
    keeps_cache: bool = False  # browsers may keep what the upstream says they may
    rewrite_bodies: bool = False
    failed_when: tuple[FailedWhen, ...] = ()
    contract: ContractRules | None = None

    def at_root(self) -> CompiledCluster:
        """The same cluster as clients see it that reach it by a name or port of its own."""
        return replace(self, prefix=b"", strip=True)


@dataclass(frozen=True, slots=True)
class Cors:
    """The front ends of other origins that may call; `methods` and `headers` are empty for "whatever is asked"."""

    origins: frozenset[bytes] = frozenset()
    credentials: bool = False
    methods: tuple[bytes, ...] = ()
    headers: tuple[bytes, ...] = ()
    max_age: int = 600
    any_port: frozenset[bytes] = frozenset()  # b"http://localhost": of which every port may call

    def allows(self, origin: bytes) -> bool:
        """Whether a front end of this origin may call."""
        if origin in self.origins:
            return True
        return bool(self.any_port) and (origin in self.any_port or PORT.sub(b"", origin) in self.any_port)


@dataclass(frozen=True, slots=True)
class RedactRules:
    """What is sealed on top of the safe defaults."""

    headers: frozenset[str] = frozenset()  # lower case
    json: tuple[str, ...] = ()  # JSONPath
    query: frozenset[str] = frozenset()
    clusters: tuple[tuple[str, RedactRules], ...] = ()  # those with more rules: all that hold for each
    kinds: frozenset[str] = frozenset()  # of personal data

    def of(self, cluster: str) -> RedactRules:
        """What is sealed of a cluster's exchanges."""
        for name, rules in self.clusters:
            if name == cluster:
                return rules
        return self

    def __or__(self, more: RedactRules) -> RedactRules:
        json = tuple(dict.fromkeys((*self.json, *more.json)))
        return RedactRules(self.headers | more.headers, json, self.query | more.query, kinds=self.kinds | more.kinds)


@dataclass(frozen=True, slots=True)
class RecordingRules:
    """What is recorded, and for how long."""

    max_body: int = 1 << 20  # bytes of a body that a record keeps
    keep_days: int | None = None
    keep_bytes: int | None = None
    skip: re.Pattern[bytes] | None = None  # over b"GET /path"

    def skips(self, method: bytes, path: bytes) -> bool:
        return self.skip is not None and self.skip.match(method + b" " + path) is not None


__all__ = [
    "CompiledCluster",
    "CompiledUpstream",
    "ContractRules",
    "Cors",
    "RecordingRules",
    "RedactRules",
    "RouteFault",
    "RouteTable",
    "Tls",
    "compile_table",
    "failed_when",
    "strictest",
]

ContentOf = Callable[[str], str]  # path -> what changes with the file
ReadTls = Callable[["UpstreamConfig"], Tls]
PORT = re.compile(rb":[0-9]{1,5}$")
GUARDS = ("allow", "ask", "never")  # from the mildest to the strictest


class RouteTable:
    """Immutable. `match` costs a few dictionary probes, however many clusters there are."""

    __slots__ = (
        "_by_prefix",
        "_longest",
        "_root",
        "addresses",
        "by_listen",
        "by_name",
        "clusters",
        "cors",
        "environments",
        "recording",
        "redact",
        "revision",
    )

    def __init__(
        self,
        clusters: Mapping[str, CompiledCluster],
        *,
        revision: str = "",
        environments: tuple[str, ...] = (),
        cors: Cors | None = None,
        redact: RedactRules | None = None,
        recording: RecordingRules | None = None,
    ) -> None:
        self.revision = revision  # sha256, hexadecimal, of routes.yaml and what it includes
        self.environments = environments
        self.clusters: Mapping[str, CompiledCluster] = MappingProxyType(dict(clusters))
        self.cors = cors or Cors()
        self.redact = redact or RedactRules()
        self.recording = recording or RecordingRules()
        self._by_prefix = {cluster.prefix: cluster for cluster in clusters.values()}
        self._root = self._by_prefix.pop(b"", None)
        self._longest = max(map(len, self._by_prefix), default=0)
        rooted = {name: cluster.at_root() for name, cluster in clusters.items() if cluster.names or cluster.listen}
        self.by_name = {host: cluster for cluster in rooted.values() for host in cluster.names}
        self.by_listen = {name: cluster for name, cluster in rooted.items() if cluster.listen}
        self.addresses = Addresses(self.clusters, lambda path: self.match(path) is not None or is_own(path))

    def __reduce__(self) -> Any:
        """For another process of this gateway: what it was made of."""
        given = (dict(self.clusters), self.revision, self.environments, self.cors, self.redact, self.recording)
        return _made_again, given

    def match(self, path: bytes) -> CompiledCluster | None:
        """The cluster with the longest prefix that ends at a segment boundary of the raw path (without query)."""
        end = len(path)
        if end > self._longest:
            end = path.rfind(b"/", 0, self._longest + 1)
        while end > 0:
            found = self._by_prefix.get(path[:end])
            if found is not None:
                return found
            end = path.rfind(b"/", 0, end)
        return self._root if path[:1] == b"/" else None

    def nearest(self, path: bytes) -> str | None:
        """The public prefix closest to the path, for "did you mean /api/orders?"."""
        words = path.decode("latin-1").split("/")[1:]
        best, score = None, 0.6  # below that, a suggestion is a guess
        likeness = _Likeness()
        for prefix in self._by_prefix:
            public = prefix.decode("latin-1")
            for typed, meant, weight in _readings(words, public):
                found = likeness(typed, meant, above=score / weight) * weight
                if found > score:
                    best, score = public, found
        return best


def _made_again(clusters: Mapping[str, CompiledCluster], *given: Any) -> RouteTable:
    revision, environments, cors, redact, recording = given
    return RouteTable(
        clusters, revision=revision, environments=environments, cors=cors, redact=redact, recording=recording
    )


def _readings(words: list[str], public: str) -> tuple[tuple[str, str, float], ...]:
    """What of a path may stand for a prefix: its beginning, or that with a segment too many or too few."""
    size = public.count("/")
    as_typed = (_joined(words[:size]), public, 1.0)
    too_much = (_joined(words[1 : size + 1]), public, 0.95)
    missing = (_joined(words[:1]), public[public.rindex("/") :], 0.9)
    return (as_typed, too_much, missing) if size > 1 else (as_typed, too_much)


def _joined(words: list[str]) -> str:
    return "/" + "/".join(words)


class _Likeness:
    """The ratio of two texts, or 0 as soon as it cannot be above a bound: there may be ten thousand prefixes."""

    def __init__(self) -> None:
        self._matchers: dict[str, difflib.SequenceMatcher[str]] = {}

    def __call__(self, typed: str, meant: str, *, above: float) -> float:
        if typed not in self._matchers:
            self._matchers[typed] = difflib.SequenceMatcher(None, b=typed, autojunk=False)
        matcher = self._matchers[typed]
        matcher.set_seq1(meant)
        if matcher.real_quick_ratio() <= above or matcher.quick_ratio() <= above:
            return 0.0
        return matcher.ratio()


def failed_when(table: RouteTable, cluster: str) -> tuple[FailedWhen, ...]:
    """What a cluster calls a failure inside a 2xx; nothing for one that the table does not know."""
    found = table.clusters.get(cluster)
    return found.failed_when if found else ()


def compile_table(
    config: RoutesConfig, *, revision: str = "", folder: str = "", content_of: ContentOf = lambda path: ""
) -> RouteTable:
    """The table of a config that `parse` has accepted; `folder` is where its relative paths begin, `content_of` tells
    the contents of certificate files apart."""
    tls = partial(_tls, folder=folder, content_of=content_of)
    return RouteTable(
        {name: _cluster(name, cluster, config, tls, folder) for name, cluster in config.clusters.items()},
        revision=revision,
        environments=tuple(config.environments),
        cors=_cors(config),
        redact=_redact(config),
        recording=_recording(config),
    )


def redact_rules(config: RedactConfig) -> RedactRules:
    """One section's rules."""
    return RedactRules(
        frozenset(name.lower() for name in config.headers), tuple(config.json_paths), frozenset(config.query),
        kinds=frozenset(config.kinds),
    )  # fmt: skip


def _redact(config: RoutesConfig) -> RedactRules:
    all = redact_rules(config.redact)
    more = ((name, redact_rules(cluster.redact)) for name, cluster in config.clusters.items())
    return replace(all, clusters=tuple((name, all | rules) for name, rules in more if rules != RedactRules()))


def strictest(*guards: str | None) -> str:
    """The strictest of the words that are given; "ask" when none is."""
    given = [guard for guard in guards if guard is not None]
    return max(given, key=GUARDS.index, default="ask")


def _cluster(name: str, cluster: ClusterConfig, config: RoutesConfig, tls: ReadTls, folder: str) -> CompiledCluster:
    fault, version = cluster.fault, cluster.version
    return CompiledCluster(
        name=name,
        prefix=cluster.path.rstrip("/").encode(),
        strip=cluster.strip,
        environment=cluster.environment,
        upstreams=MappingProxyType(
            {
                environment: _upstream(
                    environment, one, tls, strictest(cluster.writes, one.writes, config.writes.get(environment))
                )
                for environment, one in cluster.upstreams.items()
            }
        ),
        fault=RouteFault(read_duration(fault.delay), fault.status, fault.rate) if fault else None,
        writes=strictest(cluster.writes),
        health=cluster.health,
        version_path=version.path if version else None,
        version_pointer=version.pointer if version else None,
        names=tuple(name.lower().encode() for name in cluster.names),
        listen=read_listen(cluster.listen) if cluster.listen else None,
        keeps_cache=cluster.cache == "upstream",
        rewrite_bodies=cluster.rewrite_bodies,
        failed_when=tuple(FailedWhen(one.pointer, one.value, one.says) for one in cluster.failed_when),
        contract=_contract(cluster.contract, folder) if cluster.contract else None,
    )


def _contract(config: ContractConfig, folder: str) -> ContractRules:
    def found(source: str) -> str:
        return source if is_url(source) else _under(folder, source) or source

    return ContractRules(
        source=found(config.source),
        shown=config.source,
        headers=tuple(config.headers.items()),
        refresh=read_duration(config.refresh),
        base=config.base,
        environments=tuple((name, found(one), one) for name, one in config.environments.items()),
        ignore=tuple(config.ignore),
        check=config.check,
    )


def is_url(source: str) -> bool:
    """Whether a contract's source is fetched."""
    return source.lower().startswith(("http://", "https://"))


def _upstream(environment: str, upstream: UpstreamConfig, tls: ReadTls, writes: str) -> CompiledUpstream:
    url, timeout = read_url(upstream.url), upstream.timeout
    return CompiledUpstream(
        environment=environment,
        url=upstream.url.rstrip("/"),
        tls=tls(upstream) if url.secure else None,
        host=url.host,
        port=url.port,
        authority=url.authority,
        base_path=url.path,
        headers=tuple((name.encode(), value.encode()) for name, value in upstream.headers.items()),
        rewrite=tuple((re.compile(rule.encode()), to.encode()) for rule, to in upstream.rewrite.items()),
        connect_timeout=read_duration(timeout.connect),
        response_timeout=read_duration(timeout.response),
        idle_timeout=read_duration(timeout.idle),
        writes=writes,
        adds_credentials=_adds_credentials(upstream),
        keeps_host=upstream.host == "keep",
        proxy=upstream.proxy or "",
    )


def _adds_credentials(upstream: UpstreamConfig) -> bool:
    """Whether a request is somebody at this upstream only because it came through the gateway."""
    certificate = upstream.tls is not None and upstream.tls.cert is not None
    return certificate or any(name.lower() not in HARMLESS for name in upstream.headers)


def _tls(upstream: UpstreamConfig, *, folder: str, content_of: ContentOf) -> Tls:
    tls = upstream.tls
    if tls is None:
        return Tls()
    ca, cert, key = (_under(folder, path) for path in (tls.ca, tls.cert, tls.key))
    content = "".join(content_of(path) for path in (ca, cert, key) if path)
    return Tls(ca, cert, key, tls.verify, tls.server_name, content)


def _under(folder: str, path: str | None) -> str | None:
    return path if path is None or not folder or path.startswith("/") else f"{folder.rstrip('/')}/{path}"


def _cors(config: RoutesConfig) -> Cors:
    cors = config.cors
    return Cors(
        origins=frozenset(origin.encode() for origin in cors.origins if not origin.endswith(":*")),
        any_port=frozenset(origin[:-2].encode() for origin in cors.origins if origin.endswith(":*")),
        credentials=cors.credentials,
        methods=tuple(method.encode() for method in cors.methods),
        headers=tuple(header.encode() for header in cors.headers),
        max_age=int(read_duration(cors.max_age)),
    )


def _recording(config: RoutesConfig) -> RecordingRules:
    keep = config.recording.keep
    return RecordingRules(
        max_body=read_size(config.recording.max_body),
        keep_days=keep.days,
        keep_bytes=None if keep.bytes is None else read_size(keep.bytes),
        skip=skip_pattern(config.recording.skip),
    )


def skip_pattern(rules: Iterable[str]) -> re.Pattern[bytes] | None:
    """One pattern for rules such as "GET *.js" and "/health": a method or none, then a path with wildcards."""
    parts = []
    for rule in rules:
        method, _, path = rule.rpartition(" ")
        parts.append(f"(?:{re.escape(method.strip()) if method.strip() not in ('', '*') else '[^ ]+'} {_glob(path)})")
    return re.compile("|".join(parts).encode()) if parts else None


def _glob(pattern: str) -> str:
    return fnmatch.translate(pattern)

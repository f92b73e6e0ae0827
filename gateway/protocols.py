"""The seams: what the parts ask of each other, so that siblings need not import one another. Pure.

`app.py` builds the real objects and introduces them; console and demos get `Services`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from .correlation import Decisions
    from .errors import Problem
    from .model.audit import AuditEntry
    from .model.capture import Capture, RawPairs
    from .model.exchange import Chunk, Exchange
    from .model.recording import Page, Recording, Relative, Revision
    from .redact.preview import RedactionFinding
    from .replay.fault import Fault
    from .replay.playback.playback import Playback
    from .routes.table import RouteTable

Result = TypeVar("Result")


class Store(Protocol):
    """Reading recordings. Blocking, thread-safe: the event loop calls it through asyncio.to_thread."""

    def recordings(self, query: str = "", *, limit: int = 50, cursor: str | None = None) -> Page[Recording]:
        """Newest first. `query` is plain words and `key:value` terms; UsageError names what is off."""

    def recording(self, ref: str) -> Recording:
        """By id, unique id prefix, exact title, a session's name, "@last~N" of those that clients and
        forms made, "@last-run~N" of replays and variants; NotFoundError, UsageError when ambiguous."""

    def exchanges(
        self, recording: str, *, limit: int = 1000, cursor: str | None = None, query: str = ""
    ) -> Page[Exchange]:
        """The steps of a recording (a full id) that a filter finds, in order, bodies included."""

    def latest(self, *, limit: int = 50, cursor: str | None = None, query: str = "") -> Page[Exchange]:
        """The newest exchanges of all recordings that a filter finds, newest first."""

    def exchange(self, id: str) -> Exchange: ...
    def step(self, recording: str, step: int) -> Exchange:
        """One exchange of a recording (a full id) by its place."""

    def family(self, recording: str) -> Sequence[Relative]:
        """Where a recording (a full id) comes from and what was made from it: a tree, depth first."""

    def outcomes(self, recordings: Sequence[str], *, most: int) -> Mapping[str, Sequence[tuple[int, int | None, str]]]:
        """By recording: (step, status, exchange id) of its first `most` steps."""

    def chunks(self, exchange: str) -> Sequence[Chunk]:
        """The timed pieces of an SSE or WebSocket exchange, in order."""

    def gateways(self) -> Sequence[Heartbeat]:
        """The gateways of a shared database that were alive in the last minute, by name; none for a file."""

    def revisions(self, *, limit: int = 100) -> Sequence[Revision]:
        """Accepted route tables, newest first."""

    def decisions(self, recording: str) -> Decisions:
        """What people decided about the correlations of a recording (a full id)."""

    def build(self, cluster: str, environment: str, moment: str) -> str:
        """Which version ran on a cluster's environment at a moment (RFC 3339); "" when nobody knows."""

    def audit(self, words: str = "", *, limit: int = 50, cursor: str | None = None) -> Page[AuditEntry]:
        """Who moved, deleted or unmasked what, newest first; each of the words stands somewhere in the entry."""

    def assertions(self, recording: str) -> Sequence[str]:
        """What steps of a recording (a full id) must answer: "3:status=201"."""

    def statistics(self) -> Any:
        """What the file holds, as a dataclass of counts and sizes (store.census.Statistics). May take seconds."""

    def reading(self, work: Callable[[Any], Any]) -> Any:
        """What a function reads through a connection that sees one state of the store."""

    def values(self, session: str) -> dict[str, Any]:
        """The values a demo kept for this session, by name."""


class Writing(Protocol):
    """Changes beside the recordings. Each is done by the one writer thread; the Future says when."""

    def annotate(
        self,
        recording: str,
        *,
        step: int | None = None,
        title: str | None = None,
        note: str | None = None,
        tags: Sequence[str] = (),
        pinned: bool | None = None,
    ) -> Future[None]:
        """Add a note and tags, set the title or pin; `step` addresses one exchange instead (title not allowed)."""

    def describe_recording(
        self,
        recording: str,
        session: str,
        *,
        kind: str,
        parent: str | None = None,
        branched_at: int | None = None,
        title: str = "",
    ) -> Future[None]:
        """What the recording that a session begins is: a "replay" or "variant" of `parent`."""

    def decide(
        self,
        recording: str,
        *,
        accept: Sequence[str] = (),
        reject: Sequence[str] = (),
        declare: Sequence[str] = (),
        forget: Sequence[str] = (),
        asserted: Sequence[str] = (),
    ) -> Future[None]:
        """Say about correlations: ids of bindings, and your own bindings ("3:path.order_id=2:json:/id").

        `asserted` is what steps must answer ("3:status=201"); `forget` takes anything of these back.
        """

    def add_recording(
        self,
        recording: Recording,
        exchanges: Sequence[Exchange],
        *,
        chunks: Mapping[int, Sequence[Chunk]],
        redact: object = None,
    ) -> Future[None]:
        """A recording from a file, whole or not at all, its secrets sealed; `chunks` by step."""

    def delete(self, recording: str) -> Future[None]: ...
    def reseal(self, recording: str, rules: object) -> Future[int]:
        """Seal for good what a stored recording holds under these rules; how many exchanges that changed."""

    def compose(self, wanted: Sequence[Any]) -> Future[list[str]]:
        """New recordings out of steps of old ones (store.composing.Composition): their ids. All or none of them."""

    def renew_secrets(
        self, renew: Callable[[bytes, str, str], bytes | None], after: tuple[str, str] = ("", "")
    ) -> Future[Any]:
        """Bring some sealed secrets under the newest key: `renewed`, `lost`, and `next`, to go on from."""

    def add_revision(self, revision: Revision) -> Future[None]: ...
    def accept_finding(self, id: str, accepted: Any) -> Future[Any]:
        """Live with a finding (contracts.findings.Accepted) until its contract changes; None takes it back. The
        finding. NotFoundError, UsageError for an id that is of none or of several."""

    def add_build(self, cluster: str, environment: str, build: str) -> Future[None]:
        """What an upstream says of its version, from now on."""

    def take_lease(self, name: str, seconds: float) -> Future[bool]:
        """Whether this gateway is the one that may do what only one may do, for so long. For a file it always is."""

    def add_audit(self, entry: AuditEntry) -> Future[None]:
        """A line of the audit, at the gateway's clock."""

    def keep_values(self, session: str, values: Mapping[str, Any]) -> Future[None]:
        """Write a session's values, one row per (session, name); None deletes a name."""


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """`reason` is empty while all is well; `missed` counts exchanges that could not be stored."""

    recorded: int = 0
    missed: int = 0
    backlog: int = 0  # bytes waiting
    reason: str = ""


class Recorder(Writing, Protocol):
    """The recording side of the store. Called on the event loop, never blocks."""

    def put(self, capture: Capture, on_safe: Callable[[], None] | None = None) -> None:
        """Queue a finished exchange; `on_safe` runs on the loop when it is safe, or counted as missed."""

    def opened(self, capture: Capture) -> None:
        """Make a long exchange visible while it is still open (a later `put` completes it)."""

    def chunk(self, capture: Capture, *, at: float, sent: bool, data: bytes) -> None:
        """Queue one piece of a stream that was `opened`; `at` on the capture's monotonic clock."""

    def status(self) -> RecorderStatus: ...


@dataclass(slots=True)
class Pin:
    """A session's own choice for a cluster. `until` is epoch seconds, 0 for the session's life."""

    environment: str
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class PlaybackMode:
    """How a session's calls to one cluster are answered: "playback" (from the recording), "playback-then-live" (what
    is not in it goes to the upstream) or "live-then-playback" (the recording when the upstream fails)."""

    mode: str
    playback: Playback


@dataclass(slots=True)
class LiveSession:
    """One live client, in memory. The relay takes the next step number from `steps`.

    The id is no secret: pages, exports and files show it. It leads into the session only if a client named it.
    """

    id: str
    recording: str
    steps: int = 0  # steps given out so far in `recording`
    pins: dict[str, Pin] = field(default_factory=dict)
    seen: float = 0.0  # epoch seconds of the last request
    named: bool = False  # by header or baggage: an API client
    by_cookie: bool = False  # whether the last request showed its cookie, or a pass of the gateway's own
    title: str = ""  # of a recording that was started but has no exchange yet
    mode: str = "live"  # of its exchanges: "replay" while a recording is sent again
    is_guarded: bool = False  # its writes pass the write guard, as a replay's do
    may_write: bool = False  # where is_guarded: somebody said yes to the guard's ask
    modes: dict[str, PlaybackMode] = field(default_factory=dict)  # by cluster; the others are live
    faults: dict[str, Fault] = field(default_factory=dict)  # injected into its calls, by cluster
    told_by: str = "its cookie"  # by what the client was told from others, in words
    agent: str = ""  # User-Agent, as it was said last
    address: str = ""  # of the client
    page: dict[str, Any] = field(default_factory=dict)  # what our own pages keep of it in memory, by aiohttp-session
    caller: str = ""  # how it is known without a cookie (sessions/cookieless.py), as JSON; "" where it never was


class SharedSessionStore(Protocol):
    """Sessions that other gateways have as well. Blocking."""

    def claim(self, id: str) -> tuple[LiveSession, str] | None:
        """Make this gateway the session's home: (the session as it was left, or a new one, what it plays as it was
        stored). None when the database does not answer at once: the event loop waits for this."""

    def is_elsewhere(self, id: str) -> bool | None:
        """Whether another gateway has become the session's home; None when nobody has stored it, or the database does
        not answer at once: the event loop waits for this."""

    def changed(self) -> list[LiveSession]:
        """Sessions that became another gateway's, or were changed there, since the last call. In a thread of its own;
        StoreError while the database is away."""

    def heard(self) -> None:
        """What `changed` returned is in force here. In the same thread; StoreError as there."""

    def wait_until_heard(self, seconds: float) -> None:
        """Until all other gateways have heard of what is stored by now, at most for so long. In another thread."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a gateway of a database says of itself. `age` is seconds since its last sign of life, `skew` how far its
    clock is ahead, both by the database's clock; `facts`: revision, problems, demos, version, missed, spooled, url."""

    name: str
    age: float
    skew: float
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SharedRevision:
    """The route table of all gateways of a database: `version` counts from 1."""

    version: int
    revision: Revision


class SharedRoutesStore(Protocol):
    """Where the routes are that several gateways have. Blocking; each raises StoreError while the database is away."""

    def identity(self) -> str:
        """By what the database is known again."""

    def version(self) -> int:
        """0 while there are none."""

    def read(self) -> SharedRevision | None: ...

    def propose(self, seen: int, revision: Revision) -> bool:
        """Make this the version after `seen`, with its row of the history, dated by the database; False when another
        one is that already."""

    def close(self) -> None: ...


class ElsewhereError(Exception):
    """Another process of this gateway serves the session of a request."""


class Sessions(Protocol):
    """Who is calling. On the hot path: a dictionary look-up for a cookie seen before."""

    def identify(self, headers: RawPairs, *, client: str, secure: bool = False) -> tuple[LiveSession, bytes | None]:
        """The session of a request and, for a client without one, the Set-Cookie value to send.

        The order is the contract's: Gateway-Session, baggage, cookie, client address + user agent. ElsewhereError when
        another process serves the session.
        """

    def next_step(self, session: LiveSession) -> int:
        """The number of the exchange that begins; 0 when the session is another process's now."""

    def strip_cookie(self, value: bytes) -> bytes:
        """A Cookie field value without our own cookie; b"" when nothing is left."""

    def learn(self, session: LiveSession, set_cookie: bytes) -> None:
        """An upstream gives the client of a session a cookie, by which it may be known."""

    def join(self, session: LiveSession, *, secure: bool = False) -> bytes:
        """The Set-Cookie value by which a browser takes part in a session; its calls without a cookie stay in it."""

    def begin(self, kind: str) -> LiveSession:
        """A session of the gateway's own, such as a replay's; nobody else can get into it."""

    def credential(self, session: LiveSession) -> str:
        """The value of Gateway-Session with which the gateway calls itself for a session. Never to be shown."""

    def get(self, id: str) -> LiveSession | None: ...
    def all(self) -> Sequence[LiveSession]: ...
    def start_recording(self, session: LiveSession, title: str = "") -> str:
        """Point the session at a new recording and return its id; the next exchange is its step 1."""

    @property
    def changes(self) -> int:
        """How often a session was kept: another number tells that somebody has to wait for `settle`."""

    def keep(self, session: LiveSession) -> Future[None] | None:
        """What it plays, or what is injected into it, has changed: store that at once, for a server that is killed in
        the next moment. Pins are stored like this as well. The future is done when that is stored or has failed."""

    async def settle(self) -> None:
        """Until what was kept is stored, at most a second, and no other gateway acts on what was before."""

    def confirmed(self, session: LiveSession) -> LiveSession:
        """The session as it is in the store, where other gateways may have changed it: for what is about to be shown or
        changed. Another object than before where one of them has."""

    def pin(self, session: LiveSession, cluster: str, environment: str, *, ttl: float = 0.0) -> None: ...
    def unpin(self, session: LiveSession, cluster: str) -> None: ...


@dataclass(frozen=True, slots=True)
class RefusedOrigin:
    """A front end of another origin that routes.yaml does not list: its browser showed it nothing of the responses."""

    origin: str
    count: int
    at: float  # epoch seconds of the last call
    cluster: str
    call: str  # "GET /api/orders/7"


class RefusedOriginList(Protocol):
    """Those seen since the start, the last first."""

    def note(self, origin: bytes, *, cluster: str, method: bytes, path: bytes, at: float) -> None: ...
    def all(self) -> Sequence[RefusedOrigin]: ...
    def forget(self, origin: str) -> None: ...


class NoOrigins:
    """For parts that run without a relay."""

    def note(self, origin: bytes, *, cluster: str, method: bytes, path: bytes, at: float) -> None:
        """Nothing passes."""

    def all(self) -> Sequence[RefusedOrigin]:
        return ()

    def forget(self, origin: str) -> None:
        """There is none."""


class Routes(Protocol):
    """The route table in force and the file it came from."""

    @property
    def table(self) -> RouteTable:
        """Always one complete, validated, immutable table."""

    @property
    def problems(self) -> Sequence[Problem]:
        """Why the file as it now stands is not in force; empty while it is."""

    @property
    def file(self) -> Path: ...
    @property
    def name(self) -> str:
        """Of the file, or of those of `gateway run`, for a sentence."""

    @property
    def text(self) -> str:
        """What is in force as it is written, with what it includes: `routes.edit.places_of` finds lines in it."""

    async def look(self) -> None:
        """Read the file now if it is another than the one last read."""

    async def move(self, cluster: str, environment: str, *, source: str) -> Revision:
        """Change one scalar of the file and put it in force; ConfigError, NotFoundError name what exists."""

    async def allow_origin(self, origin: str, *, source: str) -> tuple[Revision, int]:
        """List an origin under cors.origins by one line, and put it in force; the line. ConfigError says why not."""

    def subscribe(self, seen: Callable[[Revision | None, Sequence[Problem]], None]) -> None:
        """Call `seen` on the loop after every accepted revision (or None with the problems of a refused one)."""


@dataclass(frozen=True, slots=True)
class Health:
    """What the last poll of one upstream found. `state`: "up", "down" or "unknown"."""

    state: str = "unknown"
    detail: str = ""  # "200 OK in 4 ms", "connection refused"
    version: str = ""
    checked_at: float = 0.0  # epoch seconds
    took_ms: float | None = None
    since: float = 0.0  # epoch seconds of the poll that first found this state
    usual_ms: float | None = None  # the median of the last polls that found it up

    @property
    def is_slow(self) -> bool:
        """Over a second, and over five times what it usually takes: a slow server is not one that has become slow."""
        return self.state == "up" and (self.took_ms or 0) > 1000 and (self.took_ms or 0) > 5 * (self.usual_ms or 0)


class HealthBoard(Protocol):
    """Polled health and version of every upstream."""

    def of(self, cluster: str, environment: str) -> Health: ...

    async def check(self) -> None:
        """Ask every upstream now."""


class EventSink(Protocol):
    """Events for pages that watch. Publishing without a listener costs one look."""

    @property
    def listening(self) -> bool: ...
    def publish(self, event: str, data: Mapping[str, Any]) -> None:
        """`event`: "exchange" | "routes" | "health" | "recorder"; `data` is JSON-ready."""

    def subscribe(
        self, after: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[tuple[int, str, Mapping[str, Any]]]]:
        """(event id, event, data) as they come, after `after` where the short history still has it."""

    def close(self) -> None:
        """End every subscription: the server is going down."""


@dataclass(frozen=True, slots=True)
class Options:
    """How this server was started."""

    routes: Path
    recordings: Path
    host: str = "127.0.0.1"
    port: int = 8080
    templates: Path | None = None
    durability: str = "strict"  # "strict" | "relaxed" | "fsync"
    hosts: tuple[str, ...] = ()  # further Host names by which the gateway is reached
    warm: bool = False  # compile the pages in the background at the start
    any_host: bool = False  # proxied traffic may come under any name, on loopback too
    reload_interval: float = 0.25  # seconds between polls of routes.yaml and demo.yaml
    routes_from: str = "database"  # "file": routes.yaml is this machine's alone, although others share the database
    health_interval: float = 5.0  # seconds between health polls
    header_timeout: float = 20.0  # seconds for a client to send a whole request head
    keep_alive: float = 75.0  # seconds an idle client connection is kept
    drain: float = 10.0  # seconds SIGTERM waits for exchanges under way
    password: str = field(default="", repr=False)  # of operators: in clear or hashed; "" for none
    viewer_password: str = field(default="", repr=False)
    console_port: int | None = None  # console, API and demos on a port of their own
    allow_code: bool = False  # modules beside demo.yaml may run
    trust_proxy: tuple[str, ...] = ("loopback",)  # networks whose word on the client counts
    tls_cert: tuple[Path, ...] = ()  # your own certificates, each with the key at the same place of `tls_key`
    tls_key: tuple[Path, ...] = ()
    tls_auto: bool = False  # a local authority makes the certificate
    tls_port: int = 8443
    tls_names: tuple[str, ...] = ()  # further names of the local authority's certificate
    plain: str = "keep"  # what the plain port does beside a TLS port: "keep" | "redirect" | "off"
    run: tuple[Path, ...] = ()  # the files of `gateway run`; `routes` is the first of them
    workers: int = 1  # processes that relay
    sandbox_html: bool = False  # proxied pages get a Content-Security-Policy that keeps them from the console


@dataclass(frozen=True, slots=True)
class TlsState:
    """What the TLS port shows: for the page that tells how to trust it."""

    url: str  # "https://127.0.0.1:8443"
    names: tuple[str, ...]
    until: str  # RFC 3339
    authority: Path | None = None  # the local authority's certificate
    fingerprint: str = ""  # of the authority: SHA-256, pairs with colons
    plain: str = ""  # "http://127.0.0.1:8080": where the page can be read before the authority is trusted; or ""


class KeyRing(Protocol):
    """The keys now in force."""

    def names(self) -> list[str]:
        """A short name for each key, newest first."""

    def form_keys(self) -> Sequence[bytes]:
        """The HMAC keys of form tokens, newest first: the newest signs, all of them hold."""

    def rotate(self) -> None:
        """A new key locks from now on, the others still open. Blocking; UsageError when they are not in our file."""

    def retire(self) -> int:
        """Take all keys but the newest away; how many they were."""

    def renewed(self, sealed: bytes, placeholder: str, recording: str) -> bytes | None:
        """A sealed secret of a recording under the newest key; None when no key opens it."""


class ContractWatch(Protocol):
    """What is known of the contracts of clusters, and whether exchanges are compared with them now."""

    @property
    def states(self) -> Sequence[Mapping[str, Any]]:
        """One of each cluster and environment with a contract: source, title, sha256, problem, operations, bases."""

    @property
    def problems(self) -> Sequence[str]:
        """Contracts that cannot be read as they now are; the last good ones are in force."""

    @property
    def is_running(self) -> bool: ...


class NoContracts:
    """For parts that run without a checker."""

    states: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[str] = ()
    is_running = False


def no_secrets(recording: str) -> Mapping[str, str]:
    """For parts that run without keys."""
    return {}


async def at_once() -> None:
    """Nothing to wait for."""


@dataclass(frozen=True, slots=True)
class Services:
    """What console and demos may use; built by app.py, kept under `SERVICES` in the aiohttp application."""

    options: Options
    routes: Routes
    store: Store
    recorder: Recorder
    sessions: Sessions
    health: HealthBoard
    live: EventSink
    metrics: Callable[[], str]  # Prometheus text
    url: Callable[[], str]  # "http://127.0.0.1:8080", once the port is known
    secrets: Callable[[str], Mapping[str, str]] = no_secrets  # of a recording, by placeholder; blocking
    keys: KeyRing | None = None
    # (step, what) of a recording that the rules in force mask; blocking
    would_mask: Callable[[str], Sequence[tuple[int, RedactionFinding]]] = lambda recording: ()
    refused_origins: RefusedOriginList = field(default_factory=NoOrigins)
    tls: Callable[[], TlsState | None] = lambda: None
    contracts: ContractWatch = field(default_factory=NoContracts)
    counted: Callable[[], Awaitable[object]] = at_once  # has every process say what it counted, before `metrics`

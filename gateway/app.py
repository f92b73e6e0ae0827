"""The composition root: the only place that builds the parts and introduces them to each other. I/O."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.fernet import InvalidToken

from . import __version__, logs
from .access import Access, write_private
from .demos.code_modules import CodeModules
from .demos.run_sources import route_files, shown
from .errors import GatewayError, NotFoundError, Problem, UsageError
from .keys import LOST_HINT, Keyring, unopened
from .lazy_server import LazyServer, MakeProtocol
from .live_events import LiveEvents
from .logs import AcceptTrouble
from .metrics import Metrics
from .model.addresses import AllowedHosts, is_remote
from .model.audit import Who
from .model.capture import Capture
from .model.exchange import FailedWhen
from .paths import run_file
from .protocols import Options, Services, TlsState, at_once
from .proxy.cors import RefusedOrigins
from .proxy.listeners import Listeners
from .proxy.server import Relay, seldom_collecting
from .redact import News, Recall, SealedCapture, Sealer
from .routes import RoutesKeeper
from .routes.health import Built, HealthPoller
from .routes.mirror import RoutesMirror
from .routes.run_files import RunFiles
from .routes.table import failed_when
from .routes.tls import client_context
from .services.contract_supervisor import ContractSupervisor
from .sessions import OWN_COOKIES, LiveSessions
from .sessions.sharing import SessionSharing
from .store import Mask, SqliteRecorder, open_recorder, open_store
from .workers.fleet import Fleet, check_workers
from .workers.sessions import SLOTS, HomeSessions
from .workers.shared import Shared, Start
from .workers.steps import StepTable

if TYPE_CHECKING:
    from .https import HttpsServer
    from .https.files import TlsFiles
    from .model.recording import Revision
    from .protocols import LiveSession, PlaybackMode
    from .redact.preview import RedactionFinding
    from .store import StoreReader

log = logging.getLogger("gateway")
SealApart = Callable[[Capture], Awaitable[SealedCapture]]
BACKLOG = 1024
RESUMED: Final = 24 * 3600.0  # seconds: what nobody has asked for since then is not played on after a start
PAGES = 1.0  # seconds after the start at which the pages are built, if none was asked for before
LEASE = 900.0  # seconds in which one gateway alone tidies: more than between two of its looks
TIDY_FIRST, TIDY = 60.0, 600.0  # seconds until recordings are looked through for what may go, and between two looks
AT_ONCE = 500  # sessions whose rows are made at once: strangers can make thousands new in 5 s, at 10 us each
RECALLED: Final = 64  # secrets of a recording that goes on which are opened again: 3 us each
SAVE_SESSIONS = 5.0  # seconds between two looks for sessions that changed; pins, faults and playback are saved at once
SAVE_NEWCOMERS = 0.25  # seconds between two savings of clients without a cookie: strangers can be thousands in that


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway: where it answers, and its parts. `console` is `url` unless --console-port says otherwise."""

    url: str
    services: Services
    relay: Relay
    console: str
    access: Access
    plain_port: int = 0  # 0 where nothing listens without TLS
    fleet: Fleet | None = None  # the workers, where there are several


@contextlib.asynccontextmanager
async def running(options: Options) -> AsyncIterator[Gateway]:
    """Run a gateway. Leaving the block finishes what is under way, then stores and closes everything."""
    check_workers(options)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(AcceptTrouble())
    async with AsyncExitStack() as stack:
        listening = stack.enter_context(_bind(options.host, options.port)) if options.plain != "off" else None
        tls = await _tls(options)  # before anything is begun: its files may be wrong
        tls_socket = stack.enter_context(_bind(options.host, options.tls_port)) if tls else None
        url = _url(options, listening, tls_socket)
        console_socket = None
        if options.console_port is not None:
            console_socket = stack.enter_context(_bind(options.host, options.console_port))
        access = Access(
            options.recordings.parent, remote=is_remote(options.host), password=options.password,
            viewer_password=options.viewer_password,
        )  # fmt: skip
        workers = _workers(stack, options)
        metrics = Metrics()
        tls_url, plain_url = _url_of(tls_socket, options.host, "https"), _url_of(listening, options.host)
        modules = CodeModules()
        services, sessions, ring = await _services(
            stack, options, url, metrics, lambda: tls.state(tls_url, plain_url) if tls else None, modules, workers
        )
        plain_console = console_socket if tls is None else None
        pages = LazyServer(lambda: _pages(services, sessions, access, metrics, plain_console, modules))
        stack.push_async_callback(pages.stop)
        if not (options.warm and options.run) or console_socket is not None:
            await pages.start()  # only a lone file is in such haste; probes and commands ask others at once
        console_url = _url_of(console_socket, options.host, "https" if tls else "http") or url
        pool = stack.enter_context(ThreadPoolExecutor(1, "sealer"))
        sealing = _sealer(ring), _apart(_sealer(ring), pool)
        relay = _relay(services, pages, metrics, sealing, access, console_url)
        await relay.start()
        server = fleet = None
        if workers is not None and listening is not None:
            fleet = await _fleet(services, sessions, relay, metrics, listening, workers)
            ring.subscribe(fleet.renew_keys)
        elif listening is not None:
            server = await loop.create_server(relay.accept, sock=listening, backlog=BACKLOG)
        https: list[HttpsServer] = []
        if tls is not None:
            from .https import HttpsServer
        if tls is not None and tls_socket is not None:
            https.append(HttpsServer(tls_socket, tls.certificates, relay.accept, renew=tls.renew))
            relay.tls_port = tls_socket.getsockname()[1]
        if tls is not None and console_socket is not None:
            https.append(HttpsServer(console_socket, tls.certificates, pages))
        for one in https:
            await one.start()
        listeners = Listeners(relay, services.routes)
        stack.callback(listeners.stop)
        await listeners.start()
        stack.enter_context(_run_file(options.recordings, url, console_url, access))
        stack.enter_context(seldom_collecting())
        later = loop.call_later(PAGES, pages.begin)
        stack.callback(later.cancel)
        try:
            plain_port = listening.getsockname()[1] if listening else 0
            yield Gateway(url, services, relay, console_url, access, plain_port, fleet)
        finally:
            if server is not None:
                server.close()
            for one in https:
                one.stop()
            listeners.stop()
            services.live.close()
            if fleet is not None:
                await fleet.end(options.drain, in_hurry=relay.in_hurry)
            await relay.drain(options.drain)
            await relay.stop()


async def _services(
    stack: AsyncExitStack,
    options: Options,
    url: str,
    metrics: Metrics,
    tls: Callable[[], TlsState | None],
    modules: CodeModules,
    workers: Shared | None,
) -> tuple[Services, LiveSessions, Keyring]:
    """The parts that pages and relay share, each ended by the stack; recordings and sessions of before go on."""
    options.recordings.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    ring, live = Keyring(options.recordings.parent, os.environ), LiveEvents()
    news = workers.news if workers is not None else None
    sealer: Sealer = _sealer(ring, lambda recording: _recalled(store, sealer, recording), news)
    if workers is not None:
        workers.sealer = sealer
    reading = _sealer(ring)  # each is for one thread at a time
    in_force: list[RoutesKeeper] = []

    def secrets(recording: str) -> dict[str, str]:
        return _secrets(store, reading, recording)

    def resumed_here(playing: Mapping[str, str]) -> dict[str, dict[str, PlaybackMode]]:
        if not playing:
            return {}
        from .proxy.playback_loader import resumed  # with all that reads recordings: a tenth of a start

        return resumed(store, secrets, playing)

    def rules(cluster: str) -> tuple[FailedWhen, ...]:
        return failed_when(in_force[0].table, cluster) if in_force else ()

    recorder = open_recorder(
        options.recordings, seal=sealer, seal_piece=sealer.seal_chunk, durability=options.durability, live=live,
        rules=rules,
    )  # fmt: skip
    await recorder.start()
    stack.push_async_callback(recorder.stop)
    await asyncio.wrap_future(recorder.check_keys(ring.names()))
    mask = Mask(lambda: routes.table.redact, reading.seal, reading.seal_chunk)
    store = open_store(options.recordings, mask, rules)
    stack.callback(store.close)
    if lost := unopened(ring.keys, await asyncio.to_thread(store.secret_samples)):
        log.warning("%s: %s; %s", options.recordings, lost, LOST_HINT)
    routes = await stack.enter_async_context(_routes(options, store, recorder, url, modules, workers))
    in_force.append(routes)
    newcomers = asyncio.Event()
    shared = recorder.shared_sessions()
    sharing = SessionSharing(shared, lambda id, text: resumed_here({id: text}).get(id, {})) if shared else None
    make = LiveSessions if workers is None else partial(HomeSessions, table=workers.steps)
    sessions = make(
        ring.keys, titled=lambda s: recorder.title_recording(s.recording, s.id, s.title),
        keep=lambda s: recorder.save_sessions([s]), soon=newcomers.set, sharing=sharing,
    )  # fmt: skip
    ring.subscribe(sessions.renew)
    if shared is None or sharing is None:
        sessions.restore(await asyncio.to_thread(store.sessions))
    else:
        stack.callback(shared.close)
        sessions.follow(await asyncio.to_thread(store.sessions))  # each is claimed with its next request
        await stack.enter_async_context(sharing.following(sessions))

    await stack.enter_async_context(_saving(sessions, recorder, newcomers))
    health = await stack.enter_async_context(_polling(options, routes, live, recorder.add_build))

    contracts = ContractSupervisor(routes, recorder, live, options.recordings)
    await contracts.start()
    stack.push_async_callback(contracts.stop)

    def metrics_text() -> str:
        return metrics.text(
            recorder=recorder.status(), config_valid=not routes.problems, revision=routes.table.revision
        )

    services = Services(
        options, routes, store, recorder, sessions, health, live, metrics_text, lambda: url,
        secrets=secrets, keys=ring,
        would_mask=lambda recording: _would_mask(options, recording, routes, ring),
        refused_origins=RefusedOrigins(), tls=tls, contracts=contracts,
        counted=at_once if workers is None else workers.counted,
    )  # fmt: skip
    recorder.say(lambda: _said(options, routes, url))
    if shared is None:
        await _play_on(services, store, resumed_here)
    await stack.enter_async_context(_tidying(services, store))
    return services, sessions, ring


def _workers(stack: AsyncExitStack, options: Options) -> Shared | None:
    """What several processes share; None where there is one."""
    if options.workers < 2:
        return None
    shared = Shared(StepTable.made(SLOTS))
    stack.callback(shared.close)
    return shared


async def _fleet(
    services: Services, sessions: LiveSessions, relay: Relay, metrics: Metrics, listening: socket.socket, shared: Shared
) -> Fleet:
    """The workers, relaying."""
    assert isinstance(sessions, HomeSessions)
    options = replace(services.options, password="", viewer_password="")
    own, console = relay.own_origin.decode(), relay.console_origin.decode()
    start = Start(
        options, services.routes.table, _hosts(options), relay.pseudonym, own, "" if console == own else console,
        *logs.chosen,
    )  # fmt: skip
    recorder = services.recorder
    assert isinstance(recorder, SqliteRecorder)
    fleet = Fleet(
        start, listening, shared, sessions=sessions, recorder=recorder, metrics=metrics,
        refused_origins=services.refused_origins,
    )  # fmt: skip
    await fleet.begin(options.workers, relay, services.routes)
    return fleet


def _said(options: Options, routes: RoutesKeeper, url: str) -> dict[str, object]:
    """What the other gateways of a database see of this one. On the writer's thread, with a database alone."""
    from .demos.registry import demos_digest  # a start with a file does without it

    return {
        "url": url, "version": __version__, "revision": routes.table.revision, "problems": len(routes.problems),
        "demos": demos_digest(options),
    }  # fmt: skip


def _relay(
    services: Services, pages: LazyServer, metrics: Metrics, sealing: tuple[Sealer, SealApart], access: Access,
    console: str,
) -> Relay:  # fmt: skip
    relay = Relay(
        options=services.options, routes=services.routes, recorder=services.recorder, sessions=services.sessions,
        metrics=metrics, own_pages=pages, tls_context=client_context, own_cookies=OWN_COOKIES,
        seal=sealing[0].seal, seal_apart=sealing[1], needs_sign_in=lambda: access.needed,
        hosts=_hosts(services.options), refused_origins=services.refused_origins, own_origin=services.url(),
        console_origin="" if console == services.url() else console,
    )  # fmt: skip
    metrics.clients, metrics.under_way = relay.clients, relay.flows
    return relay


def _hosts(options: Options) -> AllowedHosts:
    """On loopback a foreign name can only be a web site's that points at this machine."""
    return AllowedHosts((options.host, *options.hosts), any=options.any_host or is_remote(options.host))


def _apart(sealer: Sealer, pool: ThreadPoolExecutor) -> SealApart:
    """Sealing in a thread of its own, for the loop to await."""

    async def seal(capture: Capture) -> SealedCapture:
        return await asyncio.get_running_loop().run_in_executor(pool, sealer.seal, capture)

    return seal


def _sealer(ring: Keyring, recall: Recall | None = None, news: News | None = None) -> Sealer:
    sealer = Sealer(ring.keys, recall, news=news)
    ring.subscribe(sealer.renew)
    return sealer


def _recalled(store: StoreReader, sealer: Sealer, recording: str) -> list[bytes]:
    """Secrets that are stored of a recording which a restart interrupted, as far as the keys open them. Blocking."""
    found = []
    with contextlib.suppress(GatewayError):
        for placeholder, sealed in store.stored_secrets(recording, RECALLED):
            with contextlib.suppress(InvalidToken, ValueError):
                found.append(sealer.unseal(placeholder, sealed))
    return found


def _secrets(store: StoreReader, sealer: Sealer, recording: str) -> dict[str, str]:
    """The secrets of a recording by placeholder, as far as the keys still open them. Blocking."""
    found = {}
    for placeholder, sealed in store.secrets(recording).items():
        with contextlib.suppress(InvalidToken, ValueError):
            found[placeholder] = sealer.unseal(placeholder, sealed).decode("utf-8", "surrogateescape")
    return found


def run_files(options: Options, modules: CodeModules) -> RunFiles | None:
    """The files of `gateway run`, where routes come from them."""
    if not options.run:
        return None
    files = route_files(options.run)
    return RunFiles(files, lambda path, raw: modules.routes_of(path, shown(path), raw), shown)


@contextlib.asynccontextmanager
async def _routes(
    options: Options, store: StoreReader, recorder: SqliteRecorder, url: str, modules: CodeModules,
    workers: Shared | None,
) -> AsyncIterator[RoutesKeeper]:  # fmt: skip
    """The routes, every accepted revision of them stored."""
    shared = recorder.shared_routes() if options.routes_from == "database" and not options.run else None
    mirror = None
    if shared is not None:
        mirror = await asyncio.to_thread(RoutesMirror, shared, options.routes, options.recordings.parent)
    last_good = next(iter(await asyncio.to_thread(store.revisions, limit=1)), None)
    routes = RoutesKeeper(
        options.routes, own=url, interval=options.reload_interval, last_good=last_good, run=run_files(options, modules),
        mirror=mirror, settled=at_once if workers is None else workers.settled,
    )  # fmt: skip

    def keep(revision: Revision | None, problems: Sequence[Problem]) -> None:
        if revision is not None and mirror is None:  # else it is there with its version
            recorder.add_revision(revision)

    routes.subscribe(keep)
    await routes.start()
    try:
        yield routes
    finally:
        await routes.stop()
        if shared is not None:
            shared.close()


@contextlib.asynccontextmanager
async def _saving(sessions: LiveSessions, recorder: SqliteRecorder, newcomers: asyncio.Event) -> AsyncIterator[None]:
    """Keep new recordings of sessions over a restart, and how those without a cookie are known."""

    def batches() -> Iterator[Sequence[LiveSession]]:
        changed = sessions.changed()
        return (changed[at : at + AT_ONCE] for at in range(0, len(changed), AT_ONCE))

    waiting: list[Iterator[Sequence[LiveSession]]] = []

    async def forever() -> None:
        while True:
            await asyncio.sleep(SAVE_SESSIONS)
            waiting[:] = [batches()]
            for batch in waiting[0]:
                recorder.save_sessions(batch)
                await asyncio.sleep(0)

    async def soon() -> None:
        while True:
            await newcomers.wait()
            newcomers.clear()
            fresh = sessions.newcomers()
            for at in range(0, len(fresh), AT_ONCE):
                recorder.save_sessions(fresh[at : at + AT_ONCE])
                await asyncio.sleep(0)
            await asyncio.sleep(SAVE_NEWCOMERS)

    tasks = [asyncio.create_task(forever()), asyncio.create_task(soon())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for batch in chain(*waiting, batches()):
            recorder.save_sessions(batch)


async def _play_on(
    services: Services,
    store: StoreReader,
    resumed_here: Callable[[Mapping[str, str]], dict[str, dict[str, PlaybackMode]]],
) -> None:
    """Before the first request is taken: who was offline must not reach an upstream now."""
    playing = await asyncio.to_thread(store.playing, since=time.time() - RESUMED)
    for id, modes in (await asyncio.to_thread(resumed_here, playing)).items():
        if session := services.sessions.get(id):
            session.modes |= modes


@contextlib.asynccontextmanager
async def _tidying(services: Services, store: StoreReader) -> AsyncIterator[None]:
    """Delete what routes.yaml says need not be kept any longer."""

    async def forever() -> None:
        await asyncio.sleep(TIDY_FIRST)
        while True:
            await tidy(services, store)
            await asyncio.sleep(TIDY)

    task = asyncio.create_task(forever())
    try:
        yield
    finally:
        task.cancel()


async def tidy(services: Services, store: StoreReader) -> None:
    """One look; how it went is in the log."""
    from .services.changes import delete

    rules = services.routes.table.recording
    if rules.keep_days is None and rules.keep_bytes is None:
        return
    try:
        if not await asyncio.wrap_future(services.recorder.take_lease("tidy", LEASE)):
            return  # another gateway of this database does it
        found = await asyncio.to_thread(store.stale, days=rules.keep_days, bytes=rules.keep_bytes, now=time.time())
        for one in found:
            with contextlib.suppress(NotFoundError):  # somebody else was quicker
                await delete(services, one.recording, source="recording.keep", who=Who("gateway"))
    except GatewayError as error:
        log.warning("recordings could not be tidied away: %s", error)
    else:
        if found:
            log.info("tidied away %d recordings, as recording.keep says", len(found))


@contextlib.asynccontextmanager
async def _polling(
    options: Options, routes: RoutesKeeper, live: LiveEvents, built: Built
) -> AsyncIterator[HealthPoller]:
    """Health and version of every upstream; an interval of 0 polls nothing."""
    health = HealthPoller(routes, live=live, interval=options.health_interval, built=built)
    if options.health_interval:
        await health.start()
    try:
        yield health
    finally:
        await health.stop()


def _would_mask(
    options: Options, recording: str, routes: RoutesKeeper, ring: Keyring
) -> Sequence[tuple[int, RedactionFinding]]:
    from .store.redaction_preview import preview

    return preview(options.recordings, recording, routes.table.redact, Sealer(ring.keys))


async def _tls(options: Options) -> TlsFiles | None:
    """What HTTPS is served with, where it is."""
    if not (options.tls_auto or options.tls_cert or options.tls_key or options.plain != "keep"):
        return None
    from .https.files import tls_of

    return await asyncio.to_thread(tls_of, options)


@contextlib.asynccontextmanager
async def _pages(
    services: Services, sessions: LiveSessions, access: Access, metrics: Metrics, own_port: socket.socket | None,
    modules: CodeModules,
) -> AsyncIterator[MakeProtocol]:  # fmt: skip
    """The server of our own pages, whose modules are imported in a thread: 0.6 s of CPU time."""
    await asyncio.to_thread(import_module, f"{__package__}.own_pages")
    from .own_pages import own_pages

    async with own_pages(services, sessions, access, metrics, own_port, modules) as server:
        yield server


@contextlib.contextmanager
def _bind(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket, so that the port is known before anything else is built."""
    if port > 65535:  # the system would take the port modulo 65536
        raise UsageError(f"{port} is no port", hint="ports end at 65535; 0 picks a free one")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise _cannot_listen(host, port, error) from None
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
            listening.listen(BACKLOG)  # a port in use by a listener shows here
        except OSError as error:
            raise _cannot_listen(host, port, error) from None
        yield listening


def _cannot_listen(host: str, port: int, error: OSError) -> GatewayError:
    hint = "choose another port with --port; 0 picks a free one"
    return GatewayError(f"cannot listen: {error.strerror or error}", where=f"{host}:{port}", hint=hint)


@contextlib.contextmanager
def _run_file(recordings: Path, url: str, console_url: str, access: Access) -> Iterator[None]:
    """Tells commands of this user where the server of these recordings answers, and lets them in."""
    file = run_file(recordings)
    found = {"url": url, "console": console_url, "recordings": str(recordings.resolve()), "pid": os.getpid()}
    found["token"] = access.here_token
    write_private(file, json.dumps(found) + "\n")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _url_of(listening: socket.socket | None, host: str, scheme: str = "http") -> str:
    return f"{scheme}://{_authority(host, listening.getsockname()[1])}" if listening else ""


def _url(options: Options, listening: socket.socket | None, tls: socket.socket | None) -> str:
    """Where the gateway calls itself, and commands call it: TLS where the plain port only leads there."""
    if listening is None or (tls is not None and options.plain != "keep"):
        return _url_of(tls, options.host, "https")
    return _url_of(listening, options.host)


def _authority(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"{shown}:{port}"

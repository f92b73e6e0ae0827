"""`gateway serve` and `gateway demo`: run until Ctrl-C. I/O."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import shlex
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..logs import set_up
from ..model.addresses import is_remote
from ..model.forwarding import TrustedProxies
from ..paths import url_of
from ..protocols import Options

if TYPE_CHECKING:
    from ..app import Gateway


log = logging.getLogger("gateway.server")
HEALTH = 5.0  # seconds between two health polls of an upstream of `gateway run`
GONE = "The recordings of this demo go with it when it stops; to keep them"


def serve(args: argparse.Namespace) -> int:
    """Run the gateway on a routes.yaml."""
    set_up(args.log_format, args.log_level)
    workers = _workers(args.workers, args.recordings)
    hide_password(args.recordings)
    options = Options(
        routes=args.routes,
        recordings=args.recordings,
        host=args.host,
        port=args.port,
        templates=args.templates,
        routes_from=args.routes_from,
        durability=args.durability,
        hosts=args.allow_host,
        any_host=args.any_host,
        health_interval=0.0 if args.no_health else args.health_interval,
        header_timeout=args.header_timeout,
        keep_alive=args.keep_alive,
        drain=args.drain,
        allow_code=args.allow_code,
        warm=True,
        workers=workers,
        **tls_options(args),
        **access_options(args),
    )
    return _run(_serve(options))


def run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="Python or YAML with clusters and steps, or a folder with demo.yaml"
    )


def run(args: argparse.Namespace) -> int:
    """Run the gateway on files that hold clusters and forms."""
    from ..demos.run_sources import named, route_files

    set_up(args.log_format, args.log_level)
    hide_password(args.recordings, "RUN")
    files = named(args.files)
    options = Options(
        routes=route_files(files)[0],
        recordings=args.recordings,
        host=args.host,
        port=args.port,
        hosts=args.allow_host,
        warm=True,
        run=files,
        health_interval=0.0 if args.no_health else HEALTH,
        **access_options(args),
    )
    return _run(_serve(options))


def hide_password(recordings: Path, command: str = "SERVE") -> None:
    """Start again without the address of the database among the words, where it holds a password: everybody on this
    machine can read the command line of a process, and only its owner the environment."""
    url = url_of(recordings)
    if not url or os.name != "posix" or not any(url in word for word in sys.orig_argv):
        return
    from ..store.postgres.connection import passwords_of

    if passwords_of(url):
        os.environ[f"GATEWAY_{command}_RECORDINGS"] = url
        os.execv(sys.executable, [sys.executable, *words_without(sys.orig_argv[1:], url)])


def words_without(words: Sequence[str], url: str) -> list[str]:
    """The words of a command without the option that names this address."""
    left: list[str] = []
    for word in words:
        if word == url and left and left[-1] in ("-r", "--recordings"):
            left.pop()
        elif not word.endswith(url):
            left.append(word)
    return left


def _workers(workers: str, recordings: Path) -> int:
    """How many: `auto` is one for each core, and one where there can be only one. UsageError for what is no number."""
    if workers == "auto":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return 1 if url_of(recordings) or os.name != "posix" else cores
    if not (workers.isdecimal() and int(workers)):
        raise UsageError(f"{workers!r} is no number of workers", where="--workers", hint="--workers 1")
    return int(workers)


def tls_options(args: argparse.Namespace) -> dict[str, Any]:
    """What serve says about HTTPS. Without TLS the plain port answers, whatever its address."""
    has_tls = bool(args.tls or args.tls_cert or args.tls_key)
    usual = "redirect" if has_tls and is_remote(args.host) else "keep"
    return {
        "tls_auto": args.tls == "auto",
        "tls_cert": tuple(map(Path, args.tls_cert)),
        "tls_key": tuple(map(Path, args.tls_key)),
        "tls_port": args.tls_port,
        "tls_names": args.tls_name,
        "plain": args.plain or usual,
    }


def demo(args: argparse.Namespace) -> int:
    """Run the gateway with the sample shop behind it."""
    set_up(args.log_format, "warning" if args.log_level == "info" else args.log_level)
    return _run(_demo(args))


def _run(main: Coroutine[Any, Any, int]) -> int:
    gc.disable()  # imports leave nothing to collect, and looks at what they make are a tenth of a start
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(main)
    return 0


async def _serve(options: Options) -> int:
    from ..app import running

    stopped, hung_up = StopSignal(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hung_up.set)
    async with running(options) as gateway:
        print(f"gateway: {gateway.url}  (console {gateway.console}/_gateway/)", flush=True)
        print_tls(gateway)
        print_way_in(gateway)
        looking = asyncio.create_task(_look_when(hung_up, gateway))
        await stopped.wait()
        gateway.relay.in_hurry = stopped.by_hand
        looking.cancel()
        log.info("stopping; a second signal stops at once")
    return 0


async def _demo(args: argparse.Namespace) -> int:
    from ..samples import running_samples

    stopped = StopSignal()
    # The routes name this run's backends, so they lie in a folder of this run: your own routes.yaml, or that of
    # another demo with the same recordings, is not touched.
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as name:
        async with running_samples() as samples:
            return await _demo_in(Path(name), args, samples.routes_yaml(), stopped)


async def _demo_in(folder: Path, args: argparse.Namespace, routes_yaml: str, stopped: StopSignal) -> int:
    from ..app import running

    routes = folder / "routes.yaml"
    routes.write_text(routes_yaml, encoding="utf-8")
    recordings = args.recordings or folder / "recordings" / "gateway.db"
    options = Options(
        routes=routes,
        recordings=recordings,
        host=args.host,
        port=args.port,
        health_interval=1.0,
        templates=_own_templates(),
        allow_code=args.allow_code,
        warm=True,
        **access_options(args),
    )
    async with running(options) as gateway:
        print(banner(gateway), flush=True)
        if args.recordings is None:
            print(f"  {GONE}: gateway demo -r FILE, or make demo RECORDINGS=FILE\n", flush=True)
        print_way_in(gateway)
        if not args.no_open and _has_screen():
            await asyncio.to_thread(webbrowser.open, gateway.console)
        await stopped.wait()
        gateway.relay.in_hurry = stopped.by_hand
        if args.log_format == "text":
            gone = " (the recordings of this demo go with it)" if args.recordings is None else ""
            print(f"\nstopping ...{gone}", file=sys.stderr)
    return 0


def _own_templates() -> Path | None:
    """Your own demos, beside the sample's, where the command is given in a folder that has some."""
    return Path("templates") if Path("templates", "demos").is_dir() else None


def _has_screen() -> bool:
    """Without one, a browser in text mode would take the terminal."""
    graphical = sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
    return sys.stdout.isatty() and bool(graphical)


def banner(gateway: Gateway) -> str:
    """What is running where."""
    services = gateway.services
    table = services.routes.table
    width = max(len(name) for name in table.clusters)
    lines = ["", f"  What-If Gateway   {gateway.url}", "", f"  Board             {gateway.console}/_gateway/"]
    lines += [f"  Recordings        {gateway.console}/_gateway/recordings", ""]
    for name, cluster in table.clusters.items():
        homes = "  ".join(
            f"{env}{'*' if env == cluster.environment else ''} {up.url}" for env, up in cluster.upstreams.items()
        )
        lines.append(f"  {name:<{width}}  {homes}")
    lines += ["", f"  routes.yaml       {services.routes.file}", f"  recordings        {services.options.recordings}"]
    recordings = shlex.quote(str(services.options.recordings.absolute()))
    lines += ["", f"  In another terminal: export GATEWAY_RECORDINGS={recordings}; gateway recordings"]
    return "\n".join(
        [
            *lines,
            "",
            "  * = where it lives now. Edit routes.yaml or click on the board to move a cluster. Ctrl-C stops.",
            "",
        ]
    )


def access_options(args: argparse.Namespace) -> dict[str, Any]:
    """What serve and demo say about who may use the console, and where."""
    try:
        TrustedProxies(args.trust_proxy)
    except ValueError as error:
        raise UsageError(str(error), where="--trust-proxy") from None
    names = ("password", "viewer_password", "console_port", "sandbox_html", "trust_proxy")
    return {name: getattr(args, name) for name in names}


def print_tls(gateway: Gateway) -> None:
    """Where HTTPS is, and by which fingerprint the authority's certificate is known."""
    state = gateway.services.tls()
    if state is None:
        return
    if state.url != gateway.url:
        print(f"https: {state.url}")
    if state.authority:
        print(f"trust it on other devices: {state.plain or state.url}/_gateway/tls  (gateway tls trust)")
        print(f"its authority has the SHA-256 fingerprint {state.fingerprint}", flush=True)


def print_way_in(gateway: Gateway) -> None:
    """Where others can reach the console: say so, and give a link that signs in once when nobody else could."""
    access, options = gateway.access, gateway.services.options
    if is_remote(options.host) and options.plain == "keep":
        log.warning("%s is reachable from other machines, and what passes is not encrypted", options.host)
    if access.needed and not access.has_any:
        print(f"sign in, once, within 24 hours: {gateway.console}/_gateway/sign-in?code={access.link_code()}")
        print("from another machine, with this one's address in place of 127.0.0.1 (names: --allow-host NAME)")
        print("another link: gateway access link; a token that lasts: gateway access add NAME", flush=True)


async def _look_when(hung_up: asyncio.Event, gateway: Gateway) -> None:
    """SIGHUP reads routes.yaml at once, as it does for other servers, though a saved change needs no signal."""
    while True:
        await hung_up.wait()
        hung_up.clear()
        log.info("SIGHUP: reading %s", gateway.services.options.routes)
        await gateway.services.routes.look()


class StopSignal:
    """Set by the first SIGINT or SIGTERM; the second ends the process at once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.by_hand = False  # Ctrl-C: somebody waits at a terminal
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)

    async def wait(self) -> None:
        await self._event.wait()

    def _on_signal(self, number: int) -> None:
        if self._event.is_set():
            os._exit(1)
        self.by_hand = number == signal.SIGINT
        self._event.set()

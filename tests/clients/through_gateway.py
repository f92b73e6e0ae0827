"""A pytest plugin that puts a gateway in front of the servers of HTTP clients' own test suites.

`GATEWAY_PREFIX` mounts the cluster there ("/" by default). Suites that build their URLs from host and port know no
prefix: it is put before the target as the client writes its request line, unless it is there already (a redirect).
Plain HTTP servers are fronted; TLS ones and proxies stay as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

PREFIX = os.environ.get("GATEWAY_PREFIX", "/")
ROUTES = """version: 1
environments: [here]
clusters:
  server:
    path: {prefix}
    environment: here
    upstreams:
      here: {{url: "{url}", timeout: {{connect: 5s, response: 60s, idle: 60s}}}}
"""


class Fronts:
    """Gateways in a thread of their own, one per server under test."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.open: list[tuple[asyncio.Event, asyncio.Future]] = []
        self.ports: set[int] = set()

    def front(self, url: str, host: str = "127.0.0.1") -> str:
        """The URL of a gateway before `url`."""
        own = asyncio.run_coroutine_threadsafe(self._start(url, host), self.loop).result(30)
        self.ports.add(urlsplit(own).port)
        return own

    async def _start(self, url: str, host: str) -> str:
        ready: asyncio.Future[str] = self.loop.create_future()
        stop = asyncio.Event()
        task = asyncio.ensure_future(self._run(url, host, ready, stop))
        self.open.append((stop, task))
        await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
        return ready.result() if ready.done() else await task

    async def _run(self, url: str, host: str, ready: asyncio.Future[str], stop: asyncio.Event) -> None:
        from gateway.app import running
        from gateway.protocols import Options

        with tempfile.TemporaryDirectory() as name:
            routes = Path(name, "routes.yaml")
            routes.write_text(ROUTES.format(prefix=PREFIX, url=url))
            options = Options(routes, Path(name, "r", "gateway.db"), host=host, port=0, health_interval=0, drain=0.1)
            async with running(options) as gateway:
                ready.set_result(gateway.url)
                await stop.wait()

    def close(self) -> None:
        async def stop() -> None:
            for event, _ in self.open:
                event.set()
            await asyncio.wait([task for _, task in self.open], timeout=20)

        if self.open:
            asyncio.run_coroutine_threadsafe(stop(), self.loop).result(30)


FRONTS = Fronts()


def fronted_port(host: str, port: int) -> int:
    shown = f"[{host}]" if ":" in host else host
    return urlsplit(FRONTS.front(f"http://{shown}:{port}", host)).port


class At:
    """Stands for a server: only its URL is asked for."""

    def __init__(self, url: str) -> None:
        self.url = url


@pytest.fixture(scope="session")
def httpbin():
    """Of pytest-httpbin, for the suite of requests."""
    from httpbin import app
    from pytest_httpbin import serve

    with serve.Server(application=app) as server:
        yield At(FRONTS.front(server.url) + ("" if PREFIX == "/" else PREFIX))


with contextlib.suppress(ImportError):
    from pytest_httpbin.plugin import httpbin_ca_bundle, httpbin_secure  # noqa: F401


def pytest_collection_finish() -> None:
    """By now the suite's own modules are imported: put gateways before the servers they start."""
    for patch in (_requests_servers, _httpx_server, _urllib3_servers):
        patch()
    if PREFIX != "/":
        _httpcore_targets()
        _urllib3_targets()


def prefixed(target: str, port: int | None) -> str:
    """The target as a gateway at `port` knows it."""
    inside = not target.startswith("/") or (target + "/").startswith((PREFIX + "/", PREFIX + "?"))
    return target if inside or port not in FRONTS.ports else PREFIX + target


def _httpcore_targets() -> None:
    with contextlib.suppress(ImportError):
        import httpcore
        from httpcore._async import http11 as waiting
        from httpcore._sync import http11 as blocking

        for kind in (waiting.AsyncHTTP11Connection, blocking.HTTP11Connection):

            def send(self, request, plain=kind._send_request_headers):
                url = request.url
                target = prefixed(url.target.decode("ascii"), url.port).encode("ascii")
                request.url = httpcore.URL(scheme=url.scheme, host=url.host, port=url.port, target=target)
                return plain(self, request)

            kind._send_request_headers = send


def _urllib3_targets() -> None:
    with contextlib.suppress(ImportError):
        from urllib3.connection import HTTPConnection

        plain = HTTPConnection.putrequest

        def putrequest(self, method, url, *words, **more):
            return plain(self, method, prefixed(url, self.port), *words, **more)

        HTTPConnection.putrequest = putrequest


def _requests_servers() -> None:
    module = sys.modules.get("tests.testserver.server")
    if module is None:
        return
    plain = module.Server.__enter__

    def enter(self):
        host, port = plain(self)
        return (host, port) if type(self) is not module.Server else (host, fronted_port(host, port))

    module.Server.__enter__ = enter


def _httpx_server() -> None:
    module = sys.modules.get("tests.conftest")
    if module is None or not hasattr(module, "TestServer"):
        return
    known: dict[str, str] = {}
    plain = module.TestServer.url.fget

    def url(self):
        import httpx

        own = plain(self)
        return httpx.URL(known.setdefault(str(own), FRONTS.front(str(own).rstrip("/")) + "/"))

    module.TestServer.url = property(url)


def _urllib3_servers() -> None:
    module = sys.modules.get("dummyserver.testcase")
    if module is None:
        return
    run = module.run_hypercorn_in_thread

    @contextlib.contextmanager
    def fronted(host, certs, app):
        with run(host, certs, app) as port:
            yield port if certs or app is not module.hypercorn_app else fronted_port(host, port)

    vars(module)["run_hypercorn_in_thread"] = fronted
    for case in (module.SocketDummyServerTestCase, module.IPV4SocketDummyServerTestCase):
        start = case._start_server.__func__

        def fronted_start(cls, socket_handler, quit_event=None, start=start):
            start(cls, socket_handler, quit_event)
            if cls.scheme == "http":
                cls.port = fronted_port(cls.host, cls.port)

        case._start_server = classmethod(fronted_start)


def pytest_unconfigure() -> None:
    FRONTS.close()

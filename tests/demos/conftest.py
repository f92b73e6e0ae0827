"""The demos' pages on real aiohttp, with the real store and the sample shop behind a plain forwarder."""

import asyncio
import re
import uuid
from types import SimpleNamespace

import aiohttp
import aiohttp_session
import pytest
from aiohttp import web
from aiohttp_session import SimpleCookieStorage

from gateway import console
from gateway.demos.pages import setup as set_up_demos
from gateway.live_events import LiveEvents
from gateway.model.capture import Capture
from gateway.paths import templates_dir
from gateway.protocols import Health, LiveSession, Options, Services
from gateway.samples import running_samples
from gateway.store import open_recorder, open_store
from gateway.web.guard import MIDDLEWARES, check_csrf, csrf_token


class Sessions:
    """One live session per Gateway-Session header; "browser" without."""

    changes = 0

    def __init__(self):
        self.live = {}

    def of(self, request):
        name = request.headers.get("Gateway-Session", "browser")
        return self.live.setdefault(name, LiveSession(name, f"rec-{name}"))

    def credential(self, session):
        return session.id

    def start_recording(self, session, title=""):
        session.recording, session.steps, session.title = uuid.uuid4().hex, 0, title
        return session.recording


class Forwarder:
    """What the relay does, as far as the demos see it: forwards, records, says where the call went."""

    def __init__(self, sessions, clusters, recorder):
        self.sessions, self.clusters, self.recorder = sessions, clusters, recorder
        self.seen = []

    async def forward(self, request):
        cluster = self.clusters[request.match_info["cluster"]]
        over = dict(re.findall(r"(\w+)=(\w+)", request.headers.get("Gateway-Env", "")))
        environment = over.get(cluster.name, cluster.environment)
        url = cluster.upstreams[environment] + request.rel_url.raw_path_qs.removeprefix(cluster.prefix.decode())
        body = await request.read()
        self.seen.append((request.method, request.rel_url.raw_path_qs, dict(request.headers), body))
        kept = ("Authorization", "Content-Type")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        async with (
            aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as http,
            http.request(request.method, url, data=body or None, headers=headers) as answer,
        ):
            content, status, kind = await answer.read(), answer.status, answer.headers.get("Content-Type", "")
        safe = asyncio.Event()
        capture = self.record(request, cluster.name, environment, status, safe.set)
        await safe.wait()  # as the relay holds the last bytes back
        named = {"Gateway-Exchange": capture.id, "Gateway-Route": f"{cluster.name}@{environment}", "Content-Type": kind}
        return web.Response(status=status, body=content, headers=named)

    def record(self, request, cluster, environment, status, on_safe):
        session = self.sessions.of(request)
        session.steps += 1
        capture = Capture()
        capture.id, capture.recording, capture.session = uuid.uuid4().hex, session.recording, session.id
        capture.step, capture.status, capture.method = session.steps, status, request.method.encode()
        capture.origin, capture.target = b"http://127.0.0.1", request.rel_url.raw_path_qs.encode()
        capture.cluster, capture.environment = cluster, environment
        self.recorder.put(capture, on_safe)
        return capture


def beside_the_relay(guard):
    """The guards of our own pages, which what is forwarded never meets."""

    @web.middleware
    async def guarded(request, handler):
        return await (handler(request) if request.path.startswith("/api/") else guard(request, handler))

    return guarded


class NotChecked:
    def of(self, cluster, environment):
        return Health()


@pytest.fixture
async def samples():
    async with running_samples() as running:
        yield running


@pytest.fixture
async def recorder(tmp_path):
    recorder = open_recorder(tmp_path / "gateway.db", seal=None)
    await recorder.start()
    yield recorder
    await recorder.stop()


@pytest.fixture
def shop(samples, recorder, tmp_path):
    """The services, and what the tests look at: forwarder, sessions, clusters, demo folder."""
    clusters = {
        name: SimpleNamespace(name=name, prefix=f"/api/{name}".encode(), environment="qa", upstreams=urls)
        for name, urls in samples.urls.items()
    }
    table = SimpleNamespace(
        clusters=clusters, nearest=lambda path: "", revision="r", environments=("dev", "test", "qa")
    )
    routes = SimpleNamespace(table=table, problems=(), name="routes.yaml", subscribe=lambda seen: None)
    sessions = Sessions()
    store = open_store(tmp_path / "gateway.db")
    place = SimpleNamespace(url="")
    services = Services(
        options=Options(tmp_path / "routes.yaml", tmp_path / "gateway.db", reload_interval=0.05),
        routes=routes, store=store, recorder=recorder, sessions=sessions, health=NotChecked(), live=LiveEvents(),
        metrics=lambda: "", url=lambda: place.url,
    )  # fmt: skip
    forwarder = Forwarder(sessions, clusters, recorder)
    yield SimpleNamespace(
        services=services, sessions=sessions, clusters=clusters, forwarder=forwarder, place=place, store=store,
        demos=tmp_path / "templates" / "demos",
    )  # fmt: skip
    store.close()


@pytest.fixture
async def browser(shop, aiohttp_client):
    """A client that keeps to one session, and presses the buttons of the pages."""
    app = web.Application(middlewares=[beside_the_relay(each) for each in MIDDLEWARES])
    of = shop.sessions.of
    aiohttp_session.setup(app, SimpleCookieStorage())
    console.setup(app, shop.services, session_of=of, templates=[templates_dir()])
    set_up_demos(
        app, shop.services, session_of=of, csrf_field=csrf_token, check_csrf=check_csrf, render=console.rendered
    )
    app.router.add_route("*", "/api/{cluster}/{rest:.*}", shop.forwarder.forward)
    client = await aiohttp_client(app)
    shop.place.url = str(client.make_url("")).rstrip("/")
    return Browser(client)


class Browser:
    def __init__(self, client):
        self.client, self.headers = client, {}

    async def get(self, path):
        async with self.client.get(path, headers=self.headers) as answer:
            return answer.status, await answer.text()

    async def press(self, path, *, what_if="", form=None, **fields):
        """Fill in `fields`, leave the others as the page shows them, press, and follow to the next page."""
        _, page = await self.get(path)
        data = dict(re.findall(r'name="(f\.\w+|csrf_token)" value="([^"]*)"', page))
        data |= {f"f.{name}": value for name, value in fields.items()} | {"what_if": what_if} | (form or {})
        async with self.client.post(path, data=data, headers=self.headers) as answer:
            return answer.status, await answer.text()

"""A small gateway around the console: real aiohttp, real pages; what the relay would do is left out."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web

from gateway.console import MIDDLEWARES, setup
from gateway.live import LiveEvents
from gateway.paths import templates_dir
from gateway.protocols import LiveSession, Options, RecorderStatus, Services


class Sessions:
    """One session per Gateway-Session header, "browser" without."""

    def __init__(self):
        self.live = {}

    def of(self, request):
        name = request.headers.get("Gateway-Session", "browser")
        return self.live.setdefault(name, LiveSession(name, f"rec-{name}", named=name != "browser"))


@pytest.fixture
def services(tmp_path):
    table = SimpleNamespace(clusters={}, nearest=lambda path: "/api/orders", revision="r", environments=("test", "qa"))
    routes = SimpleNamespace(table=table, problems=(), file=Path("routes.yaml"), subscribe=lambda seen: None)
    return Services(
        options=Options(tmp_path / "routes.yaml", tmp_path / "gateway.db", hosts=("gateway.internal",)),
        routes=routes,
        store=None,
        recorder=SimpleNamespace(status=RecorderStatus),
        sessions=Sessions(),
        health=None,
        live=LiveEvents(),
        metrics=lambda: "",
        url=lambda: "",
    )


@pytest.fixture
def app(services):
    app = web.Application(middlewares=MIDDLEWARES)
    setup(app, services, session_of=services.sessions.of, templates=[templates_dir()])
    return app


@pytest.fixture
async def client(app, aiohttp_client):
    return await aiohttp_client(app)

"""The gateway's own pages as one aiohttp application: console, API and demos. I/O."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from . import console
from .demos.pages import setup as set_up_demos
from .model.forwarding import TrustedProxies
from .paths import templates_dir
from .proxy import playback as playback  # what a session plays, it plays from now on
from .sessions.page_sessions import setup_sessions

if TYPE_CHECKING:
    from .access import Access
    from .demos.code_modules import CodeModules
    from .metrics import Metrics
    from .protocols import Services
    from .sessions import LiveSessions

BACKLOG = 1024
WARM = 1.0  # seconds after the start at which the pages are compiled
CALM = 0.5  # seconds without an exchange before one is


@contextlib.asynccontextmanager
async def own_pages(
    services: Services, sessions: LiveSessions, access: Access, metrics: Metrics, own_port: socket.socket | None,
    modules: CodeModules,
) -> AsyncIterator[Callable[[], asyncio.Protocol]]:  # fmt: skip
    """The server of the pages; `own_port` when they have a port to themselves."""
    app = web.Application(middlewares=console.MIDDLEWARES, client_max_size=1 << 20)
    own = services.options.templates
    templates = [*([own] if own else []), templates_dir()]
    trusted, plain = TrustedProxies(services.options.trust_proxy), services.options.plain
    session_of = setup_sessions(app, sessions, trusted=trusted, plain=plain)
    console.setup(app, services, session_of=session_of, templates=templates, access=access, own_port=own_port)
    set_up_demos(
        app, services, session_of=session_of, csrf_field=console.csrf_token, check_csrf=console.check_csrf,
        check_operator=console.check_operator, render=console.rendered, templates=templates, modules=modules,
    )  # fmt: skip
    app.on_response_prepare.append(_close_after)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    if own_port is not None:
        await web.SockSite(runner, own_port, backlog=BACKLOG).start()
    gc.freeze()  # what the pages are made of lives on, as what the start built does
    try:
        assert runner.server is not None, "it was set up"
        async with _warming(app, metrics) if services.options.warm else contextlib.nullcontext():
            yield runner.server
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _warming(app: web.Application, metrics: Metrics) -> AsyncIterator[None]:
    """Compile the pages when the start is over and no traffic passes, so that no request waits for it: all of them take
    seconds of CPU time, and on one core as long a share of what passes meanwhile."""

    async def warm() -> None:
        await asyncio.sleep(WARM)
        seen = -1
        for name in console.template_names(app):
            while (passed := metrics.exchanges) != seen:
                seen = passed
                await asyncio.sleep(CALM)
            await asyncio.to_thread(console.compile_template, app, name)

    task = asyncio.create_task(warm())
    try:
        yield
    finally:
        task.cancel()


async def _close_after(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """The connection was handed over for one request: the next one may be for a cluster."""
    response.force_close()
    response.headers["Connection"] = "close"

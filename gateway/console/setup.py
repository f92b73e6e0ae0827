"""Puts the console into an aiohttp application: keys, templates, static files, routes, watchers. I/O."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp_jinja2
import jinja2
from aiohttp import web

from .actions import Moves
from .api import add_api
from .forms import add_forms
from .guard import csrf_token, secure
from .keys import CSRF_KEY, CURRENT, MOVES, SERVICES, SESSION_OF
from .pages import add_pages
from .probes import add_probes
from .shell import page_shell, recorder_json, routes_event
from .static import add_static

if TYPE_CHECKING:
    from ..errors import Problem
    from ..model.recording import Revision
    from ..protocols import LiveSession, Services

RECORDER_LOOK = 1.0  # seconds between two looks at the recorder's state for pages that watch


def setup(
    app: web.Application,
    services: Services,
    *,
    session_of: Callable[[web.Request], LiveSession],
    templates: list[Path],
) -> None:
    """Serve everything under /_gateway/. The application must have been made with guard.MIDDLEWARES first."""
    app[SERVICES] = services
    app[SESSION_OF] = session_of
    app[MOVES] = Moves()
    app[CSRF_KEY] = secrets.token_bytes(32)
    app.on_response_prepare.append(secure)
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(templates),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"page_shell": page_shell, "form_token": lambda: csrf_token(CURRENT.get())}
    add_static(app)
    add_probes(app)
    add_api(app)
    add_pages(app)
    add_forms(app)
    services.routes.subscribe(_announce(services))
    app.cleanup_ctx.append(_watch_recorder)
    app.on_shutdown.append(_end_streams)


def _announce(services: Services) -> Callable[[Revision | None, Sequence[Problem]], None]:
    def seen(revision: Revision | None, problems: Sequence[Problem]) -> None:
        services.live.publish("routes", routes_event(services, revision.changes if revision else ()))

    return seen


async def _end_streams(app: web.Application) -> None:
    """Pages that watch would keep their connections, and the server, for ever."""
    app[SERVICES].live.close()


async def _watch_recorder(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(_tell_recorder_state(app[SERVICES]))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _tell_recorder_state(services: Services) -> None:
    """Publish the recorder's state when it begins or stops missing exchanges."""
    told = ("", 0)
    while True:
        await asyncio.sleep(RECORDER_LOOK)
        status = services.recorder.status()
        if (status.reason, status.missed) != told:
            told = (status.reason, status.missed)
            services.live.publish("recorder", recorder_json(status))

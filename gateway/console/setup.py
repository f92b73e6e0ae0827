"""Puts the console into an aiohttp application: keys, templates, static files, routes. I/O."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp_jinja2
import jinja2
from aiohttp import web

from ..access import Access
from ..api.calls import add_api
from ..api.preflight import add_preflight
from ..api.rechecks import add_rechecks
from ..api.replay_runs import add_stepwise
from ..replay.report import LABELS
from ..services.changes import Moves
from ..services.seen_sessions import SessionLinks
from ..services.status import routes_event
from ..services.stepwise_replay import Steppers, StoppedReplays
from ..web.guard import csrf_token, secure
from ..web.keys import ACCESS, CSRF_KEYS, CURRENT, LINKS, MOVES, OWN_PORT, SERVICES, SESSION_OF, STEPPERS, STOPPED
from ..web.page_shell import env_class, page_shell
from ..web.probes import add_probes
from ..web.sign_in import add_sign_in
from ..web.static import add_static
from .audience import add_watch
from .forms import add_forms
from .pages import add_pages
from .presentations import SHOWS, Shows
from .presenter import add_present
from .presenter_slides import DECKS, Decks
from .slides import hue_of, marked, status_of
from .tls_page import add_tls_page

if TYPE_CHECKING:
    import socket

    from ..errors import Problem
    from ..model.recording import Revision
    from ..protocols import LiveSession, Services


def setup(
    app: web.Application,
    services: Services,
    *,
    session_of: Callable[[web.Request], LiveSession],
    templates: list[Path],
    access: Access | None = None,
    own_port: socket.socket | None = None,
) -> None:
    """Serve everything under /_gateway/. The application must have been made with guard.MIDDLEWARES first.

    Without `access` nobody needs to sign in; `own_port` is listened on for nothing but our own pages.
    """
    app[ACCESS] = access or Access()
    app[OWN_PORT] = own_port.getsockname()[1] if own_port else None
    app[SERVICES] = services
    app[SESSION_OF] = session_of
    app[MOVES] = Moves()
    app[LINKS] = SessionLinks()
    app[STEPPERS] = Steppers()
    app[STOPPED] = StoppedReplays()
    app[SHOWS] = Shows()
    app[DECKS] = Decks()
    app[CSRF_KEYS] = services.keys.form_keys if services.keys is not None else _form_keys()
    app.on_response_prepare.append(secure)
    _set_up_templates(app, templates)
    add_probes(app)
    add_stepwise(app)
    add_preflight(app)
    add_rechecks(app)
    add_api(app)
    add_pages(app)
    add_tls_page(app)
    add_forms(app)
    add_sign_in(app)
    add_present(app)
    add_watch(app)
    services.routes.subscribe(_announce(services))
    app.on_shutdown.append(_end_streams)


def _set_up_templates(app: web.Application, folders: list[Path]) -> None:
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"utc": utc, "marked": marked, "status_of": status_of, "hue_of": hue_of}
    environment.globals |= {
        "page_shell": page_shell,
        "env_class": env_class,
        "static": add_static(app).url,
        "form_token": lambda: csrf_token(CURRENT.get()),
        "outcomes": LABELS,
    }


def _form_keys() -> Callable[[], Sequence[bytes]]:
    """For pages that run without keys: forms end with the process."""
    keys = (secrets.token_bytes(32),)
    return lambda: keys


def utc(seconds: float) -> str:
    """Epoch seconds as people read them."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def _announce(services: Services) -> Callable[[Revision | None, Sequence[Problem]], None]:
    def seen(revision: Revision | None, problems: Sequence[Problem]) -> None:
        services.live.publish("routes", routes_event(services, revision.changes if revision else ()))

    return seen


async def _end_streams(app: web.Application) -> None:
    """Pages that watch would keep their connections, and the server, for ever."""
    app[SERVICES].live.close()
    app[SHOWS].close()


def template_names(app: web.Application) -> list[str]:
    """What the pages are made of."""
    return aiohttp_jinja2.get_env(app).list_templates(extensions=["html"])


def compile_template(app: web.Application, name: str) -> None:
    """Compile one of them, so that no request waits for it: up to 35 ms. Blocking."""
    with contextlib.suppress(jinja2.TemplateError):  # one of somebody's own: its page says what is wrong with it
        aiohttp_jinja2.get_env(app).get_template(name)

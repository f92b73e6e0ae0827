"""Makes pages, in threads, with what every one shows around its content: strip, recording, what is wrong. I/O."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import aiohttp_jinja2
from aiohttp import web

from .. import __version__
from ..errors import NotFoundError
from ..model.palette import environment_class
from ..services.status import current_pins, problem_lines, simulation_words
from .access import login_of
from .keys import CURRENT, SERVICES, SESSION_OF

if TYPE_CHECKING:
    from ..access import Login
    from ..protocols import LiveSession, RecorderStatus, Services

# (name, address, icon, prefixes of the pages that belong to it)
PAGES: Final = (
    ("Home", "/", "house", ("/demos/",)),
    ("Board", "/_gateway/", "grid-3x2-gap", ("/_gateway/history", "/_gateway/pin", "/_gateway/connect")),
    ("Live", "/_gateway/live", "activity", ()),
    ("Recordings", "/_gateway/recordings", "collection", ("/_gateway/exchanges/", "/_gateway/diff")),
    ("Docs", "/_gateway/docs", "book", ()),
)
ADMIN: Final = (
    ("Sessions", "/_gateway/sessions"), ("Drift", "/_gateway/drift"), ("Settings", "/_gateway/settings"),
    ("Statistics", "/_gateway/statistics"),
    ("Access", "/_gateway/access"), ("HTTPS", "/_gateway/tls"), ("Audit", "/_gateway/audit"),
    ("API reference", "/_gateway/api/openapi.json"), ("Metrics", "/_gateway/metrics"),
)  # fmt: skip


STRIP = 24  # clusters that the strip shows, pinned ones aside


@dataclass(frozen=True, slots=True)
class StripPlace:
    """Where a session's calls to a cluster go, and whether they arrive."""

    cluster: str
    environment: str
    pinned: bool
    until: float = 0.0  # epoch seconds; 0 for the session's life
    mode: str = ""  # how a recording answers, "" for live
    simulated: str = ""  # "503", "3 s late": what is simulated for this session
    health: str = "unknown"  # "up", "slow", "down", "unknown"

    @property
    def is_down(self) -> bool:
        return self.health == "down" and not self.mode


@dataclass(frozen=True, slots=True)
class PageLink:
    name: str
    href: str
    current: bool
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """What layout.html reads as `shell`."""

    version: str
    pages: tuple[PageLink, ...]
    admin: tuple[PageLink, ...]
    problems: tuple[str, ...]
    routes: str  # the name of routes.yaml
    missing: str  # what is not recorded, and why; "" while everything is
    strip: tuple[StripPlace, ...]
    hidden: int  # clusters that the strip leaves out
    recording: str  # of this session, "" before its first exchange
    title: str  # of that recording, "" where it has none yet
    steps: int  # of it so far
    login: Login | None  # who is signed in; None where nobody needs to be
    path: str  # of this page
    playing: dict[str, str]  # id -> title of the recordings that answer this session


SHELL: web.RequestKey[Shell] = web.RequestKey("shell")


async def rendered(
    request: web.Request, template: str, context: Mapping[str, Any], *, status: int = 200, in_layout: bool = True
) -> web.Response:
    """The page as a response. `in_layout` is False for those that stand alone, without the shell.

    A thread makes it: a template takes up to 35 ms of compiling at first sight, and a page of a long recording 0.4 s,
    in which all traffic would wait. What belongs to the event loop (sessions, pins) is read before.
    """
    if in_layout:
        request[SHELL] = _shell(request, await _title(request))
    text = await asyncio.to_thread(aiohttp_jinja2.render_string, template, request, context)
    body = text.encode("utf-8", "replace")  # recorded text may hold half a surrogate pair
    return web.Response(body=body, status=status, content_type="text/html", charset="utf-8")


def page_shell() -> Shell:
    """The shell of the page that is being made: a global of all templates."""
    return CURRENT.get()[SHELL]


async def _title(request: web.Request) -> str:
    """The title of the session's recording: templates cannot wait for the store."""
    services, session = request.app[SERVICES], request.app[SESSION_OF](request)
    if session.steps:
        with contextlib.suppress(NotFoundError):  # deleted, or not written yet
            return (await asyncio.to_thread(services.store.recording, session.recording)).title
    return session.title


def _shell(request: web.Request, title: str) -> Shell:
    services = request.app[SERVICES]
    session = request.app[SESSION_OF](request)
    places = strip(services, session)
    return Shell(
        version=__version__,
        pages=tuple(
            PageLink(name, href, _is_within(request.path, href, others), icon) for name, href, icon, others in PAGES
        ),
        admin=tuple(PageLink(name, href, request.path == href) for name, href in ADMIN),
        problems=problem_lines(services),
        routes=services.routes.name,
        missing=_missing(services.recorder.status()),
        strip=places,
        hidden=len(services.routes.table.clusters) - len(places),
        recording=session.recording if session.steps else "",
        title=title,
        steps=session.steps,
        login=login_of(request),
        path=request.rel_url.raw_path,
        playing={one.playback.tape.recording: one.playback.tape.title for one in session.modes.values()},
    )


def env_class(environment: str) -> str:
    """The colour class of an environment by its place in routes.yaml: a global of all templates."""
    return environment_class(environment, CURRENT.get().app[SERVICES].routes.table.environments)


def strip(services: Services, session: LiveSession) -> tuple[StripPlace, ...]:
    """The first clusters, and all that are pinned, with the environment that answers this session; trouble first."""
    clusters, pins = services.routes.table.clusters, current_pins(session)
    names = dict.fromkeys((*islice(clusters, STRIP), *(name for name in pins if name in clusters)))
    places = [_place(services, session, name, pins.get(name, "")) for name in names]
    return tuple(sorted(places, key=lambda place: not place.is_down))


def _place(services: Services, session: LiveSession, cluster: str, pinned: str) -> StripPlace:
    environment = pinned or services.routes.table.clusters[cluster].environment
    health = services.health.of(cluster, environment)
    mode, pin, fault = session.modes.get(cluster), session.pins.get(cluster), session.faults.get(cluster)
    return StripPlace(
        cluster,
        environment,
        bool(pinned),
        pin.until if pin else 0.0,
        mode.mode if mode else "",
        simulation_words(fault) if fault else "",
        "slow" if health.is_slow else health.state,
    )


def _missing(status: RecorderStatus) -> str:
    missed = f"{status.missed} call{'s' if status.missed != 1 else ''} could not be stored." if status.missed else ""
    return " ".join(filter(None, (status.reason, missed)))


def _is_within(path: str, href: str, others: Sequence[str]) -> bool:
    if any(path.startswith(one) for one in others):
        return True
    return path == href or (href not in ("/", "/_gateway/") and path.startswith(href + "/"))

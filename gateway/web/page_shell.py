"""What every page shows around its content: problems of routes.yaml, the recorder's state, the session's strip. I/O."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from .. import __version__
from ..services.status import current_pins, problem_lines
from .access import login_of
from .keys import CURRENT, SERVICES, SESSION_OF

if TYPE_CHECKING:
    from ..access import Login
    from ..protocols import LiveSession, RecorderStatus, Services

PAGES = (
    ("Demos", "/"),
    ("Board", "/_gateway/"),
    ("Live", "/_gateway/live"),
    ("Recordings", "/_gateway/recordings"),
    ("History", "/_gateway/history"),
)


STRIP = 24  # clusters that the strip shows, pinned ones aside


@dataclass(frozen=True, slots=True)
class StripPlace:
    """Where a session's calls to a cluster go."""

    cluster: str
    environment: str
    pinned: bool
    until: float = 0.0  # epoch seconds; 0 for the session's life
    mode: str = ""  # how a recording answers, "" for live


@dataclass(frozen=True, slots=True)
class PageLink:
    name: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Shell:
    """What layout.html reads as `shell`."""

    version: str
    pages: tuple[PageLink, ...]
    problems: tuple[str, ...]
    missing: str  # what is not recorded, and why; "" while everything is
    strip: tuple[StripPlace, ...]
    hidden: int  # clusters that the strip leaves out
    recording: str  # of this session, "" before its first exchange
    login: Login | None  # who is signed in; None where nobody needs to be
    path: str  # of this page
    playing: dict[str, str]  # id -> title of the recordings that answer this session


def page_shell() -> Shell:
    """The shell of the page that is being made: a global of all templates."""
    request = CURRENT.get()
    services = request.app[SERVICES]
    session = request.app[SESSION_OF](request)
    places = strip(services, session)
    return Shell(
        version=__version__,
        pages=tuple(PageLink(name, href, _is_within(request.path, href)) for name, href in PAGES),
        problems=problem_lines(services),
        missing=_missing(services.recorder.status()),
        strip=places,
        hidden=len(services.routes.table.clusters) - len(places),
        recording=session.recording if session.steps else "",
        login=login_of(request),
        path=request.rel_url.raw_path,
        playing={one.playback.tape.recording: one.playback.tape.title for one in session.modes.values()},
    )


def strip(services: Services, session: LiveSession) -> tuple[StripPlace, ...]:
    """The first clusters, and all that are pinned, with the environment that answers this session."""
    clusters, pins = services.routes.table.clusters, current_pins(session)
    names = dict.fromkeys((*islice(clusters, STRIP), *(name for name in pins if name in clusters)))
    return tuple(
        StripPlace(
            name, pins.get(name, clusters[name].environment), name in pins, _until(session, name), _mode(session, name)
        )
        for name in names
    )


def _missing(status: RecorderStatus) -> str:
    missed = (
        f"{status.missed} exchange{'s' if status.missed != 1 else ''} could not be stored." if status.missed else ""
    )
    return " ".join(filter(None, (status.reason, missed)))


def _until(session: LiveSession, cluster: str) -> float:
    pin = session.pins.get(cluster)
    return pin.until if pin else 0.0


def _mode(session: LiveSession, cluster: str) -> str:
    found = session.modes.get(cluster)
    return found.mode if found else "fault" if cluster in session.faults else ""


def _is_within(path: str, href: str) -> bool:
    if href == "/":
        return path == "/" or path.startswith("/demos/")
    if href == "/_gateway/":
        return path == href or path == "/_gateway/pin"
    return (
        path == href
        or path.startswith((href + "/", href + "?"))
        or (href == "/_gateway/recordings" and path.startswith("/_gateway/exchanges/"))
    )

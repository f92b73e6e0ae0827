"""For clients: lines to copy, pins, simulations, refused origins, sessions seen lately, and their forms. I/O."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import segno
from aiohttp import web
from markupsafe import Markup

from ..errors import UsageError
from ..replay.fault import read_fault
from ..services import listing, origins, seen_sessions
from ..services.audit_log import note
from ..services.changes import check_pins, pin, read_ttl
from ..web.access import who_of
from ..web.guard import form_text
from ..web.keys import FORM, SERVICES, SESSION_OF
from ..web.view import View, view
from .client_snippets import ClientSnippet, session_name, snippets

if TYPE_CHECKING:
    from ..protocols import LiveSession, Services
    from ..replay.fault import Fault

PANELS: Final = (("connect", "Connect"), ("pin", "Pin"), ("simulate", "Simulate"), ("cors", "CORS"))
BOARD: Final = "/_gateway/"
KINDS: Final = (
    ("503", "503 Service Unavailable"), ("500", "500 Internal Server Error"), ("429", "429 Too Many Requests"),
    ("404", "404 Not Found"), ("late", "3 s late"),
)  # fmt: skip
TIMES: Final = (("", "the session ends"), ("10m", "10 minutes"), ("2h", "2 hours"), ("1d", "1 day"))
SHARES: Final = (("1", "all calls"), ("0.5", "half of the calls"), ("0.1", "1 of 10 calls"))
ROWS: Final = 8  # sessions on the board; their own page has the rest


async def connect(request: web.Request) -> View:
    """The panel on a page of its own, for who was sent a link to it."""
    return view({"base": base_url(request)}, panel=await client_panel(request))


async def client_panel(request: web.Request) -> dict[str, Any]:
    """What board and connect page show; ?panel= opens a tab, ?for= chooses the session of pins and simulations."""
    services, own = request.app[SERVICES], request.app[SESSION_OF](request)
    chosen, base = request.query.get("for", ""), base_url(request)
    session = services.sessions.get(chosen) or own
    name = session_name(request.query.get("session", ""))
    cors, tab = origins.origins_json(services), request.query.get("panel", "")
    seen = await seen_sessions.seen(services, own)
    return {
        "tab": tab if tab in dict(PANELS) else PANELS[0][0],
        "panels": PANELS,
        "counts": {
            "pin": sum(len(one["pins"]) for one in seen),
            "simulate": sum(len(one["faults"]) for one in seen),
            "cors": len(cors["refused"]),
        },
        "base": base,
        "name": name,
        "qr": await asyncio.to_thread(_qr, base),
        "snippets": _snippets(services, base, name),
        "session": listing.session_json(session),
        "own": session.id == own.id,
        "clusters": {one.name: list(one.upstreams) for one in list(services.routes.table.clusters.values())[:100]},
        "kinds": KINDS,
        "times": TIMES,
        "shares": SHARES,
        "cors": cors,
        "seen": seen[:ROWS],
        "more": max(0, len(seen) - ROWS),
    }


def base_url(request: web.Request) -> str:
    """The address at which this page was asked for: what a client on the same way can use."""
    return f"{request.scheme}://{request.host}"


def _snippets(services: Services, base: str, session: str) -> tuple[ClientSnippet, ...]:
    """With a cluster of this gateway and another of its environments."""
    cluster = next(iter(services.routes.table.clusters.values()), None)
    if cluster is None:
        return snippets(base, "/api", session, "orders=test")
    others = [one for one in cluster.upstreams if one != cluster.environment]
    path = cluster.prefix.decode("utf-8", "replace") or "/"
    return snippets(base, path, session, f"{cluster.name}={others[0] if others else cluster.environment}")


def _qr(base: str) -> Markup:
    """Markup of ours: squares on white, whatever the theme, because cameras expect that."""
    return Markup(segno.make(base, error="m").svg_inline(scale=4, border=2, light="white"))


# -- forms


async def pin_form(request: web.Request) -> web.Response:
    """Fields session, cluster, environment, ttl: a pin for a session seen lately."""
    services, session = request.app[SERVICES], _session(request)
    pins = {form_text(request, "cluster"): form_text(request, "environment")}
    check_pins(services, pins)
    pin(services, session, pins, ttl=read_ttl(str(request[FORM].get("ttl", ""))))
    note(services, "pin", session.id, "=".join(next(iter(pins.items()))), who=who_of(request), source="console")
    raise _back("pin", session)


async def unpin_form(request: web.Request) -> web.Response:
    """Fields session and cluster."""
    session = _session(request)
    request.app[SERVICES].sessions.unpin(session, form_text(request, "cluster"))
    raise _back("pin", session)


async def simulate_form(request: web.Request) -> web.Response:
    """Fields session, cluster, kind (a status, or "late"), share, ttl; kind "" ends what is simulated."""
    services, session = request.app[SERVICES], _session(request)
    cluster = listing.known_cluster(services, form_text(request, "cluster")).name
    kind = form_text(request, "kind")
    if not kind:
        session.faults.pop(cluster, None)
    else:
        fault = _fault(kind, str(request[FORM].get("share", "1")))
        session.faults[cluster] = fault
        if seconds := read_ttl(str(request[FORM].get("ttl", ""))):
            asyncio.get_running_loop().call_later(seconds, end_simulation, services, session, cluster, fault)
    services.sessions.keep(session)
    note(services, "simulate", session.id, f"{cluster}: {kind or 'ended'}", who=who_of(request), source="console")
    raise _back("simulate", session)


async def cors_form(request: web.Request) -> web.Response:
    """Field origin: one line of routes.yaml."""
    await origins.allow(request.app[SERVICES], form_text(request, "origin"), source="console", who=who_of(request))
    raise web.HTTPSeeOther(f"{BOARD}?panel=cors#clients")


def _fault(kind: str, share: str) -> Fault:
    try:
        rate, status = float(share), None if kind == "late" else int(kind)
    except ValueError:
        raise UsageError(f"{kind[:40]!r} of {share[:40]!r} calls is nothing that can be simulated") from None
    fault = read_fault(delay=3.0 if kind == "late" else 0.0, status=status, rate=rate)
    if fault is None:
        raise UsageError("this simulates nothing")
    return fault


def end_simulation(services: Services, session: LiveSession, cluster: str, fault: Fault) -> None:
    """When it expires; another one that was begun since stays."""
    if session.faults.get(cluster) is fault:
        del session.faults[cluster]
        services.sessions.keep(session)


def _session(request: web.Request) -> LiveSession:
    wanted = str(request[FORM].get("session", ""))
    own = request.app[SESSION_OF](request)
    return seen_sessions.find(request.app[SERVICES], wanted) if wanted and wanted != own.id else own


def _back(panel: str, session: LiveSession) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(f"{BOARD}?{urlencode({'panel': panel, 'for': session.id})}#clients")


def add_client_forms(app: web.Application) -> None:
    app.router.add_post("/_gateway/clients/pin", pin_form)
    app.router.add_post("/_gateway/clients/unpin", unpin_form)
    app.router.add_post("/_gateway/clients/simulate", simulate_form)
    app.router.add_post("/_gateway/clients/cors", cors_form)

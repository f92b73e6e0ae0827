"""The board: clusters by environments with what is wrong first, the last move, and what clients need to know. I/O."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from ..api.rechecks import RECHECKS
from ..errors import GatewayError
from ..routes.edit import places_of
from ..routes.history import environments_at, in_force_at, read_moment
from ..services import listing
from ..services.changes import can_undo
from ..services.gateways import gateways_line
from ..services.status import simulation_words
from ..web.keys import MOVES, SERVICES, SESSION_OF
from ..web.view import View, view
from .client_panel import client_panel
from .drift_pages import on_board

if TYPE_CHECKING:
    from ..protocols import LiveSession, Services

CLUSTERS: Final = 100  # on the board at once; a filter finds the others
RECENT: Final = 300  # of the newest calls of all, those among which the last ones of each server are looked for
LAST: Final = 20  # calls of one server that are counted
FEWEST: Final = 5  # of which a share says something
FAILING: Final = 0.2  # of them: the server is said to fail
LATELY: Final = 900.0  # seconds; older calls say nothing about now
NAMED: Final = 3  # sessions that are named where several are simulated or pinned


async def board(request: web.Request) -> View:
    services, session = request.app[SERVICES], request.app[SESSION_OF](request)
    moved = request.app[MOVES].last(services)
    named = request.query.get("q", "").strip()
    data = listing.routes_json(services, session, named=named, limit=CLUSTERS) | {
        "q": named,
        "total": len(services.routes.table.clusters),
        "session": listing.session_json(session),
        "rechecks": [one.as_json() for one in request.app[RECHECKS].results()],
        "moved": asdict(moved) if moved else None,
        "history": await listing.history(services, limit=5),
        "drift": await on_board(services),
        "as_of": await as_of(services, request.query.get("at", "").strip()),
        "gateways": await asyncio.to_thread(_gateways, services),
    }
    if request.path.endswith(".json"):
        return view(data)
    now = time.time()
    return view(
        data,
        now=now,
        undo=bool(moved and can_undo(moved, now)),
        health=health_line(data["items"], now),
        failing=await asyncio.to_thread(failing, services, now),
        simulated=simulated(services),
        pinned=pinned(services, session),
        drifted={one["cluster"] for one in data["rechecks"] if not one["good"]},
        lines=await asyncio.to_thread(_lines, services, [one["name"] for one in data["items"]]),
        panel=await client_panel(request),
    )


def _gateways(services: Services) -> str:
    """What the gateways of one database do otherwise than each other. Blocking."""
    try:
        return gateways_line(services.store.gateways())
    except GatewayError as error:
        return f"The other gateways are unknown: {error.message}"


async def as_of(services: Services, at: str) -> dict[str, Any] | None:
    """Where every cluster lived at an earlier moment; None when none was asked for."""
    if not at:
        return None
    found = await listing.revisions(services, limit=500)
    then = in_force_at(found, read_moment(at))
    return {
        "at": at,
        "in_force": listing.revision_json(then) if then else None,
        "environments": await asyncio.to_thread(environments_at, then) if then else {},
    }


def health_line(clusters: Sequence[Mapping[str, Any]], now: float) -> dict[str, Any]:
    """The worst news of the board in one line: a server that is down and lives, then any, then slow ones, else all."""
    cells = list(_cells(clusters))
    checked = [health["checked_at"] for _, _, health in cells if health["checked_at"]]
    counts = {state: sum(health["state"] == state for _, _, health in cells) for state in ("up", "down", "unknown")}
    line: dict[str, Any] = {
        **counts, "total": len(cells), "checked": max(checked, default=0.0), "worst": None, "more": 0, "now": now,
    }  # fmt: skip
    down = [(cluster, upstream, health) for cluster, upstream, health in cells if health["state"] == "down"]
    down.sort(key=lambda cell: not cell[1]["current"])
    if down:
        cluster, upstream, health = down[0]
        others = [
            one["environment"] for one in cluster["upstreams"] if not one["current"] and one["health"]["state"] == "up"
        ]
        line["worst"] = {
            "cluster": cluster["name"], "environment": upstream["environment"], "lives": upstream["current"],
            "since": health["since"], "detail": health["detail"], "others": others,
        }  # fmt: skip
        line["more"] = len(down) - 1
    return line


def failing(services: Services, now: float) -> dict[tuple[str, str], tuple[int, int]]:
    """By cell, (how many ended with 5xx, of how many): the last real calls of a server, where too many did. Blocking.

    Only what was recorded is counted, and of the newest calls alone: a server with few of them has no count.
    """
    calls: dict[tuple[str, str], list[bool]] = {}
    for one in services.store.latest(limit=RECENT).items:
        if one.mode not in ("live", "replay") or one.status is None or not one.cluster:
            continue
        if now - datetime.fromisoformat(one.started_at).timestamp() <= LATELY:
            calls.setdefault((one.cluster, one.environment), []).append(one.status >= 500)
    counts = {cell: (sum(bad[:LAST]), len(bad[:LAST])) for cell, bad in calls.items()}
    return {cell: (bad, all) for cell, (bad, all) in counts.items() if all >= FEWEST and bad >= FAILING * all}


def simulated(services: Services) -> dict[str, list[str]]:
    """By cluster, what is simulated for which session: "503 for ios-512"."""
    found: dict[str, list[str]] = {}
    for session in services.sessions.all():
        for cluster, fault in session.faults.items():
            found.setdefault(cluster, []).append(f"{simulation_words(fault)} for {session.id}")
    return {cluster: _few(lines) for cluster, lines in found.items()}


def pinned(services: Services, own: LiveSession) -> dict[tuple[str, str], str]:
    """By cell, who pins it: "pinned by this browser", "pinned by 2 sessions"."""
    now, found = time.time(), {}
    sessions: dict[tuple[str, str], list[LiveSession]] = {}
    for session in services.sessions.all():
        for cluster, pin in session.pins.items():
            if not pin.until or pin.until > now:
                sessions.setdefault((cluster, pin.environment), []).append(session)
    for cell, who in sessions.items():
        others = sum(one.id != own.id for one in who)
        words = ["this browser"] if others < len(who) else []
        words += [f"{others} session{'s' if others > 1 else ''}"] if others else []
        found[cell] = "pinned by " + " and ".join(words)
    return found


def _cells(
    clusters: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]]:
    for cluster in clusters:
        for upstream in cluster["upstreams"]:
            yield cluster, upstream, upstream["health"]


def _few(lines: list[str]) -> list[str]:
    return lines if len(lines) <= NAMED else [*lines[:NAMED], f"and {len(lines) - NAMED} more"]


def _lines(services: Services, names: Sequence[str]) -> dict[str, str]:
    """By cluster, the place that a move would change: "routes.yaml:17". Blocking."""
    places = places_of(services.routes.text, services.routes.file.name)
    return {name: "{}:{}".format(*places[name]) for name in names if name in places}

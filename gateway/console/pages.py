"""The console's pages: each is read once and shown as HTML or, under its .json twin, as JSON. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..api.audit import read_audit
from ..api.preflight import LOOKS
from ..diagrams.story import name_of
from ..errors import NotFoundError, UsageError
from ..model.json_shapes import exchange_json, recording_json
from ..replay.what_if_gallery import gallery
from ..routes.history import environments_at, in_force_at, read_moment
from ..services import changes, correlations, listing, seen_sessions, variants
from ..services.compare import elsewhere
from ..services.family_tree import family_tree
from ..services.lineage import lineage
from ..sessions.page_sessions import join_session
from ..web.access import is_viewer
from ..web.keys import LINKS, SERVICES, SESSION_OF, STEPPERS
from ..web.page_shell import rendered
from ..web.sign_in import access_json
from ..web.view import View, view
from . import diff_page, drift_pages, overview, replay_pages
from .board import board
from .body_view import readable_exchange
from .call_pane import json_view
from .client_panel import connect
from .compare import address_of, side_by_side
from .copy_as import copies
from .docs_pages import add_docs_pictures, docs
from .find import find
from .imports import import_report
from .lists import live, recordings
from .recording_pages import recording
from .what_if_editor import changed_lines, chip_groups, draft, edit_fields, fresh_values

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..protocols import Services
    from ..replay.what_if_gallery import GalleryWhatIf

NEIGHBOURS = 200  # steps of a recording that a gallery of what-ifs looks at
RELATIVES = 50  # recordings of a family that are explained on one page
MOST_MASKED = 500  # places of a redaction preview on one page


async def what_if(request: web.Request) -> View:
    """The what-if editor of one step: its request as fields, and the draft that the query describes."""
    services, table = request.app[SERVICES], request.app[SERVICES].routes.table
    found = await listing.recording(services, request.match_info["id"])
    number = changes.read_step(request.match_info["step"])
    page = await listing.exchanges(services, found.id, limit=1, cursor=str(number - 1))
    step = next((one for one in page.items if one.step == number), None)
    if step is None:
        raise NotFoundError(f"step {number} is not one of 1 to {found.steps}", where=found.id)
    fields = edit_fields(step.request)
    lines = changed_lines(fields, request.query)
    environment = request.query.get("env", "")
    cluster = table.clusters.get(step.cluster)
    asked = "preview" in request.query
    bound = await correlations.in_force(services, found.id) if asked else None
    data = {
        "recording": recording_json(found),
        "step": listing.row_json(step),
        "fields": [asdict(one) for one in fields],
        "environments": list(cluster.upstreams) if cluster else [],
        "environment": environment,
        "more": request.query.get("more", ""),
        "draft": asdict(draft(step.request, lines)) if asked else None,
        "fresh": [asdict(one) for one in fresh_values(bound, number, lines)] if bound else [],
        "goes_to": f"{step.cluster}@{environment or (cluster.environment if cluster else '?')}",
    }
    if request.path.endswith(".json"):
        return view(data)
    given = {name: value for name, value in request.query.items() if name.startswith(("e.", "u."))}
    ready = await asyncio.to_thread(_gallery, services, found.id, step)
    return view(data, given=given, groups=chip_groups(ready, number), name=name_of(step))


def _gallery(services: Services, id: str, step: Exchange) -> list[GalleryWhatIf]:
    """What is worth trying at a step."""
    cluster = services.routes.table.clusters.get(step.cluster)
    chain = services.store.exchanges(id, limit=NEIGHBOURS).items
    homes = tuple(cluster.upstreams) if cluster else ()
    return gallery(step, homes, chain=chain, foreign=elsewhere(services.store, step))


async def statistics(request: web.Request) -> View:
    return view(await overview.statistics(request))


async def settings(request: web.Request) -> View:
    return view(await overview.settings(request))


async def difference(request: web.Request) -> View:
    """Two recordings or steps side by side: ?a=REC&b=REC/STEP; for the page step, a row from 1, and part."""
    query, store = request.query, request.app[SERVICES].store
    a, b = query.get("a", "").strip(), query.get("b", "").strip()
    data: dict[str, Any] = {"a": a, "b": b, "outcome": "", "first": None, "steps": []}
    proposed = () if request.path.endswith(".json") else await asyncio.to_thread(diff_page.choices, store)
    unknown = {"stopped": None, "doubts": (), "choices": proposed} | diff_page.nothing()
    if not (a and b):
        return view(data, problem=None, **unknown)
    at, part = query.get("step", ""), query.get("part", "")
    try:
        shown, page = await asyncio.to_thread(diff_page.difference, store, a, b, step=at, part=part)
        return view(data | shown, problem=None, choices=proposed, **page, **replay_pages.stopped_at(request, a, b))
    except (UsageError, NotFoundError) as error:
        if request.path.endswith(".json"):
            raise
        return view(data, status=error.status, problem=error, **unknown)


async def looked(request: web.Request) -> View:
    """What the last look before a live run found."""
    found = await listing.recording(request.app[SERVICES], request.match_info["id"])
    return view({"recording": recording_json(found), "look": request.app[LOOKS].get(found.id)})


async def variants_page(request: web.Request) -> View:
    """A recording's replays and variants as a tree, side by side."""
    store, cursor = request.app[SERVICES].store, request.query.get("cursor")
    found = await listing.recording(request.app[SERVICES], request.match_info["id"])
    data = await asyncio.to_thread(variants.variants, store, found.id, limit=RELATIVES, cursor=cursor)
    if request.path.endswith(".json"):
        return view(data)
    tree = await asyncio.to_thread(family_tree, store, found.id, limit=RELATIVES, cursor=cursor)
    return view(data, title=found.title or found.id, tree=tree)


async def comparison(request: web.Request) -> View:
    """A recording beside runs of it elsewhere, or beside its variants: ?with=REC&with=REC."""
    ref, beside = request.match_info["id"], request.query.getall("with", [])
    data = await side_by_side(request.app[SERVICES], ref, beside)
    shown = [one["id"] for one in data["columns"]]
    without = {id: address_of(data["recording"]["id"], [one for one in shown if one != id]) for id in shown}
    return view(data, without=without)


async def stepwise(request: web.Request) -> View:
    """A replay that asks before every step."""
    found = request.app[STEPPERS].of(request.match_info["id"])
    return view(found.as_json(), title=await _title(request, found.of))


async def _title(request: web.Request, id: str) -> str:
    try:
        return (await listing.recording(request.app[SERVICES], id)).title or id
    except NotFoundError:  # deleted meanwhile
        return id


async def exchange(request: web.Request) -> View:
    services = request.app[SERVICES]
    found = await listing.exchange(services, request.match_info["id"])
    data = exchange_json(found) | {"pieces": await listing.pieces(services, found)}
    if request.path.endswith(".json"):
        return view(data)
    parent = await listing.recording(services, found.recording)
    sent_again = await asyncio.to_thread(copies, parent, found)
    near = await listing.exchanges(services, parent.id, limit=3, cursor=str(found.step - 2) if found.step > 2 else None)
    return view(
        {"exchange": data},
        recording=recording_json(parent),
        shown=await asyncio.to_thread(readable_exchange, found),
        lines=await asyncio.to_thread(_json_lines, found, "all" in request.query),
        copies=sent_again,
        lineage=await lineage(services, parent, found),
        reason=listing.row_json(found)["reason"],
        played=listing.played(found),
        beside={one.step - found.step: one.id for one in near.items},
        drift=await drift_pages.of_step(services, parent.id, found.step),
    )


def _json_lines(found: Exchange, whole: bool) -> dict[str, Any]:
    """The bodies that are JSON, as lines."""
    messages = {"request": found.request, "response": found.response}
    return {name: json_view(one, whole=whole) if one else None for name, one in messages.items()}


async def history(request: web.Request) -> View:
    """Who moved what and when; with ?at=, where everything lived then."""
    services, at = request.app[SERVICES], request.query.get("at", "").strip()
    found = await listing.revisions(services, limit=500)
    data: dict[str, Any] = {
        "at": at,
        "items": [listing.revision_json(one) for one in found],
        "next": None,
        "in_force": None,
        "environments": {},
    }
    if at and (then := in_force_at(found, read_moment(at))):
        environments = await asyncio.to_thread(environments_at, then)
        data |= {"in_force": listing.revision_json(then), "environments": environments}
    return view(data)


async def audit(request: web.Request) -> View:
    """Who moved, deleted or unmasked what."""
    return view({"q": request.query.get("q", "")} | await read_audit(request))


async def redaction(request: web.Request) -> View:
    """What today's rules would mask of what is stored: where, by which rule, and what stands there then."""
    services = request.app[SERVICES]
    found = await listing.recording(services, request.match_info["id"])
    masked = await asyncio.to_thread(services.would_mask, found.id)
    items = [{"step": step, **asdict(one)} for step, one in masked[:MOST_MASKED]]
    return view({"recording": {"id": found.id, "title": found.title}, "items": items, "found": len(masked)})


async def access(request: web.Request) -> View:
    """Who may use the console, and who is signed in."""
    return view(access_json(request))


async def pin(request: web.Request) -> View:
    """The link /_gateway/pin?orders=qa&ttl=2h.

    A GET changes nothing when another site may have made it, so the page asks first: the reader must press the
    button. Without asking: a reader's own click or typed address (Sec-Fetch-Site: same-origin or none), and an API
    client that names its session in a header, which no other site can make a browser send.
    """
    services, session = request.app[SERVICES], request.app[SESSION_OF](request)
    token = request.query.get("token", "")
    if token:
        return _pin_by_link(request, token)
    pins = {name: value for name, value in request.query.items() if name != "ttl"}
    ttl = request.query.get("ttl", "")
    seconds = changes.read_ttl(ttl)
    changes.check_pins(services, pins)
    asked_here = session.named or request.headers.get("Sec-Fetch-Site") in ("same-origin", "none")
    done = bool(pins) and asked_here and not (session.named and is_viewer(request))
    if done and request.method == "GET":
        changes.pin(services, session, pins, ttl=seconds)
    data = {"pins": pins, "ttl": ttl, "done": done, "token": "", "session": listing.session_json(session)}
    return view(data)


def _pin_by_link(request: web.Request, token: str) -> View:
    """/_gateway/pin?token=...: pins of another session, by a link that is good once."""
    services, link = request.app[SERVICES], request.app[LINKS].look(token)
    session = seen_sessions.find(services, link.session)
    done = _asked_here(request)
    if done and request.method == "GET":
        request.app[LINKS].use(token)
        changes.pin(services, session, link.pins, ttl=changes.read_ttl(link.ttl))
    about = {"pins": link.pins, "ttl": link.ttl, "done": done, "token": token}
    return view(about | {"session": listing.session_json(session)})


async def join(request: web.Request) -> View:
    """/_gateway/join?token=...: this browser takes part in a session, by a link that is good once.

    As with a pin, a link that another site leads to asks first.
    """
    token = request.query.get("token", "")
    session = seen_sessions.find(request.app[SERVICES], request.app[LINKS].look(token).session)
    done = _asked_here(request) and request.method == "GET"
    if done:
        request.app[LINKS].use(token)
        join_session(request, session)
    return view({"id": session.id, "token": token, "done": done})


async def sessions(request: web.Request) -> View:
    """Sessions seen lately."""
    items = await seen_sessions.seen(request.app[SERVICES], request.app[SESSION_OF](request))
    return view({"items": items, "made": ""})


def _asked_here(request: web.Request) -> bool:
    """A reader's own click or typed address, or one that was scanned."""
    return request.headers.get("Sec-Fetch-Site") in ("same-origin", "none")


Read = Callable[[web.Request], Awaitable[View]]

# (path, its .json twin, template, what it reads)
PAGES: tuple[tuple[str, tuple[str, ...], str, Read], ...] = (
    ("/_gateway/", ("/_gateway/board.json", "/_gateway/index.json"), "board.html", board),
    ("/_gateway/live", ("/_gateway/live.json",), "live.html", live),
    ("/_gateway/recordings", ("/_gateway/recordings.json",), "recordings.html", recordings),
    ("/_gateway/imports/{id}", ("/_gateway/imports/{id}.json",), "import.html", import_report),
    (
        "/_gateway/recordings/{id}/preflight", ("/_gateway/recordings/{id}/preflight.json",), "preflight.html",
        looked,
    ),
    ("/_gateway/recordings/{id}/redact", ("/_gateway/recordings/{id}/redact.json",), "redact.html", redaction),
    (
        "/_gateway/recordings/{id}/variants", ("/_gateway/recordings/{id}/variants.json",), "variants.html",
        variants_page,
    ),
    ("/_gateway/recordings/{id}/compare", ("/_gateway/recordings/{id}/compare.json",), "compare.html", comparison),
    (
        "/_gateway/recordings/{id}/what-if/{step}", ("/_gateway/recordings/{id}/what-if/{step}.json",), "whatif.html",
        what_if,
    ),
    ("/_gateway/recordings/{id}", ("/_gateway/recordings/{id}.json",), "recording.html", recording),
    ("/_gateway/exchanges/{id}", ("/_gateway/exchanges/{id}.json",), "exchange.html", exchange),
    ("/_gateway/diff", ("/_gateway/diff.json",), "diff.html", difference),
    ("/_gateway/replays/{id}", ("/_gateway/replays/{id}.json",), "stepwise.html", stepwise),
    ("/_gateway/statistics", ("/_gateway/statistics.json",), "statistics.html", statistics),
    ("/_gateway/settings", ("/_gateway/settings.json",), "settings.html", settings),
    ("/_gateway/history", ("/_gateway/history.json",), "history.html", history),
    ("/_gateway/audit", ("/_gateway/audit.json",), "audit.html", audit),
    *drift_pages.PAGES,
    ("/_gateway/access", ("/_gateway/access.json",), "access.html", access),
    ("/_gateway/pin", ("/_gateway/pin.json",), "pin.html", pin),
    ("/_gateway/join", (), "join.html", join),
    ("/_gateway/connect", ("/_gateway/connect.json",), "connect.html", connect),
    ("/_gateway/find", ("/_gateway/find.json",), "find.html", find),
    ("/_gateway/sessions", ("/_gateway/sessions.json",), "sessions.html", sessions),
    ("/_gateway/docs", (), "docs.html", docs),
    ("/_gateway/docs/{name}", (), "docs.html", docs),
)  # fmt: skip


def add_pages(app: web.Application) -> None:
    """Twins go first: {id} would match "x.json" as well."""
    for path, twins, template, read in PAGES:
        for twin in twins:
            app.router.add_get(twin, _as_json(read))
        app.router.add_get(path, _as_page(read, template))
    add_docs_pictures(app)
    app.router.add_get("/_gateway", _to_board)


def _as_json(read: Read) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def twin(request: web.Request) -> web.Response:
        found = await read(request)
        return web.json_response(found.data, status=found.status)

    return twin


def _as_page(read: Read, template: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def page(request: web.Request) -> web.Response:
        found = await read(request)
        context = {**found.data, **found.extra}
        return await rendered(request, f"console/{found.template or template}", context, status=found.status)

    return page


async def _to_board(request: web.Request) -> web.Response:
    raise web.HTTPSeeOther("/_gateway/")

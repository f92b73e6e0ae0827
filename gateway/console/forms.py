"""What the pages' forms do: every one is a POST with the session's token, and leads to a page of ours. I/O."""

from __future__ import annotations

from collections import OrderedDict
from urllib.parse import quote

from aiohttp import web

from ..correlation import Verdicts
from ..services import changes, correlations, sealing, seen_sessions
from ..services.audit_log import note
from ..sessions.page_sessions import join_session
from ..web.access import who_of
from ..web.guard import form_text
from ..web.keys import FORM, LINKS, MOVES, SERVICES, SESSION_OF
from ..web.page_shell import rendered
from ..web.sign_in import local
from ..web.uploads import IMPORT
from . import drift_pages, saved_filters
from .client_panel import add_client_forms
from .compare import compare_form
from .imports import REPORTS, import_form
from .playback_forms import add_playing_forms
from .replay_pages import add_replay_forms

BOARD = "/_gateway/"


async def move(request: web.Request) -> web.Response:
    """Fields cluster and environment, or to = cluster=environment; why; undo, where it takes the last move back."""
    services = request.app[SERVICES]
    if "to" in request[FORM]:
        cluster, _, environment = form_text(request, "to").partition("=")
    else:
        cluster, environment = form_text(request, "cluster"), form_text(request, "environment")
    why = form_text(request, "why") if "why" in request[FORM] else ""
    moved = await changes.move(
        services, cluster, environment, source="console", who=who_of(request), why=why,
        is_undo="undo" in request[FORM],
    )  # fmt: skip
    request.app[MOVES].remember(moved)
    raise web.HTTPSeeOther(BOARD)


async def check(request: web.Request) -> web.Response:
    """Ask every server now whether it is up."""
    await request.app[SERVICES].health.check()
    raise web.HTTPSeeOther(BOARD)


async def pin(request: web.Request) -> web.Response:
    """Fields pin.CLUSTER = environment, or cluster and environment; ttl."""
    services, session = request.app[SERVICES], request.app[SESSION_OF](request)
    if "token" in request[FORM]:
        link = request.app[LINKS].use(form_text(request, "token"))
        other = seen_sessions.find(services, link.session)
        changes.pin(services, other, link.pins, ttl=changes.read_ttl(link.ttl))
        raise web.HTTPSeeOther(BOARD)
    pins = {name[4:]: str(value) for name, value in request[FORM].items() if name.startswith("pin.")}
    if "cluster" in request[FORM]:
        pins[form_text(request, "cluster")] = form_text(request, "environment")
    changes.pin(services, session, pins, ttl=changes.read_ttl(str(request[FORM].get("ttl", ""))))
    raise web.HTTPSeeOther(_pins(request))


async def join(request: web.Request) -> web.Response:
    """Field token, of a link."""
    link = request.app[LINKS].use(form_text(request, "token"))
    join_session(request, seen_sessions.find(request.app[SERVICES], link.session))
    raise web.HTTPSeeOther("/")


async def join_listed(request: web.Request) -> web.Response:
    """Field session: an operator's choice from the list."""
    session = seen_sessions.find(request.app[SERVICES], form_text(request, "session"))
    note(request.app[SERVICES], "join", session.id, "", who=who_of(request), source="console")
    join_session(request, session)
    raise web.HTTPSeeOther("/_gateway/sessions")


async def make_link(request: web.Request) -> web.Response:
    """Field session. It answers with a page: the link is shown only now."""
    services = request.app[SERVICES]
    session = seen_sessions.find(services, form_text(request, "session"))
    token = request.app[LINKS].make(session)
    note(services, "link", session.id, "join", who=who_of(request), source="console")
    made = f"{request.scheme}://{request.host}/_gateway/join?token={quote(token)}"
    items = await seen_sessions.seen(services, request.app[SESSION_OF](request))
    return await rendered(request, "console/sessions.html", {"items": items, "made": made})


async def unpin(request: web.Request) -> web.Response:
    request.app[SERVICES].sessions.unpin(request.app[SESSION_OF](request), form_text(request, "cluster"))
    raise web.HTTPSeeOther(_pins(request))


def _pins(request: web.Request) -> str:
    """The board, with the panel in which the form stood."""
    return f"{BOARD}?panel=pin#clients" if "panel" in request[FORM] else BOARD


async def start_recording(request: web.Request) -> web.Response:
    services, session = request.app[SERVICES], request.app[SESSION_OF](request)
    services.sessions.start_recording(session, form_text(request, "title").strip())
    raise web.HTTPSeeOther(BOARD)


async def stop_recording(request: web.Request) -> web.Response:
    """The session's recording grows no more; its next call begins another. Field next: the page to go back to."""
    services, session = request.app[SERVICES], request.app[SESSION_OF](request)
    if session.steps:
        services.sessions.start_recording(session)
    raise web.HTTPSeeOther(local(form_text(request, "next")) or BOARD)


async def annotate(request: web.Request) -> web.Response:
    """Any of title, note, tags (separated by commas), pinned; step for a note on one step, and exchange, which is then
    the page that is shown; tab of the form, if it is not the first.
    """
    form = request[FORM]
    id = await changes.annotate(
        request.app[SERVICES],
        request.match_info["id"],
        step=changes.read_step(form_text(request, "step")) if "step" in form else None,
        title=form_text(request, "title").strip() if "title" in form else None,
        note=form_text(request, "note") if "note" in form else None,
        tags=form_text(request, "tags").split(",") if "tags" in form else (),
        pinned=form_text(request, "pinned") == "yes" if "pinned" in form else None,
    )
    if "exchange" in form:
        raise web.HTTPSeeOther(f"/_gateway/exchanges/{quote(form_text(request, 'exchange'), safe='')}")
    tab = "?tab=export" if form.get("tab") == "export" else ""
    raise web.HTTPSeeOther(f"/_gateway/recordings/{quote(id, safe='')}{tab}")


async def decide_correlations(request: web.Request) -> web.Response:
    """Any of accept, reject and forget (ids, separated by spaces), declare (a binding), yaml, second (a recording)."""
    form = request[FORM]
    said = {name: tuple(form_text(request, name).split()) for name in ("accept", "reject", "forget") if name in form}
    if "declare" in form:
        said["declare"] = (form_text(request, "declare").strip(),)
    more = {name: form_text(request, name).strip() for name in ("yaml", "second") if name in form}
    id = await correlations.decide(request.app[SERVICES], request.match_info["id"], Verdicts(**said), **more)
    raise web.HTTPSeeOther(f"/_gateway/recordings/{quote(id, safe='')}?values=all#values")


async def delete(request: web.Request) -> web.Response:
    await changes.delete(request.app[SERVICES], request.match_info["id"], source="console", who=who_of(request))
    raise web.HTTPSeeOther("/_gateway/recordings")


async def seal(request: web.Request) -> web.Response:
    """By the rules in force; the preview tells which."""
    id, _ = await sealing.seal(
        request.app[SERVICES], request.match_info["id"], None, source="console", who=who_of(request)
    )
    raise web.HTTPSeeOther(f"/_gateway/recordings/{quote(id, safe='')}/redact")


async def reveal(request: web.Request) -> web.Response:
    """The one form that answers with a page: what it shows must not have an address."""
    found, secrets = await sealing.reveal(
        request.app[SERVICES],
        request.match_info["id"],
        (),
        form_text(request, "why"),
        source="console",
        who=who_of(request),
    )
    shown = {"exchange": found.id, "recording": found.recording, "step": found.step, "secrets": secrets}
    return await rendered(request, "console/reveal.html", shown)


def add_forms(app: web.Application) -> None:
    app.router.add_post("/_gateway/move", move)
    app.router.add_post("/_gateway/check", check)
    app.router.add_post("/_gateway/drift/{id}", drift_pages.decide)
    app.router.add_post(IMPORT, import_form)
    app[REPORTS] = OrderedDict()
    app.router.add_post("/_gateway/filters", saved_filters.save)
    app.router.add_post("/_gateway/pin", pin)
    app.router.add_post("/_gateway/unpin", unpin)
    app.router.add_post("/_gateway/join", join)
    app.router.add_post("/_gateway/sessions/join", join_listed)
    app.router.add_post("/_gateway/sessions/link", make_link)
    app.router.add_post("/_gateway/session/recording", start_recording)
    app.router.add_post("/_gateway/session/recording/stop", stop_recording)
    add_client_forms(app)
    add_playing_forms(app)
    app.router.add_post("/_gateway/recordings/{id}", annotate)
    app.router.add_post("/_gateway/recordings/{id}/compare", compare_form)
    app.router.add_post("/_gateway/recordings/{id}/correlations", decide_correlations)
    app.router.add_post("/_gateway/recordings/{id}/delete", delete)
    app.router.add_post("/_gateway/recordings/{id}/redact", seal)
    app.router.add_post("/_gateway/exchanges/{id}/reveal", reveal)
    add_replay_forms(app)

"""What the pages say and do about replays and what-ifs: a recording's family, why steps failed, differences. I/O."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from aiohttp import web

from ..api.operation import checked_body
from ..api.replay import BRANCH
from ..api.replay_runs import start
from ..correlation import correlate
from ..errors import NotFoundError, UsageError
from ..model.filter import quoted
from ..model.json_shapes import recording_json
from ..replay.branch import read_set, read_unset
from ..replay.compare import compare_runs, comparison_json
from ..replay.error_card import Card, card, card_json, sibling
from ..replay.plan import ReplayOptions
from ..replay.report import ReplayResult, difference_line
from ..replay.what_if_gallery import gallery
from ..services import listing
from ..services.compare import compared, elsewhere
from ..services.diagrams import both
from ..services.replay import all_steps, replay
from ..services.replay_request import branch_order, publishing
from ..services.replay_run import ReplayOrder
from ..services.stepwise_replay import Stepping
from ..web.guard import form_text
from ..web.keys import FORM, SERVICES, STEPPERS

if TYPE_CHECKING:
    from markupsafe import Markup

    from ..model.exchange import Exchange
    from ..model.recording import Recording
    from ..protocols import Services, Store

FAMILY: Final = 100  # replays and variants that a page lists
GALLERIES: Final = 20  # steps for which it offers ready what-ifs
CARDS: Final = 10  # failing steps that a page explains
FOLLOWED: Final = 200  # steps of a recording that is compared with the one that it comes from


async def around(services: Services, recording: Recording, steps: Sequence[Exchange]) -> dict[str, Any]:
    """What the page of a recording shows of its replays and variants, and why steps of it failed."""
    clusters = services.routes.table.clusters
    homes = {name: tuple(cluster.upstreams) for name, cluster in clusters.items()}
    return {
        "galleries": await asyncio.to_thread(galleries, services.store, steps, homes),
        "family": await asyncio.to_thread(_family, services.store, recording.id),
        "cards": await asyncio.to_thread(_cards, services.store, recording, steps),
        "homes": {
            name: known
            for name, known in homes.items()
            if any(place.partition("@")[0] == name for place in recording.clusters)
        },
    }


def galleries(store: Store, steps: Sequence[Exchange], homes: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Ready what-ifs by step, each with the value that its form sends. Blocking."""
    found = []
    foreign: dict[tuple[str, str, str], list[Exchange]] = {}  # asked for once, not for every step
    for step in steps[:GALLERIES]:
        alike = (step.cluster, step.environment, step.method)
        if alike not in foreign:
            foreign[alike] = elsewhere(store, step)
        ready = gallery(step, homes.get(step.cluster, ()), chain=steps, foreign=foreign[alike])
        items = [{"title": one.title, "value": json.dumps([step.step, dict(one.body)])} for one in ready]
        found.append({"step": step.step, "label": f"{step.step} {step.method} {step.path}"[:80], "items": items})
    return found


def _family(store: Store, recording: str) -> list[dict[str, Any]]:
    found = store.recordings(f"parent:{quoted(recording)}", limit=FAMILY)
    return [recording_json(one) for one in found.items]


def _cards(store: Store, recording: Recording, steps: Sequence[Exchange]) -> list[dict[str, Any]]:
    """A card for every failing step that ended well in the parent, or has a successful sibling here."""
    failing = [step for step in steps if (step.status or 0) >= 400][:CARDS]
    if not failing:
        return []
    parents = _against_parent(store, recording, steps)
    found = []
    for step in failing:
        near = sibling(step, steps)
        sooner = [[one for one in steps if one.step < each.step] for each in (step, near or step)]
        why = parents.get(step.id) or (card(step, near, before=(sooner[0], sooner[1])) if near else None)
        if why:
            found.append(card_json(why) | {"step": step.step, "method": step.method, "path": step.path})
    return found


def _against_parent(store: Store, recording: Recording, steps: Sequence[Exchange]) -> dict[str, Card]:
    """By exchange: why a step failed that ended well in the recording that this one comes from."""
    if not recording.parent or not recording.steps <= FOLLOWED:
        return {}
    before = _steps_of(store, recording.parent)
    if not before:
        return {}
    correlations = correlate(before, store.decisions(recording.parent))
    pairs = compare_runs(recording.parent, recording.id, before, steps, correlations).steps
    return {pair.replayed.id: pair.card for pair in pairs if pair.card and pair.replayed}


def _steps_of(store: Store, recording: str) -> list[Exchange]:
    try:
        return all_steps(store, store.recording(recording).id)
    except NotFoundError:  # the parent was deleted
        return []


async def difference(services: Services, a: str, b: str) -> tuple[dict[str, Any], Markup]:
    """Two recordings or steps side by side, with a line of words for every difference, and the picture of both."""
    return await asyncio.to_thread(_difference, services.store, a, b)


def _difference(store: Store, a: str, b: str) -> tuple[dict[str, Any], Markup]:
    found = compared(store, a, b)
    shown = comparison_json(found)
    for pair, step in zip(found.steps, shown["steps"], strict=True):
        step["exchanges"] = [None if one is None else one.id for one in (pair.recorded, pair.replayed)]
        for one in step["differences"]:
            one["line"] = difference_line(one)
    return shown, both(store, found)


# -- forms


async def replay_form(request: web.Request) -> web.Response:
    """Fields to.CLUSTER = environment, yes; leads to the differences."""
    services = request.app[SERVICES]
    found = await listing.recording(services, request.match_info["id"])
    order = ReplayOrder(found.id, ReplayOptions(to=_chosen(request)), yes="yes" in request[FORM])
    raise web.HTTPSeeOther(_place(found.id, await _run(services, order, found.steps)))


async def steps_form(request: web.Request) -> web.Response:
    """The same fields, and it waits before every step: leads to the page on which it goes on."""
    services = request.app[SERVICES]
    found = await listing.recording(services, request.match_info["id"])
    order = ReplayOrder(found.id, ReplayOptions(to=_chosen(request)), yes="yes" in request[FORM])
    stepping = Stepping(found.id, found.steps)
    request.app[STEPPERS].add(stepping)
    start(request.app, order, stepping)
    await stepping.settled()
    raise web.HTTPSeeOther(f"/_gateway/replays/{stepping.token}")


async def word_form(request: web.Request) -> web.Response:
    """Fields do, edits, until: what a stepwise replay shall do next."""
    stepping = request.app[STEPPERS].of(request.match_info["id"])
    form = request[FORM]
    until = _number(request, "until") if str(form.get("until", "")).strip() else 0
    lines = _lines(request, "edits")
    edits = [read_unset(line[1:]) if line.startswith("-") else read_set(line) for line in lines]
    stepping.say(form_text(request, "do"), edits=edits, until=until)
    await stepping.settled()
    raise web.HTTPSeeOther(f"/_gateway/replays/{stepping.token}")


async def branch_form(request: web.Request) -> web.Response:
    """Fields step, edits (PLACE=VALUE, or -PLACE to take it away, one a line), to.CLUSTER for that step, delay, status,
    alter (like edits, of the response), repeat, swap, yes. Or ready: a what-if of the gallery.
    """
    services = request.app[SERVICES]
    found = await listing.recording(services, request.match_info["id"])
    body = _ready(request) if "ready" in request[FORM] else _written(request)
    order = branch_order(found, body | {"yes": "yes" in request[FORM]})
    raise web.HTTPSeeOther(_place(found.id, await _run(services, order, found.steps)))


async def _run(services: Services, order: ReplayOrder, total: int) -> ReplayResult:
    """The page from which it was started is told how far it is."""
    return await replay(services, order, seen=publishing(services, order, total))


def _written(request: web.Request) -> dict[str, Any]:
    """What somebody wrote into the form, as the API's branch call takes it."""
    form = request[FORM]
    edits, alter = _lines(request, "edits"), _lines(request, "alter")
    body: dict[str, Any] = {
        "step": _number(request, "step"),
        "set": [line for line in edits if not line.startswith("-")],
        "unset": [line[1:] for line in edits if line.startswith("-")],
        "alter": [line for line in alter if not line.startswith("-")],
        "drop": [line[1:] for line in alter if line.startswith("-")],
        "env": [f"{cluster}={name}" for cluster, name in _chosen(request).items()],
        "repeat": "repeat" in form,
    }
    body |= {name: _number(request, name) for name in ("status", "swap") if str(form.get(name, "")).strip()}
    return body | ({"delay": _seconds(request)} if str(form.get("delay", "")).strip() else {})


def _lines(request: web.Request, name: str) -> list[str]:
    text = form_text(request, name) if name in request[FORM] else ""
    return [line.strip() for line in text.splitlines() if line.strip()]


def _number(request: web.Request, name: str) -> int:
    text = form_text(request, name).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UsageError(f"{text[:40]!r} is not the number of a {'step' if name != 'status' else 'status'}")
    return int(text)


def _seconds(request: web.Request) -> float:
    text = form_text(request, "delay").strip()
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{text[:40]!r} is not a number of seconds", where="delay") from None


def _ready(request: web.Request) -> dict[str, Any]:
    """The same, of the gallery."""
    try:
        step, body = json.loads(form_text(request, "ready"))
        return checked_body({**body, "step": step}, BRANCH)
    except (ValueError, TypeError):
        raise UsageError("this is no what-if of the gallery", hint="choose one of the list") from None


def _chosen(request: web.Request) -> Mapping[str, str]:
    return {name[3:]: str(value) for name, value in request[FORM].items() if name.startswith("to.") and value}


def _place(recording: str, result: ReplayResult) -> str:
    """The page of the differences; UsageError when the write guard let nothing pass."""
    if result.recording:
        return "/_gateway/diff?" + urlencode({"a": recording, "b": result.recording})
    why = next((step.message for step in result.steps if step.outcome == "stopped"), "nothing was sent")
    raise UsageError(why.partition("; --")[0], hint="tick “let writes pass” to send it; what says never is never sent")


def add_replay_forms(app: web.Application) -> None:
    app.router.add_post("/_gateway/recordings/{id}/replay", replay_form)
    app.router.add_post("/_gateway/recordings/{id}/steps", steps_form)
    app.router.add_post("/_gateway/replays/{id}", word_form)
    app.router.add_post("/_gateway/recordings/{id}/branch", branch_form)

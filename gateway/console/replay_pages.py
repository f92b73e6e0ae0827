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
from ..correlation import Verdicts
from ..errors import NotFoundError, UsageError
from ..replay.branch import read_set, read_unset
from ..replay.plan import ReplayOptions
from ..replay.report import ReplayResult
from ..replay.what_if_gallery import gallery
from ..services import correlations, listing
from ..services.compare import elsewhere
from ..services.replay import replay
from ..services.replay_request import branch_order, publishing, replay_order
from ..services.replay_run import ReplayOrder
from ..services.stepwise_replay import Stepping, StoppedReplay
from ..web.guard import form_text
from ..web.keys import FORM, SERVICES, STEPPERS, STOPPED

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..model.recording import Recording
    from ..protocols import Services, Store
    from ..replay.stale_values import Doubt

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


def stopped_at(request: web.Request, a: str, b: str) -> dict[str, Any]:
    """What the page of the differences shows where the second one is a replay of the first that stopped."""
    found = request.app[STOPPED].of(b)
    if found is None or found.result.of != a:
        return {"stopped": None, "doubts": ()}
    step = next(one for one in found.result.steps if one.outcome == "stopped")
    return {"stopped": step, "doubts": doubts_of(found.result)}


# -- forms


async def replay_form(request: web.Request) -> web.Response:
    """Fields to.CLUSTER = environment, yes; leads to the differences."""
    found = await listing.recording(request.app[SERVICES], request.match_info["id"])
    to = [f"{cluster}={name}" for cluster, name in _chosen(request).items()]
    return await _replayed(request, found, {"to": to, "yes": "yes" in request[FORM]})


async def decide_form(request: web.Request) -> web.Response:
    """What was decided about a replay that stopped; it is sent again so, and leads to the differences.

    Fields replay (its id); for each doubt, by its number from 0: decision.N (now, recorded or own) and own.N; fresh,
    names of inputs, one a line; keep: bindings hold for later replays, too.
    """
    services, form = request.app[SERVICES], request[FORM]
    found = await listing.recording(services, request.match_info["id"])
    stopped = request.app[STOPPED].of(form_text(request, "replay"))
    if stopped is None or stopped.result.of != found.id:
        raise NotFoundError("nobody is asked for a decision there", hint="replay the recording again")
    body = decided(stopped, {name: str(value) for name, value in form.items()})
    if "keep" in form and (body.get("accept") or body.get("declare")):
        verdicts = Verdicts(accept=tuple(body.get("accept", ())), declare=tuple(body.get("declare", ())))
        await correlations.decide(services, found.id, verdicts)
    return await _replayed(request, found, body)


def decided(stopped: StoppedReplay, fields: Mapping[str, str]) -> dict[str, Any]:
    """The body of the replay that follows: as the stopped one was asked for, with what was decided."""
    body = {name: list(value) if isinstance(value, list) else value for name, value in stopped.body.items()}
    for number, doubt in enumerate(doubts_of(stopped.result)):
        match fields.get(f"decision.{number}", ""):
            case "now" if doubt.accept:
                body.setdefault("accept", []).append(doubt.accept)
            case "now" if doubt.declare:
                body.setdefault("declare", []).append(doubt.declare)
            case "own":
                value = fields.get(f"own.{number}", "")
                place = doubt.at.partition(":")[2].partition("[")[0]
                body.setdefault("set", []).append(f"{doubt.step}:{place}={value}")
            case "recorded":
                body.setdefault("yes_to", []).append(doubt.step)
            case _:
                raise UsageError(f"nothing is decided about {doubt.place} of step {doubt.step}", where="decision")
    names = [line.strip() for line in fields.get("fresh", "").splitlines() if line.strip()]
    return body | ({"fresh": [*body.get("fresh", ()), *names]} if names else {})


def doubts_of(result: ReplayResult) -> tuple[Doubt, ...]:
    """What somebody has to decide on, in the order in which a form numbers it."""
    return tuple(doubt for step in result.steps for doubt in step.doubts)


async def _replayed(request: web.Request, found: Recording, body: dict[str, Any]) -> web.Response:
    """Replay it as a body of the API's call says, and go to what differs."""
    services = request.app[SERVICES]
    order = await asyncio.to_thread(replay_order, services, found.id, body)
    result = await _run(services, order, found.steps)
    request.app[STOPPED].add(body, result)
    raise web.HTTPSeeOther(_place(found.id, result))


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
    """The page from which it was started shows its progress."""
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
    raise UsageError(why.partition("; --")[0], hint="tick “Allow writes” to send it; what says never is never sent")


def add_replay_forms(app: web.Application) -> None:
    app.router.add_post("/_gateway/recordings/{id}/replay", replay_form)
    app.router.add_post("/_gateway/recordings/{id}/decide", decide_form)
    app.router.add_post("/_gateway/recordings/{id}/steps", steps_form)
    app.router.add_post("/_gateway/replays/{id}", word_form)
    app.router.add_post("/_gateway/recordings/{id}/branch", branch_form)

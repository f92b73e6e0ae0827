"""What the pages say and do about replays and what-ifs: a recording's family, why steps failed, differences. I/O."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from aiohttp import web

from ..errors import NotFoundError, UsageError
from ..model.as_json import recording_json
from ..model.filter import quoted
from ..replay.branch import read_set, read_unset
from ..replay.card import card, card_json, sibling
from ..replay.gallery import gallery
from ..replay.plan import Wanted
from ..replay.report import Result, difference_line
from ..replay.runs import comparison_json
from ..replayer import Order, all_steps, replay
from . import reads
from .api_replay import compared, environments
from .guard import form_text
from .keys import FORM, SERVICES

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..model.recording import Recording
    from ..protocols import Services, Store

FAMILY: Final = 100  # replays and variants that a page lists
GALLERIES: Final = 20  # steps for which it offers ready what-ifs
CARDS: Final = 10  # failing steps that a page explains


async def around(services: Services, recording: Recording, steps: Sequence[Exchange]) -> dict[str, Any]:
    """What the page of a recording shows of its replays and variants, and why steps of it failed."""
    clusters = services.routes.table.clusters
    homes = {name: tuple(cluster.upstreams) for name, cluster in clusters.items()}
    return {
        "galleries": _galleries(steps, homes),
        "family": await asyncio.to_thread(_family, services.store, recording.id),
        "cards": await asyncio.to_thread(_cards, services.store, recording, steps),
        "homes": {
            name: known
            for name, known in homes.items()
            if any(place.partition("@")[0] == name for place in recording.clusters)
        },
    }


def _galleries(steps: Sequence[Exchange], homes: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Ready what-ifs by step, each with the value that its form sends."""
    return [
        {
            "step": step.step,
            "label": f"{step.step} {step.method} {step.path}"[:80],
            "items": [
                {"title": one.title, "value": json.dumps([step.step, list(one.edits), one.env])}
                for one in gallery(step, homes.get(step.cluster, ()))
            ],
        }
        for step in steps[:GALLERIES]
    ]


def _family(store: Store, recording: str) -> list[dict[str, Any]]:
    found = store.recordings(f"parent:{quoted(recording)}", limit=FAMILY)
    return [recording_json(one) for one in found.items]


def _cards(store: Store, recording: Recording, steps: Sequence[Exchange]) -> list[dict[str, Any]]:
    """A card for every failing step that has a successful sibling, in this recording or in its parent."""
    failing = [step for step in steps if (step.status or 0) >= 400][:CARDS]
    if not failing:
        return []
    others = list(steps) + (_steps_of(store, recording.parent) if recording.parent else [])
    found = []
    for step in failing:
        near = sibling(step, others)
        if near is not None and (why := card(step, near)):
            found.append(card_json(why) | {"step": step.step, "method": step.method, "path": step.path})
    return found


def _steps_of(store: Store, recording: str) -> list[Exchange]:
    try:
        return all_steps(store, store.recording(recording).id)
    except NotFoundError:  # the parent was deleted
        return []


async def difference(services: Services, a: str, b: str) -> dict[str, Any]:
    """Two recordings or steps side by side, with a line of words for every difference."""
    return await asyncio.to_thread(_difference, services.store, a, b)


def _difference(store: Store, a: str, b: str) -> dict[str, Any]:
    found = compared(store, a, b)
    shown = comparison_json(found)
    for pair, step in zip(found.steps, shown["steps"], strict=True):
        why = None
        if pair.recorded is not None and pair.replayed is not None:
            why = card(pair.replayed, pair.recorded) or card(pair.recorded, pair.replayed)
        step["card"] = card_json(why) if why else None
        step["exchanges"] = [None if one is None else one.id for one in (pair.recorded, pair.replayed)]
        for one in step["differences"]:
            one["line"] = difference_line(one)
    return shown


# -- forms


async def replay_form(request: web.Request) -> web.Response:
    """Fields to.CLUSTER = environment, yes; leads to the differences."""
    services = request.app[SERVICES]
    found = await reads.recording(services, request.match_info["id"])
    order = Order(found.id, Wanted(to=_chosen(request)), yes="yes" in request[FORM])
    raise web.HTTPSeeOther(_place(found.id, await replay(services, order)))


async def branch_form(request: web.Request) -> web.Response:
    """Fields step, edits (PLACE=VALUE, or -PLACE to take it away, one a line), to.CLUSTER for that step, yes.

    Or ready: a what-if of the gallery.
    """
    services = request.app[SERVICES]
    found = await reads.recording(services, request.match_info["id"])
    step, lines, env = _ready(request) if "ready" in request[FORM] else _written(request)
    edits = [read_unset(line[1:]) if line.startswith("-") else read_set(line) for line in lines]
    if not edits and not env:
        raise UsageError("nothing is done otherwise", hint="an edit such as path:4=978-9, or another environment")
    wanted = Wanted(edits={step: edits} if edits else {}, environments={step: env} if env else {})
    told = ", ".join([*map(str, edits), *(f"{cluster}@{name}" for cluster, name in env.items())])
    title = f"What if, at step {step}: {told}"[:200]
    order = Order(found.id, wanted, yes="yes" in request[FORM], kind="variant", branched_at=step, title=title)
    raise web.HTTPSeeOther(_place(found.id, await replay(services, order)))


def _written(request: web.Request) -> tuple[int, list[str], Mapping[str, str]]:
    """(step, edits, environments) as somebody wrote them."""
    number = form_text(request, "step").strip()
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise UsageError(f"{number[:40]!r} is not the number of a step")
    lines = [line.strip() for line in form_text(request, "edits").splitlines() if line.strip()]
    return int(number), lines, _chosen(request)


def _ready(request: web.Request) -> tuple[int, list[str], Mapping[str, str]]:
    """The same, of the gallery."""
    try:
        step, lines, env = json.loads(form_text(request, "ready"))
        return int(step), list(map(str, lines)), environments([env] if env else [])
    except (ValueError, TypeError):
        raise UsageError("this is no what-if of the gallery", hint="choose one of the list") from None


def _chosen(request: web.Request) -> Mapping[str, str]:
    return {name[3:]: str(value) for name, value in request[FORM].items() if name.startswith("to.") and value}


def _place(recording: str, result: Result) -> str:
    """The page of the differences; UsageError when the write guard let nothing pass."""
    if result.recording:
        return "/_gateway/diff?" + urlencode({"a": recording, "b": result.recording})
    why = next((step.message for step in result.steps if step.outcome == "stopped"), "nothing was sent")
    raise UsageError(why.partition("; --")[0], hint="tick “let writes pass” to send it; what says never is never sent")


def add_replay_forms(app: web.Application) -> None:
    app.router.add_post("/_gateway/recordings/{id}/replay", replay_form)
    app.router.add_post("/_gateway/recordings/{id}/branch", branch_form)

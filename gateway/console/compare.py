"""The page on which a recording is compared with its runs elsewhere and its variants: run, read, compared. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, urlencode

from aiohttp import web

from ..errors import UsageError
from ..model.json_shapes import recording_json
from ..replay.compare import compare_runs
from ..replay.plan import ReplayOptions
from ..replay.report import unsent
from ..replay.write_guard import guarded, writing
from ..services import listing
from ..services.compare import Column, matrix
from ..services.replay import all_steps, check_wanted, correlated, replay
from ..services.replay_request import publishing
from ..services.replay_run import ReplayOrder
from ..web.keys import FORM, SERVICES

if TYPE_CHECKING:
    from multidict import MultiMapping

    from ..model.exchange import Exchange
    from ..model.recording import Recording
    from ..protocols import Services, Store
    from ..replay.plan import Environments

MOST: Final = 8  # recordings beside one, and runs at once
RELATIVES: Final = 100  # that are offered


async def side_by_side(services: Services, ref: str, beside: Sequence[str]) -> dict[str, Any]:
    """A recording and those beside it (?with=REC, any number of times), step by step."""
    base = await listing.recording(services, ref)
    wanted = list(dict.fromkeys(one.strip() for one in beside if one.strip()))
    if len(wanted) > MOST:
        raise UsageError(f"{len(wanted)} recordings are too many for one page", hint=f"at most {MOST}")
    return {
        "recording": recording_json(base),
        "homes": _homes(services, base),
        "family": await asyncio.to_thread(_family, services.store, base),
        **await asyncio.to_thread(_compared, services.store, base, wanted),
    }


def address_of(recording: str, beside: Sequence[str]) -> str:
    """The page's permalink."""
    query = urlencode([("with", id) for id in beside])
    return f"/_gateway/recordings/{quote(recording, safe='')}/compare{'?' if query else ''}{query}"


def _homes(services: Services, base: Recording) -> dict[str, list[str]]:
    """The environments of the clusters that the recording calls."""
    called = dict.fromkeys(place.partition("@")[0] for place in base.clusters)
    clusters = services.routes.table.clusters
    return {name: list(clusters[name].upstreams) for name in called if name in clusters}


def _family(store: Store, base: Recording) -> list[dict[str, Any]]:
    found = [one for one in store.family(base.id) if one.id != base.id]
    return [{"id": one.id, "title": one.title or one.id, "kind": one.kind, "branched_at": one.branched_at,
             "steps": one.steps} for one in found[:RELATIVES]]  # fmt: skip


def _compared(store: Store, base: Recording, wanted: Sequence[str]) -> dict[str, Any]:
    steps = all_steps(store, base.id)
    correlations, revisions = correlated(store, base.id, steps), store.revisions()
    columns = []
    for one in map(store.recording, wanted):
        found = compare_runs(
            base.id, one.id, steps, all_steps(store, one.id), correlations, revisions=revisions, chunks=store.chunks
        )
        runs_it = one.kind in ("replay", "variant")
        columns.append(Column(one, found, unsent(found, correlations) if runs_it else {}))
    return matrix(base, steps, columns)


# -- runs elsewhere


async def compare_form(request: web.Request) -> web.Response:
    """Fields env.CLUSTER = environment, any number of times, every combination is a run; or together = environment, one
    run with all clusters there; yes. Leads to all of them."""
    services, form = request.app[SERVICES], request[FORM]
    base = await listing.recording(services, request.match_info["id"])
    wanted = cast("MultiMapping[str]", form)
    runs = all_together(_homes(services, base), wanted.getall("together", [])) or combinations(wanted)
    steps = await asyncio.to_thread(all_steps, services.store, base.id)
    check_guard(services, steps, runs, yes="yes" in form)
    made = []
    for run in runs:
        order = ReplayOrder(base.id, ReplayOptions(to=run), yes="yes" in form)
        result = await replay(services, order, seen=publishing(services, order, base.steps))
        made.append(result.recording)
    raise web.HTTPSeeOther(address_of(base.id, [id for id in made if id]) + "#matrix")


def all_together(homes: Mapping[str, Sequence[str]], environments: Sequence[str]) -> list[Environments]:
    """For each environment one run: every cluster that has a server there goes to it. UsageError for an unknown one."""
    found: list[Environments] = []
    for name in dict.fromkeys(environments):
        if not (run := {cluster: name for cluster, known in homes.items() if name in known}):
            raise UsageError(f"no cluster of this recording has a server on {name!r}")
        found.append(run)
    if len(found) > MOST:
        raise UsageError(f"that would be {len(found)} runs", hint=f"at most {MOST}: choose fewer environments")
    return found


def combinations(form: MultiMapping[str]) -> list[Environments]:
    """{"env.orders": ["test", "qa"], "env.users": ["qa"]} as two choices of both. UsageError for none or too many."""
    names = sorted({name for name in form if name.startswith("env.")})
    choices = [[(name[4:], str(value)) for value in dict.fromkeys(form.getall(name))] for name in names]
    if not choices:
        raise UsageError("no environment was chosen", hint="tick at least one; every combination is one run")
    found = [dict(chosen) for chosen in product(*choices)]
    if len(found) > MOST:
        raise UsageError(f"that would be {len(found)} runs", hint=f"at most {MOST}: tick fewer environments")
    return cast("list[Environments]", found)


def check_guard(services: Services, steps: Sequence[Exchange], runs: Sequence[Mapping[str, str]], *, yes: bool) -> None:
    """Nothing is sent unless every run may be: UsageError with what the write guard says."""
    for run in runs:
        wanted = ReplayOptions(to=run)
        check_wanted(wanted, steps, services)
        found = [each for step in steps for each in writing(step, wanted, services.routes.table)]
        if said := guarded(found, yes=yes):
            why = next(iter(said.values())).partition("; --")[0]
            raise UsageError(
                f"nothing was sent: {why}", hint="tick “Allow writes” to send it; what says never is never sent"
            )

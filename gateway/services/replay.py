"""Sends a recording's requests again through the gateway's own public URLs, as any client would. I/O."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from time import time
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import aiohttp

from ..correlation import Correlations, Decisions, checked, correlate, proved, read_declared
from ..errors import NotFoundError, UsageError
from ..model.exchange import Exchange
from ..model.recording import all_items
from ..protocols import LiveSession, PlaybackMode
from ..replay.assertions import Assertion, read_assertion
from ..replay.differences.step_pairs import align
from ..replay.message_values import arrivals_of, with_messages
from ..replay.plan import ReplayOptions, plan
from ..replay.playback.playback import Playback
from ..replay.report import ReplayResult, StepResult
from ..replay.runner import LONGEST, Driver, step_of
from ..replay.write_guard import findings, guarded
from .replay_run import NO_VERDICTS, Gate, ReplayOrder, ReplayRun, Seen

if TYPE_CHECKING:
    from ..correlation import Verdicts
    from ..protocols import Services, Store

SHORT: Final = 500  # steps of a recording whose earlier runs are looked at
LATEST: Final = 3  # of them


async def learn(
    services: Services, of: str, exchanges: Sequence[Exchange], correlations: Correlations, recording: str,
    steps: Sequence[StepResult],
) -> tuple[str, ...]:  # fmt: skip
    """Confirm, beside the recording `of`, the bindings that the run `recording` has proved; their ids."""
    ids = await asyncio.to_thread(_proved, services.store, exchanges, correlations, recording, steps)
    if ids:
        await asyncio.wrap_future(services.recorder.decide(of, accept=ids))
    return ids


def _proved(
    store: Store, exchanges: Sequence[Exchange], correlations: Correlations, recording: str, steps: Sequence[StepResult]
) -> tuple[str, ...]:
    if not any(each.status == "auto" for each in correlations.bindings):
        return ()
    lived = {each.id: each for each in heard_steps(store, recording)}
    again = {each.step: lived[each.exchange] for each in steps if each.exchange in lived}
    well = frozenset(each.step for each in steps if each.status == each.recorded_status and each.step in again)
    return proved(correlations, [with_messages(each, store.chunks) for each in exchanges], again, well)


async def replay(
    services: Services, order: ReplayOrder, *, seen: Seen | None = None, gate: Gate | None = None
) -> ReplayResult:
    """Run it. `seen` is called after every step; `gate` before, and with None at the end: it says what to do."""
    exchanges = await asyncio.to_thread(all_steps, services.store, order.recording)
    check_wanted(order.wanted, exchanges, services)
    secrets = await asyncio.to_thread(services.secrets, order.recording)
    correlations = await asyncio.to_thread(
        correlated, services.store, order.recording, exchanges, order.verdicts, secrets
    )
    assertions = await asyncio.to_thread(_asserted, services.store, order)
    found = findings(exchanges, correlations, order.wanted, services.routes.table, secrets=secrets, now=time())
    warnings = tuple(f"step {one.step}: {one.message}" for one in found if one.kind == "warning")
    forbidden = {} if order.tape else guarded(found, yes=order.yes)
    sequence = order.wanted.in_order(exchanges)
    if forbidden:
        steps = tuple(_unsent(exchange, order.wanted, forbidden) for exchange in sequence)
        return ReplayResult("", order.recording, steps, warnings)
    live = await _begin(services, order)
    recording = live.recording
    conversation = plan(exchanges, correlations, order.wanted, secrets=secrets, new_key=lambda: str(uuid4()))
    timeout = aiohttp.ClientTimeout(total=LONGEST)
    itself = aiohttp.TCPConnector(ssl=False)  # the gateway, on this machine: nobody stands between
    async with aiohttp.ClientSession(
        connector=itself, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout,
        max_field_size=1 << 16, max_line_size=1 << 16,
    ) as http:  # fmt: skip
        driver = Driver(
            services,
            http,
            live,
            exchanges,
            correlations,
            secrets,
            assertions,
            only_assertions=order.only_assertions,
            revisions=await asyncio.to_thread(services.store.revisions),
            earlier=await asyncio.to_thread(earlier_runs, services.store, order, exchanges),
        )
        steps = tuple(await ReplayRun(services, order, conversation, driver, sequence, seen, gate, correlations).all())
    sent = any(step.exchange for step in steps)
    teaches = sent and not order.tape and order.kind == "replay" and not order.wanted.edits and not order.wanted.faults
    confirmed = await learn(services, order.recording, exchanges, correlations, recording, steps) if teaches else ()
    return ReplayResult(recording if sent else "", order.recording, steps, warnings, confirmed)


async def _begin(services: Services, order: ReplayOrder) -> LiveSession:
    """A session of its own, whose recording says what it is."""
    live = services.sessions.begin(order.kind)
    live.mode, live.is_guarded, live.may_write = "replay", True, order.yes
    if order.tape:
        playing = PlaybackMode("playback", Playback(order.tape, shift=False))
        live.modes |= dict.fromkeys(order.tape.by_cluster, playing)
    parent = await asyncio.to_thread(services.store.recording, order.recording)
    title = order.title or _title(order, parent.title)
    await asyncio.wrap_future(
        services.recorder.describe_recording(
            live.recording, live.id, kind=order.kind, parent=order.recording, branched_at=order.branched_at,
            title=title,
        )
    )  # fmt: skip
    return live


def _title(order: ReplayOrder, of: str) -> str:
    """ "Replay on catalogue@test: Order a book" """
    there = ", ".join(f"{cluster}@{environment}" for cluster, environment in order.wanted.to.items())
    word = "Replay" if order.kind == "replay" else "What if"
    return f"{word}{f' on {there}' if there else ''}: {of}"[:200]


# -- what is known before


def all_steps(store: Store, recording: str) -> list[Exchange]:
    """Every exchange of a recording. Blocking."""
    return list(all_items(lambda cursor: store.exchanges(recording, cursor=cursor)))


def earlier_runs(store: Store, order: ReplayOrder, exchanges: Sequence[Exchange]) -> dict[int, list[Exchange]]:
    """What the latest replays of a recording had, by its steps: what they all change is noise. Blocking."""
    if order.tape or order.kind != "replay" or len(exchanges) > SHORT:
        return {}
    runs = [one for one in store.family(order.recording) if (one.parent, one.kind) == (order.recording, "replay")]
    found: dict[int, list[Exchange]] = {}
    for run in sorted(runs, key=lambda one: one.started_at, reverse=True)[:LATEST]:
        chain = all_steps(store, run.id)
        for i, j in align(exchanges, chain):
            if i is not None and j is not None:
                found.setdefault(exchanges[i].step, []).append(chain[j])
    return found


def heard_steps(store: Store, recording: str) -> list[Exchange]:
    """The same, streams with what their server said as the body of their response: values come from there, too."""
    return [with_messages(each, store.chunks) for each in all_steps(store, recording)]


def correlated(
    store: Store, recording: str, exchanges: Sequence[Exchange], verdicts: Verdicts = NO_VERDICTS,
    secrets: Mapping[str, str] | None = None,
) -> Correlations:  # fmt: skip
    """What was decided about a recording holds for its variants, too, until something is decided about them.

    `secrets` give the claims of sealed tokens. `verdicts` are those of one run; UsageError names what exists where
    they name what does not.
    """
    arrivals = {each.step: arrivals_of(each, store.chunks) for each in exchanges if each.stream}
    exchanges = [with_messages(each, store.chunks) for each in exchanges]
    own = said = store.decisions(recording)
    seen = {recording}
    with contextlib.suppress(NotFoundError):  # the parent was deleted
        while said == Decisions() and (recording := store.recording(recording).parent or "") not in seen | {""}:
            seen.add(recording)
            said = store.decisions(recording)
    try:
        found = correlate(exchanges, said, arrivals=arrivals, secrets=secrets)
    except UsageError:  # a declaration about a step that the variant lacks
        said, found = own, correlate(exchanges, own, arrivals=arrivals, secrets=secrets)
    if verdicts == NO_VERDICTS:
        return found
    sure = checked(verdicts, exchanges, said)
    declared = (*said.declared, *map(read_declared, sure.declare))
    rejected = said.rejected - set(sure.accept)
    decided = Decisions(said.accepted | set(sure.accept), rejected, declared)
    return correlate(exchanges, decided, arrivals=arrivals, secrets=secrets)


def _asserted(store: Store, order: ReplayOrder) -> list[Assertion]:
    """What the steps must answer; a variant is meant to answer otherwise."""
    return [] if order.kind == "variant" else list(map(read_assertion, store.assertions(order.recording)))


def check_wanted(wanted: ReplayOptions, exchanges: Sequence[Exchange], services: Services) -> None:
    """UsageError where steps, clusters or environments do not exist."""
    steps = [exchange.step for exchange in exchanges]
    if not steps:
        raise UsageError("the recording has no steps")
    for step in (wanted.first, wanted.last, *wanted.edits, *wanted.environments, *wanted.faults, *wanted.order):
        if step is not None and step not in steps:
            raise UsageError(f"the recording has no step {step}", hint=f"it has {steps[0]} to {steps[-1]}")
    if wanted.last is not None and wanted.last < wanted.first:
        raise UsageError(f"steps {wanted.first} to {wanted.last} are none")
    clusters = services.routes.table.clusters
    for chosen in (wanted.to, *wanted.environments.values()):
        for cluster, environment in chosen.items():
            if cluster not in clusters:
                raise UsageError(f"no cluster is named {cluster!r}", hint=f"the clusters are {', '.join(clusters)}")
            if environment not in clusters[cluster].upstreams:
                known = ", ".join(clusters[cluster].upstreams)
                raise UsageError(f"{cluster} has no environment {environment!r}", hint=f"it lives in {known}")


def _unsent(exchange: Exchange, wanted: ReplayOptions, forbidden: Mapping[int, str]) -> StepResult:
    if exchange.step in forbidden:
        return step_of(exchange, "stopped", message=forbidden[exchange.step])
    why = "nothing was sent: the write guard stopped the replay" if wanted.includes(exchange.step) else ""
    return step_of(exchange, "skipped", message=why or "left out on purpose")

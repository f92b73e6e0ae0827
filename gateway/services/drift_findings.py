"""Findings that the checker left in the store, for pages and API: listed, looked at, accepted, counted. I/O; blocking
but for `accept`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ..contracts.batches import DriftPlace, DriftQuery
from ..contracts.findings import SEVERITIES, Accepted, Finding, coverage, lines_of, open_count
from ..contracts.ignore import RULES
from ..contracts.reports import PlaceReport, label, sentence, since_words, where
from ..errors import NotFoundError, UsageError, did_you_mean
from ..model.units import read_duration
from ..store.sqlite import drift as tables
from .audit_log import note
from .contract_sources import ContractSource
from .drift import failure_of

if TYPE_CHECKING:
    from ..model.audit import Who
    from ..protocols import Services

WHY: Final = 500  # characters
SHOWN: Final = 50  # exchanges of a finding


@dataclass(frozen=True, slots=True)
class DriftBadge:
    """What the board says of a cluster in an environment."""

    open: int  # lines of errors and warnings that nobody accepted
    worst: str  # "error", "warning" or ""
    since: str  # why the worst began, in words; "" without one
    judged: int
    problem: str  # why the contract cannot be read as it now is


def wanted(query: Mapping[str, str]) -> DriftQuery:
    """`cluster`, `environment`, `severity`, `rule`, `since`; UsageError names what is off."""
    severity, rule, since = (query.get(name, "").strip() for name in ("severity", "rule", "since"))
    if severity and severity not in SEVERITIES:
        raise UsageError(f"severity={severity[:40]} is not one of {', '.join(SEVERITIES)}")
    if rule and rule not in RULES:
        raise UsageError(f"rule={rule[:40]} is not one of {', '.join(RULES)}{did_you_mean(rule, RULES)}")
    try:
        least = time.time() - read_duration(since) if since else 0.0
    except ValueError as error:
        raise UsageError(f"since={since[:40]}: {error}", hint="since=2h") from None
    return DriftQuery(query.get("cluster", ""), query.get("environment", ""), severity, rule, least)


def listed(services: Services, query: DriftQuery) -> dict[str, Any]:
    """Findings, the worst first, and what was judged where."""
    places, found = _read(services, query)
    return {"items": [finding_json(one) for one in found], "next": None, "places": _place_list(services, places, found)}


def _read(services: Services, query: DriftQuery) -> tuple[list[DriftPlace], list[Finding]]:
    """(what was judged where, findings), of one state of the store: what is counted as judged is in the findings."""
    read: tuple[list[DriftPlace], list[Finding]] = services.store.reading(
        lambda c: (tables.places(c), tables.findings(c, query))
    )
    return read


def _place_list(services: Services, places: Sequence[DriftPlace], found: Sequence[Finding]) -> list[dict[str, Any]]:
    """What was judged where, and how many findings are open there."""
    states = _states(services)
    waiting, skipped = services.store.reading(tables.behind)
    listed = []
    for place in places:
        mine = [one for one in found if (one.cluster, one.environment) == place.key]
        listed.append(
            {
                "cluster": place.cluster, "environment": place.environment, "source": place.source,
                "title": place.title, "sha256": place.sha256, "since": place.since, "judged": place.judged,
                "unjudged": dict(place.unjudged), "open": open_count(mine), "dropped": place.dropped,
                "problem": states.get(place.key, {}).get("problem", ""), "behind": waiting, "skipped": skipped,
            }
        )  # fmt: skip
    return listed


def _states(services: Services) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(one["cluster"], one["environment"]): one for one in services.contracts.states}


def finding_json(one: Finding) -> dict[str, Any]:
    """A finding with its sentences."""
    return one.json() | {
        "label": label(one), "says": sentence(one), "because": since_words(one), "where": where(one)
    }  # fmt: skip


def finding(services: Services, id: str) -> dict[str, Any]:
    """One with the exchanges in which it was seen, the newest first; NotFoundError, UsageError as `tables.find`."""
    found: Finding = services.store.reading(lambda c: tables.find(c, id))
    seen = services.store.reading(lambda c: tables.sightings(c, found.id, limit=SHOWN))
    exchanges = [{"recording": recording, "step": step, "exchange": exchange} for recording, step, exchange in seen]
    return finding_json(found) | {"exchanges": exchanges}


def of_recording(services: Services, ref: str) -> dict[str, Any]:
    """The findings of a recording by step."""
    recording = services.store.recording(ref)
    steps = services.store.reading(lambda c: tables.of_recording(c, recording.id))
    known = {one.id: one for one in services.store.reading(lambda c: tables.findings(c))}
    items = [
        {"step": step, "findings": [finding_json(known[id]) for id in ids if id in known]}
        for step, ids in steps.items()
    ]
    return {"recording": recording.id, "items": items, "next": None}


def of_step(services: Services, recording: str, step: int) -> list[dict[str, Any]]:
    """The findings of one exchange, the worst first; none, and no look, where no cluster has a contract."""
    if not services.contracts.states:
        return []
    ids = services.store.reading(lambda c: tables.of_recording(c, recording)).get(step, [])
    known = services.store.reading(lambda c: tables.findings(c)) if ids else []
    return [finding_json(one) for one in known if one.id in ids]


def badges(services: Services) -> dict[tuple[str, str], DriftBadge]:
    """What the board says, by cluster and environment; nothing where no cluster has a contract."""
    states = _states(services)
    if not states:
        return {}
    read, found = _read(services, DriftQuery())
    places = {place.key: place for place in read}
    return {key: _badge(key, found, places.get(key), state) for key, state in states.items()}


def _badge(
    key: tuple[str, str], found: Sequence[Finding], place: DriftPlace | None, state: Mapping[str, Any]
) -> DriftBadge:
    mine = [one for one in found if (one.cluster, one.environment) == key and one.is_open]
    lines = lines_of(mine)
    first = lines[0][0] if lines else None
    problem = str(state["problem"]).partition("\n")[0]
    return DriftBadge(
        len(lines), first.severity if first else "", since_words(first) if first else "", place.judged if place else 0,
        problem,
    )  # fmt: skip


def contracts(services: Services) -> list[dict[str, Any]]:
    """The contracts of all clusters and environments as the checker read them."""
    return [dict(one) for one in services.contracts.states]


def covered(services: Services, cluster: str, environment: str) -> dict[str, Any]:
    """How much of a contract was seen; NotFoundError for a cluster without one."""
    known = services.routes.table.clusters.get(cluster)
    if known is None or known.contract is None:
        having = [name for name, one in services.routes.table.clusters.items() if one.contract]
        raise NotFoundError(f"no cluster '{cluster}' with a contract{did_you_mean(cluster, having)}")
    environment = environment or known.environment
    source = ContractSource(known.contract, environment)
    source.look()
    if source.state.judge is None:
        raise failure_of(source.state)
    seen = services.store.reading(lambda c: tables.seen(c, cluster, environment))
    return {"cluster": cluster, "environment": environment} | coverage(source.state.judge, seen)


def reports(services: Services, query: DriftQuery) -> list[PlaceReport]:
    """What was found, as the reports of the command line have it."""
    places, found = _read(services, query)
    states = _states(services)
    return [
        PlaceReport(
            place.cluster, place.environment, place.source, place.title, place.judged, dict(place.unjudged),
            tuple(one for one in found if (one.cluster, one.environment) == place.key), tuple(place.operations),
            str(states.get(place.key, {}).get("problem", "")), {}, None, place.dropped,
        )
        for place in places
        if query.cluster in ("", place.cluster) and query.environment in ("", place.environment)
    ]  # fmt: skip


async def accept(services: Services, id: str, why: str | None, *, who: Who, source: str) -> dict[str, Any]:
    """Live with a finding, until its contract changes; with None not any more. Audited. NotFoundError, UsageError."""
    reason = " ".join((why or "").split())[:WHY]
    if why is not None and not reason:
        raise UsageError("say why it is accepted", hint='"why": "known, mended in 2.1"')
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    accepted = Accepted(reason, who.login.partition(" ")[0] or who.role, now) if why is not None else None
    found: Finding = await asyncio.wrap_future(services.recorder.accept_finding(id, accepted))
    detail = f"{label(found)} {found.rule} {found.pointer}" + (f": {reason}" if reason else "")
    note(services, "accept" if accepted else "forget", f"finding {found.id}", detail, who=who, source=source)
    services.live.publish("drift", {"places": [f"{found.cluster}@{found.environment}"]})
    return await asyncio.to_thread(finding, services, found.id)

"""Whether a recording can be run live now: what a look before the meeting found, and what to play offline. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ..correlation import Correlations
from ..model.exchange import Exchange
from ..model.message import SAFE
from ..model.recording import Revision
from ..routes.table import RouteTable
from .move_cause import moved_since
from .plan import ReplayOptions
from .report import StepResult
from .write_guard import GuardFinding

Kind = Literal["health", "route", "writes", "token", "answer"]
State = Literal["ok", "warning", "bad"]
SIGN_IN: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `what` is a place such as "orders@qa", or a request; `steps` need it."""

    kind: Kind
    state: State
    what: str
    message: str
    steps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Readiness:
    """Everything that was looked at. `clusters` and `steps` are what should be played from the recording."""

    of: str
    checks: tuple[Check, ...]
    clusters: tuple[str, ...] = ()
    steps: tuple[int, ...] = ()
    recording: str = ""  # in which the looks were recorded; "" when nothing was sent

    @property
    def ready(self) -> bool:
        return not any(one.state == "bad" for one in self.checks)


def readiness_json(found: Readiness) -> dict[str, Any]:
    """As the API and `--json` show it."""
    return {
        "of": found.of, "ready": found.ready, "recording": found.recording or None,
        "checks": [
            {"kind": one.kind, "state": one.state, "what": one.what, "message": one.message, "steps": list(one.steps)}
            for one in found.checks
        ],
        "offline": {"clusters": list(found.clusters), "steps": list(found.steps)},
    }  # fmt: skip


def asked(exchanges: Sequence[Exchange], wanted: ReplayOptions) -> frozenset[int]:
    """The steps that a look may send: what only reads, and is no stream without an end."""
    return frozenset(
        one.step for one in exchanges
        if one.method in SAFE and not one.stream and wanted.includes(one.step)
    )  # fmt: skip


def places(
    exchanges: Sequence[Exchange], wanted: ReplayOptions, table: RouteTable
) -> dict[tuple[str, str], tuple[int, ...]]:
    """(cluster, environment) -> the steps that a live run sends there now."""
    found: dict[tuple[str, str], list[int]] = {}
    for one in exchanges:
        cluster = table.match(one.path.encode("latin-1", "replace")) if wanted.includes(one.step) else None
        if cluster is not None:
            environment = wanted.environments_of(one).get(cluster.name, cluster.environment)
            found.setdefault((cluster.name, environment), []).append(one.step)
    return {place: tuple(steps) for place, steps in found.items()}


def moves(
    exchanges: Sequence[Exchange], wanted: ReplayOptions, table: RouteTable, revisions: Sequence[Revision]
) -> Iterator[Check]:
    """What lives elsewhere than it did; a move is no fault, but the first thing to know."""
    seen: set[tuple[str, str]] = set()
    for (name, environment), steps in places(exchanges, wanted, table).items():
        upstream = table.clusters[name].upstreams.get(environment)
        for one in exchanges:
            if one.step not in steps or one.cluster != name or (name, one.environment) in seen:
                continue
            seen.add((name, one.environment))
            about = tuple(each.step for each in exchanges if each.step in steps and each.environment == one.environment)
            if one.environment != environment:
                since = one.started_at
                why = "" if one.override else moved_since(name, one.environment, environment, revisions, since=since)
                told = f"recorded on {one.environment}, now sent to {environment}{why}"
                yield Check("route", "warning", f"{name}@{environment}", told, about)
            elif (
                upstream is not None and one.upstream_url and not one.upstream_url.startswith(upstream.url.rstrip("/"))
            ):
                yield Check("route", "warning", f"{name}@{environment}", f"its upstream is now {upstream.url}", about)
    for one in exchanges:
        if wanted.includes(one.step) and table.match(one.path.encode("latin-1", "replace")) is None:
            yield Check("route", "bad", one.path, "no cluster has this path any more", (one.step,))


def credentials(found: Iterable[GuardFinding]) -> Iterator[Check]:
    """Tokens that are over, secrets that nobody has."""
    for one in found:
        yield Check(
            "token", "bad" if one.kind == "warning" else "warning", f"step {one.step}", one.message, (one.step,)
        )


def writes(found: Iterable[GuardFinding]) -> Iterator[Check]:
    """What the write guard never lets pass, so that a run sends nothing; and what it asks about first."""
    for one in found:
        if one.kind == "refused":
            yield Check("writes", "bad", f"step {one.step}", f"{one.message}: it is never sent", (one.step,))
        elif one.kind == "ask":
            yield Check("writes", "ok", f"step {one.step}", f"{one.message}: asks first (--yes)", (one.step,))


def bodies(exchanges: Iterable[Exchange]) -> Iterator[Check]:
    """Requests of which the record kept only a part: they cannot be sent again."""
    for one in exchanges:
        if one.request.body.truncated:
            kept, size = len(one.request.body.data), one.request.body.size
            told = f"the record kept {kept} of the {size} bytes of its body: it cannot be sent"
            yield Check("answer", "bad", f"step {one.step}", told, (one.step,))


def answers(
    results: Iterable[StepResult], exchanges: Sequence[Exchange], correlations: Correlations, sent: frozenset[int]
) -> Iterator[Check]:
    """Whether what only reads is answered as it was. What needs a value of a write that was not sent may fail now."""
    by_step = {one.step: one for one in exchanges}
    for result in results:
        if result.step not in sent:
            continue
        recorded = by_step[result.step]
        what = f"{result.method} {result.path}"
        borrowed = [each.variable for each in correlations.of_step(result.step) if each.source.step not in sent]
        twin = _twin(result, recorded, exchanges)
        if result.status is not None and result.status == recorded.status:
            yield _alike(result, what)
        elif twin is not None:
            why = f"{_came(result)}: as step {twin.step}, before a write that a look does not send"
            yield Check("answer", "warning", what, why, (result.step,))
        elif borrowed:
            why = f"{_came(result)}; but a live run has its own {', '.join(dict.fromkeys(borrowed))}"
            yield Check("answer", "warning", what, why, (result.step,))
        else:
            state: State = "warning" if (recorded.status or 0) >= 400 else "bad"
            yield Check("answer", state, what, _came(result), (result.step,))


def _alike(result: StepResult, what: str) -> Check:
    """The recorded status: as recorded where the rest is, too."""
    if result.outcome in ("same", "expected"):
        return Check("answer", "ok", what, f"{result.status}, as recorded", (result.step,))
    real = [one for one in result.differences if not one.expected]
    places = ", ".join(dict.fromkeys(f"{one.where} {one.pointer}".strip() for one in real[:3]))
    return Check(
        "answer", "warning", what, f"{result.status} again, but {places or 'its answer'} differs", (result.step,)
    )


def _twin(result: StepResult, recorded: Exchange, exchanges: Sequence[Exchange]) -> Exchange | None:
    """A step that asked the very same at the same place and was answered as this one is now, with a write between."""
    writes = [one.step for one in exchanges if one.method not in SAFE and (one.status or 500) < 400]
    for one in exchanges:
        same = (one.method, one.request.target, one.environment) == (
            recorded.method, recorded.request.target, recorded.environment,
        )  # fmt: skip
        between = any(one.step < step < recorded.step for step in writes)
        if same and between and one.step < recorded.step and one.status == result.status:
            return one
    return None


def _came(result: StepResult) -> str:
    if result.card is not None:
        return result.card.sentence
    if result.status is None:
        return result.message or "it was not answered"
    return f"{result.status} instead of {result.recorded_status}"


def readiness(of: str, checks: Sequence[Check], exchanges: Sequence[Exchange], *, recording: str = "") -> Readiness:
    """The checks with what follows from them: a step that cannot be sent takes its whole cluster offline."""
    cluster_of: Mapping[int, str] = {one.step: one.cluster for one in exchanges}
    bad = {step for one in checks if one.state == "bad" for step in one.steps}
    clusters = tuple(dict.fromkeys(cluster_of[step] for step in sorted(bad) if cluster_of.get(step)))
    return Readiness(of, tuple(checks), clusters, tuple(sorted(bad)), recording)

"""A replay or a branch as it is asked for: the options of the API, the pages and the command line as one Order. I/O.

All three send the same JSON members (settings.py and api/replay.py name them); here they become a `Wanted` for the plan
and an `Order` for services/replay.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..correlation import Verdicts
from ..errors import UsageError, did_you_mean
from ..proxy.playback_loader import load_tape
from ..replay.branch import Edit, read_header, read_set, read_step_set, read_unset
from ..replay.fault import read_fault
from ..replay.plan import ReplayOptions
from ..replay.report import StepResult
from ..replay.variant_edit import StepChange
from .replay_run import LONGEST_WAIT, PACES, WAIT, ReplayOrder

if TYPE_CHECKING:
    from ..model.recording import Recording
    from ..protocols import Services
    from .replay_run import Seen

NDJSON: Final = "application/x-ndjson"  # a step per line while a replay runs


def replay_order(services: Services, id: str, body: Mapping[str, Any]) -> ReplayOrder:
    """The order that a body of REPLAY gives. Blocking."""
    edits: dict[int, list[Edit]] = {}
    for text in body.get("set", ()):
        step, edit = read_step_set(text)
        edits.setdefault(step, []).append(edit)
    wanted = ReplayOptions(
        first=body.get("from", 1), last=body.get("until"), to=environments(body.get("to", ())), edits=edits,
        as_recorded=body.get("as_recorded", False), yes_to=frozenset(body.get("yes_to", ())),
        fresh=tuple(body.get("fresh", ())),
    )  # fmt: skip
    tape = load_tape(services.store, services.secrets, id) if body.get("offline", False) else None
    return ReplayOrder(
        id, wanted, yes=body.get("yes", False), tape=tape, title=body.get("title", ""),
        until_differs=body.get("stop_on_difference", False), only_assertions=body.get("only_assertions", False),
        **_decisions(body),
    )  # fmt: skip


def branch_order(recording: Recording, body: Mapping[str, Any]) -> ReplayOrder:
    """The order that a body of BRANCH gives; UsageError when nothing is changed."""
    body, elsewhere = _sets_of_steps(body)
    otherwise = StepChange(
        edits=read_edits(body), env=environments(body.get("env", ())),
        fault=read_fault(delay=body.get("delay", 0.0), status=body.get("status"), alter=body.get("alter", ()),
                         drop=body.get("drop", ())),
        repeat=body.get("repeat", False), swap=body.get("swap", 0),
    )  # fmt: skip
    fresh = tuple(body.get("fresh", ()))
    chosen = otherwise.wanted(body["step"], recording.steps, fresh=fresh)
    own = chosen.edits.get(body["step"], ())
    edits = {**elsewhere, **({body["step"]: (*elsewhere.get(body["step"], ()), *own)} if own else {})}
    wanted = replace(
        chosen, last=body.get("until"), to=environments(body.get("to", ())), edits=edits,
        yes_to=frozenset(body.get("yes_to", ())),
    )  # fmt: skip
    changed = ", ".join(filter(None, [str(otherwise), *(f"new {name}" for name in fresh)]))
    title = body.get("title", "") or f"What if, at step {body['step']}: {changed}"[:200]
    return ReplayOrder(
        recording.id, wanted, yes=body.get("yes", False), kind="variant", branched_at=body["step"], title=title,
        **_decisions(body),
    )  # fmt: skip


def _decisions(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is decided for this one run, as the arguments of an Order; UsageError when the pace is none."""
    pace = body.get("pace", "") or "fast"
    if pace not in PACES:
        raise UsageError(f"{pace!r} is no pace{did_you_mean(pace, PACES)}", hint=" or ".join(PACES))
    wait = float(body.get("wait", WAIT))
    if not 0 <= wait <= LONGEST_WAIT:
        raise UsageError(f"wait: {wait:g} is not between 0 and {LONGEST_WAIT:g} seconds")
    verdicts = Verdicts(accept=tuple(body.get("accept", ())), declare=tuple(body.get("declare", ())))
    return {"verdicts": verdicts, "wait": wait, "pace": pace}


def _sets_of_steps(body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[int, tuple[Edit, ...]]]:
    """The body without what it sets at other steps ("4:json:/qty=2"), and that by step."""
    mine: list[str] = []
    others: dict[int, tuple[Edit, ...]] = {}
    for text in body.get("set", ()):
        number, colon, rest = text.partition(":")
        if colon and number.isdigit() and int(number) != body["step"]:
            step, edit = read_step_set(text)
            others[step] = (*others.get(step, ()), edit)
        else:
            mine.append(rest if colon and number.isdigit() else text)
    return {**body, "set": mine}, others


def read_edits(body: Mapping[str, Any]) -> tuple[Edit, ...]:
    """set, unset and header of a body."""
    edits = [read_set(text) for text in body.get("set", ())] + [read_unset(text) for text in body.get("unset", ())]
    return tuple(edits + [read_header(text) for text in body.get("header", ())])


def environments(chosen: Sequence[str]) -> Mapping[str, str]:
    """["orders=qa", "catalogue=test"] as a mapping. UsageError for anything else."""
    found = {}
    for text in chosen:
        cluster, equals, environment = text.partition("=")
        if not (cluster.strip() and equals and environment.strip()):
            raise UsageError(f"{text!r} is not CLUSTER=ENVIRONMENT", hint="catalogue=test")
        found[cluster.strip()] = environment.strip()
    return found


def publishing(services: Services, order: ReplayOrder, total: int) -> Seen:
    """Tells the pages that watch how far it is."""
    done = 0

    def publish(step: StepResult) -> None:
        nonlocal done
        done += 1
        if services.live.listening:
            facts = {"of": order.recording, "step": step.step, "outcome": step.outcome, "status": step.status}
            services.live.publish("replay", facts | {"done": done, "total": total})

    return publish

"""The result of a replay: its steps, its outcome, as JSON and as JUnit XML. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from xml.sax.saxutils import escape, quoteattr

from ..correlation import Binding, Correlations, extract
from ..model.exchange import Exchange
from .assertions import Checked, checked_json
from .compare import Comparison
from .differences.difference import Difference, difference_json
from .differences.noise import EXPECTED
from .error_card import Card, card_json
from .plan import outline
from .stale_values import Doubt, doubt_json, source_words

Outcome = Literal["same", "expected", "unsure", "differs", "stopped", "skipped"]

WORST_FIRST: Final[tuple[Outcome, ...]] = ("stopped", "differs", "unsure", "expected", "same")
# As pages and terminals say them: (a sign, words). Colour is never all there is.
LABELS: Final = {
    "same": ("=", "same"), "expected": ("=", "same, except ids and times"), "unsure": ("?", "not sure why"),
    "differs": ("≠", "differs"),
    "stopped": ("!", "not sent: needs a decision"), "skipped": ("-", "left out"), "removed": ("-", "not sent"),
    "added": ("+", "extra"),
}  # fmt: skip
UNREACHABLE: Final = frozenset(
    ("dns_timeout", "dns_error", "connection_timeout", "destination_ip_unroutable", "connection_refused",
     "tls_protocol_error", "tls_certificate_error", "tls_alert_received")
)  # fmt: skip
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 section 2.2


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step of a replay. `message` says why it stopped, was skipped, or what is to be known about it."""

    step: int
    method: str
    path: str
    outcome: Outcome
    status: int | None = None
    recorded_status: int | None = None
    differences: tuple[Difference, ...] = ()
    bindings: tuple[str, ...] = ()
    message: str = ""
    exchange: str = ""  # the id of the live one
    where: str = ""  # "orders@qa"
    failure: str = ""
    took_ms: float | None = None
    card: Card | None = None  # why it failed where the other run did not
    assertions: tuple[Checked, ...] = ()
    doubts: tuple[Doubt, ...] = ()  # of a stopped one: what somebody may decide


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """A whole replay. `recording` is "" when nothing was sent."""

    recording: str
    of: str
    steps: tuple[StepResult, ...]
    warnings: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()  # ids of correlations that this run has proved

    @property
    def outcome(self) -> Outcome:
        """The worst of the steps'."""
        found = {step.outcome for step in self.steps}
        return next((outcome for outcome in WORST_FIRST if outcome in found), "same")

    @property
    def unreachable(self) -> StepResult | None:
        """The first step whose upstream could not be reached."""
        return next((step for step in self.steps if step.failure in UNREACHABLE and step.outcome == "differs"), None)


def exit_code(result: ReplayResult) -> int:
    """0 same or as expected, 4 an upstream could not be reached, else 1."""
    if result.unreachable:
        return 4
    return 0 if result.outcome in ("same", "expected") else 1


def step_json(step: StepResult) -> dict[str, Any]:
    """A step in the contract's shape, and a little more."""
    return {
        "step": step.step,
        "status": step.status,
        "recorded_status": step.recorded_status,
        "outcome": step.outcome,
        "differences": [difference_json(difference) for difference in step.differences],
        "bindings": list(step.bindings),
        "method": step.method,
        "path": step.path,
        "where": step.where or None,
        "exchange": step.exchange or None,
        "failure": step.failure or None,
        "message": step.message or None,
        "took_ms": step.took_ms,
        "card": None if step.card is None else card_json(step.card),
        "assertions": [checked_json(one) for one in step.assertions],
        "doubts": [doubt_json(one) for one in step.doubts],
    }


def result_json(result: ReplayResult) -> dict[str, Any]:
    """A replay in the contract's shape."""
    return {
        "recording": result.recording or None,
        "of": result.of,
        "outcome": result.outcome,
        "unreachable": result.unreachable.step if result.unreachable else None,
        "steps": [step_json(step) for step in result.steps],
        "warnings": list(result.warnings),
        "confirmed": list(result.confirmed),
    }


def junit(results: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """JUnit XML of replays (name, their JSON): a test case for every step, as CI servers read it."""
    suites = "".join(_suite(name, result) for name, result in results)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n{suites}</testsuites>\n'


def _suite(name: str, result: dict[str, Any]) -> str:
    steps: list[dict[str, Any]] = result["steps"]
    counts = {
        kind: sum(step["outcome"] == kind for step in steps) for kind in ("differs", "unsure", "stopped", "skipped")
    }
    took = sum(step.get("took_ms") or 0 for step in steps) / 1000
    numbers = {
        "tests": len(steps), "failures": counts["differs"] + counts["unsure"], "errors": counts["stopped"],
        "skipped": counts["skipped"],
        "time": f"{took:.3f}",
    }  # fmt: skip
    told = " ".join(f"{key}={_attribute(value)}" for key, value in numbers.items())
    head = f"<testsuite name={_attribute(name)} {told}>"
    return f"  {head}\n" + "".join(_case(name, step) for step in steps) + "  </testsuite>\n"


def _case(name: str, step: dict[str, Any]) -> str:
    title = f"{step['step']} {step['method']} {step['path']}"
    took = f"{(step.get('took_ms') or 0) / 1000:.3f}"
    head = f"    <testcase classname={_attribute(name)} name={_attribute(title)} time={_attribute(took)}"
    outcome, message = step["outcome"], step.get("message") or ""
    if outcome in ("differs", "unsure"):
        real = [one for one in step["differences"] if is_told(one)]
        broken = [assertion_line(one) for one in step.get("assertions", ()) if not one["passed"]]
        lines = "\n".join([*broken, *map(difference_line, real)])
        first = lines.partition("\n")[0]
        return f"{head}>\n      <failure message={_attribute(first)}>{_text(lines)}</failure>\n    </testcase>\n"
    if outcome == "stopped":
        return f"{head}>\n      <error message={_attribute(message)}/>\n    </testcase>\n"
    if outcome == "skipped":
        return f"{head}>\n      <skipped message={_attribute(message)}/>\n    </testcase>\n"
    return f"{head}/>\n"


def is_told(difference: dict[str, Any]) -> bool:
    """Whether a difference in its JSON form is more than what every run has of its own."""
    return difference["cause"] not in EXPECTED and difference["severity"] != "none"


def assertion_line(assertion: dict[str, Any]) -> str:
    """ "status=201 does not hold: the status is 404"."""
    return f"{assertion['assertion'].partition(':')[2][:200]} does not hold: {assertion['message']}"


def difference_line(difference: dict[str, Any]) -> str:
    """ "response.body /price: 12.5 -> 13 (real)"."""
    place = " ".join(word for word in (difference["where"], difference["pointer"]) if word)
    before, after = (json.dumps(difference[side], ensure_ascii=False) for side in ("recorded", "replayed"))
    change = {
        "removed": f"{before} is gone",
        "added": f"{after} is new",
        "order": "the same items in another order",
    }.get(difference["kind"], f"{before} -> {after}")
    reason = difference["why"] or difference["cause"]
    return f"{place}: {change} ({reason})"


def _attribute(value: object) -> str:
    return quoteattr(NO_XML.sub("?", str(value)))


def _text(value: str) -> str:
    return escape(NO_XML.sub("?", value))


def unsent(comparison: Comparison, correlations: Correlations) -> Mapping[int, str]:
    """step of the recording -> why it was not sent; `correlations` are those of the recording."""
    found: dict[int, str] = {}
    answers: dict[int, Exchange] = {}
    gone = [pair.recorded for pair in comparison.steps if pair.recorded and not pair.replayed]
    for pair in comparison.steps:
        if pair.recorded and pair.replayed:
            answers[pair.recorded.step] = pair.replayed
    last, stopped = max(answers, default=0), 0
    for one in gone:
        if stopped and one.step > last:
            found[one.step] = f"the run stopped at step {stopped}"
        elif lacking := _lacking(one.step, correlations, answers):
            found[one.step] = lacking
            stopped = one.step
        else:
            found[one.step] = f"the run ended after step {last}" if last and one.step > last else "it was left out"
    return found


def _lacking(step: int, correlations: Correlations, answers: Mapping[int, Exchange]) -> str:
    """The first value that the step needs and that came in no response of the run; "" when all came."""
    for binding in correlations.of_step(step):
        if (answer := answers.get(binding.source.step)) and not _is_there(binding, answers):
            came = f"{answer.response.status} with {outline(answer.response)}" if answer.response else "nothing"
            return f"{binding.variable} is missing: it comes from {source_words(binding.source)}, which answered {came}"
    return ""


def _is_there(binding: Binding, answers: Mapping[int, Exchange]) -> bool:
    sources = (binding.source, *binding.alternates)
    return any(
        extract(answers[one.step], one, binding.transforms) is not None for one in sources if one.step in answers
    )

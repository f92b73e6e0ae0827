"""Replays and comparisons as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ...model.text import visible
from ...replay.error_card import shared_causes
from ...replay.report import assertion_line, difference_line, is_told
from ..recordings.text import cut, table

MOST: Final = 12  # differences of one step; --json shows all
SIGNS: Final = {"same": "=", "expected": "~", "unsure": "?", "differs": "x", "stopped": "!", "skipped": "-"}


def result_text(result: Mapping[str, Any]) -> str:
    """A replay: a table of its steps, what differs below, and the verdict."""
    rows = [
        (
            str(step["step"]), visible(step["method"]), _or(step["recorded_status"]), _or(step["status"]),
            step["outcome"], visible(step["where"] or ""), cut(step["path"], 60), ", ".join(step["bindings"]),
        )
        for step in result["steps"]
    ]  # fmt: skip
    head = ("step", "method", "then", "now", "outcome", "where", "path", "rebound")
    lines = [f"warning: {visible(warning)}" for warning in result["warnings"]]
    lines += [table(head, rows, right=frozenset(("step",))), ""]
    lines += _all_told(result["steps"])
    if proved := len(result["confirmed"]):
        lines.append(f"{proved} correlation{'s' if proved > 1 else ''} confirmed: source and request moved together")
    return "\n".join([*lines, verdict(result)])


def _all_told(steps: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What is to be said about every step; an equal cause is shown once, with its count."""
    causes = shared_causes((step["step"], step["card"]) for step in steps if step.get("card"))
    for step in steps:
        first, _ = causes.get(step["step"], (step["step"], ()))
        yield from _told(step if first == step["step"] else step | {"card": None})
    for number, (first, more) in causes.items():
        if more and number == first:
            yield f"the cause of step {first} is that of steps {', '.join(map(str, more))}, too: {len(more) + 1} in all"


def _told(step: dict[str, Any]) -> Iterator[str]:
    """What is to be said about one step."""
    if step["outcome"] == "stopped" or (step["message"] and step["outcome"] != "skipped"):
        yield f"step {step['step']}: {visible(step['message'])}"
    yield from (
        f"step {step['step']}: {visible(assertion_line(one))}" for one in step["assertions"] if not one["passed"]
    )
    found = [one for one in step["differences"] if is_told(one)]
    for one in found[:MOST]:
        yield f"step {step['step']}: {cut(difference_line(one), 400)}"
    if len(found) > MOST:
        yield f"step {step['step']}: ... and {len(found) - MOST} more; --json shows all"
    if step.get("card"):
        yield from card_lines(step["card"])


def card_lines(card: dict[str, Any]) -> Iterator[str]:
    """The 404 card: its sentence, then what separates the two."""
    yield f"  {visible(card['sentence'])}"
    if card["rows"]:
        rows = [(visible(row["place"]), cut(row["failing"], 40), cut(row["succeeding"], 40)) for row in card["rows"]]
        head = ("", f"answers {card['status']}", "answers well")
        yield from (f"    {line}" for line in table(head, rows).split("\n"))


def verdict(result: Mapping[str, Any]) -> str:
    """ "differs at step 2 · recording 01J…"."""
    outcome = result["outcome"]
    first = next((step["step"] for step in result["steps"] if step["outcome"] == outcome), None)
    where = f" at step {first}" if outcome in ("unsure", "differs", "stopped") else ""
    if result["unreachable"] is not None:
        where += f"; the upstream of step {result['unreachable']} cannot be reached"
    recorded = f"recorded as {result['recording']}" if result["recording"] else "nothing was sent"
    words = {
        "same": "the same", "expected": "as expected: only ids, times and the like differ",
        "unsure": "not sure: something differs, and nothing says why", "stopped": "not sent: needs a decision",
    }  # fmt: skip
    return f"{words.get(outcome, outcome)}{where} · {recorded}"


def matrix_text(runs: Sequence[Mapping[str, Any]]) -> str:
    """The same chain on several environments: a row per step, a column per run."""
    names = [" ".join(f"{key}={value}" for key, value in run["to"].items()) for run in runs]
    rows = []
    for index, step in enumerate(runs[0]["steps"]):
        cells = [_cell(run["steps"][index]) for run in runs]
        rows.append(
            (str(step["step"]), f"{step['method']} {cut(step['path'], 50)}", _or(step["recorded_status"]), *cells)
        )
    lines = [table(("step", "request", "recorded", *names), rows, right=frozenset(("step",))), ""]
    for name, run in zip(names, runs, strict=True):
        lines += [f"{name}: {line}" for line in _all_told(run["steps"])]
        lines.append(f"{name}: {verdict(run)}")
    return "\n".join(
        [
            *lines,
            "",
            "= the same   ~ as expected   ? not sure why   x differs   ! not sent: needs a decision   - left out",
        ]
    )


def _cell(step: Mapping[str, Any]) -> str:
    return f"{SIGNS[step['outcome']]} {_or(step['status'])}"


def comparison_text(found: Mapping[str, Any], *, all: bool = False) -> str:
    """Two recordings or steps: what differs, step by step; `all` tells what every run changes, too."""
    lines = []
    for step in found["steps"]:
        place = f"{_or(step['a'])} | {_or(step['b'])}"
        status = " -> ".join(dict.fromkeys(map(_or, step["status"])))
        lines.append(f"{place:<9} {step['outcome']:<8} {visible(step['method'])} {cut(step['path'], 80)} {status}")
        shown = [one for one in step["differences"] if all or is_told(one)]
        lines += [f"          {cut(difference_line(one), 400)}" for one in shown[: None if all else MOST]]
        lines += [f"        {line}" for line in (card_lines(step["card"]) if step["card"] else ())]
        if not all and len(shown) > MOST:
            lines.append(f"          ... and {len(shown) - MOST} more; --all shows them")
    words = {
        "same": "the same", "expected": "as expected: only ids, times and the like differ (--all shows them)",
        "unsure": "not sure: something differs, and nothing says why",
    }  # fmt: skip
    first = f", first at step {found['first']}" if found["first"] is not None and len(found["steps"]) > 1 else ""
    return "\n".join([*lines, "", words.get(found["outcome"], found["outcome"]) + (first if found["first"] else "")])


def _or(value: Any) -> str:
    return "-" if value is None else str(value)

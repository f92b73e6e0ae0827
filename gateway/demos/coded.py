"""Steps in Python beside those of demo.yaml: checked by the same rules, one Step model for both. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import Problem
from .check import check_values
from .code import Coded
from .config import Place, Step
from .nodes import Report, read_yaml
from .parse import Parsed, check_after, step_of
from .writing import flow

UNSAID = ("body", "query", "send", "page", "headers", "form")  # what a function says itself


@dataclass(frozen=True, slots=True)
class _Made:
    step: Step | None
    problems: tuple[Problem, ...]


def with_code(parsed: Parsed, coded: Sequence[Coded], *, file: str) -> Parsed:
    """The demo with its functions' steps after its own; `file` is theirs."""
    demo = parsed.demo
    if demo is None:
        return parsed
    report, steps = Report(file), {step.slug: step for step in demo.steps}
    for each in coded:
        made = _step(each, file)
        report.problems += made.problems
        if made.step is None or made.problems:
            continue
        if made.step.slug in steps:
            report.add(Place(each.line), "title", f"'{made.step.title}' is the name of another step too")
        check_after(made.step, steps, "after", report)
        steps.setdefault(made.step.slug, made.step)
    whole = replace(demo, steps=tuple(steps.values()))
    if not report.problems:
        check_values(whole, report)
    problems = (*parsed.problems, *report.problems)
    return Parsed(None if report.problems else whole, problems)


def _step(coded: Coded, file: str) -> _Made:
    unsaid = sorted(set(coded.spec) & set(UNSAID) - {"form"})
    place = Place(coded.line)
    if unsaid:
        return _Made(None, (Problem(file, coded.line, 1, unsaid[0], "is for the function to say, in its call()"),))
    report = Report(file)
    try:
        node = read_yaml(flow(coded.spec).encode("utf-8", "surrogatepass"), report)
    except TypeError as error:  # a value that YAML has no word for
        return _Made(None, (Problem(file, coded.line, 1, "", str(error)),))
    step = step_of(node, coded.function.__name__, report, ()) if node is not None else None
    problems = tuple(replace(problem, line=coded.line, column=1) for problem in report.problems)
    if step is None:
        return _Made(None, problems)
    if any(one.call is not None or one.body is not None for one in step.what_ifs):
        message = "the function says itself what it calls: use set, unset, headers, via or delay"
        return _Made(None, (*problems, Problem(file, coded.line, 1, "what_if", message)))
    own = frozenset(field.name for field in step.fields)
    uses = tuple(replace(use, place=place, own=use.own | own) for use in step.uses)
    return _Made(replace(step, run=coded.function, place=place, uses=uses, after_place=place), problems)

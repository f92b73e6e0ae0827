"""Steps in Python beside those of demo.yaml, or a demo that is a Python file alone. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ...errors import Problem
from ..authoring.yaml_text import flow
from .check import check_values
from .function_source import FunctionSource, sources_of
from .parse import ParsedDemo, check_after, demo_of, step_of
from .python_api import STEP, WHAT_IFS, DeclaredModule, StepMark, WhatIfMark, form_of
from .schema import Demo, DemoPlace, DemoStep, ValueUse, WhatIf
from .yaml import Report, read_yaml

UNSAID: Final = ("body", "query", "send", "headers", "form")  # what a function says itself
NO_CALL: Final = 'its function has no call("METHOD cluster:/path") to show; add call="METHOD cluster:/path"'


@dataclass(frozen=True, slots=True)
class Coded:
    """One decorated function and what demo.yaml would say of its step."""

    function: Callable[..., Any]
    spec: Mapping[str, Any]
    line: int
    source: FunctionSource
    what_if_lines: Mapping[str, int]
    problem: str = ""  # with its signature


def coded_steps(module: Mapping[str, Any], text: bytes) -> tuple[Coded, ...]:
    """The decorated functions of a module, in the order in which they stand there; `text` is the module's."""
    sources = sources_of(text)
    found = [_coded(each, sources) for each in module.values() if isinstance(getattr(each, STEP, None), StepMark)]
    return tuple(sorted(found, key=lambda each: each.line))


def _coded(function: Callable[..., Any], sources: Mapping[int, FunctionSource]) -> Coded:
    mark: StepMark = getattr(function, STEP)
    what_ifs: list[WhatIfMark] = getattr(function, WHAT_IFS, [])
    line: int = function.__code__.co_firstlineno
    source = sources.get(line, FunctionSource())
    about = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
    spec = ({"about": about} if about else {}) | {"call": source.call} | dict(mark.keys)
    named = {each.name: each.spec for each in what_ifs}
    spec["what_if"] = {**(spec.get("what_if") or {}), **named}
    form, problem = {}, ""
    try:
        form = form_of(function)
    except Exception as error:  # a type in the signature may be any expression
        problem = f"{type(error).__name__}: {error}"
    spec = {"title": mark.title, **spec, "form": form}
    return Coded(function, spec, line, source, {each.name: each.line for each in what_ifs}, problem)


def python_demo(declared: DeclaredModule, about: str, *, name: str, file: str, files: Collection[str]) -> ParsedDemo:
    """The demo that a Python file is, without its steps; `about` is the module's docstring, whose first line is the
    title where `demo(...)` does not give one."""
    report = Report(file)
    first, _, rest = inspect.cleandoc(about).partition("\n")
    own = {"title": first.strip().rstrip(".") or name, "about": " ".join(rest.strip().split("\n\n")[0].split())}
    try:
        node = read_yaml(flow({**own, **declared.demo}).encode("utf-8", "surrogatepass"), report)
    except TypeError as error:  # a value that YAML has no word for
        return ParsedDemo(None, (Problem(file, declared.demo_line, 1, "", str(error)),))
    demo = demo_of(node, name, report, files, steps=()) if node is not None else None
    problems = tuple(replace(each, line=declared.demo_line, column=1) for each in report.problems)
    return ParsedDemo(None if problems else demo, problems)


@dataclass(frozen=True, slots=True)
class _StepOrProblems:
    step: DemoStep | None
    problems: tuple[Problem, ...]


def with_code(parsed: ParsedDemo, coded: Sequence[Coded], *, file: str, files: Collection[str] = ()) -> ParsedDemo:
    """The demo with its functions' steps after its own; `file` is theirs, `files` are the names of those beside it."""
    demo = parsed.demo
    if demo is None:
        return parsed
    report, steps = Report(file), {step.slug: step for step in demo.steps}
    for each in coded:
        made = _step(each, file, files, demo.page)
        report.problems += made.problems
        if made.step is None or made.problems:
            continue
        if made.step.slug in steps:
            report.add(DemoPlace(each.line), "title", f"'{made.step.title}' is the name of another step too")
        check_after(made.step, steps, "after", report)
        steps.setdefault(made.step.slug, made.step)
    whole: Demo = replace(demo, steps=tuple(steps.values()))
    if not report.problems:
        check_values(whole, report)
    problems = (*parsed.problems, *report.problems)
    return ParsedDemo(None if report.problems else whole, problems)


def _step(coded: Coded, file: str, files: Collection[str], page: str) -> _StepOrProblems:
    problem = _problem(coded)
    if problem is not None:
        return _StepOrProblems(None, (Problem(file, coded.line, 1, *problem),))
    report = Report(file)
    try:
        node = read_yaml(flow(coded.spec).encode("utf-8", "surrogatepass"), report)
    except TypeError as error:  # a value that YAML has no word for
        return _StepOrProblems(None, (Problem(file, coded.line, 1, "", str(error)),))
    step = step_of(node, coded.function.__name__, report, files) if node is not None else None
    problems = tuple(replace(each, line=_place(coded, each.path).line, column=1) for each in report.problems)
    if step is None:
        return _StepOrProblems(None, problems)
    place, source = DemoPlace(coded.line), coded.source
    own = frozenset(field.name for field in step.fields)
    uses = [replace(use, place=_place(coded, use.path), own=use.own | own) for use in step.uses]
    shown = f"{coded.function.__name__}.call"
    if source.call == coded.spec["call"]:  # the places of an f-string are filled in by Python
        uses = [use for use in uses if use.path != shown] + [ValueUse(source.needs, shown, place, own)]
    made = replace(
        step, call=replace(step.call, place=place), what_ifs=tuple(_placed(each, coded) for each in step.what_ifs),
        page=step.page or page, run=coded.function, place=place, uses=tuple(uses), after_place=place,
        returns=source.returns,
        parts=source.parts or {},
    )  # fmt: skip
    return _StepOrProblems(made, problems)


def _problem(coded: Coded) -> tuple[str, str] | None:
    """(where, what) is wrong with the function itself."""
    if coded.problem:
        return coded.function.__name__, coded.problem
    if coded.source.is_async or inspect.iscoroutinefunction(coded.function):
        return coded.function.__name__, "write def, not async def: call(...) waits for the response by itself"
    unsaid = sorted(set(coded.spec) & set(UNSAID) - {"form"})
    if unsaid:
        return unsaid[0], "is for the function to say, in its call()"
    if not coded.spec["call"]:
        return coded.function.__name__, NO_CALL
    return None


def _placed(what_if: WhatIf, coded: Coded) -> WhatIf:
    """A what-if that stands where its decorator does."""
    place = DemoPlace(coded.what_if_lines.get(what_if.name, coded.line))
    call = replace(what_if.call, place=place) if what_if.call else None
    return replace(what_if, place=place, call=call, via_places=dict.fromkeys(what_if.via_places or {}, place))


def _place(coded: Coded, path: str) -> DemoPlace:
    """The decorator that says what stands at this path."""
    lines = (line for name, line in coded.what_if_lines.items() if f".what_if.{name}" in path)
    return DemoPlace(next(lines, coded.line))

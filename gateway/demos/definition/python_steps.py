"""Steps in Python, for what demo.yaml cannot say: `@demo.step(...)`, the signature is the form. Pure.

A function gives one call, or yields several and is sent the response of each; what it returns as a mapping is kept.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as with_default
from types import FunctionType
from typing import Any, TypeVar

from ...errors import Problem
from ..authoring.yaml_text import flow
from .check import check_values
from .keep_rules import StepResponse
from .parse import ParsedDemo, check_after, step_of
from .schema import DemoPlace, DemoStep, Upload
from .yaml import Report, read_yaml

Function = TypeVar("Function", bound=FunctionType)
KINDS: tuple[tuple[type, str], ...] = (
    (bool, "checkbox"), (int, "number"), (float, "number"), (str, "text"), (Upload, "file"), (dict, "json"),
    (list, "json"),
)  # fmt: skip
SESSION = "session"  # a parameter of this name is given the session's values
MARK = "__gateway_step__"


@dataclass(frozen=True, slots=True)
class WantedCall:
    """A call that a function asks for: "POST orders:/orders", with a JSON body, a form, bytes, or none."""

    target: str
    json: Any = None
    form: Mapping[str, Any] | None = None
    body: bytes | None = None
    query: Mapping[str, Any] = with_default(default_factory=dict)
    headers: Mapping[str, str] = with_default(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a function is sent after its call."""

    answer: StepResponse

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def text(self) -> str:
        return self.answer.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The JSON of the response; ValueError when it is none."""
        return json.loads(self.answer.body)

    def header(self, name: str) -> str:
        return next((value for key, value in self.answer.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class Coded:
    """One decorated function and what demo.yaml would say of its step."""

    function: Callable[..., Any]
    spec: Mapping[str, Any]
    line: int


def call(
    target: str,
    *,
    json: Any = None,
    form: Mapping[str, Any] | None = None,
    body: bytes | None = None,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> WantedCall:
    """ "METHOD cluster:/path" as in demo.yaml, its path written out and percent-encoded where it needs to be."""
    return WantedCall(target, json, form, body, query or {}, headers or {})


def step(title: str, *, call: str, **more: Any) -> Callable[[Function], Function]:
    """Make a step of a function. `call` is what the page shows of it; `more` are keys of a step: about, after, expect,
    why, keep, what_if."""

    def mark(function: Function) -> Function:
        spec = {"title": title, "call": call, **more, "form": form_of(function)}
        setattr(function, MARK, Coded(function, spec, function.__code__.co_firstlineno))
        return function

    return mark


def field(**keys: Any) -> Mapping[str, Any]:
    """Keys of a field beside its type, as demo.yaml has them: `qty: Annotated[int, field(min=1)] = 1`."""
    return keys


def form_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The fields that a signature asks for, as demo.yaml would declare them."""
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    return {one.name: _field(one, hints.get(one.name, str)) for one in parameters if one.name != SESSION}


def _field(parameter: inspect.Parameter, hint: Any) -> Any:
    default = None if parameter.default is inspect.Parameter.empty else parameter.default
    if typing.get_origin(hint) is typing.Annotated:
        plain, *extras = typing.get_args(hint)
        keys = {key: value for extra in extras if isinstance(extra, Mapping) for key, value in extra.items()}
        declared = _field(parameter, plain)
        return (declared if isinstance(declared, dict) else {"default": declared}) | keys
    if typing.get_origin(hint) is typing.Literal:
        return {"choices": list(typing.get_args(hint)), "default": default}
    options = [each for each in typing.get_args(hint) if each is not type(None)] or [hint]
    plain = typing.get_origin(options[0]) or options[0]
    kind = next((name for known, name in KINDS if isinstance(plain, type) and issubclass(plain, known)), "text")
    return default if kind == "text" else {"type": kind, "default": default}


def coded_steps(module: Mapping[str, Any]) -> tuple[Coded, ...]:
    """The decorated functions of a module, in the order in which they stand there."""
    found = [getattr(each, MARK) for each in module.values() if hasattr(each, MARK)]
    return tuple(sorted(found, key=lambda each: each.line))


def arguments(function: Callable[..., Any], fields: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What the function is called with; an empty field is its default, or None."""
    found: dict[str, Any] = {}
    for one in inspect.signature(function).parameters.values():
        empty = None if one.default is inspect.Parameter.empty else one.default
        given = fields.get(one.name)
        found[one.name] = dict(values) if one.name == SESSION else empty if given is None else given
    return found


UNSAID = ("body", "query", "send", "page", "headers", "form")  # what a function says itself


@dataclass(frozen=True, slots=True)
class _StepOrProblems:
    step: DemoStep | None
    problems: tuple[Problem, ...]


def with_code(parsed: ParsedDemo, coded: Sequence[Coded], *, file: str) -> ParsedDemo:
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
            report.add(DemoPlace(each.line), "title", f"'{made.step.title}' is the name of another step too")
        check_after(made.step, steps, "after", report)
        steps.setdefault(made.step.slug, made.step)
    whole = replace(demo, steps=tuple(steps.values()))
    if not report.problems:
        check_values(whole, report)
    problems = (*parsed.problems, *report.problems)
    return ParsedDemo(None if report.problems else whole, problems)


def _step(coded: Coded, file: str) -> _StepOrProblems:
    unsaid = sorted(set(coded.spec) & set(UNSAID) - {"form"})
    place = DemoPlace(coded.line)
    if unsaid:
        return _StepOrProblems(
            None, (Problem(file, coded.line, 1, unsaid[0], "is for the function to say, in its call()"),)
        )
    report = Report(file)
    try:
        node = read_yaml(flow(coded.spec).encode("utf-8", "surrogatepass"), report)
    except TypeError as error:  # a value that YAML has no word for
        return _StepOrProblems(None, (Problem(file, coded.line, 1, "", str(error)),))
    step = step_of(node, coded.function.__name__, report, ()) if node is not None else None
    problems = tuple(replace(problem, line=coded.line, column=1) for problem in report.problems)
    if step is None:
        return _StepOrProblems(None, problems)
    if any(one.call is not None or one.body is not None for one in step.what_ifs):
        message = "the function says itself what it calls: use set, unset, headers, via or delay"
        return _StepOrProblems(None, (*problems, Problem(file, coded.line, 1, "what_if", message)))
    own = frozenset(field.name for field in step.fields)
    uses = tuple(replace(use, place=place, own=use.own | own) for use in step.uses)
    return _StepOrProblems(replace(step, run=coded.function, place=place, uses=uses, after_place=place), problems)

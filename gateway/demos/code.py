"""Steps in Python, for what demo.yaml cannot say: `@demo.step(...)`, the signature is the form. Pure.

A function gives one call, or yields several and is sent the answer of each; what it returns as a mapping is kept.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, TypeVar

from .config import Upload
from .keep import Answer

Function = TypeVar("Function", bound=FunctionType)
KINDS: tuple[tuple[type, str], ...] = (
    (bool, "checkbox"), (int, "number"), (float, "number"), (str, "text"), (Upload, "file"), (dict, "json"),
    (list, "json"),
)  # fmt: skip
SESSION = "session"  # a parameter of this name is given the session's values
MARK = "__gateway_step__"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that a function asks for: "POST orders:/orders", with a JSON body, a form, bytes, or none."""

    target: str
    json: Any = None
    form: Mapping[str, Any] | None = None
    body: bytes | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a function is sent after its call."""

    answer: Answer

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def text(self) -> str:
        return self.answer.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The JSON of the answer; ValueError when it is none."""
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
) -> Wanted:
    """ "METHOD cluster:/path" as in demo.yaml, its path written out and percent-encoded where it needs to be."""
    return Wanted(target, json, form, body, query or {}, headers or {})


def step(title: str, *, call: str, **more: Any) -> Callable[[Function], Function]:
    """Make a step of a function. `call` is what the page shows of it; `more` are keys of a step: about, after, expect,
    why, keep, what_if."""

    def mark(function: Function) -> Function:
        spec = {"title": title, "call": call, **more, "form": form_of(function)}
        setattr(function, MARK, Coded(function, spec, function.__code__.co_firstlineno))
        return function

    return mark


def form_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The fields that a signature asks for, as demo.yaml would declare them."""
    hints = typing.get_type_hints(function)
    parameters = inspect.signature(function).parameters.values()
    return {one.name: _field(one, hints.get(one.name, str)) for one in parameters if one.name != SESSION}


def _field(parameter: inspect.Parameter, hint: Any) -> Any:
    default = None if parameter.default is inspect.Parameter.empty else parameter.default
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
